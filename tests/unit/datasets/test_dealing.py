"""Who goes into which part: by seed and content alone, in the right shares, and hardly moved by what is new."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from labkit.datasets import Part
from labkit.datasets.dealing import deal_by_rank, deal_spread

SHARES: tuple[tuple[Part, float], ...] = (("train", 0.6), ("val", 0.2), ("test", 0.2))


@pytest.mark.parametrize(("count", "expected"), [(3, (1, 1, 1)), (4, (2, 1, 1)), (5, (3, 1, 1)), (10, (6, 2, 2)), (100, (60, 20, 20))])
def test_shares_are_kept(count: int, expected: tuple[int, int, int]) -> None:
    """Equal things are dealt out as the shares say, and nobody gets nothing."""
    found = Counter(deal_by_rank({f"image {k}": 1 for k in range(count)}, SHARES, seed=7).values())
    assert tuple(found[part] for part, _ in SHARES) == expected


def test_a_new_image_moves_at_most_one_at_each_cut() -> None:
    """Whatever comes, at most two of those that were there change their part; in most cases none does."""
    moved = []
    for seed in range(40):
        before = deal_by_rank({f"image {k}": 1 for k in range(20)}, SHARES, seed)
        after = deal_by_rank({f"image {k}": 1 for k in range(21)}, SHARES, seed)
        moved.append(sum(before[name] != after[name] for name in before))
    assert max(moved) <= 2
    assert sum(moved) < 40


def test_the_weight_counts_and_not_the_number() -> None:
    """A group of thirty images is not dealt out like a single one."""
    weights = {"large": 30} | {f"small {k}": 1 for k in range(20)}
    for seed in range(20):
        found = deal_by_rank(weights, SHARES, seed)
        train = sum(weight for name, weight in weights.items() if found[name] == "train")
        assert set(found.values()) == {"train", "val", "test"}
        assert train >= 15 or found["large"] != "train"


def test_another_seed_deals_otherwise() -> None:
    """The seed decides."""
    weights = {f"image {k}": 1 for k in range(30)}
    assert len({tuple(sorted(deal_by_rank(weights, SHARES, seed).items())) for seed in range(5)}) == 5


def test_each_stretch_of_neighbours_has_its_share() -> None:
    """Of any ten blocks in a row, each part has some: a picture that changes from left to right is in all parts."""
    dealt = deal_spread(100, SHARES, 3, "picture")
    assert Counter(dealt) == {"train": 60, "val": 20, "test": 20}
    assert all(len(set(dealt[start : start + 10])) == 3 for start in range(90))


def test_every_part_has_something_however_few_there_are() -> None:
    """Random counts and shares."""
    rng = random.Random(1)
    for _ in range(200):
        cuts = sorted(rng.uniform(0.02, 0.98) for _ in range(2))
        shares = tuple(zip(("train", "val", "test"), (cuts[0], cuts[1] - cuts[0] or 0.01, 1 - cuts[1]), strict=True))
        dealt = deal_spread(rng.randint(3, 40), shares, rng.randrange(9), "picture")  # type: ignore[arg-type]
        assert set(dealt) == {"train", "val", "test"}
