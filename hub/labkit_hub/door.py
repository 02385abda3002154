"""How the hub asks its `labkit` service; whatever goes wrong on the way is told apart from a refusal."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError

from labkit.errors import StorageUnreachable
from labkit_hub.service.internal import Admission, Admitted, Launch, Notice, Offer, Offered, Stopped

__all__ = ["Refused", "ServiceDoor"]

AnswerModel = TypeVar("AnswerModel", bound=BaseModel)
_LARGEST = 1_000_000


class Refused(Exception):
    """The service has definitely said no, in these words; ``status`` is the one it answered with."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class ServiceDoor:
    """The service's internal addresses.

    Attributes
    ----------
    url : str
        Where it is, up to and with ``/services/labkit``.
    token : str
        Its own token, which proves that it is the hub who asks.
    admit_s, look_s : float
        How long an answer may take: for an admission, and for what only decorates a page. An admission has time: when a whole class
        starts at once, the hub itself is late to read the answer, and a service that is not there refuses the connection at once. A page
        has less, but without the answer nobody could choose a device, and points of who has just come would not be sent.
    """

    url: str
    token: str = field(repr=False)
    admit_s: float = 15.0
    look_s: float = 5.0

    async def admit(self, admission: Admission) -> Admitted:
        """Ask whether a server may start.

        Raises
        ------
        Refused
            It may not; the message says why.
        StorageUnreachable
            There was no answer that can be understood: nothing may start.
        """
        return await self._ask("POST", "admit", admission, Admitted, self.admit_s)

    async def stopped(self, stopped: Stopped) -> None:
        """Tell that a server has stopped."""
        await self._ask("POST", "stopped", stopped, None, self.look_s)

    async def offer(self, offer: Offer) -> Offered:
        """Ask what somebody may start, and how many devices are free."""
        return await self._ask("POST", "offer", offer, Offered, self.look_s)

    async def launched(self, launch: Launch) -> None:
        """Tell from which course of a learning platform somebody came."""
        await self._ask("POST", "launch", launch, None, self.look_s)

    async def notice(self) -> Notice:
        """Ask what is announced to everybody."""
        return await self._ask("GET", "notice", None, Notice, self.look_s)

    async def _ask(self, method: str, name: str, body: BaseModel | None, answer: type[AnswerModel] | None, timeout_s: float) -> AnswerModel:
        try:
            async with (
                aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=timeout_s)) as session,
                session.request(
                    method,
                    f"{self.url}/internal/{name}",
                    data=body.model_dump_json() if body else None,
                    headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
                    allow_redirects=False,
                ) as response,
            ):
                status, text = response.status, (await response.content.read(_LARGEST)).decode("utf-8", "replace")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _away(f"{type(error).__name__}: {error}") from error
        if 400 <= status < 500:
            raise _refusal(status, text)
        if status not in (200, 201, 202, 204):
            raise _away(f"status {status}")
        if answer is None:
            return None  # type: ignore[return-value]
        try:
            return answer.model_validate_json(text)
        except ValidationError as error:
            raise _away(f"an answer that is none: {error.error_count()} faults") from error


def _refusal(status: int, text: str) -> Exception:
    """Return the service's own words, if it is the service that speaks; 401 and 404 without them mean that something is broken."""
    try:
        error = json.loads(text)["error"]
        return Refused(f"{error['message']} {error.get('hint') or ''}".strip()[:2000], status)
    except (ValueError, KeyError, TypeError):
        return _away(f"status {status}")


def _away(why: str) -> StorageUnreachable:
    return StorageUnreachable("LabKit's service does not answer just now.", hint="Try again in a minute.", why=why)
