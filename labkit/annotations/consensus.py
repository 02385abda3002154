"""What most authors agree on, as one more document; those that it is made of stay as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from labkit.annotations.document import Document
from labkit.annotations.objects import AnnotationObject
from labkit.annotations.overlap import BLOCK_PX, count_pixels, similar_pairs
from labkit.annotations.raster import IGNORE, rasterise_classes, rasterise_objects
from labkit.annotations.records import derived_id
from labkit.annotations.store import CONSENSUS, authors, change_document, open_document
from labkit.errors import InvalidInput, NotFound
from labkit.geometry import Box, Mask, Point, Rectangle, Shape, covering_box, iter_blocks, outline_of, rasterise
from labkit.project import ImageRecord, Project
from labkit.storage import Record

__all__ = ["CONSENSUS", "Consensus", "build_consensus", "merge_documents"]

_GROUP_IOU = 0.5
_LARGEST_OUTLINE_PX = 4096 * 4096  # larger ones stay painted masks, of which no whole array is made


class Consensus(Record):
    """What was made of whom: ``objects`` are kept by a majority, ``dropped`` groups of objects were not; ``kept`` were drawn by hand."""

    image_id: str
    author: str
    authors: tuple[str, ...]
    share: float
    objects: int
    dropped: int
    kept: int
    revision: int


def build_consensus(project: Project, image: ImageRecord, names: Sequence[str] = (), *, share: float = 0.5) -> Consensus:
    """Make the document of the author ``consensus`` of an image, or make it again.

    Its objects from before are replaced; what somebody drew into it by hand stays, on top. Nothing is saved if nothing changes.

    Parameters
    ----------
    project, image
        Of what.
    names : sequence of str
        The authors, at least two; by default all who have a document.
    share : float
        As in `merge_documents`.

    Raises
    ------
    NotFound
        An author has no document of the image.
    InvalidInput
        These are fewer than two authors, or the share is not within 0-1.
    """
    chosen = _chosen_authors(project, image, names)
    merged, dropped = merge_documents([open_document(project, image.id, name) for name in chosen], image, share=share)
    saved, kept = _save(project, merged)
    return Consensus(
        image_id=image.id,
        author=CONSENSUS,
        authors=tuple(chosen),
        share=share,
        objects=sum(item.kind != "area" for item in merged.objects),
        dropped=dropped,
        kept=kept,
        revision=saved.revision,
    )


def merge_documents(documents: Sequence[Document], image: ImageRecord, *, share: float = 0.5) -> tuple[Document, int]:
    """Return what most authors agree on, and how many groups of objects found no majority; the same for the same documents.

    Objects of different authors that overlap (IoU of at least 0.5, the most similar first) are one group, with at most one object
    of each author. The pixels of the group are those that more than `share` of the authors who know the pixel marked with it. Its
    class is the one with most votes; a tie leaves it unclassified. Small objects lie on top of large ones. Where all authors know
    the picture, an annotated area says so.

    Parameters
    ----------
    documents : sequence of Document
        Of this image, of different authors.
    image : ImageRecord
        The image.
    share : float
        0 keeps what anybody marked, 0.5 what at least half and one more did, just under 1 what all did.
    """
    if not 0 <= share < 1:
        raise InvalidInput(f"A share of {share} is not possible.", hint="Give 0 or more, and less than 1.", share=share)
    ordered = sorted(documents, key=lambda document: document.author)
    if len({document.author for document in ordered}) < max(len(ordered), 2):
        raise InvalidInput("A consensus needs two different authors.", hint="Name at least two.")
    picture = Box.of_shape(image.height_px, image.width_px)
    groups = _grouped([_Member(rank, item) for rank, document in enumerate(ordered) for item in _counting(document)], picture)
    voted = [_voted_object(group, ordered, picture, share) for group in groups]
    # Large ones lie below: else what the first author missed would hide what lies within it.
    objects = sorted((item for item in voted if item is not None), key=lambda item: -count_pixels(item.shape, picture))
    merged = Document(image.id, CONSENSUS, objects=(*_common_area(ordered, picture), *objects))
    return merged, len(voted) - len(objects)


@dataclass(frozen=True, slots=True)
class _Member:
    """An object, and the number of its author."""

    rank: int
    item: AnnotationObject


def _counting(document: Document) -> list[AnnotationObject]:
    return [item for item in document.objects if item.status == "accepted" and item.kind != "area"]


def _grouped(members: Sequence[_Member], picture: Box) -> list[list[_Member]]:
    """Join groups over similar pairs, the most similar first, unless an author would be in a group twice."""
    groups = {k: [k] for k in range(len(members))}
    home = list(groups)
    for _, _, a, b in sorted(_pairs_of_authors(members, picture)):
        ours, theirs = sorted((home[a], home[b]))
        if ours == theirs or {members[k].rank for k in groups[ours]} & {members[k].rank for k in groups[theirs]}:
            continue
        for k in groups[theirs]:
            home[k] = ours
        groups[ours] += groups.pop(theirs)
    return [sorted((members[k] for k in group), key=lambda member: member.rank) for group in groups.values()]


def _pairs_of_authors(members: Sequence[_Member], picture: Box) -> Iterable[tuple[float, tuple[str, str], int, int]]:
    """Yield (-IoU, ids, number, number) of similar objects of two authors: in this order they are joined."""
    by_rank: dict[int, list[int]] = {}
    for k, member in enumerate(members):
        by_rank.setdefault(member.rank, []).append(k)
    for ours, theirs in combinations(by_rank.values(), 2):
        pairs = similar_pairs([members[k].item for k in ours], [members[k].item for k in theirs], picture, _GROUP_IOU)
        for pair in pairs:
            a, b = ours[pair.first], theirs[pair.second]
            yield -pair.iou, (members[a].item.id, members[b].item.id), a, b


def _voted_object(group: Sequence[_Member], documents: Sequence[Document], picture: Box, share: float) -> AnnotationObject | None:
    """Return the object that a group agrees on; None if no pixel has a majority."""
    shape = _voted_shape([member.item for member in group], documents, picture, share)
    if shape is None:
        return None
    ids = [member.item.id for member in group]
    planes = {member.item.z for member in group}
    return AnnotationObject(
        id=derived_id(f"{CONSENSUS}/{documents[0].image_id}", "+".join(sorted(ids))),
        kind="point" if isinstance(shape, Point) else "mask" if isinstance(shape, Mask) else "polygon",
        shape=shape,
        class_id=_voted_class([member.item.class_id for member in group]),
        source=CONSENSUS,
        author=CONSENSUS,
        created=max(member.item.created for member in group),
        z=planes.pop() if len(planes) == 1 else None,
        attributes={
            "source_ids": ids,
            "voters": [documents[member.rank].author for member in group],
            "votes": len(group),
            "authors": len(documents),
            "class_votes": [[number, votes] for number, votes in _class_votes([member.item.class_id for member in group])],
        },
    )


def _class_votes(class_ids: Iterable[int | None]) -> list[tuple[int, int]]:
    counts = Counter(number for number in class_ids if number is not None)
    return sorted(counts.items(), key=lambda votes: (-votes[1], votes[0]))


def _voted_class(class_ids: Iterable[int | None]) -> int | None:
    votes = _class_votes(class_ids)
    if not votes or (len(votes) > 1 and votes[0][1] == votes[1][1]):
        return None
    return votes[0][0]


def _voted_shape(items: Sequence[AnnotationObject], documents: Sequence[Document], picture: Box, share: float) -> Shape | None:
    boxes = [covering_box(item.shape).intersect(picture) for item in items]
    boxes = [box for box in boxes if box.area_px]
    if not boxes:
        return None
    low, high = np.min([box.as_tuple()[:2] for box in boxes], axis=0), np.max([box.as_tuple()[2:] for box in boxes], axis=0)
    tiles: dict[tuple[int, int], bytes] = {}
    for block in _aligned_blocks(Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))):
        marks = np.sum([rasterise(item.shape, block) for item in items], axis=0, dtype=np.int64)
        if marks.any():
            knowing = np.sum([_known(document, block) for document in documents], axis=0, dtype=np.int64)
            tiles |= _tiles(np.asarray((marks > 0) & (marks > share * knowing)), block)
    if not tiles:
        return None
    mask = Mask(tiles)
    if all(isinstance(item.shape, Point) for item in items):
        return Point(mask.box.y0 + 0.5, mask.box.x0 + 0.5)
    return outline_of(mask) if mask.box.area_px <= _LARGEST_OUTLINE_PX else mask


def _known(document: Document, block: Box) -> NDArray[np.bool_]:
    """Return which pixels an author knows: also those of objects that have no class yet."""
    if document.finished:
        return np.ones(block.shape, dtype=np.bool_)
    if not document.numbers_within(block):
        return np.zeros(block.shape, dtype=np.bool_)
    return np.asarray((rasterise_classes(document, block) != IGNORE) | (rasterise_objects(document, block) > 0))


def _common_area(documents: Sequence[Document], picture: Box) -> tuple[AnnotationObject, ...]:
    """Return the annotated area that all know; nothing if there is none."""
    shape = _common_shape(documents, picture)
    if shape is None:
        return ()
    names = [document.author for document in documents]
    created = [item.created for document in documents for item in document.objects if item.status == "accepted"]
    return (
        AnnotationObject(
            id=derived_id(f"{CONSENSUS}/{documents[0].image_id}", "area"),
            kind="area",
            shape=shape,
            source=CONSENSUS,
            author=CONSENSUS,
            created=max(created, default=datetime(1970, 1, 1, tzinfo=UTC)),  # of the content, so that repeating gives the same
            attributes={"voters": names, "authors": len(names)},
        ),
    )


def _common_shape(documents: Sequence[Document], picture: Box) -> Shape | None:
    if all(document.finished for document in documents):
        return Rectangle(*picture.as_tuple()) if picture.area_px else None
    tiles: dict[tuple[int, int], bytes] = {}
    for block in _aligned_blocks(picture):
        if all(document.finished or document.numbers_within(block) for document in documents):
            tiles |= _tiles(np.logical_and.reduce([_known(document, block) for document in documents]), block)
    return Mask(tiles) if tiles else None


def _aligned_blocks(box: Box) -> Iterable[Box]:
    """Yield blocks that cover `box` and end where tiles of masks do, so that no tile is in two of them."""
    whole = Box(box.y0 // BLOCK_PX * BLOCK_PX, box.x0 // BLOCK_PX * BLOCK_PX, box.y1, box.x1)
    return (block.intersect(box) for block in iter_blocks(whole, BLOCK_PX, BLOCK_PX))


def _tiles(inside: NDArray[np.bool_], block: Box) -> dict[tuple[int, int], bytes]:
    return dict(Mask.from_array(inside, block.y0, block.x0).tiles) if inside.any() else {}


# Reading and saving


def _chosen_authors(project: Project, image: ImageRecord, names: Sequence[str]) -> list[str]:
    known = [name for name in authors(project, image.id) if name != CONSENSUS]
    chosen = sorted(dict.fromkeys(names)) if names else known
    unknown = [name for name in chosen if name not in known]
    if CONSENSUS in chosen:
        raise InvalidInput("The consensus cannot be made of itself.", hint="Name the authors of the originals.")
    if unknown:
        raise NotFound(f"{unknown[0]} has no annotations of {image.name}.", hint=f"Annotated by: {', '.join(known) or 'nobody'}.")
    if len(chosen) < 2:
        raise InvalidInput(f"A consensus of {len(chosen)} author(s) is none.", hint=f"Annotated by: {', '.join(known) or 'nobody'}.")
    return chosen


def _save(project: Project, merged: Document) -> tuple[Document, int]:
    """Save the consensus with what somebody drew into it; return how many objects that are."""
    ours = {item.id for item in merged.objects}

    def renewed(stored: Document) -> Document:
        drawn = (item for item in stored.objects if item.source != CONSENSUS and item.id not in ours)
        return replace(stored, objects=(*merged.objects, *drawn))

    saved = change_document(project, merged.image_id, CONSENSUS, renewed)
    return saved, len(saved.objects) - len(merged.objects)
