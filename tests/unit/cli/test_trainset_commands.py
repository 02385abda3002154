"""`labkit trainset` and `labkit project group`: what they answer, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.project import Project
from labkit.testing.commands import files_in
from labkit.testing.learning import annotated_image

from .conftest import LabKit


@pytest.fixture
def nuclei(project: Project, tmp_path: Path) -> Project:
    """A project with one finished image of 128 x 160 px."""
    annotated_image(project, tmp_path)
    return project


CHIPS = ("--chip", "32", "--gap", "8", "--tile", "32")


def test_plan_says_what_build_does(labkit_in: LabKit, nuclei: Project) -> None:
    """The same parts; the plan writes nothing."""
    before = files_in(nuclei.path)
    plan = labkit_in("trainset", "plan", "discs", *CHIPS, "--count", "6", "--json").json
    assert files_in(nuclei.path) == before
    built = labkit_in("trainset", "build", "discs", *CHIPS, "--count", "6", "--json").json
    assert plan["parts"] == built["parts"]
    assert plan["spec"]["tiles"]["kind"] == built["spec"]["tiles"]["kind"] == "number"
    assert sum(plan["images"][0]["chosen"]) == 6
    assert all(problem["hint"] for problem in plan["problems"])


def test_a_plan_of_what_would_be_refused_is_an_answer(labkit_in: LabKit, nuclei: Project) -> None:
    """Errors are listed, and the exit code is 0; a build of it is exit 2 with the same words."""
    done = labkit_in("trainset", "plan", "discs", "--split", "images", "--json")
    [error] = [problem for problem in done.json["problems"] if problem["level"] == "error"]
    refused = labkit_in("trainset", "build", "discs", "--split", "images", "--json")
    assert (done.exit_code, refused.exit_code, refused.error["message"]) == (0, 2, error["message"])
    words = labkit_in("trainset", "plan", "discs", "--split", "images").stdout
    assert f"error: {error['message']}" in words


def test_list_show_and_compare(labkit_in: LabKit, nuclei: Project) -> None:
    """Two versions of a name, each with its key; what is different between them, and since."""
    keys = [labkit_in("trainset", "build", "discs", *CHIPS, "--seed", seed, "--json").json["key"] for seed in "01"]
    listed = labkit_in("trainset", "list", "--json").json["training_sets"]
    assert [(row["key"], row["version"], row["images"]) for row in listed] == [(keys[0], 1, 1), (keys[1], 2, 1)]
    assert labkit_in("trainset", "show", "discs", "--json").json["key"] == keys[1]
    assert "nucleus" in labkit_in("trainset", "show", keys[0]).stdout
    found = labkit_in("trainset", "compare", *keys, "--json").json
    assert ([row["name"] for row in found["settings"]], found["same"]) == (["split.seed"], False)
    assert labkit_in("trainset", "compare", "discs", "--json").json["same"]
    assert "same content" in labkit_in("trainset", "compare", "discs").stdout


def test_a_tile_by_hand(labkit_in: LabKit, nuclei: Project) -> None:
    """Image, row and column."""
    built = labkit_in("trainset", "build", "discs", *CHIPS, "--take", "nuclei-0.tif:0,0", "--take", "nuclei-0.tif:1,1", "--json").json
    assert [(tile["row"], tile["column"]) for tile in built["spec"]["tiles"]["tiles"]] == [(0, 0), (1, 1)]


def test_groups_decide_a_split(labkit_in: LabKit, nuclei: Project) -> None:
    """What belongs together is said once, shown, taken back; and a split by it needs enough of them."""
    said = labkit_in("project", "group", "nuclei-0.tif", "slide", "A12", "--json").json
    assert [(row["name"], row["groups"]) for row in said["images"]] == [("nuclei-0.tif", {"slide": "A12"})]
    assert labkit_in("project", "group").stdout == "nuclei-0.tif: slide A12\n"
    refused = labkit_in("trainset", "build", "discs", "--split", "groups", "--group", "slide", "--json")
    assert (refused.exit_code, "group" in refused.error["message"]) == (2, True)
    labkit_in("project", "group", "nuclei-0.tif", "slide", "--remove")
    assert labkit_in("project", "group").stdout == "nuclei-0.tif: no group\n"


@pytest.mark.parametrize(
    "command",
    [
        ("project", "group", "nuclei-0.tif", "slide"),
        ("project", "group", "nuclei-0.tif", "slide", "A", "--remove"),
        ("project", "group", "nuclei-0.tif", "slide", " "),
        ("trainset", "build", "s", "--take", "nuclei-0.tif"),
        ("trainset", "build", "s", "--take", "nuclei-0.tif:a,b"),
        ("trainset", "build", "s", "--take", "nuclei-0.tif:-1,0"),
        ("trainset", "build", "s", "--tile", "3"),
        ("trainset", "build", "s", "--min-coverage", "2"),
        ("trainset", "build", "s", "--count", "0"),
        ("trainset", "build", "s", "--rule", "number"),
        ("trainset", "build", "s", "--block", "2"),
        ("trainset", "build", "s", "--split", "groups"),
        ("trainset", "build", "s", "--workers", "0"),
        ("trainset", "build", "s", "--dask", "somewhere"),
        ("trainset", "push", "s", "/tmp"),
        ("trainset", "clean", "/tmp"),
    ],
)
def test_what_cannot_be_meant_is_refused(labkit_in: LabKit, nuclei: Project, command: tuple[str, ...]) -> None:
    """Exit 2, one line and a hint, and nothing has changed."""
    if command[1] == "push":
        labkit_in("trainset", "build", "s", *CHIPS)
    before = files_in(nuclei.path)
    done = labkit_in(*command, "--json")
    assert (done.exit_code, done.error["type"]) == (2, "InvalidInput")
    assert done.error["hint"]
    assert files_in(nuclei.path) == before


@pytest.mark.parametrize("command", [("show", "nothing"), ("compare", "nothing"), ("push", "nothing", "s3://bucket/a")])
def test_a_set_that_is_not_there_is_named(labkit_in: LabKit, nuclei: Project, command: tuple[str, ...]) -> None:
    """Not found, with those there are."""
    done = labkit_in("trainset", *command, "--json")
    assert (done.exit_code, done.error["type"]) == (2, "NotFound")
