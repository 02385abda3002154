"""Objects on an S3 store, through s3fs: tried again when the store stumbles, and missing only when it says so.

Address and keys come from the usual variables (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
AWS_REGION) or files.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from labkit.errors import InvalidInput, MissingDependency, NotFound, NotWritable, StorageFull, StorageUnreachable
from labkit.events import CancelToken, EventSink, Progress
from labkit.storage.errors import ObjectMissing

__all__ = ["ObjectFacts", "S3Objects", "fetch_object", "is_remote"]

T = TypeVar("T")
_TRIES = 7
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0
_PIECE_BYTES = 8 * 2**20
_REFUSED = ("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "Forbidden", "Unauthorized")
_MISSING = ("404", "NoSuchKey", "NotFound")


def is_remote(address: Path | str) -> bool:
    """Return whether an address is on an object store."""
    return str(address).startswith("s3://")


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """Key, size in bytes, and when it was written (UTC; None where the store does not say)."""

    key: str
    size: int
    modified: datetime | None


class S3Objects:
    """Objects below ``s3://bucket/prefix``; several threads may use it."""

    def __init__(self, url: str) -> None:
        bucket = url.removeprefix("s3://").partition("/")[0]
        if not bucket:
            raise InvalidInput(f"{url!r} names no bucket.", hint="Give an address such as s3://bucket/folder.")
        self._url = url.rstrip("/")

    @property
    def url(self) -> str:
        """The address."""
        return self._url

    def write(self, key: str, parts: Sequence[bytes | memoryview]) -> None:
        """Write one object; see `Objects`."""
        data = b"".join(parts)
        _tried(self._at(key), lambda: _store().pipe_file(self._at(key), data))

    def begin(self, key: str) -> _PendingUpload:
        """Begin an object that is written in pieces; see `Objects`."""
        return _PendingUpload(self, key)

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Read one object or a range of it; see `Objects`."""
        at = self._at(key)
        if length == 0:
            return b""
        end = None if length is None else start + length
        return bytes(_tried(at, lambda: _store().cat_file(at, start=start or None, end=end or None)))

    def size(self, key: str) -> int:
        """Return the length of one object; see `Objects`."""
        found = _tried(self._at(key), lambda: _store().info(self._at(key), refresh=True))
        if found["type"] != "file":  # a prefix of others
            raise ObjectMissing(f"{self._at(key)} is no object.", hint="Check the address.", key=key)
        return int(found["size"])

    def keys(self) -> Iterator[str]:
        """Yield all keys; see `Objects`."""
        prefix = self._url.removeprefix("s3://") + "/"
        for found in _tried(self._url, lambda: _store().find(self._url, refresh=True)):
            yield str(found).removeprefix(prefix)

    def facts(self) -> Iterator[ObjectFacts]:
        """Yield key, size and time of all objects; see `Objects`."""
        prefix = self._url.removeprefix("s3://") + "/"
        found = _tried(self._url, lambda: _store().find(self._url, refresh=True, detail=True))
        for name, facts in found.items():
            yield ObjectFacts(str(name).removeprefix(prefix), int(facts["size"]), facts.get("LastModified"))

    def remove(self) -> None:
        """Remove all objects."""
        for key in list(self.keys()):
            self.remove_key(key)

    def remove_key(self, key: str) -> None:
        """Remove one object; see `Objects`."""
        with suppress(ObjectMissing):
            _tried(self._at(key), lambda: _store().rm_file(self._at(key)))

    def _at(self, key: str) -> str:
        return f"{self._url}/{key}"


class _PendingUpload:
    """An object that is sent as a whole when it is committed: S3 shows nothing before."""

    def __init__(self, objects: S3Objects, key: str) -> None:
        self._objects, self._key = objects, key
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> None:
        self._parts.append(part)

    def commit(self) -> None:
        self._objects.write(self._key, self._parts)
        self._parts = []

    def discard(self) -> None:
        self._parts = []


def fetch_object(
    address: str, target: Path, *, room_bytes: int, on_event: EventSink, cancel: CancelToken, stores: Collection[str] = ()
) -> None:
    """Copy what lies at an address, in pieces: one object into a file, or a store with all its objects into a folder.

    Parameters
    ----------
    address : str
        ``s3://bucket/key``.
    target : Path
        The file or folder to make.
    room_bytes : int
        The most that may be copied.
    on_event, cancel
        Told of progress (unit "bytes"); looked at between pieces.
    stores : collection of str
        Names of objects, one of which is directly below an address that is a store.

    Raises
    ------
    NotFound
        There is no such object, and no such store.
    StorageFull
        It is larger than `room_bytes`; known before the first byte.
    """
    folder, _, name = address.rstrip("/").rpartition("/")
    try:
        found = {name: S3Objects(folder).size(name)}
        places = {name: target}
    except ObjectMissing as error:
        folder = address.rstrip("/")
        keys = tuple(S3Objects(folder).keys())
        found = {key: S3Objects(folder).size(key) for key in (keys if set(stores) & set(keys) else ())}
        places = {key: _place_below(target, key) for key in found}
        if not found:
            raise NotFound(f"{address} does not exist.", hint="Check the address.", path=address) from error
    total = sum(found.values())
    if total > room_bytes:
        raise StorageFull(
            f"{address} is {total / 1e9:.2f} GB, and there is room for {max(room_bytes, 0) / 1e9:.2f} GB.",
            hint="Free some disk, or raise LABKIT_QUOTA_GB.",
            needed_bytes=total,
            room_bytes=room_bytes,
        )
    objects, done = S3Objects(folder), 0
    for key, length in found.items():
        places[key].parent.mkdir(parents=True, exist_ok=True)
        with open(places[key], "wb") as file:
            for start in range(0, length, _PIECE_BYTES):
                cancel.raise_if_cancelled()
                on_event(Progress(done, total, "bytes", "fetch"))
                file.write(objects.read(key, start, min(_PIECE_BYTES, length - start)))
                done += min(_PIECE_BYTES, length - start)
    on_event(Progress(total, total, "bytes", "fetch"))


def _place_below(folder: Path, key: str) -> Path:
    """Return where an object goes; its key comes from others and must not lead out of the folder."""
    if key.startswith("/") or any(part in ("", ".", "..") for part in key.split("/")):
        raise InvalidInput(f"The object {key!r} cannot be a file of a folder.", hint="Rename it on the store.", key=key)
    return folder / key


@lru_cache(maxsize=4)
def _store_of(pid: int, endpoint: str | None, key: str | None, secret: str | None) -> Any:
    try:
        import s3fs
    except ImportError as error:
        raise MissingDependency("Object stores need s3fs, which is not installed.", hint="pip install 'labkit-studio[s3]'") from error
    # No retries below: waiting and trying again is ours, so that it can be told and tested
    return s3fs.S3FileSystem(
        key=key,
        secret=secret,
        endpoint_url=endpoint,
        use_listings_cache=False,
        skip_instance_cache=True,
        config_kwargs={
            "retries": {"max_attempts": 0},
            "connect_timeout": 10,
            "read_timeout": 60,
            # Some stores answer a range with the checksum of the whole object; our shards and indexes have checksums of their own.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        },
    )


_OPENING = threading.Lock()


def _store() -> Any:
    with _OPENING:  # one file system per process: a copy in a forked child would share its event loop
        found = (os.environ.get(name) for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
        return _store_of(os.getpid(), *found)


def _tried(address: str, action: Callable[[], T]) -> T:
    """Carry out `action`, again and again with growing waits while the store stumbles.

    Raises
    ------
    ObjectMissing
        The store says that there is no such object.
    NotWritable
        It refuses the keys.
    StorageUnreachable
        It still fails after several tries.
    """
    wait_s = _FIRST_WAIT_S
    for attempt in range(1, _TRIES + 1):
        try:
            return action()
        except MissingDependency:
            raise
        except FileNotFoundError as error:
            raise _missing(address, error) from error
        except Exception as error:  # botocore, aiohttp and s3fs raise many kinds
            if _code(error) in _MISSING:
                raise _missing(address, error) from error
            if isinstance(error, PermissionError) or _code(error) in _REFUSED or "credentials" in str(error).lower():
                hint = "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and what they may do."
                raise NotWritable(f"The object store refuses {address}.", hint=hint, path=address) from error
            if attempt == _TRIES:
                raise StorageUnreachable(
                    f"The object store did not answer for {address} in {_TRIES} tries ({type(error).__name__}).",
                    hint="Check AWS_ENDPOINT_URL and the network, then try again: what was acknowledged is there.",
                    path=address,
                ) from error
            time.sleep(wait_s * random.uniform(0.5, 1.5))
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
    raise AssertionError("unreachable")


def _code(error: Exception) -> str:
    for one in (error, error.__cause__):
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            return str((response.get("Error") or {}).get("Code", ""))
    return ""


def _missing(address: str, error: Exception) -> ObjectMissing:
    return ObjectMissing(f"{address} is missing.", hint="Run 'labkit verify'; restore it from a backup or import again.", key=address)
