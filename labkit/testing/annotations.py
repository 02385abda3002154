"""Edits made from a seed: what many hands would do to a document."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import numpy as np

from labkit.annotations.document import Document
from labkit.annotations.edits import Change, Edit
from labkit.annotations.objects import AnnotationObject, ObjectKind
from labkit.geometry import Ellipse, Mask, Point, Rectangle, Region, Shape

__all__ = ["fresh_objects", "random_edits"]

_KINDS: tuple[ObjectKind, ...] = ("polygon", "box", "ellipse", "point", "mask", "area")
_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def random_edits(seed: int, count: int, *, size_px: int = 1000) -> Iterator[Callable[[Document], Edit]]:
    """Yield functions that make an edit of a document as it then is; the same ones for the same seed and documents."""
    rng = random.Random(seed)
    for _ in range(count):
        yield partial(_edit, random.Random(rng.random()), size_px)


def fresh_objects(seed: int, count: int, *, size_px: int = 1000) -> Iterator[Callable[[Document], Edit]]:
    """Yield functions that add one object each; the same ones for the same seed, whatever the document."""
    rng = random.Random(seed)
    for _ in range(count):
        item = _object(rng, size_px)
        yield partial(_adding, item)


def _adding(item: AnnotationObject, document: Document) -> Edit:
    return Edit((Change(item.id, item),))


def _edit(rng: random.Random, size_px: int, document: Document) -> Edit:
    known = document.objects
    match rng.randrange(10):
        case 0 if known:
            return Edit(tuple(Change(item.id, None) for item in rng.sample(known, min(len(known), rng.randint(1, 3)))))
        case 1 if known:
            chosen = rng.sample(known, min(len(known), rng.randint(1, 4)))
            return Edit(tuple(Change(i.id, replace(i, class_id=None if i.kind == "area" else rng.randint(1, 254))) for i in chosen))
        case 2 if known:
            item = rng.choice(known)
            return Edit((Change(item.id, item, rng.randrange(len(known))),))
        case 3 if len(known) > 1:
            gone, kept = rng.sample(known, 2)
            fresh = _object(rng, size_px)
            return Edit((Change(gone.id, None), Change(kept.id, replace(kept, z=rng.randrange(9))), Change(fresh.id, fresh)))
        case 4:
            return Edit(tasks=tuple(rng.sample(("finished", "outline", "checked"), rng.randint(0, 3))))
        case _:
            items = [_object(rng, size_px) for _ in range(rng.randint(1, 3))]
            return Edit(tuple(Change(item.id, item) for item in items))


def _object(rng: random.Random, size_px: int) -> AnnotationObject:
    kind = rng.choice(_KINDS)
    return AnnotationObject(
        id=str(uuid.UUID(int=rng.getrandbits(128))),
        kind=kind,
        shape=_shape(rng, kind, size_px),
        class_id=None if kind == "area" else rng.randint(1, 254),
        author="Ada",
        created=_LONG_AGO,
        attributes={"number": rng.random()},
    )


def _shape(rng: random.Random, kind: ObjectKind, size_px: int) -> Shape:
    y, x = rng.uniform(0, size_px), rng.uniform(0, size_px)
    match kind:
        case "box":
            return Rectangle(y, x, y + rng.uniform(1, 50), x + rng.uniform(1, 50))
        case "ellipse":
            return Ellipse(y, x, rng.uniform(1, 50), rng.uniform(1, 50), rng.uniform(0, 3))
        case "point":
            return Point(y, x)
        case "mask":
            inside = np.random.default_rng(rng.randrange(2**32)).random((rng.randint(1, 40), rng.randint(1, 300))) > 0.5
            inside[0, 0] = True
            return Mask.from_array(inside, int(y), int(x))
        case _:
            return Region(tuple(np.array([(y, x), (y, x + 30 + k), (y + 20 + k, x + rng.random())]) for k in range(rng.randint(1, 3))))
