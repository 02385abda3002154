"""Which names people and courses may have."""

from __future__ import annotations

import re
import unicodedata

from labkit.errors import InvalidInput

__all__ = ["course_slug", "suggest_slug", "username"]

_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_SLUG = 40
_LONGEST_NAME = 255


def course_slug(text: str) -> str:
    """Return `text` if a course may be called so.

    Raises
    ------
    InvalidInput
        It may not; the hint names one that would do.

    Examples
    --------
    >>> course_slug("image-ai-2026")
    'image-ai-2026'
    """
    if _SLUG.fullmatch(text) and len(text) <= _LONGEST_SLUG:
        return text
    suggestion = suggest_slug(text)
    raise InvalidInput(
        f"A course cannot have the short name {text[:60]!r}.",
        hint="It is 1 to 40 lower-case letters, digits and single hyphens, and begins with a letter"
        + (f", such as {suggestion}." if suggestion else "."),
    )


def suggest_slug(text: str) -> str:
    """Return a short name like `text`; empty if nothing of it can be used.

    Examples
    --------
    >>> suggest_slug("Übung 1 (a)")
    'ubung-1-a'
    """
    plain = unicodedata.normalize("NFKD", text[:300]).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).lstrip("-0123456789")[:_LONGEST_SLUG].strip("-")


def username(text: str) -> str:
    """Return the name as the hub writes it: without spaces around it, in lower case.

    Raises
    ------
    InvalidInput
        Nobody can be called so.
    """
    name = unicodedata.normalize("NFC", text).strip().lower()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable() or "/" in name:
        raise InvalidInput(
            f"{text[:60]!r} cannot be a user name." if text.strip() else "A user name is missing.",
            hint="It has 1 to 255 characters that can be seen, without a slash.",
        )
    return name
