"""Saved records: frozen pydantic models as JSON files, content hashes and short ids."""

from __future__ import annotations

import hashlib
import json
import secrets
import string
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from labkit.errors import CorruptStore, NotFound
from labkit.storage.atomic import explain_os_errors, write_text

__all__ = ["Record", "content_hash", "file_sha256", "load_record", "new_id", "save_record", "utc_now"]

_LETTERS = string.ascii_lowercase
_ALPHABET = string.ascii_lowercase + string.digits


class Record(BaseModel):
    """A noun that is saved: frozen, and strict about what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


RecordT = TypeVar("RecordT", bound=BaseModel)


def save_record(path: Path, record: BaseModel) -> None:
    """Write `record` as indented JSON, whole or not at all."""
    write_text(path, record.model_dump_json(indent=2) + "\n")


def load_record(path: Path, kind: type[RecordT]) -> RecordT:
    """Read a record of `kind`.

    Raises
    ------
    NotFound
        There is no such file.
    CorruptStore
        The file is not such a record.
    """
    with explain_os_errors(path):
        try:
            text = path.read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"{path} does not exist.", hint="Check the path.", path=str(path)) from error
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CorruptStore(
            f"{path} is not a valid {kind.__name__}: {where or 'file'}: {first['msg']}.",
            hint="Restore the file from a backup, or remove it.",
            path=str(path),
        ) from error


def content_hash(value: Any, length: int = 12) -> str:
    """Return the first `length` hex digits of the SHA-256 of `value` as canonical JSON."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces, as 64 hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def new_id() -> str:
    """Return a new random id: 12 of a-z0-9, the first a letter (so that it can be part of a server's name)."""
    return secrets.choice(_LETTERS) + "".join(secrets.choice(_ALPHABET) for _ in range(11))


def utc_now() -> datetime:
    """Return the time now, in UTC, in whole milliseconds."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
