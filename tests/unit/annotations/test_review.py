"""A document's review: states, comments, time."""

from __future__ import annotations

import itertools
import multiprocessing
from datetime import UTC, datetime, timedelta

import pytest

from labkit.annotations import Document, new_object, open_document, save_document
from labkit.annotations.review import (
    REVIEW_STATES,
    Review,
    active_seconds,
    add_comment,
    add_time,
    change_state,
    load_review,
    resolve_comment,
)
from labkit.errors import Conflict, CorruptStore, InvalidInput, NotFound
from labkit.geometry import Point, Rectangle

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
WAYS = {"to-annotate": (), "in-review": ("in-review",), "returned": ("in-review", "returned"), "accepted": ("in-review", "accepted")}
ALLOWED = {
    ("to-annotate", "in-review"),
    ("in-review", "returned"),
    ("in-review", "accepted"),
    ("returned", "in-review"),
    ("accepted", "returned"),
}


def at(*seconds: float) -> list[datetime]:
    return [NOON + timedelta(seconds=s) for s in seconds]


def test_a_document_without_a_review_is_to_be_annotated(project, image):
    """Asking makes nothing on disk."""
    assert load_review(project, image.id, "Ada") == Review(image_id=image.id, author="Ada")
    assert load_review(project, image.id, "Ada").state == "to-annotate"
    assert not project.layout.annotations.exists()


@pytest.mark.parametrize(("before", "after"), list(itertools.product(REVIEW_STATES, repeat=2)))
def test_only_the_allowed_steps_are_taken(project, image, before, after):
    """Of the sixteen steps five are allowed; a refused one changes nothing."""
    for state in WAYS[before]:
        change_state(project, image.id, "Ada", state, by="Grace")
    if (before, after) in ALLOWED:
        assert change_state(project, image.id, "Ada", after, by="Grace").state == after
    else:
        with pytest.raises(Conflict) as caught:
            change_state(project, image.id, "Ada", after, by="Grace")
        assert caught.value.hint
    assert load_review(project, image.id, "Ada").state == (after if (before, after) in ALLOWED else before)


def test_history_says_who_and_when(project, image):
    """Each step is kept, in order."""
    start = datetime.now(UTC) - timedelta(seconds=1)
    for state, by in (("in-review", "Ada"), ("returned", "Grace"), ("in-review", "Ada"), ("accepted", "Grace")):
        change_state(project, image.id, "Ada", state, by=by)
    history = load_review(project, image.id, "Ada").history
    assert [(step.state, step.by) for step in history] == [
        ("in-review", "Ada"),
        ("returned", "Grace"),
        ("in-review", "Ada"),
        ("accepted", "Grace"),
    ]
    assert [start, *(step.time for step in history)] == sorted([start, *(step.time for step in history)])


def test_an_author_cannot_take_back_what_was_accepted(project, image):
    """That takes a reviewer."""
    for state in WAYS["accepted"]:
        change_state(project, image.id, "Ada", state, by="Grace")
    with pytest.raises(Conflict, match="own annotations"):
        change_state(project, image.id, "Ada", "returned", by="Ada")
    assert load_review(project, image.id, "Ada").state == "accepted"


def test_an_unknown_state_names_the_known_ones(project, image):
    """The hint lists all four."""
    with pytest.raises(InvalidInput) as caught:
        change_state(project, image.id, "Ada", "done", by="Grace")
    assert all(state in caught.value.hint for state in REVIEW_STATES)


@pytest.mark.parametrize("image_id", ["nowhere", "../study", "", "."])
def test_an_unknown_image_has_no_review(project, image_id):
    """Nothing is written outside of the images of the project."""
    with pytest.raises(NotFound):
        change_state(project, image_id, "Ada", "in-review", by="Ada")
    assert not project.layout.annotations.exists()


def test_comments_are_pinned_and_resolved(project, image):
    """At a place, on an object, on all; a resolved one stays, with who resolved it first."""
    item = new_object(Rectangle(1, 1, 5, 5))
    add_comment(project, image.id, "Ada", "here?", by="Grace", place=(3.5, 4.25))
    add_comment(project, image.id, "Ada", "two cells, ß 細胞", by="Grace", object_id=item.id)
    review = add_comment(project, image.id, "Ada", " all of it ", by="Grace")
    assert [(c.text, c.y, c.x, c.object_id, c.author) for c in review.comments] == [
        ("here?", 3.5, 4.25, None, "Grace"),
        ("two cells, ß 細胞", None, None, item.id, "Grace"),
        ("all of it", None, None, None, "Grace"),
    ]
    first = review.comments[0].id
    resolve_comment(project, image.id, "Ada", first, by="Ada")
    review = resolve_comment(project, image.id, "Ada", first, by="Grace")
    assert (review.comments[0].resolved_by, len(review.comments), len(review.open_comments)) == ("Ada", 3, 2)
    assert load_review(project, image.id, "Ada") == review


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": " \n"},
        {"text": "x" * 4001},
        {"text": "x", "place": (1.0, float("nan"))},
        {"text": "x", "place": (1.0, 1.0), "object_id": "a"},
    ],
)
def test_a_comment_that_says_nothing_or_is_nowhere_is_refused(project, image, wrong):
    """Nothing is written."""
    with pytest.raises(InvalidInput):
        add_comment(project, image.id, "Ada", by="Grace", **wrong)
    assert load_review(project, image.id, "Ada").comments == ()


