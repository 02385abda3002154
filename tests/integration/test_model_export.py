"""Models for other programs answer as they do here; and a training is repeated from its card to the bit."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from labkit.datasets import open_training_set
from labkit.errors import InvalidInput, MissingDependency
from labkit.project import Project
from labkit.storage import CheckpointLayout, file_sha256, remove_tree
from labkit.testing.commands import Done, call_labkit
from labkit.testing.trained import trained_project
from labkit.training import Model, register_model, resolve, train
from labkit.training.exporting import ExportReport, export_onnx, exported_network

onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime (extra export) is not installed")
pytestmark = pytest.mark.ci
LabKit = Callable[..., Done]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Model]:
    """A project with a model ``tiny/1`` that has learned a little."""
    return trained_project(tmp_path_factory.mktemp("export"), steps=20)


@pytest.fixture(scope="module")
def onnx_file(trained: tuple[Project, Model], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ExportReport]:
    """The model as ONNX."""
    path = tmp_path_factory.mktemp("onnx") / "tiny.onnx"
    return path, export_onnx(trained[1], path)


def test_onnx_answers_as_the_network_does_on_raw_pixels(trained: tuple[Project, Model], onnx_file: tuple[Path, ExportReport]) -> None:
    """Grey values in, probabilities out, at sizes and batches that nobody named before: within 1e-4 of LabKit's own network."""
    project, model = trained
    chips = open_training_set(project, "nuclei").chips("train").pixels
    session = onnxruntime.InferenceSession(str(onnx_file[0]), providers=["CPUExecutionProvider"])
    for pixels in (chips[:1], chips[:5], np.concatenate([chips[:1], chips[1:2], chips[2:3]], axis=3), chips[:2, :, :12, :28]):
        theirs = session.run(None, {"image": pixels.astype(np.float32)})[0]
        ours = np.stack([model.network().probabilities(p) for p in pixels])
        assert np.ptp(ours) > 0.1
        assert np.abs(theirs - ours).max() < 1e-4


def test_the_report_shows_how_near_the_file_is(onnx_file: tuple[Path, ExportReport]) -> None:
    """Several sizes and a batch were compared; the hash is that of the file."""
    path, report = onnx_file
    assert report.sha256 == file_sha256(path)
    assert len({check.shape for check in report.checks}) == 4
    assert any(check.shape[0] > 1 for check in report.checks)
    assert report.difference == max(check.difference for check in report.checks) <= report.tolerance


