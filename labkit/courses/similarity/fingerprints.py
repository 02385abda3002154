"""Fingerprints of a sequence by winnowing.

S. Schleimer, D. S. Wilkerson, A. Aiken: Winnowing: Local Algorithms for Document Fingerprinting. SIGMOD 2003, pp. 76-85,
doi:10.1145/872757.872770. Of each `WINDOW` hashes of `GRAM` tokens that follow one another the smallest is kept, so that what two
sequences share over `GRAM` + `WINDOW` - 1 tokens is found for certain, and what is shorter than `GRAM` never.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Sequence, Set

__all__ = ["GRAM", "WINDOW", "grams", "uncovered", "winnow"]

GRAM = 12
WINDOW = 9

_PRIME = (1 << 61) - 1
_BASE = 1_000_003
_FIRST = pow(_BASE, GRAM - 1, _PRIME)


def grams(tokens: Sequence[str]) -> list[int]:
    """Return a hash for each `GRAM` tokens in a row; the same in every process."""
    if len(tokens) < GRAM:
        return []
    numbers = {token: zlib.crc32(token.encode("utf-8", "surrogatepass")) + 1 for token in set(tokens)}
    values = [numbers[token] for token in tokens]
    rolling = 0
    for value in values[:GRAM]:
        rolling = (rolling * _BASE + value) % _PRIME
    found = [rolling]
    for gone, come in zip(values, values[GRAM:], strict=False):
        rolling = ((rolling - gone * _FIRST) * _BASE + come) % _PRIME
        found.append(rolling)
    return found


def winnow(hashes: Sequence[int]) -> set[int]:
    """Return the fingerprints: the smallest hash of each window, of all there are where they fill none."""
    if len(hashes) <= WINDOW:
        return {min(hashes)} if hashes else set()
    kept: set[int] = set()
    rising: deque[int] = deque()  # positions of the window whose hashes rise
    for position, value in enumerate(hashes):
        while rising and hashes[rising[-1]] >= value:
            rising.pop()
        rising.append(position)
        if rising[0] <= position - WINDOW:
            rising.popleft()
        if position >= WINDOW - 1:
            kept.add(hashes[rising[0]])
    return kept


def uncovered(hashes: Sequence[int], known: Set[int], length: int) -> list[int]:
    """Return the positions of those of `length` tokens that lie in no gram of `known`; `hashes` are the grams of these tokens."""
    covered = bytearray(length)
    for position, value in enumerate(hashes):
        if value in known:
            covered[position : position + GRAM] = b"\1" * GRAM
    return [position for position in range(length) if not covered[position]]
