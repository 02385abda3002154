"""Pictures that students paste into an answer: kept for who scores it, if they are pictures and not too large."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field

from labkit.courses.notebook import plain_text, text_of

__all__ = ["Pictures"]

AddNote = Callable[[str, str, str], None]

_KINDS = ("image/png", "image/jpeg", "image/gif", "image/webp")  # no SVG, which may hold scripts and addresses
_MOST_BYTES = 5_000_000
_MOST = 100
_LONGEST_NAME = 300


@dataclass(slots=True)
class Pictures:
    """The pictures of one notebook.

    Attributes
    ----------
    note : callable
        Gets kind, place and text of what staff should know: a picture that was left out.
    left : int
        Bytes that further pictures may have together.
    """

    note: AddNote
    left: int = _MOST_BYTES
    _number: int = field(default=0)

    def of(self, attachments: object, where: str) -> dict[str, dict[str, str]]:
        """Return the pictures among a cell's attachments, as nbformat has them, each in one kind."""
        kept = {}
        for name, kinds in attachments.items() if isinstance(attachments, dict) else ():
            picture = self._picture(kinds) if isinstance(name, str) and len(name) <= _LONGEST_NAME else None
            if picture is None:
                self.note("attachment-dropped", where, f"{str(name)[:100]} is no PNG, JPEG, GIF or WebP picture, and was left out.")
            elif picture[2] > self.left or self._number >= _MOST:
                limit = f"{_MOST_BYTES // 1_000_000} MB or {_MOST} pictures"
                self.note("attachment-dropped", where, f"{name[:100]} was left out: the notebook has more than {limit}.")
            else:
                kind, text, size = picture
                self.left, self._number = self.left - size, self._number + 1
                kept[plain_text(name)] = {kind: text}
        return kept

    @staticmethod
    def _picture(kinds: object) -> tuple[str, str, int] | None:
        """Return kind, base64 and size of the first kind that is a picture's and can be decoded."""
        if not isinstance(kinds, dict):
            return None
        for kind in _KINDS:
            text = "".join(text_of(kinds.get(kind)).split())
            try:
                size = len(base64.b64decode(text, validate=True))
            except (binascii.Error, ValueError):
                continue
            if size:
                return kind, text, size
        return None
