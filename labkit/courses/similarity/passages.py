"""Where two submissions are the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass, field

from labkit.courses.similarity.fingerprints import GRAM, WINDOW, grams, uncovered
from labkit.courses.similarity.records import Passage, Place

__all__ = ["LEAST_PASSAGE", "Written", "find_passages"]

LEAST_PASSAGE = GRAM + WINDOW - 1  # what winnowing finds for certain; shorter ones are chance

_CHANCE = 4
_MOST_PLACES = 16  # of one gram that are looked at: a loop written out a thousand times is one thing


@dataclass(frozen=True, slots=True)
class Written:
    """What a person wrote: folded tokens in a row, and (path, cell, line) of each.

    ``given`` is the number of tokens that the release gave, ``common`` of those that most of the class has; neither are among them.
    """

    name: str
    tokens: list[str]
    places: list[tuple[str, int, int]]
    given: int
    common: int = 0
    grams: list[int] = field(init=False)
    index: dict[int, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "grams", grams(self.tokens))
        index: dict[int, list[int]] = defaultdict(list)
        for position, gram in enumerate(self.grams):
            if len(index[gram]) < _MOST_PLACES:
                index[gram].append(position)
        object.__setattr__(self, "index", dict(index))

    def without(self, common: Set[int]) -> Written:
        """Return the same without what lies in the grams of `common`."""
        kept = uncovered(self.grams, common, len(self.tokens))
        gone = len(self.tokens) - len(kept)
        return Written(self.name, [self.tokens[k] for k in kept], [self.places[k] for k in kept], self.given, gone) if gone else self

    def place(self, begin: int, end: int) -> Place:
        """Return where the tokens from `begin` up to, not with, `end` are."""
        path, cell, line = self.places[begin]
        _, last_cell, last_line = self.places[end - 1]
        return Place(path=path, cell=cell, line=line, last_cell=last_cell, last_line=last_line)


def find_passages(first: Written, second: Written) -> list[Passage]:
    """Return passages of at least `LEAST_PASSAGE` tokens that both have, wherever they stand in each. The longest come first.

    A passage stays within one file, and no token is in two of them.
    """
    used = bytearray(len(second.tokens))
    found: list[Passage] = []
    position = 0
    while position < len(first.grams):
        begin, length = _longest(first, second, position, used)
        if not length:
            position += 1
            continue
        used[begin : begin + length] = b"\1" * length
        a, b = _trimmed(first, position, length), _trimmed(second, begin, length)
        head, tail = max(a[0], b[0]), max(a[1], b[1])
        found.append(
            Passage(
                first=first.place(position + head, position + length - tail),
                second=second.place(begin + head, begin + length - tail),
                tokens=length - head - tail,
            )
        )
        position += length
    return sorted(found, key=lambda passage: (-passage.tokens, passage.first.path, passage.first.cell, passage.first.line))


def _trimmed(written: Written, begin: int, length: int) -> tuple[int, int]:
    """Return how many tokens at either end lie in a neighbouring cell by chance: the last bracket of another answer is no passage."""
    cells = [place[1] for place in written.places[begin : begin + length]]
    head = next((k for k in range(_CHANCE, 0, -1) if cells[k] != cells[k - 1]), 0)
    tail = next((k for k in range(_CHANCE, 0, -1) if cells[-k - 1] != cells[-k]), 0)
    return head, tail


def _longest(first: Written, second: Written, position: int, used: bytearray) -> tuple[int, int]:
    """Return where in `second` the longest passage begins that is the same from `position` on, and its length; 0 without one."""
    best = 0, 0
    for begin in second.index.get(first.grams[position], ()):
        length = _same(first, second, position, begin, used)
        if length >= LEAST_PASSAGE and length > best[1]:
            best = begin, length
    return best


def _same(first: Written, second: Written, i: int, j: int, used: bytearray) -> int:
    file_i, file_j = first.places[i][0], second.places[j][0]
    length = 0
    limit = min(len(first.tokens) - i, len(second.tokens) - j)
    while length < limit and first.tokens[i + length] == second.tokens[j + length] and not used[j + length]:
        if first.places[i + length][0] != file_i or second.places[j + length][0] != file_j:
            break
        length += 1
    return length
