"""`labkit annotations progress|validate|agreement|consensus|review|next`: what they answer, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from labkit.annotations import AnnotationObject, Document, new_object, open_document, save_document
from labkit.geometry import Rectangle, Region
from labkit.project import ImageRecord, Project
from labkit.storage import save_record, utc_now
from labkit.testing.commands import Done, files_in

LabKit = Callable[..., Done]


def _add_image(project: Project, image_id: str) -> ImageRecord:
    record = ImageRecord(
        id=image_id,
        name=f"{image_id}.png",
        sha256="0" * 64,
        axes=("y", "x"),
        shape=(40, 60),
        dtype="uint8",
        levels=((40, 60),),
        software="test",
        imported=utc_now(),
    )
    save_record(project.layout.image(image_id).record, record)
    return record


def _cell(y: float, x: float, size: float = 10) -> AnnotationObject:
    return new_object(Rectangle(y, x, y + size, x + size), class_id=1)


@pytest.fixture
def image(project: Project) -> ImageRecord:
    """An image in which Ada and Grace are finished, each with two objects."""
    record = _add_image(project, "one")
    for author, shift in (("Ada", 0), ("Grace", 1)):
        objects = (_cell(0, shift), _cell(20, 20 + 20 * shift))
        save_document(project, Document(record.id, author, completed_tasks=("finished",), objects=objects))
    return record


def test_progress_lists_images_and_authors(labkit_in: LabKit, image: ImageRecord, project: Project) -> None:
    """A row for each author, one for an image that nobody has begun, and sums."""
    _add_image(project, "two")
    found = labkit_in("annotations", "progress", "--json").json
    assert [(row["image"], row["author"], row["finished"]) for row in found["rows"]] == [
        ("one.png", "Ada", True),
        ("one.png", "Grace", True),
        ("two.png", None, False),
    ]
    assert found["totals"]["objects"] == {"nucleus": 4}
    lines = labkit_in("annotations", "progress").stdout.splitlines()
    assert len(lines) == 5
    assert lines[-1] == "  two.png: nobody yet"
    assert "2 nucleus" in lines[2]


def test_validate_says_what_looks_wrong_and_changes_nothing(labkit_in: LabKit, image: ImageRecord, project: Project) -> None:
    """Warnings and notes, with the ids of the objects; the exit code is 0."""
    tie, tiny = new_object(Region(([(0, 0), (0, 9), (9, 0), (9, 9)],)), class_id=1), _cell(30, 30, 1)
    save_document(project, open_document(project, image.id, "Ada").with_objects([tie, tiny]))
    before = files_in(project.path)
    done = labkit_in("annotations", "validate", image.name, "--author", "Ada", "--json")
    assert done.exit_code == 0
    assert (done.json["warnings"], done.json["notes"]) == (1, 1)
    assert [(fault["object_id"], fault["fault"]) for fault in done.json["faults"]] == [(tie.id, "self-crossing"), (tiny.id, "tiny")]
    assert "nothing looks wrong" in labkit_in("annotations", "validate", image.name, "--author", "Grace").stdout
    assert files_in(project.path) == before


def test_an_author_who_is_not_there_is_named(labkit_in: LabKit, image: ImageRecord) -> None:
    """You, if you annotated, else the only one; of several, one must be named."""
    done = labkit_in("annotations", "validate", image.name, "--json")
    assert (done.exit_code, done.error["type"]) == (2, "NotFound")
    assert "Ada, Grace" in done.error["hint"]


def test_agreement_answers_the_numbers(labkit_in: LabKit, image: ImageRecord) -> None:
    """One object matches (90 of 110 pixels), one of each is alone; a score that is not there is null."""
    found = labkit_in("annotations", "agreement", image.name, "--between", "Ada", "Grace", "--json").json
    assert (found["first"], found["second"], found["known_px"]) == ("Ada", "Grace", 2400)
    assert found["classes"][0]["iou"] == pytest.approx(90 / 310)
    assert (found["objects"]["matched"], found["objects"]["missed"], found["objects"]["extra"]) == (1, 1, 1)
    assert labkit_in("annotations", "agreement", image.name, "--between", "Ada", "Nobody", "--json").exit_code == 2
    assert "IoU 0.290" in labkit_in("annotations", "agreement", image.name, "--between", "Ada", "Grace").stdout


def test_consensus_is_one_more_author(labkit_in: LabKit, image: ImageRecord, project: Project) -> None:
    """What both marked is kept; given again, the same is there."""
    call = ("annotations", "consensus", image.name, "--authors", "Ada", "--authors", "Grace", "--json")
    found = labkit_in(*call).json
    assert (found["authors"], found["objects"], found["dropped"], found["revision"]) == (["Ada", "Grace"], 1, 2, 1)
    before = files_in(project.path)
    assert labkit_in(*call).json == found
    assert files_in(project.path) == before
    assert labkit_in("annotations", "consensus", image.name, "--share", "1", "--json").error["type"] == "InvalidInput"


def test_review_changes_state_and_comments(labkit_in: LabKit, image: ImageRecord) -> None:
    """Who and when are kept; without options it only shows."""
    review = ("annotations", "review", image.name, "--author", "Ada")
    labkit_in(*review, "--state", "in-review", "--by", "Ada")
    found = labkit_in(*review, "--state", "returned", "--comment", "one is missing", "--at", "12.5,30", "--json").json
    assert [(step["state"], step["by"]) for step in found["history"]] == [("in-review", "Ada"), ("returned", "tester")]
    [comment] = found["comments"]
    assert (comment["text"], comment["y"], comment["x"], comment["author"]) == ("one is missing", 12.5, 30, "tester")
    shown = labkit_in(*review).stdout
    assert "tester at 12.5,30: one is missing" in shown
    assert labkit_in(*review, "--resolve", comment["id"], "--by", "Ada", "--json").json["comments"][0]["resolved_by"] == "Ada"
    assert labkit_in(*review, "--json").json["state"] == "returned"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--state", "accepted"), "Conflict"),
        (("--at", "1,2"), "InvalidInput"),
        (("--comment", "x", "--at", "here"), "InvalidInput"),
        (("--comment", " "), "InvalidInput"),
        (("--resolve", "none"), "NotFound"),
        (("--state", "done"), "UsageError"),
    ],
)
def test_a_review_that_cannot_be_changes_nothing(
    labkit_in: LabKit, image: ImageRecord, project: Project, options: tuple[str, ...], error: str
) -> None:
    """The error has a hint, and there is no record of it."""
    done = labkit_in("annotations", "review", image.name, "--author", "Ada", *options, "--json")
    assert (done.exit_code, done.error["type"]) == (2, error)
    assert done.error["hint"]
    assert not project.layout.annotation(image.id, "Ada").review.exists()


def test_next_names_and_claims(labkit_in: LabKit, image: ImageRecord, project: Project) -> None:
    """Ada is finished with the first; the second is hers while she claims it, then there is nothing for Grace."""
    two = _add_image(project, "two")
    assert labkit_in("annotations", "next", "--author", "Ada", "--json").json == {
        "author": "Ada",
        "image_id": two.id,
        "image": two.name,
        "claim": None,
    }
    claimed = labkit_in("annotations", "next", "--author", "Ada", "--claim", "--minutes", "5", "--json").json
    assert (claimed["image_id"], claimed["claim"]["author"]) == (two.id, "Ada")
    assert labkit_in("annotations", "next", "--author", "Grace", "--claim", "--json").json["image_id"] is None
    assert "no free image" in labkit_in("annotations", "next", "--author", "Grace").stdout
    assert labkit_in("annotations", "next", "--claim", "--minutes", "0", "--json").error["type"] == "InvalidInput"
