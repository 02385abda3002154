"""What most authors agree on: majority by pixel, of the authors who know the pixel."""

from __future__ import annotations

import numpy as np
import pytest

from labkit.annotations import Document, new_object, open_document, rasterise_classes, save_document
from labkit.annotations.consensus import CONSENSUS, build_consensus, merge_documents
from labkit.errors import InvalidInput, NotFound
from labkit.geometry import Box, Ellipse, Mask, Point, Rectangle, Region, mask_of, rasterise
from labkit.testing.shapes import square

PICTURE = Box(0, 0, 40, 60)


def by(author, *objects, finished=True):
    return Document("image1", author, completed_tasks=("finished",) if finished else (), objects=objects)


def cell(y0, x0, y1, x1, class_id=1, **facts):
    return new_object(Rectangle(y0, x0, y1, x1), class_id=class_id, **facts)


def found_in(document, kind="polygon"):
    return [item for item in document.objects if item.kind == kind]


def pixels(item) -> set[tuple[int, int]]:
    return {(int(y), int(x)) for y, x in zip(*rasterise(item.shape, PICTURE).nonzero(), strict=True)}


def test_three_authors_with_an_outlier(image):
    """Each pixel is kept that two of three mark; what one alone saw is dropped."""
    a, b, c = cell(10, 10, 20, 20), cell(10, 12, 20, 22), cell(10, 11, 20, 21)
    outlier = cell(30, 40, 38, 50)
    merged, dropped = merge_documents([by("Ada", a), by("Grace", b), by("Zoë", c, outlier)], image)
    [item] = found_in(merged)
    assert pixels(item) == {(y, x) for y in range(10, 20) for x in range(11, 21)}
    assert (item.class_id, item.source, item.author) == (1, CONSENSUS, CONSENSUS)
    assert item.attributes == {
        "source_ids": [a.id, b.id, c.id],
        "voters": ["Ada", "Grace", "Zoë"],
        "votes": 3,
        "authors": 3,
        "class_votes": [[1, 3]],
    }
    assert dropped == 1


def test_an_outlier_in_one_object_does_not_move_it(image):
    """One of three drew it twice as large, still similar: the majority has the size of the two others."""
    merged, _ = merge_documents([by("Ada", cell(0, 0, 10, 10)), by("Grace", cell(0, 0, 10, 10)), by("Zoë", cell(0, 0, 10, 20))], image)
    [item] = found_in(merged)
    assert len(pixels(item)) == 100


def test_who_has_not_looked_has_no_vote(image):
    """Grace knows the left half only: there both must agree, on the right Ada alone decides."""
    left = new_object(Rectangle(0, 0, 40, 30), kind="area")
    ada = by("Ada", cell(0, 0, 5, 5), cell(0, 40, 5, 45), cell(10, 25, 20, 35))
    merged, dropped = merge_documents([ada, by("Grace", left, finished=False)], image)
    assert [pixels(item) for item in found_in(merged)] == [
        {(y, x) for y in range(10, 20) for x in range(30, 35)},
        {(y, x) for y in range(5) for x in range(40, 45)},
    ]
    assert dropped == 1


def test_an_object_without_class_is_known_to_its_author(image):
    """Grace, who is not finished, marked one without a class; Ada saw background there: one of two is no majority."""
    merged, dropped = merge_documents([by("Ada"), by("Grace", cell(0, 0, 5, 5, None), finished=False)], image)
    assert (found_in(merged), dropped) == ([], 1)


@pytest.mark.parametrize(("share", "width"), [(0, 12), (0.5, 10), (0.9, 8)])
def test_the_share_can_be_chosen(image, share, width):
    """What anybody marked, what most did, what all did."""
    documents = [by(name, cell(0, x, 10, x + 10)) for name, x in (("Ada", 10), ("Grace", 11), ("Zoë", 12))]
    [item] = found_in(merge_documents(documents, image, share=share)[0])
    assert len(pixels(item)) == 10 * width


@pytest.mark.parametrize("share", [-0.1, 1, 2, float("nan")])
def test_an_impossible_share_is_refused(image, share):
    """Nothing can have more than all votes."""
    with pytest.raises(InvalidInput):
        merge_documents([by("Ada"), by("Grace")], image, share=share)


def test_the_class_with_most_votes_wins_and_a_tie_is_open(image):
    """Two of three say cell; one against one stays unclassified, which is unknown, not background."""
    three = [by(name, cell(0, 0, 5, 5, number)) for name, number in (("Ada", 1), ("Grace", 2), ("Zoë", 1))]
    merged, _ = merge_documents(three, image)
    assert found_in(merged)[0].class_id == 1
    assert found_in(merged)[0].attributes["class_votes"] == [[1, 2], [2, 1]]
    merged, _ = merge_documents(three[:2], image)
    assert found_in(merged)[0].class_id is None
    assert rasterise_classes(merged, Box(0, 0, 1, 1)) == 255


def test_an_author_is_in_a_group_once(image):
    """Ada drew the cell twice: the copy finds no partner and is dropped."""
    merged, dropped = merge_documents([by("Ada", cell(0, 0, 10, 10), cell(0, 0, 10, 9)), by("Grace", cell(0, 0, 10, 10))], image)
    assert len(found_in(merged)) == 1
    assert dropped == 1


def test_what_the_first_author_missed_hides_nothing(image):
    """Ada has the nucleus only, the others the cell around it too: the nucleus lies on top."""
    nucleus, around = (lambda: cell(12, 12, 16, 16, 2)), (lambda: cell(5, 5, 25, 25))
    merged, _ = merge_documents([by("Ada", nucleus()), by("Grace", around(), nucleus()), by("Zoë", around(), nucleus())], image)
    found = rasterise_classes(merged, PICTURE)
    assert [int((found == number).sum()) for number in (1, 2)] == [400 - 16, 16]


