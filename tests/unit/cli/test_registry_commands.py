"""`labkit model`: the shelf on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.project import Project
from labkit.testing.commands import Done, call_labkit, files_in
from labkit.testing.trained import trained_project
from labkit.training import register_model

LabKit = Callable[..., Done]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the models ``tiny/1`` and ``tiny/2``."""
    project, model = trained_project(tmp_path_factory.mktemp("shelf"), steps=2)
    register_model(project, model.layout.weights, model.card.plan, model.card.result, {}, run=None)
    return project


@pytest.mark.parametrize(
    ("command", "error", "about"),
    [
        (("show", "nothing"), "NotFound", "tiny/1"),
        (("show", "tiny/x"), "InvalidInput", "NAME"),
        (("compare", "tiny/1"), "InvalidInput", "2 to 12"),
        (("compare", "tiny/1", "other"), "NotFound", "tiny/1"),
        (("promote", "tiny"), "InvalidInput", "tiny/1"),
        (("retire", "tiny/1"), "UsageError", "--help"),
        (("retire", "tiny/1", "--reason", " "), "InvalidInput", "Say it"),
        (("restore", "tiny/1"), "InvalidInput", "nothing to restore"),
        (("export", "tiny", "x.zip", "--format", "pickle"), "UsageError", "--help"),
        (("export", "tiny/9", "x.onnx"), "NotFound", "tiny/1"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    labkit_there: LabKit, trained: Project, command: tuple[str, ...], error: str, about: str
) -> None:
    """Exit 2, with what to do next."""
    before = files_in(trained.path)
    done = labkit_there("model", *command, "--json")
    assert (done.exit_code, done.error["type"]) == (2, error)
    assert about in done.error["hint"]
    assert {p: b for p, b in files_in(trained.path).items() if not str(p).endswith(".lock")} == before


def test_a_version_is_retired_promoted_and_restored(labkit_there: LabKit) -> None:
    """The list follows: retired versions stand there only when they are asked for."""
    assert labkit_there("model", "promote", "tiny/1", "--json").json["promoted"] is True
    assert labkit_there("model", "show", "tiny", "--json").json["card"]["version"] == 1
    labkit_there("model", "retire", "tiny/1", "--reason", "It merges nuclei.")
    assert [m["key"] for m in labkit_there("model", "list", "--json").json["models"]] == ["tiny/2"]
    everything = labkit_there("model", "list", "--all")
    assert "retired: It merges nuclei." in everything.stdout
    labkit_there("model", "restore", "tiny/1")
    assert [m["key"] for m in labkit_there("model", "list", "--json").json["models"]] == ["tiny/1", "tiny/2"]


def test_models_are_compared_with_a_picture(labkit_there: LabKit, tmp_path: Path) -> None:
    """The curves are a PNG file."""
    done = labkit_there("model", "compare", "tiny/1", "tiny/2", "--picture", tmp_path / "curves.png", "--json")
    assert [run["key"] for run in done.json["runs"]] == ["tiny/1", "tiny/2"]
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_project_without_models_says_so(tmp_path: Path) -> None:
    """No error: there is nothing yet."""
    empty = Project.create(tmp_path, "empty")
    assert call_labkit("model", "list", cwd=empty.path).stdout == "No model yet.\n"


def test_architectures_are_a_table(labkit_there: LabKit) -> None:
    """Each with what it needs."""
    done = labkit_there("model", "architectures")
    assert "unet-s" in done.stdout
    assert "smp:<decoder>:<encoder>" in done.stdout


def test_encoders_of_the_cache_are_listed_with_their_faults(labkit_there: LabKit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One without a label is a fault: exit 3."""
    (tmp_path / "mystery.pth").write_bytes(b"weights")
    monkeypatch.setenv("LABKIT_ENCODERS", str(tmp_path))
    done = labkit_there("model", "encoders", "--json")
    assert (done.exit_code, done.json["encoders"][0]["state"]) == (3, "fault")
