"""Checks of the sheet: a teacher's functions and metrics, on data alone."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from labkit.courses.grading.checks import Checker
from labkit.courses.records import AssignmentSheet, Check, CheckResult

TESTS = """
import os
def right(x): assert x == 3, "x is not 3"
def share(x): return x / 10
def broken(x): raise KeyError("no")
def every(**values): assert set(values) == {"x", "y"}
def much(x): return 1e9
def half(x): raise AssertionError("half a sign: \\ud83d, and \\0")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Exports of a submission beside a hidden folder."""
    (tmp_path / "hidden" / "labels").mkdir(parents=True)
    (tmp_path / "hidden" / "tests.py").write_text(TESTS)
    (tmp_path / "exports").mkdir()
    return tmp_path


def _check(folder: Path, check: dict[str, Any], exports: dict[str, str]) -> CheckResult:
    sheet = AssignmentSheet(exports=exports, checks=(Check.model_validate({"id": "c", "points": 4, **check}),))
    return Checker(sheet, folder / "hidden").carry_out(sheet.checks[0], folder / "exports")


def _assertion(folder: Path, function: str, x: str) -> CheckResult:
    (folder / "exports" / "x.json").write_text(x)
    (folder / "exports" / "y.json").write_text("0")
    check = {"kind": "assertion", "function": function, "exports": ("x", "y")}
    return _check(folder, check, {"x": "ps1:x", "y": "ps1:y"})


@pytest.mark.parametrize(
    ("function", "x", "points", "note"),
    [
        ("tests.py:right", "3", 4, ""),
        ("tests.py:right", "4", 0, "x is not 3"),
        ("tests.py:right", "NaN", 0, "x is not 3"),
        ("tests.py:share", "15", 1.5, ""),
        ("tests.py:share", "NaN", 0, "no number"),
        ("tests.py:much", "1", 4, ""),
        ("tests.py:broken", "1", 0, "KeyError"),
        ("tests.py:every", "1", 4, ""),
        ("tests.py:absent", "1", 0, "no function"),
        ("absent.py:right", "1", 0, "cannot be loaded"),
        ("../exports/x.json:right", "1", 0, "outside"),
        ("tests.py:right", "{", 0, "Error"),
        ("tests.py:right", "[" * 90 + "]" * 90, 0, "nested"),
    ],
)
def test_assertion(folder: Path, function: str, x: str, points: float, note: str) -> None:
    """A function that returns earns all points, or the number that it returns; what it raises is the note."""
    result = _assertion(folder, function, x)
    assert result.points == points
    assert note in result.note


def test_hidden_file_that_ends_the_program_is_said(folder: Path) -> None:
    """As a script that is loaded does; it must not take the scorer along."""
    (folder / "hidden" / "tests.py").write_text("raise SystemExit(0)")
    assert "cannot be loaded: SystemExit" in _assertion(folder, "tests.py:right", "3").note


def test_value_that_was_not_exported_is_named(folder: Path) -> None:
    """The check does not begin without it."""
    result = _check(folder, {"kind": "assertion", "function": "tests.py:right", "exports": ("x",)}, {"x": "ps1:x"})
    assert (result.points, result.note) == (0, "x was not exported.")


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("executed",))


def test_pickle_in_an_array_is_never_loaded(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``.npy`` files can hold pickles: they are refused."""
    buffer = io.BytesIO()
    np.save(buffer, np.array([_Bomb()], dtype=object), allow_pickle=True)
    (folder / "exports" / "x.npy").write_bytes(buffer.getvalue())
    result = _check(folder, {"kind": "assertion", "function": "tests.py:right", "exports": ("x",)}, {"x": "ps1:x"})
    assert result.points == 0
    assert "executed" not in capsys.readouterr().out


