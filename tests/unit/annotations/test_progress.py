"""How far a project has come: by image and author, and in sum."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from labkit.annotations import Document, new_object, save_document
from labkit.annotations.consensus import CONSENSUS, build_consensus
from labkit.annotations.locking import claim
from labkit.annotations.progress import project_progress
from labkit.annotations.review import add_comment, add_time, change_state, resolve_comment
from labkit.geometry import Point, Rectangle
from labkit.storage import save_record, utc_now

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def other(make_image, image):
    """Record a second image, after the first."""
    return make_image("image2", 40, 60)


def cell(y, class_id=1, **facts):
    return new_object(Rectangle(y, 0, y + 3, 3), class_id=class_id, **facts)


def test_an_image_without_anybody_has_a_row(project, image, other):
    """Each image stands in the table, in the order of the project."""
    table = project_progress(project)
    assert [(row.image, row.author, row.state, row.changed) for row in table.rows] == [
        ("image1.png", None, "to-annotate", None),
        ("image2.png", None, "to-annotate", None),
    ]
    assert (table.totals.images, table.totals.annotated_images, table.totals.documents) == (2, 0, 0)
    assert table.totals.objects == {"cell": 0, "debris": 0}


def test_a_row_says_what_an_author_did(project, image):
    """Objects by class, marks, review, time, comments, last change."""
    objects = (cell(0), cell(5), cell(10, 2), cell(15, None), cell(20, status="proposed"), new_object(Rectangle(0, 0, 9, 9), kind="area"))
    before = utc_now() - timedelta(seconds=2)
    save_document(project, Document(image.id, "Ada", completed_tasks=("outline", "finished"), objects=objects))
    add_time(project, image.id, "Ada", [NOON, NOON + timedelta(seconds=45)], by="Ada")
    add_comment(project, image.id, "Ada", "here", by="Grace", place=(1, 1))
    review = add_comment(project, image.id, "Ada", "there", by="Grace")
    resolve_comment(project, image.id, "Ada", review.comments[0].id, by="Ada")
    change_state(project, image.id, "Ada", "in-review", by="Ada")
    [row] = project_progress(project).rows
    assert (row.author, row.state, row.completed_tasks, row.finished) == ("Ada", "in-review", ("outline", "finished"), True)
    assert (row.objects, row.unclassified, row.areas) == ({"cell": 2, "debris": 1}, 1, 1)
    assert (row.seconds, row.open_comments, row.claimed_until, row.problem) == (45, 1, None, None)
    assert before <= row.changed <= utc_now() + timedelta(seconds=1)


def test_what_is_not_completed_is_not_finished(project, image):
    """A mark that was taken off, or of another task, does not finish."""
    save_document(project, Document(image.id, "Ada").with_task("outline").with_task().with_task(completed=False))
    table = project_progress(project)
    assert (table.rows[0].completed_tasks, table.rows[0].finished, table.totals.finished) == (("outline",), False, 0)


def test_a_claim_stands_in_its_owners_row(project, image, other):
    """Also of somebody who has saved nothing yet; one that is over stands nowhere."""
    save_document(project, Document(image.id, "Ada", objects=(cell(0),)))
    held = claim(project, image.id, "Grace")
    over = claim(project, other.id, "Grace")
    save_record(project.layout.claim(other.id), over.model_copy(update={"until": utc_now() - timedelta(seconds=1)}))
    table = project_progress(project)
    assert [(row.image_id, row.author, row.claimed_until) for row in table.rows] == [
        (image.id, "Ada", None),
        (image.id, "Grace", held.until),
        (other.id, None, None),
    ]
    assert (table.totals.claimed, table.totals.documents) == (1, 1)


def test_totals_are_of_people(project, image, other):
    """Sums over images and authors, in which a consensus does not count again."""
    for name in ("Ada", "Grace"):
        save_document(project, Document(image.id, name, objects=(cell(0), cell(9, 2))).with_task())
    save_document(project, Document(other.id, "Ada", objects=(new_object(Point(1, 1), class_id=9),)))
    build_consensus(project, image)
    change_state(project, image.id, "Ada", "in-review", by="Ada")
    change_state(project, image.id, "Ada", "accepted", by="Grace")
    table = project_progress(project)
    assert [row.author for row in table.rows] == ["Ada", "Grace", CONSENSUS, "Ada"]
    totals = table.totals
    assert (totals.images, totals.annotated_images, totals.documents, totals.finished) == (2, 2, 3, 2)
    assert totals.states == {"to-annotate": 2, "in-review": 0, "returned": 0, "accepted": 1}
    assert totals.objects == {"cell": 2, "debris": 2, "class 9": 1}


def test_what_cannot_be_read_is_named(project, image, other):
    """A broken snapshot, review and claim; the rest of the table stands."""
    for name in ("Ada", "Grace"):
        save_document(project, Document(image.id, name, objects=(cell(0),)))
    add_comment(project, image.id, "Grace", "look", by="Ada")
    claim(project, other.id, "Ada")
    project.layout.annotation(image.id, "Ada").snapshot.write_bytes(b"{")
    project.layout.annotation(image.id, "Grace").review.write_bytes(b"{")
    project.layout.claim(other.id).write_bytes(b"{")
    table = project_progress(project)
    assert [name in row.problem for row, name in zip(table.rows, ("snapshot.geojson", "review.json", "claim.json"), strict=True)] == [
        True
    ] * 3
    assert (table.rows[1].objects["cell"], table.totals.problems) == (1, 3)


def test_the_table_is_plain_data(project, image):
    """It comes back from JSON as it was, and cannot be changed."""
    save_document(project, Document(image.id, "Zoë 細胞", objects=(cell(0),)))
    table = project_progress(project)
    assert type(table).model_validate_json(table.model_dump_json()) == table
    with pytest.raises(ValueError, match="frozen"):
        table.rows[0].author = "somebody"
