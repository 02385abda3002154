"""Dealing things out to the parts of a split: the same seed deals the same, and something new moves as little as it can."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from labkit.datasets.parts import Part

__all__ = ["deal_by_rank", "deal_spread", "rank_of"]


def rank_of(seed: int, *names: object) -> int:
    """Return a number (below 2^64) that looks random, and depends on the seed and the names alone."""
    text = "\0".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def deal_by_rank(weights: Mapping[str, int], shares: Sequence[tuple[Part, float]], seed: int) -> dict[str, Part]:
    """Deal whole things out by shares of their weight.

    Each thing has a rank of its own by seed and name; in their order they are cut into runs. So nothing but the seed, the names and
    the weights decide, and a new thing, wherever it comes to stand, moves at most the one at each cut.

    Parameters
    ----------
    weights : mapping of str to int
        At least as many things as there are shares; names are content, so that no order of lists matters.
    shares : sequence of (part, share)
        They add up to 1, and none is 0. Each part gets at least one thing.
    seed : int
        Which goes where.
    """
    order = sorted(weights, key=lambda name: (rank_of(seed, name), name))
    total, done = sum(weights.values()), 0
    ends = [sum(share for _, share in shares[: k + 1]) * total for k in range(len(shares))]
    found = []
    for name in order:
        middle = done + weights[name] / 2
        done += weights[name]
        found.append(next((k for k, end in enumerate(ends) if middle < end), len(shares) - 1))
    for place, part in enumerate(_none_empty(found, len(shares))):
        found[place] = part
    return {name: shares[k][0] for name, k in zip(order, found, strict=True)}


def _none_empty(found: Sequence[int], parts: int) -> list[int]:
    """Return the ascending numbers of parts so that each of them occurs: a cut moves just as far as it must."""
    counts = [found.count(k) for k in range(parts)]
    while 0 in counts:
        empty = counts.index(0)
        counts[counts.index(max(counts))] -= 1
        counts[empty] += 1
    return [k for k, count in enumerate(counts) for _ in range(count)]


def deal_spread(count: int, shares: Sequence[tuple[Part, float]], seed: int, name: str) -> list[Part]:
    """Deal `count` neighbours in a row out, so that each stretch of them has its share of every part.

    Parameters
    ----------
    count : int
        How many there are, at least as many as shares.
    shares : sequence of (part, share)
        They add up to 1, and none is 0. Each part gets at least one.
    seed, name : int, str
        Decide the order within a stretch.
    """
    smallest = min(share for _, share in shares)
    stretch = max(len(shares), min(count, round(1 / smallest)))
    dealt: list[int] = []
    counts = [0] * len(shares)
    for start in range(0, count, stretch):
        fresh: list[int] = []
        for place in range(start, min(start + stretch, count)):
            owed = [share * (place + 1) - had for (_, share), had in zip(shares, counts, strict=True)]
            most = owed.index(max(owed))
            counts[most] += 1
            fresh.append(most)
        order = sorted(range(len(fresh)), key=lambda k: rank_of(seed, name, start + k))
        dealt += [fresh[k] for k in order]
    while 0 in counts:
        empty, most = counts.index(0), counts.index(max(counts))
        places = [place for place, part in enumerate(dealt) if part == most]
        dealt[min(places, key=lambda place: rank_of(seed, name, "more", place))] = empty
        counts[empty], counts[most] = 1, counts[most] - 1
    return [shares[k][0] for k in dealt]
