"""Which names people may have: those that cannot be taken for somebody else's.

Names from outside are never rewritten beyond lower case: what looks like another name is refused, since mapping two names onto one
would give one person's home to the other.
"""

from __future__ import annotations

import re
import unicodedata

from labkit.errors import InvalidInput

__all__ = ["USERNAME_PATTERN", "plain_name"]

USERNAME_PATTERN = r"^(?!.{65})\w[\w.@+-]*( [\w.@+-]+)*$"
_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC")
_HINT = "Ask an admin; the name can be changed where your account is kept."


def plain_name(claimed: object) -> str:
    """Return a claimed name as the hub uses it, in lower case.

    Raises
    ------
    InvalidInput
        It is no name, has odd characters, or mixes scripts that look alike.
    """
    if not isinstance(claimed, str) or not claimed:
        raise InvalidInput("Your account has no name that LabKit could use.", hint=_HINT)
    if len(claimed) > 64:
        raise InvalidInput(f"The name of your account has {len(claimed)} characters; 64 are the most.", hint=_HINT)
    name = claimed.lower()
    if not re.match(USERNAME_PATTERN, name) or not name.isprintable() or "\n" in name:
        raise InvalidInput(
            "The name of your account may have letters, digits, _ . @ + - and single spaces within, and begins with a letter or digit.",
            hint=_HINT,
        )
    if unicodedata.normalize("NFKC", name) != name:
        raise InvalidInput("The name of your account has characters that only look like others.", hint=_HINT)
    if len(_scripts_of(name)) > 1:
        raise InvalidInput("The name of your account mixes alphabets, so that it could be taken for another name.", hint=_HINT)
    return name


def _scripts_of(name: str) -> set[str]:
    words = {unicodedata.name(letter, "").split(" ")[0] for letter in name if letter.isalpha()}
    return words & set(_SCRIPTS)
