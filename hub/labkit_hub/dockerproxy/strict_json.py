"""Reading a body in the one way that Docker cannot read differently.

Go matches the names of fields without regard to case, and of two equal ones takes the last; a filter that looks at one spelling
only is walked around. Here an object with two names that differ in nothing but case is refused, and `Fields` knows exact names only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from labkit_hub.dockerproxy.refusal import Refused

__all__ = ["Fields", "read_object"]


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of `body`; an empty body is an empty object.

    Raises
    ------
    Refused
        It is no JSON object in UTF-8, names a field twice, or nests too deeply.
    """
    if not body:
        return {}
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused("The body is no JSON that can be read.") from None
    if not isinstance(value, dict):
        raise Refused("The body is no JSON object.")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: set[str] = set()
    for name, _ in pairs:
        if name.casefold() in seen:
            raise Refused(f"The field {name!r} is named twice.")
        seen.add(name.casefold())
    return dict(pairs)


def _no_constant(name: str) -> NoReturn:
    raise Refused(f"{name} is no number.")


class Fields:
    """The fields of one object, taken out one by one; what is left at the end must be empty.

    Parameters
    ----------
    value : object
        A JSON object, or null for an empty one.
    where : str
        Its place in the body, for sentences.
    """

    def __init__(self, value: Any, where: str = "") -> None:
        if value is not None and not isinstance(value, Mapping):
            raise Refused(f"{where or 'The body'} must be an object.")
        self._left: dict[str, Any] = dict(value or {})
        self.where = where

    def name(self, field: str) -> str:
        """Return the field's place in the body."""
        return f"{self.where}.{field}" if self.where else field

    def take(self, field: str) -> Any:
        """Return the value of `field`, null if it is not there."""
        return self._left.pop(field, None)

    def ignore(self, *fields: str) -> None:
        """Leave out fields that change nothing which matters."""
        for field in fields:
            self._left.pop(field, None)

    def text(self, field: str) -> str:
        """Return a string, empty if there is none."""
        value = self.take(field)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise Refused(f"{self.name(field)} must be a string.")
        return value

    def number(self, field: str, *, least: int = 0, most: int = 2**53) -> int | None:
        """Return a whole number within bounds, None if there is none or it is 0."""
        value = self.take(field)
        if value is None or (value == 0 and not isinstance(value, bool)):
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Refused(f"{self.name(field)} must be a whole number from {least} to {most}.")
        return value

    def flag(self, field: str) -> bool:
        """Return a truth value, false if there is none."""
        value = self.take(field)
        if value not in (None, True, False) or (isinstance(value, int) and not isinstance(value, bool)):
            raise Refused(f"{self.name(field)} must be true or false.")
        return bool(value)

    def texts(self, field: str) -> list[str]:
        """Return a list of strings, empty if there is none."""
        value = self.take(field)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise Refused(f"{self.name(field)} must be a list of strings.")
        return value

    def table(self, field: str) -> dict[str, str]:
        """Return an object of strings, empty if there is none."""
        value = self.take(field)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(part, str) for part in value.values()):
            raise Refused(f"{self.name(field)} must be an object of strings.")
        return value

    def end(self) -> None:
        """Refuse what is left, unless it says nothing (null, false, 0, empty): clients send such fields always.

        Raises
        ------
        Refused
            A field is set that is not among the allowed ones.
        """
        for field, value in self._left.items():
            if value not in (None, False, 0, "", [], {}):
                raise Refused(f"{self.name(field)} is not allowed.")