def test_where_all_know_is_an_area(image):
    """The whole picture if all are finished; else what all have looked at, as pixels."""
    finished, _ = merge_documents([by("Ada"), by("Grace")], image)
    assert [item.shape for item in finished.objects] == [Rectangle(0, 0, 40, 60)]
    areas = [new_object(Rectangle(*box), kind="area") for box in ((0, 0, 20, 30), (10, 0, 40, 30))]
    part, _ = merge_documents([by("Ada", areas[0], finished=False), by("Grace", areas[1], finished=False)], image)
    [area] = part.objects
    assert area.kind == "area"
    assert pixels(area) == {(y, x) for y in range(10, 20) for x in range(30)}
    none, _ = merge_documents([by("Ada", areas[0], finished=False), by("Grace", finished=False)], image)
    assert none.objects == ()


def test_kinds_of_shapes_mix(image):
    """A region, an ellipse and a mask of one disc, and three points in one pixel."""
    disc = Ellipse(20, 30, 8, 8)
    shapes = (disc, mask_of(disc, PICTURE), Region((disc.ring(64),)))
    documents = [by(name, new_object(shape, class_id=1), new_object(Point(1.2, 2.7))) for name, shape in zip("abc", shapes, strict=True)]
    merged, dropped = merge_documents(documents, image)
    [item], [point] = found_in(merged), found_in(merged, "point")
    assert np.array_equal(rasterise(item.shape, PICTURE), rasterise(disc, PICTURE))
    assert (point.shape, point.attributes["votes"], dropped) == (Point(1.5, 2.5), 3, 0)


def test_an_object_over_blocks_is_whole(make_image, monkeypatch):
    """Blocks of 256 pixels or of 1024 give the same rings, also where the object begins in the middle of a tile."""
    wide = make_image("wide", 700, 900)
    ring = Region((square(100, 130, 650, 840), square(300, 300, 400, 512)))
    documents = [Document("wide", name, completed_tasks=("finished",), objects=(new_object(ring, class_id=1),)) for name in "ab"]
    [item] = found_in(merge_documents(documents, wide)[0])
    monkeypatch.setattr("labkit.annotations.consensus.BLOCK_PX", 256)
    [small] = found_in(merge_documents(documents, wide)[0])
    picture = Box(0, 0, 700, 900)
    assert small == item
    assert np.array_equal(rasterise(item.shape, picture), rasterise(ring, picture))


def test_a_very_large_object_stays_a_mask(make_image, monkeypatch):
    """No array of the whole is made of it."""
    monkeypatch.setattr("labkit.annotations.consensus._LARGEST_OUTLINE_PX", 100)
    [item] = found_in(merge_documents([by(name, cell(0, 0, 20, 20)) for name in "ab"], make_image("image1", 40, 60))[0], "mask")
    assert isinstance(item.shape, Mask)
    assert item.shape.area_px == 400


def test_only_accepted_objects_vote(image):
    """Proposals of a model are nobody's opinion."""
    documents = [by("Ada", cell(0, 0, 5, 5)), by("Grace", cell(0, 0, 5, 5, status="proposed"))]
    assert found_in(merge_documents(documents, image)[0]) == []


def test_repeating_gives_the_identical_document(project, image):
    """Same ids, times and order, whatever the order of the authors; nothing is saved again, and the originals stay."""
    saved = [
        save_document(project, by(name, cell(0, x, 10, x + 10), cell(20, x, 30, x + 10)))
        for name, x in (("Ada", 10), ("Grace", 11), ("Zoë", 12))
    ]
    first = build_consensus(project, image)
    document = open_document(project, image.id, CONSENSUS)
    second = build_consensus(project, image, ["Zoë", "Ada", "Grace"])
    assert first == second
    assert (first.objects, first.dropped, first.authors, first.revision) == (2, 0, ("Ada", "Grace", "Zoë"), 1)
    assert open_document(project, image.id, CONSENSUS) == document
    assert merge_documents(saved[::-1], image)[0].objects == document.objects
    assert [open_document(project, image.id, name) for name in ("Ada", "Grace", "Zoë")] == saved


def test_what_was_drawn_into_a_consensus_stays(project, image):
    """A new round replaces what was made, not what somebody drew."""
    for name in ("Ada", "Grace"):
        save_document(project, by(name, cell(0, 0, 10, 10)))
    build_consensus(project, image)
    extra = cell(30, 30, 35, 35, author="Prof")
    save_document(project, open_document(project, image.id, CONSENSUS).with_object(extra).with_task("outline"))
    grown = open_document(project, image.id, "Ada")
    save_document(project, grown.without(*(item.id for item in grown.objects)))
    report = build_consensus(project, image)
    stored = open_document(project, image.id, CONSENSUS)
    assert (report.objects, report.dropped, report.kept) == (0, 1, 1)
    assert [item.id for item in stored.objects if item.kind != "area"] == [extra.id]
    assert stored.completed_tasks == ("outline",)


def test_a_consensus_needs_two_who_annotated(project, image):
    """One author, an unknown one, and the consensus itself are refused; nothing is written."""
    save_document(project, by("Ada", cell(0, 0, 10, 10)))
    with pytest.raises(InvalidInput, match="1 author"):
        build_consensus(project, image)
    with pytest.raises(NotFound, match="Grace"):
        build_consensus(project, image, ["Ada", "Grace"])
    save_document(project, by("Grace", cell(0, 0, 10, 10)))
    build_consensus(project, image)
    with pytest.raises(InvalidInput, match="itself"):
        build_consensus(project, image, ["Ada", CONSENSUS])
    assert open_document(project, image.id, CONSENSUS).revision == 1
