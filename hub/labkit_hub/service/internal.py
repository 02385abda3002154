"""What hub and service say to one another; nobody else may ask these addresses."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from labkit.client.wire import Announcement, Answer, Ask, DeviceCount
from labkit.runs.records import RunId

__all__ = ["Admission", "Admitted", "Launch", "LeasedDevice", "Notice", "Offer", "Offered", "RunTask", "Stopped"]


class Admission(Ask):
    """``POST internal/admit``: whether a server may start, and with what.

    Attributes
    ----------
    server : str
        Name of the server; empty for the person's own.
    profile : str
        What was asked for; empty takes the first that the person may use.
    ticket : str, optional
        The one-time ticket of a run's server.
    by : {"service", "person"}
        Who asked the hub for the server: this service, or somebody else.
    """

    user: Annotated[str, Field(min_length=1, max_length=255)]
    server: Annotated[str, Field(max_length=255)] = ""
    profile: Annotated[str, Field(max_length=64)] = ""
    ticket: Annotated[str, Field(max_length=200)] | None = None
    by: Literal["service", "person"] = "person"
    is_admin: bool = False


class LeasedDevice(Answer):
    """A device that this server holds; ``key`` is its UUID, or ``fake-0``."""

    key: str
    kind: Literal["nvidia", "fake"]


class RunTask(Answer):
    """What a run's server carries out; ``path`` is the folder of runs relative to the person's home.

    ``grades`` says that it is a grading run: what it does it fetches from the service.
    """

    id: RunId
    path: str
    kind: str = ""
    grades: bool = False


class Admitted(Answer):
    """The server may start.

    Attributes
    ----------
    profile : str
        Slug of the profile that holds.
    until : datetime, optional
        When it will be stopped at the latest.
    """

    profile: str
    devices: tuple[LeasedDevice, ...] = ()
    run: RunTask | None = None
    until: AwareDatetime | None = None


class Stopped(Ask):
    """``POST internal/stopped``: the hub says that a server has stopped; a hint to look, no proof."""

    user: Annotated[str, Field(min_length=1, max_length=255)]
    server: Annotated[str, Field(max_length=255)] = ""


class Offer(Ask):
    """``POST internal/offer``: what somebody may start from the spawn page; nothing is decided by it."""

    user: Annotated[str, Field(min_length=1, max_length=255)]
    is_admin: bool = False


class Offered(Answer):
    """Slugs of profiles for servers, in the order of the settings, and how busy the devices are."""

    profiles: tuple[str, ...] = ()
    devices: DeviceCount = DeviceCount()


class Launch(Ask):
    """``POST internal/launch``: somebody has come from a course of a learning platform; only what sending scores needs.

    Attributes
    ----------
    context, title : str
        The platform's course: its id there, with the platform before it, and what it is called.
    subject : str
        What the platform calls the person.
    teaches : bool
        Whether they are of the staff there.
    lineitems : str
        Where the gradebook of that course takes columns.
    """

    user: Annotated[str, Field(min_length=1, max_length=255)]
    context: Annotated[str, Field(min_length=1, max_length=255)]
    title: Annotated[str, Field(max_length=300)] = ""
    subject: Annotated[str, Field(min_length=1, max_length=255)]
    client_id: Annotated[str, Field(min_length=1, max_length=255)]
    lineitems: Annotated[str, Field(pattern=r"^https?://", max_length=2000)]
    teaches: bool = False


class Notice(Answer):
    """``GET internal/notice``: what the hub's own pages show to everybody."""

    announcement: Announcement | None = None