def test_a_network_that_differs_is_not_written(trained: tuple[Project, Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the exported network answers otherwise, there is an error and no file."""
    monkeypatch.setattr("labkit.training.exporting._TOLERANCE", -1.0)
    with pytest.raises(InvalidInput, match="differs from torch"):
        export_onnx(trained[1], tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_the_error_names_it(trained: tuple[Project, Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`labkit-studio[export]`."""
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingDependency) as caught:
        export_onnx(trained[1], tmp_path / "x.onnx")
    assert "labkit-studio[export]" in caught.value.hint


def test_a_package_is_valid_and_both_weights_answer_as_its_test_tensors_say(trained: tuple[Project, Model], tmp_path: Path) -> None:
    """The zip is read by the specification's own library; its state_dict fits the architecture that it names."""
    spec = pytest.importorskip("bioimageio.spec")
    from labkit.training.bioimageio import export_bioimageio

    path = tmp_path / "tiny.zip"
    report = export_bioimageio(trained[1], path, authors=("A. Student", "B. Student"), licence="CC-BY-4.0")
    described = spec.load_description(path)
    assert described.validation_summary.status != "failed"
    assert ([a.name for a in described.authors], str(described.license)) == (["A. Student", "B. Student"], "CC-BY-4.0")
    with zipfile.ZipFile(path) as package:
        files = {name: package.read(name) for name in package.namelist()}
    given, wanted = (np.load(io.BytesIO(files[f"test_{which}.npy"])) for which in ("input", "output"))
    session = onnxruntime.InferenceSession(files["weights.onnx"], providers=["CPUExecutionProvider"])
    assert np.abs(session.run(None, {"image": given})[0] - wanted).max() < 1e-4
    network = exported_network(**described.weights.pytorch_state_dict.architecture.kwargs).eval()
    network.load_state_dict(torch.load(io.BytesIO(files["weights.pt"]), weights_only=True))
    with torch.inference_mode():
        assert np.abs(network(torch.from_numpy(given)).numpy() - wanted).max() < 1e-6
    assert report.sha256 == file_sha256(path)


@pytest.mark.parametrize(("authors", "licence", "about"), [((), "MIT", "authors"), (("A",), None, "licence"), (("A",), "mine", "'mine'")])
def test_a_package_without_author_or_licence_is_refused(
    trained: tuple[Project, Model], tmp_path: Path, authors: tuple[str, ...], licence: str | None, about: str
) -> None:
    """Who made it, and what others may do with it, is not guessed."""
    pytest.importorskip("bioimageio.spec")
    from labkit.training.bioimageio import export_bioimageio

    with pytest.raises(InvalidInput, match=about):
        export_bioimageio(trained[1], tmp_path / "x.zip", authors=authors, licence=licence)
    assert list(tmp_path.iterdir()) == []


def test_the_command_exports_and_replaces_nothing_unasked(trained: tuple[Project, Model], tmp_path: Path) -> None:
    """A file that is there is left as it is."""
    (tmp_path / "there.onnx").write_text("mine")
    done = call_labkit("model", "export", "tiny", tmp_path / "there.onnx", "--json", cwd=trained[0].path)
    assert (done.exit_code, done.error["type"]) == (2, "AlreadyExists")
    assert (tmp_path / "there.onnx").read_text() == "mine"


def test_a_training_is_repeated_to_the_bit(trained: tuple[Project, Model]) -> None:
    """`labkit rerun` trains again from the card, as a run: exit 0, the same weights, registered beside the model."""
    project, model = trained
    done = call_labkit("rerun", "tiny/1", "--json", cwd=project.path)
    assert done.exit_code == 0, done.stderr
    assert (done.json["same"], done.json["found"], done.json["again"]) == (True, model.card.weights_sha256, "tiny-rerun/1")


def test_what_comes_out_otherwise_is_told_with_what_differs(trained: tuple[Project, Model], tmp_path: Path) -> None:
    """A card from another machine: exit 3, and the versions and threads that are not the same."""
    project, model = trained
    card = json.loads(model.layout.card.read_text())
    card["plan"]["config"]["seed"] = 5
    card["versions"]["torch"] = "1.0"
    (tmp_path / "card.json").write_text(json.dumps(card))
    done = call_labkit("rerun", tmp_path / "card.json", "--json", cwd=project.path)
    assert done.exit_code == 3, done.stderr
    assert not done.json["same"]
    assert any(line.startswith("torch: 1.0 then") for line in done.json["differences"])
    assert any("loss of epoch 1" in line for line in done.json["differences"])


def test_a_repetition_without_its_set_says_what_is_missing(trained: tuple[Project, Model], tmp_path: Path) -> None:
    """The hash, and the pictures that it was cut from."""
    model = trained[1]
    empty = Project.create(tmp_path, "empty", classes=["nucleus"])
    done = call_labkit("rerun", model.layout.card, "--json", cwd=empty.path)
    assert (done.exit_code, done.error["type"]) == (2, "NotFound")
    assert model.card.plan.training_set in done.error["message"]
    assert "nuclei-0.tif" in done.error["hint"]


def test_a_model_of_a_gpu_is_not_repeated(trained: tuple[Project, Model], tmp_path: Path) -> None:
    """Its sums come in any order."""
    card = json.loads(trained[1].layout.card.read_text())
    card["plan"]["device"] = "cuda:0"
    (tmp_path / "card.json").write_text(json.dumps(card))
    done = call_labkit("rerun", tmp_path / "card.json", "--json", cwd=trained[0].path)
    assert (done.exit_code, done.error["type"]) == (2, "InvalidInput")


def test_other_threads_are_set_from_the_plan(trained: tuple[Project, Model], tmp_path: Path) -> None:
    """What the card names is what torch computes with."""
    project, model = trained
    data, before = open_training_set(project, "nuclei"), torch.get_num_threads()
    try:
        plan = resolve(model.card.plan.config.model_copy(update={"threads": 1, "steps_per_epoch": 1}), data, cuda_available=False)
        files = CheckpointLayout(tmp_path)
        card = register_model(project, files.best_weights, plan, train(plan, data, files), {}, run=None).card
        assert (torch.get_num_threads(), card.threads) == (1, 1)
    finally:
        torch.set_num_threads(before)
        remove_tree(project.layout.model("tiny", card.version).root)
