"""Agreement over several images, as if they were one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from labkit.annotations.agreement import Agreement
from labkit.storage import Record

__all__ = ["PooledAgreement", "PooledClass", "pool_agreements"]


class PooledClass(Record):
    """Agreement on one class over the pixels of all images that both know; None is undefined, as in `ClassAgreement`.

    ``kappa`` is Cohen's of this class against everything else.
    """

    class_id: int
    name: str
    iou: float | None
    dice: float | None
    kappa: float | None
    first_px: int
    second_px: int
    both_px: int


class PooledAgreement(Record):
    """Agreement over ``images`` images; ``kappa`` is Cohen's over all classes and background."""

    images: int
    known_px: int
    agreed_px: int
    kappa: float | None
    classes: tuple[PooledClass, ...]
    matched: int
    matched_same_class: int
    missed: int
    extra: int
    unjudged: int
    mean_iou: float | None


def pool_agreements(found: Sequence[Agreement]) -> PooledAgreement:
    """Return the agreement over all pixels and objects of several images.

    Pixels are added up, so that a large image weighs more than a small one; classes go by their ids.

    Parameters
    ----------
    found : sequence of Agreement
        Of the same two people, one for each image.
    """
    known, agreed = sum(one.known_px for one in found), sum(one.agreed_px for one in found)
    classes = _pooled_classes(found, known)
    matched = sum(one.objects.matched for one in found)
    overlap = math.fsum(one.objects.matched * (one.objects.mean_iou or 0.0) for one in found)
    return PooledAgreement(
        images=len(found),
        known_px=known,
        agreed_px=agreed,
        kappa=_kappa(known, agreed, [(row.first_px, row.second_px) for row in classes]),
        classes=classes,
        matched=matched,
        matched_same_class=sum(one.objects.matched_same_class for one in found),
        missed=sum(one.objects.missed for one in found),
        extra=sum(one.objects.extra for one in found),
        unjudged=sum(one.objects.unjudged for one in found),
        mean_iou=overlap / matched if matched else None,
    )


def _pooled_classes(found: Iterable[Agreement], known: int) -> tuple[PooledClass, ...]:
    names: dict[int, str] = {}
    sums: dict[int, tuple[int, int, int]] = {}
    for row in (row for one in found for row in one.classes):
        names.setdefault(row.class_id, row.name)
        first, second, both = sums.get(row.class_id, (0, 0, 0))
        sums[row.class_id] = first + row.first_px, second + row.second_px, both + row.both_px
    return tuple(_pooled_class(number, names[number], *sums[number], known) for number in names)


def _pooled_class(class_id: int, name: str, first: int, second: int, both: int, known: int) -> PooledClass:
    present = first + second
    return PooledClass(
        class_id=class_id,
        name=name,
        iou=both / (present - both) if present else None,
        dice=2 * both / present if present else None,
        kappa=_kappa(known, known - (present - 2 * both), [(first, second)]),
        first_px=first,
        second_px=second,
        both_px=both,
    )


def _kappa(known: int, agreed: int, sizes: Sequence[tuple[int, int]]) -> float | None:
    """Return Cohen's kappa of these classes and the rest, in whole numbers up to the one division; None where it is undefined."""
    rest = known - sum(first for first, _ in sizes), known - sum(second for _, second in sizes)
    by_chance = sum(first * second for first, second in (*sizes, rest))
    return (known * agreed - by_chance) / (known * known - by_chance) if known * known != by_chance else None
