"""`labkit train`, `predict` and `analyse`: what they refuse, before any work is done, and what they answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from labkit.project import Project
from labkit.runs import LocalRunner, RunSpec
from labkit.testing.commands import Done, files_in
from labkit.testing.pictures import noise_picture, write_png
from labkit.testing.trained import trained_project
from labkit.training import TrainConfig
from labkit.work import start_training

LabKit = Callable[..., Done]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with an annotated image, a training set ``nuclei`` and a model ``tiny/1``."""
    return trained_project(tmp_path_factory.mktemp("trained"), steps=5)[0]


@pytest.mark.parametrize(
    ("command", "error", "about"),
    [
        (("train", "nothing"), "NotFound", "nuclei@"),
        (("train", "nuclei", "--architecture", "nothing"), "InvalidInput", "unet-s"),
        (("train", "nuclei", "--architecture", "smp:nothing"), "InvalidInput", "smp:unet:resnet18"),
        (("train", "nuclei", "--architecture", "deeplabv3-mobilenet", "--batch-size", "1"), "InvalidInput", "batch size of 2"),
        (("train", "nuclei", "--encoder", "nothing", "--architecture", "fcn-resnet50"), "NotFound", "labkit model encoders"),
        (("train", "nuclei", "--encoder-licence", "MIT"), "InvalidInput", "train --help"),
        (("train", "nuclei", "--epochs", "0"), "InvalidInput", "train --help"),
        (("train", "nuclei", "--epochs", "many"), "UsageError", "train --help"),
        (("train", "nuclei", "--batch-size", "0"), "InvalidInput", "train --help"),
        (("train", "nuclei", "--learning-rate", "nan"), "InvalidInput", "train --help"),
        (("train", "nuclei", "--learning-rate", "-1"), "InvalidInput", "train --help"),
        (("train", "nuclei", "--seed", "-1"), "InvalidInput", "train --help"),
        (("train", "nuclei", "--steps-per-epoch", "0"), "InvalidInput", "train --help"),
        (("train", "nuclei", "--device", "abacus"), "InvalidInput", "train --help"),
        (("train", "nuclei", "--model", ""), "InvalidInput", "train --help"),
        (("train", "nuclei", "--model", "a/b"), "InvalidInput", "letters"),
        (("train", "nuclei", "--model", ".."), "InvalidInput", "letters"),
        (("train", "nuclei", "--resume", "nothing"), "NotFound", "runs"),
        (("predict", "nothing", "--model", "tiny"), "NotFound", "nuclei-0.tif"),
        (("predict", "nuclei-0.tif", "--model", "nothing"), "NotFound", "tiny/1"),
        (("predict", "nuclei-0.tif", "--model", "tiny/2"), "NotFound", "tiny/1"),
        (("predict", "nuclei-0.tif", "--model", "tiny/new"), "InvalidInput", "NAME"),
        (("predict", "nuclei-0.tif", "--model", "tiny", "--min-area", "-1"), "InvalidInput", "0"),
        (("predict", "nuclei-0.tif", "--model", "tiny", "--device", "abacus"), "UsageError", "predict --help"),
        (("predict", "nuclei-0.tif"), "UsageError", "predict --help"),
        (("analyse",), "NotFound", "labkit predict"),
        (("analyse", "nothing"), "NotFound", "labkit predict"),
    ],
)
def test_what_cannot_work_is_refused_at_once(
    labkit_there: LabKit, trained: Project, command: tuple[str, ...], error: str, about: str
) -> None:
    """An unknown name or an impossible number is exit 2; the hint names what there is; no run is started."""
    before = files_in(trained.path)
    done = labkit_there(*command, "--json")
    assert (done.exit_code, done.error["type"]) == (2, error)
    assert about in done.error["hint"]
    assert files_in(trained.path) == before


@pytest.mark.parametrize("command", [("train", "nuclei"), ("predict", "nuclei-0.tif", "--model", "tiny")])
def test_a_gpu_that_is_not_there_is_refused(
    labkit_there: LabKit, trained: Project, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """Asked for a GPU where there is none, the hint says what to use instead."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    before = files_in(trained.path)
    done = labkit_there(*command, "--device", "cuda", "--json")
    assert (done.exit_code, done.error["type"]) == (2, "InvalidInput")
    assert "Choose the CPU" in done.error["hint"]
    assert files_in(trained.path) == before


@pytest.mark.parametrize(("wish", "device"), [("auto", "cuda:0"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1"), ("cpu", "cpu")])
def test_a_run_on_a_gpu_names_the_device(trained: Project, monkeypatch: pytest.MonkeyPatch, wish: str, device: str) -> None:
    """Where there is a GPU, a run says which one it takes."""
    specs: list[RunSpec] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(LocalRunner, "submit", lambda runner, spec: specs.append(spec))
    start_training(trained, TrainConfig(project=str(trained.path), training_set="nuclei", device=wish))
    assert [spec.device for spec in specs] == [device]


def test_a_picture_of_another_kind_is_refused(labkit_there: LabKit, trained: Project, tmp_path: Path) -> None:
    """A model of grey pictures does not look at colour ones."""
    labkit_there("import", write_png(tmp_path / "colour.png", noise_picture(40, 40, channels=3)))
    before = files_in(trained.path)
    done = labkit_there("predict", "colour.png", "--model", "tiny", "--json")
    assert (done.exit_code, done.error["type"]) == (2, "InvalidInput")
    assert "3 channel(s)" in done.error["message"]
    assert files_in(trained.path) == before


def test_a_picture_nobody_annotated_is_measured_without_scores(labkit_there: LabKit, tmp_path: Path) -> None:
    """Objects can be counted where there is no truth: scores are null, and the report is there."""
    labkit_there("import", write_png(tmp_path / "new.png", noise_picture(50, 70, dtype="uint16")))
    key = labkit_there("predict", "new.png", "--model", "tiny", "--min-area", "1", "--json").json["key"]
    done = labkit_there("analyse", key, "--json")
    assert done.exit_code == 0
    assert (done.json["author"], done.json["dice"], done.json["otsu_dice"], done.json["matching"]) == (None, None, None, None)
    assert Path(done.json["report"]).is_file()


def test_the_truth_of_nobody_is_refused(labkit_there: LabKit, trained: Project) -> None:
    """An author who has annotated nothing is named together with those who have."""
    key = labkit_there("predict", "nuclei-0.tif", "--model", "tiny", "--json").json["key"]
    before = files_in(trained.path)
    done = labkit_there("analyse", key, "--author", "nobody", "--json")
    assert (done.exit_code, done.error["type"]) == (2, "NotFound")
    assert "tester" in done.error["hint"]
    assert files_in(trained.path) == before


def test_lines_for_people_say_what_was_found(labkit_there: LabKit) -> None:
    """Without --json, predict and analyse answer in a few lines on standard output."""
    predicted = labkit_there("predict", "nuclei-0.tif", "--model", "tiny")
    assert predicted.exit_code == 0
    assert "object(s) in nuclei-0.tif" in predicted.stdout
    analysed = labkit_there("analyse")
    assert analysed.exit_code == 0
    assert "Dice" in analysed.stdout
    assert "report.html" in analysed.stdout
