"""Secrets, which lie in files."""

from __future__ import annotations

from pathlib import Path

from labkit.errors import InvalidInput

__all__ = ["read_secret"]


def read_secret(path: Path) -> str:
    """Return what a secret's file holds, without the line's end.

    Raises
    ------
    InvalidInput
        The file is not there, may not be read, or is empty.
    """
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The secret in {path} cannot be read.", hint="Look at the file, and whose it is.") from error
    if not secret:
        raise InvalidInput(f"The secret in {path} is empty.", hint="Write it there, in one line.")
    return secret
