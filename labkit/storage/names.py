"""Names that people give, as names of files and folders."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from urllib.parse import quote, unquote

from labkit.errors import InvalidInput

__all__ = ["check_name", "escape_name", "plain_file_name", "unescape_name"]

_MAX_NAME_BYTES = 200  # a file system allows 255; temporary neighbours need some of them


def check_name(name: str, *, what: str = "name") -> str:
    """Return `name` (NFC) if it can be the name of a folder on any system.

    Raises
    ------
    InvalidInput
        It is empty, too long, holds a path separator or control character, or begins or ends badly.
    """
    hint = "Use letters, digits, spaces, '-' and '_', at most 200 bytes long."
    name = unicodedata.normalize("NFC", name)
    if not name.strip():
        raise InvalidInput(f"The {what} is empty.", hint=hint, name=name)
    if len(name.encode()) > _MAX_NAME_BYTES:
        raise InvalidInput(f"The {what} is too long ({len(name.encode())} bytes).", hint=hint, name=name)
    if any(c in '/\\:*?"<>|' or unicodedata.category(c) in ("Cc", "Cs") for c in name):
        raise InvalidInput(f"The {what} {name!r} holds a character that a folder name cannot have.", hint=hint, name=name)
    if name.startswith(".") or name != name.strip() or name.endswith("."):
        raise InvalidInput(f"The {what} {name!r} begins or ends with a dot or a space.", hint=hint, name=name)
    return name


def escape_name(name: str) -> str:
    """Return any text (an author's name, say) as one safe file name; `unescape_name` undoes it."""
    escaped = quote(name, safe=" @+-_")  # '.' stays as quote leaves it, but never alone
    if not name:
        raise InvalidInput("A name is empty.", hint="Give a name.")
    if escaped.strip(".") == "":
        escaped = escaped.replace(".", "%2E")
    if len(escaped) > _MAX_NAME_BYTES:
        raise InvalidInput(f"The name {name[:40]!r}... is too long.", hint="Use at most 60 characters.", name=name)
    return escaped


def unescape_name(file_name: str) -> str:
    """Return the text that `escape_name` made into `file_name`."""
    return unquote(file_name)


def plain_file_name(text: str) -> str:
    """Return a name for people: unlike `escape_name` it keeps letters and spaces, and there is no way back."""
    plain = "".join("_" if c in "/\\" or unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
    ending = Path(plain).suffix
    ending = ending if len(ending.encode()) <= 20 else ""
    stem = plain.removesuffix(ending).encode()[: _MAX_NAME_BYTES - len(ending.encode())].decode(errors="ignore")
    return stem + ending if (stem + ending).strip(". ") else "_"
