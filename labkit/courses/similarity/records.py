"""What a report of resemblance says."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from labkit.courses.records import Note, Sha256
from labkit.storage import Record

__all__ = ["IdenticalFile", "Pair", "Passage", "Place", "SimilarityReport", "SubmissionFacts"]

Share = Annotated[float, Field(ge=0, le=1)]


class Place(Record):
    """Lines of a file of a submission; cells and lines are counted from 1, and a Python file is one cell.

    Attributes
    ----------
    path : str
        The file, relative to the submission.
    cell, line : int
        Where it begins.
    last_cell, last_line : int
        Where it ends, that line included.
    """

    path: str
    cell: int
    line: int
    last_cell: int
    last_line: int

    @property
    def words(self) -> str:
        """The place as people read it."""
        if not self.path.endswith(".ipynb"):
            return f"{self.path}, {_lines(self.line, self.last_line)}"
        if self.cell == self.last_cell:
            return f"{self.path}, cell {self.cell}, {_lines(self.line, self.last_line)}"
        return f"{self.path}, cell {self.cell}, line {self.line} to cell {self.last_cell}, line {self.last_line}"


def _lines(first: int, last: int) -> str:
    return f"line {first}" if first == last else f"lines {first}-{last}"


class Passage(Record):
    """Code of two submissions that is the same once names and literals are folded, and comments and layout are left out."""

    first: Place
    second: Place
    tokens: int


class Pair(Record):
    """Two submissions that resemble each other.

    Attributes
    ----------
    share : float
        Which part of the shorter one, without what the release gave, lies in passages that both have.
    first_share, second_share : float
        The same part of each of the two.
    tokens : int
        How many tokens lie in these passages.
    passages : tuple of Passage
        The longest first.
    """

    first: str
    second: str
    share: Share
    first_share: Share
    second_share: Share
    tokens: int
    passages: tuple[Passage, ...]


class IdenticalFile(Record):
    """A file with the same bytes in several submissions, such as weights or a mask, that the release does not hold.

    ``places`` are (submission, path).
    """

    sha256: Sha256
    size: int
    places: tuple[tuple[str, str], ...]


class SubmissionFacts(Record):
    """What was compared of a submission: tokens of its own; not those that the release gave, nor those that most of the class has."""

    name: str
    tokens: int
    given_tokens: int
    common_tokens: int


class SimilarityReport(Record):
    """Which submissions of one assignment resemble one another.

    Attributes
    ----------
    pairs : tuple of Pair
        Those with the largest share first.
    pairs_found : int
        How many were located; ``pairs`` holds the first of them.
    notes : tuple of Note
        What could not be read, or was too long.
    """

    format: Literal[1] = 1
    submissions: tuple[SubmissionFacts, ...]
    pairs: tuple[Pair, ...]
    pairs_found: int
    identical: tuple[IdenticalFile, ...]
    notes: tuple[Note, ...] = ()
