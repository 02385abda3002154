"""Names of assignments: free, but for what no folder can be called; and the one name in them that is taken."""

from __future__ import annotations

import unicodedata

from labkit.errors import InvalidInput

__all__ = ["FEEDBACK", "check_assignment_name", "is_for_feedback"]

FEEDBACK = "feedback"
"""At the top of a student's folder: what came back lies there, and nothing of it is handed in."""

_LONGEST = 150
_MOST_BYTES = 200


def check_assignment_name(name: str) -> str:
    """Return `name` in NFC; ``Übung 1 (a) [x]+b`` is a fine one.

    Raises
    ------
    InvalidInput
        It is empty or too long, holds a path separator or a control character, or begins or ends with what a folder cannot.
    """
    name = unicodedata.normalize("NFC", name)
    hint = "Letters of any script, digits, spaces and signs are fine; '/', '\\' and a leading dot are not."
    if not name.strip():
        raise InvalidInput("The name of the assignment is empty.", hint=hint, name=name)
    if len(name) > _LONGEST or len(name.encode(errors="surrogatepass")) > _MOST_BYTES:
        raise InvalidInput(f"The name of the assignment is too long ({len(name)} characters).", hint=f"Use at most {_LONGEST}.", name=name)
    if bad := next((c for c in name if c in "/\\" or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")), None):
        what = "a path separator" if bad in "/\\" else "a control character"
        raise InvalidInput(f"The name of the assignment {name!r} holds {what} ({bad!r}).", hint=hint, name=name)
    if name.startswith(".") or name != name.strip():
        raise InvalidInput(f"The name of the assignment {name!r} begins with a dot, or begins or ends with a space.", hint=hint, name=name)
    return name


def is_for_feedback(path: str) -> bool:
    """Return whether a file would lie where what came back does, on any file system; such a one can be neither released nor handed in."""
    return path.split("/", 1)[0].casefold() == FEEDBACK