def _metric(folder: Path, metric: str, truth: Any, answer: Any, **more: Any) -> CheckResult:
    np.save(folder / "hidden" / "labels" / "a.npy", truth)
    np.save(folder / "exports" / "mask.npy", answer)
    thresholds = ((0.25, 1), (0.5, 4)) if metric == "count_error" else ((0.5, 2), (0.9, 4))
    check = {"kind": "metric", "metric": metric, "labels": "labels", "exports": ("mask",), "thresholds": thresholds, **more}
    return _check(folder, check, {"mask": "ps1:mask"})


TWO = np.array([[1, 1, 0, 2, 2], [1, 1, 0, 2, 2]], np.uint16)
ONE = np.array([[1, 1, 0, 0, 0], [1, 1, 0, 0, 0]], np.uint16)


@pytest.mark.parametrize(
    ("metric", "answer", "value", "points"),
    [
        ("iou", TWO > 0, 1.0, 4),
        ("iou", ONE, 0.5, 2),
        ("dice", ONE, 2 / 3, 2),
        ("ap", TWO, 1.0, 4),
        ("ap", TWO > 0, 1.0, 4),
        ("ap", ONE, 0.5, 2),
        ("count_error", TWO, 0.0, 4),
        ("count_error", ONE, 0.5, 4),
        ("count_error", ONE * 0, 1.0, 0),
    ],
)
def test_metric_of_a_mask(folder: Path, metric: str, answer: Any, value: float, points: float) -> None:
    """Numbers by hand: two objects of four pixels, of which one was found."""
    result = _metric(folder, metric, TWO, answer)
    assert result.value == pytest.approx(value)
    assert result.points == points


def test_classes_that_are_nowhere_are_left_out(folder: Path) -> None:
    """The mean is over the classes that are in the truth or in the answer: 1 is right, 3 is half right, 2 is not there."""
    truth = np.array([[1, 1, 3, 3]], np.uint8)
    result = _metric(folder, "iou", truth, np.array([[1, 1, 3, 0]], np.uint8), classes=True)
    assert result.value == pytest.approx(0.75)


def test_nothing_to_measure_is_no_number(folder: Path) -> None:
    """Empty truth and empty answer have no score."""
    result = _metric(folder, "iou", TWO * 0, TWO * 0)
    assert (result.value, result.points) == (None, 0)


@pytest.mark.parametrize(
    "answer",
    [
        np.zeros((3, 3)),
        np.full((2, 5), np.nan),
        np.full((2, 5), -1),
        np.full((2, 5), 0.5),
        np.zeros(3),
        np.full((2, 5), 2**63 + 1, np.uint64),
        np.full((2, 5), 1e300),
    ],
)
def test_mask_that_is_none_earns_nothing_and_says_why(folder: Path, answer: Any) -> None:
    """Another shape, NaN, numbers below 0, probabilities, numbers that would be others as whole ones of 64 bits."""
    result = _metric(folder, "iou", TWO, answer)
    assert result.points == 0
    assert result.note


_OME = """<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1"><Image ID="Image:0">
<Pixels DimensionOrder="XYZCT" ID="Pixels:0" SizeX="5" SizeY="2" SizeZ="1" SizeC="1" SizeT="1" Type="uint8">
<TiffData IFD="0" PlaneCount="1">
<UUID FileName="../hidden/labels/a.tif">urn:uuid:2</UUID></TiffData></Pixels></Image></OME>"""


@pytest.mark.filterwarnings("ignore:.*closed file")
def test_mask_that_names_the_hidden_one_is_not_that_one(folder: Path) -> None:
    """An OME-TIFF says in which files its planes are; it must not be the truth's."""
    tifffile.imwrite(folder / "hidden" / "labels" / "a.tif", TWO.astype(np.uint8), compression="zlib")
    tifffile.imwrite(folder / "exports" / "mask.tif", np.zeros((2, 5), np.uint8), description=_OME, metadata=None)
    check = {"kind": "metric", "metric": "iou", "labels": "labels", "exports": ("mask",), "thresholds": ((0.9, 4),)}
    assert _check(folder, check, {"mask": "file:mask.tif"}).points == 0