def test_an_unknown_comment_is_not_resolved(project, image):
    """It is named."""
    with pytest.raises(NotFound, match="zzz"):
        resolve_comment(project, image.id, "Ada", "zzz", by="Ada")


@pytest.mark.parametrize(
    ("times", "seconds"),
    [((), 0), ((5,), 0), ((0, 10, 20), 20), ((20, 0, 10), 20), ((0, 60), 60), ((0, 60.5), 0), ((0, 30, 600, 610), 40), ((3, 3, 3), 0)],
)
def test_idle_gaps_do_not_count(times, seconds):
    """A gap over a minute is no work, one of exactly a minute is; the order of the moments does not matter."""
    assert active_seconds(times) == seconds


def test_the_longest_gap_can_be_chosen():
    """With a pause of five minutes allowed, the gap counts."""
    assert active_seconds((0, 200), idle_s=300) == 200


def test_batches_of_time_join_and_never_count_twice(project, image):
    """A batch that is sent again, or one of a second window, adds nothing; one that follows at once joins."""
    add_time(project, image.id, "Ada", at(0, 30), by="Ada")
    add_time(project, image.id, "Ada", at(0, 30), by="Ada")
    add_time(project, image.id, "Ada", at(10, 20), by="Ada")
    assert load_review(project, image.id, "Ada").seconds == 30
    add_time(project, image.id, "Ada", at(70, 80), by="Ada")
    assert load_review(project, image.id, "Ada").seconds == 80
    review = add_time(project, image.id, "Ada", at(1000, 1007.5), by="Ada")
    assert review.seconds == 87.5


def test_a_clock_that_is_wrong_stops_no_counting(project, image):
    """A moment of next year is left out, and what comes after still counts."""
    add_time(project, image.id, "Ada", [datetime.now(UTC) + timedelta(days=365)], by="Ada")
    assert load_review(project, image.id, "Ada").time_spent == ()
    assert add_time(project, image.id, "Ada", at(0, 30), by="Ada").seconds == 30


def test_time_is_kept_by_person(project, image):
    """A reviewer's minutes are not the author's."""
    add_time(project, image.id, "Ada", at(0, 30), by="Ada")
    review = add_time(project, image.id, "Ada", at(0, 12), by="Grace")
    assert [(item.author, item.seconds) for item in review.time_spent] == [("Ada", 30), ("Grace", 12)]


def test_a_time_without_zone_is_refused(project, image):
    """It could be any of 24 hours."""
    with pytest.raises(InvalidInput):
        add_time(project, image.id, "Ada", [datetime(2026, 1, 1, 12)], by="Ada")


def test_saving_without_a_completed_task_deletes_nothing(project, image):
    """Objects, review and comments stay, and "not completed" is not finished."""
    document = save_document(project, Document(image.id, "Ada", objects=(new_object(Point(1, 1)),)).with_task())
    add_comment(project, image.id, "Ada", "look", by="Grace")
    review = change_state(project, image.id, "Ada", "in-review", by="Ada")
    save_document(project, document.with_task(completed=False))
    stored = open_document(project, image.id, "Ada")
    assert (stored.completed_tasks, stored.finished, stored.objects) == ((), False, document.objects)
    assert load_review(project, image.id, "Ada") == review


def test_a_review_changes_no_document(project, image):
    """The snapshot has the same bytes before and after."""
    save_document(project, Document(image.id, "Ada", objects=(new_object(Point(1, 1)),)))
    snapshot = project.layout.annotation(image.id, "Ada").snapshot
    before = snapshot.read_bytes()
    change_state(project, image.id, "Ada", "in-review", by="Ada")
    assert snapshot.read_bytes() == before


def test_a_broken_review_is_named(project, image):
    """It is an error of its own, and is not written over."""
    change_state(project, image.id, "Ada", "in-review", by="Ada")
    path = project.layout.annotation(image.id, "Ada").review
    path.write_bytes(b'{"state": ')
    with pytest.raises(CorruptStore, match=r"review\.json"):
        add_comment(project, image.id, "Ada", "look", by="Grace")
    assert path.read_bytes() == b'{"state": '


def _comment_often(path, image_id, by):
    from labkit.project import Project

    for number in range(10):
        add_comment(Project.open(path), image_id, "Ada", f"{by} {number}", by=by)


def test_two_programs_lose_no_comment(project, image):
    """Both write at once; all twenty comments are there."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_comment_often, args=(project.path, image.id, name)) for name in ("Grace", "Zoë")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    texts = {comment.text for comment in load_review(project, image.id, "Ada").comments}
    assert texts == {f"{name} {number}" for name in ("Grace", "Zoë") for number in range(10)}
