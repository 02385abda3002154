"""The one error tree of LabKit, and the one table that turns an error into a response.

Every error also inherits the builtin that a caller would catch, carries its facts as attributes, pickles,
and has a ``hint``: what to do next. Only the text of a ``LabKitError`` may reach a user.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = [
    "AlreadyExists",
    "Cancelled",
    "Conflict",
    "CorruptStore",
    "Diverged",
    "FaultsFound",
    "HubUnreachable",
    "InvalidInput",
    "LabKitError",
    "Locked",
    "MissingDependency",
    "NotFound",
    "NotWritable",
    "OutOfMemory",
    "Response",
    "RunFailed",
    "StorageFull",
    "StorageUnreachable",
    "UnreadableImage",
    "UnsupportedFormat",
    "WorkerLost",
    "response_for",
]


class LabKitError(Exception):
    """Base of all errors whose text is written for a user.

    Parameters
    ----------
    message : str
        One line that says what is wrong.
    hint : str, keyword-only
        One line that says what to do next.
    **facts
        What the error knows (a path, an id, a size); each becomes an attribute.
    """

    def __init__(self, message: str, *, hint: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.facts = facts
        for name, value in facts.items():
            setattr(self, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.hint, self.facts)

    def as_dict(self) -> dict[str, str]:
        """Return ``{"type", "message", "hint"}``, the form every door answers with."""
        return {"type": type(self).__name__, "message": self.message, "hint": self.hint}


def _rebuild(cls: type[LabKitError], message: str, hint: str, facts: dict[str, Any]) -> LabKitError:
    return cls(message, hint=hint, **facts)


class InvalidInput(LabKitError, ValueError):
    """A value that was given cannot be used: a name, a number, a combination."""


class NotFound(LabKitError, LookupError):
    """A project, image, file or other thing that was named does not exist."""


class AlreadyExists(LabKitError, FileExistsError):
    """A thing with this name is there already, and is left as it is."""


class NotWritable(LabKitError, PermissionError):
    """A place where LabKit must write does not let it."""


class StorageFull(LabKitError, OSError):
    """The disk (or the quota) has no room; what was half-made has been removed."""


class StorageUnreachable(LabKitError, ConnectionError):
    """An object store does not answer, or fails again and again."""


class HubUnreachable(LabKitError, ConnectionError):
    """The service of the hub does not answer, or cannot do so just now; what was asked for may be asked for again."""


class UnreadableImage(LabKitError, ValueError):
    """A file is no picture, is empty, is cut short, or cannot be decoded."""


class UnsupportedFormat(LabKitError, ValueError):
    """A picture of a kind that LabKit does not read (yet)."""


class CorruptStore(LabKitError, ValueError):
    """Something that LabKit wrote is not as it was written: a missing chunk, a broken manifest."""


class FaultsFound(LabKitError, ValueError):
    """`verify` or `doctor` found faults; they are listed in ``faults``."""


class Conflict(LabKitError, RuntimeError):
    """What is to be saved was made from an older revision than the stored one."""


class Locked(LabKitError, TimeoutError):
    """Another process holds the lock of this thing and did not give it back in time."""


class RunFailed(LabKitError, RuntimeError):
    """A run ended without its result; its folder says why."""


class Diverged(LabKitError, ArithmeticError):
    """A training's loss or gradient is no number any more."""


class OutOfMemory(LabKitError, MemoryError):
    """A device or this machine has too little memory for what was asked."""


class WorkerLost(LabKitError, RuntimeError):
    """A process that was at work for us died: a worker of a cluster, or the one that decodes pictures."""


class MissingDependency(LabKitError, ImportError):
    """An optional part of LabKit is not installed."""


class Cancelled(LabKitError, RuntimeError):
    """The user cancelled; everything acknowledged before is kept."""


@dataclass(frozen=True, slots=True)
class Response:
    """How a kind of error is answered: by a web route and by the command line."""

    http_status: int
    exit_code: int


# First match wins, so a subclass stands before its base.
_RESPONSES: tuple[tuple[type[BaseException], Response], ...] = (
    (FaultsFound, Response(422, 3)),
    (NotFound, Response(404, 2)),
    (AlreadyExists, Response(409, 2)),
    (Conflict, Response(409, 2)),
    (Locked, Response(423, 2)),
    (NotWritable, Response(403, 2)),
    (StorageFull, Response(507, 2)),
    (StorageUnreachable, Response(503, 2)),
    (HubUnreachable, Response(503, 2)),
    (UnreadableImage, Response(422, 2)),
    (Diverged, Response(422, 2)),
    (OutOfMemory, Response(507, 2)),
    (UnsupportedFormat, Response(415, 2)),
    (InvalidInput, Response(400, 2)),
    (MissingDependency, Response(501, 2)),
    (Cancelled, Response(499, 130)),
    (CorruptStore, Response(500, 1)),
    (RunFailed, Response(500, 1)),
    (LabKitError, Response(500, 1)),
    (KeyboardInterrupt, Response(499, 130)),
)


def response_for(error: BaseException) -> Response:
    """Return how `error` is answered; anything unknown is ours: status 500, exit code 1."""
    for kind, response in _RESPONSES:
        if isinstance(error, kind):
            return response
    return Response(500, 1)