def test_masks_as_pictures_of_the_same_names(folder: Path) -> None:
    """A folder of PNG files, one for each label image."""
    for name in ("a", "b"):
        np.save(folder / "hidden" / "labels" / f"{name}.npy", TWO)
    (folder / "exports" / "masks").mkdir()
    Image.fromarray(TWO.astype(np.uint8)).save(folder / "exports" / "masks" / "a.png")
    check = {"kind": "metric", "metric": "ap", "labels": "labels", "exports": ("masks",), "thresholds": ((0.9, 4),)}
    assert "b is missing" in _check(folder, check, {"masks": "file:masks"}).note
    Image.fromarray(TWO.astype(np.uint8)).save(folder / "exports" / "masks" / "b.png")
    assert _check(folder, check, {"masks": "file:masks"}).points == 4


def _model(folder: Path, change: dict[str, Any] | None = None) -> Path:
    """A net of random weights, as a student would hand it in."""
    torch = pytest.importorskip("torch")
    import safetensors.torch

    from labkit.training import ARCHITECTURES

    torch.manual_seed(0)
    module = ARCHITECTURES["unet-xs"].build(1, 2)
    target = folder / "exports" / "model"
    target.mkdir()
    safetensors.torch.save_file(module.state_dict(), target / "weights.safetensors")
    facts = {"architecture": "unet-xs", "channels": 1, "classes": [1], "normalisation": {"low": [0], "high": [255]}}
    (target / "model.json").write_text(json.dumps(facts | (change or {})))
    return target


_MODEL_CHECK = {
    "kind": "metric",
    "metric": "iou",
    "pictures": "pictures",
    "labels": "labels",
    "exports": ("model",),
    "thresholds": ((0, 4),),
}


def _with_pictures(folder: Path) -> None:
    (folder / "hidden" / "pictures").mkdir()
    picture = (np.arange(64 * 64).reshape(64, 64) % 251).astype(np.uint8)
    Image.fromarray(picture).save(folder / "hidden" / "pictures" / "a.png")
    np.save(folder / "hidden" / "labels" / "a.npy", np.ones((64, 64), np.uint8))


def test_model_is_shown_hidden_pictures(folder: Path) -> None:
    """Its answer is measured against labels that its maker never saw."""
    _with_pictures(folder)
    _model(folder)
    result = _check(folder, _MODEL_CHECK, {"model": "file:model"})
    assert result.value is not None, result.note
    assert 0 <= result.value <= 1


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": "os.system"},
        {"channels": 3},
        {"classes": []},
        {"normalisation": {"low": [0, 1], "high": [1, 2]}},
        {"code": "import os"},
    ],
)
def test_model_of_other_words_is_refused(folder: Path, change: dict[str, Any]) -> None:
    """Only networks that LabKit has, with the facts that they need, and nothing else."""
    _with_pictures(folder)
    _model(folder, change)
    result = _check(folder, _MODEL_CHECK, {"model": "file:model"})
    assert result.points == 0
    assert result.note


def test_model_as_a_pickle_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Weights are safetensors, whatever the file is called."""
    _with_pictures(folder)
    target = _model(folder)
    (target / "weights.safetensors").write_bytes(pickle.dumps(_Bomb()))
    result = _check(folder, _MODEL_CHECK, {"model": "file:model"})
    assert "weights are not those" in result.note
    assert "executed" not in capsys.readouterr().out


def test_message_that_no_file_can_hold_is_told_all_the_same(folder: Path) -> None:
    """Half a surrogate pair and NUL become other signs: the result goes through files, the wire and a database."""
    result = _assertion(folder, "tests.py:half", "1")
    assert result.note == "half a sign: ?, and \ufffd"
    assert CheckResult.model_validate_json(result.model_dump_json()) == result
