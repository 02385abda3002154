"""What goes over the wire between the hub's service and whoever asks it; `labkit_hub` imports the same models.

What is asked is strict: an unknown field is refused. What is answered may have more fields in a later version; they are ignored.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from labkit.runs.records import RunId

__all__ = [
    "HUB_END_STATES",
    "Announcement",
    "Answer",
    "Ask",
    "CourseItem",
    "CourseRole",
    "DeviceCount",
    "HubRunItem",
    "HubRunList",
    "HubRunState",
    "NewHubRun",
    "RunMoveAsk",
    "RunProfile",
    "RunReport",
    "Standing",
]

CourseRole = Literal["professor", "assistant", "student"]

HubRunState = Literal["waiting", "starting", "running", "cancelling", "done", "failed", "cancelled", "lost"]
"""How the hub sees a run: it waits for a device, its server starts, it computes, it is being stopped, or it has ended for good."""

HUB_END_STATES: frozenset[HubRunState] = frozenset({"done", "failed", "cancelled", "lost"})


class Ask(BaseModel):
    """Something that is sent to the service."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(BaseModel):
    """Something that the service answers with."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class NewHubRun(Ask):
    """``PUT /api/runs/{id}``: put a run into the hub's line; asking twice for the same run is asking once.

    Attributes
    ----------
    path : str
        The project's folder of runs (``.../runs``), relative to the person's home, with ``/``.
    course : str, optional
        For which of the person's courses it computes; its hours are counted there.
    profile : str, optional
        Slug of the profile of the server that carries it out; by default the first that the person may use with a device.
    time_limit_s : float, optional
        How long it may compute; never longer than the profile allows.
    """

    title: Annotated[str, Field(max_length=300)] = ""
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    path: Annotated[str, Field(min_length=1, max_length=1000)]
    course: Annotated[str, Field(max_length=64)] | None = None
    profile: Annotated[str, Field(max_length=64)] | None = None
    time_limit_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    resumes: RunId | None = None

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str) -> str:
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts or "\0" in path or str(parts) == ".":
            raise ValueError("must be a folder inside the home, without '..'")
        return str(parts)


class HubRunItem(Answer):
    """A run as the hub sees it.

    Attributes
    ----------
    place : int or None
        How many runs come before it in the line (0: it is the next); None unless it waits.
    reason : str
        Why it waits, or how it ended, in a sentence.
    progress : str
        What it last said of itself, such as ``epoch 3 of 10``.
    device : str or None
        What it computes on, as a person calls it.
    page : str
        The address path of its page in the service.
    """

    id: RunId
    owner: str
    title: str = ""
    kind: str
    course: str | None = None
    path: str
    profile: str
    state: HubRunState
    place: int | None = None
    reason: str = ""
    progress: str = ""
    device: str | None = None
    submitted: AwareDatetime
    started: AwareDatetime | None = None
    ended: AwareDatetime | None = None
    time_limit_s: float | None = None
    resumes: RunId | None = None
    page: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether the state is an end state."""
        return self.state in HUB_END_STATES


class HubRunList(Answer):
    """``GET /api/runs``: the caller's runs, the newest first."""

    runs: tuple[HubRunItem, ...] = ()


class RunMoveAsk(Ask):
    """``POST /api/runs/{id}/move``: the place among the caller's own waiting runs (0: the first of them)."""

    place: Annotated[int, Field(ge=0)]


class RunReport(Ask):
    """``POST /api/runs/{id}/report``: what the run's own server says of it; the lease of its device does not hang on it."""

    state: Literal["running", "cancelling", "done", "failed", "cancelled", "lost"]
    reason: Annotated[str, Field(max_length=4000)] = ""
    progress: Annotated[str, Field(max_length=300)] = ""


class DeviceCount(Answer):
    """Devices of the hub: how many there are, are free, and how many runs wait."""

    total: int = 0
    free: int = 0
    waiting: int = 0


class CourseItem(Answer):
    """A course of the caller."""

    id: str
    title: str
    role: CourseRole
    hours_left: float | None = None


class RunProfile(Answer):
    """A profile that the caller's runs may use."""

    slug: str
    title: str
    description: str = ""
    gpus: int = 0
    longest_h: float


class Announcement(Answer):
    """What an admin tells everybody."""

    text: str
    since: AwareDatetime


class Standing(Answer):
    """``GET /api/me``: who the caller is and what may be done now.

    Attributes
    ----------
    pause : str
        Why no run starts just now; empty when the line goes on.
    hours_left : float or None
        Device-hours that the caller may still use; None without a limit.
    """

    name: str
    is_admin: bool = False
    courses: tuple[CourseItem, ...] = ()
    profiles: tuple[RunProfile, ...] = ()
    devices: DeviceCount = DeviceCount()
    pause: str = ""
    hours_left: float | None = None
    announcement: Announcement | None = None
