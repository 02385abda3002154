"""The whole path by commands alone, each a program of its own, as a user types them."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import ome_zarr_models
import pytest
import tifffile
from PIL import Image

from labkit.samples import nuclei, nuclei_like
from labkit.testing.commands import Done, files_in, run_labkit
from labkit.testing.pictures import write_tiff

SIDE_PX = 160


def _done(*arguments: str | Path, cwd: Path) -> Done:
    done = run_labkit(*arguments, cwd=cwd, timeout_s=550)
    assert done.exit_code == 0, done
    return done


def _kind(store: str | Path) -> str:
    return type(ome_zarr_models.open_ome_zarr(Path(store))).__name__


def _assert_stands_alone(report: str) -> None:
    """Nothing is loaded from elsewhere: every address is data inside the page."""
    assert not re.findall(r"\b(?:src|href)\s*=\s*[\"']?(?!data:|#)[^\"'>\s]+", report)
    assert not re.findall(r"url\((?!\s*[\"']?(?:data:|#))|@import|<script|<iframe|<link", report)
    assert not re.findall(r"https?://(?!www\.w3\.org/)", report)  # names of XML dialects are no addresses


@pytest.mark.ci
def test_the_path(tmp_path: Path) -> None:
    """From a picture and its label image to a report, with sound stores at every step."""
    sample = nuclei_like(seed=3, height_px=SIDE_PX, width_px=SIDE_PX + 32, count=30)
    assert sample.labels is not None
    picture, labels = write_tiff(tmp_path / "cells.tif", sample.image), write_tiff(tmp_path / "cells-labels.tif", sample.labels)

    made = _done("project", "create", "lab", "--class", "nucleus", "--json", cwd=tmp_path).json
    lab = tmp_path / "lab"
    assert (made["path"], made["classes"], made["images"]) == (str(lab), ["nucleus"], 0)

    [image] = _done("import", picture, "--pixel-size", "0.5", "--json", cwd=lab).json["images"]
    assert (image["name"], image["shape"], image["dtype"]) == ("cells.tif", [SIDE_PX, SIDE_PX + 32], "uint16")
    image_store = lab / "images" / image["id"] / "image.ome.zarr"

    annotations = _done("annotations", "import", "cells.tif", labels, "--json", cwd=lab).json
    assert (annotations["added"], annotations["finished"], annotations["author"]) == (sample.object_count, True, "tester")

    training_set = _done("trainset", "build", "cells", "--chip", "48", "--gap", "16", "--json", cwd=lab).json
    assert training_set["key"] == f"cells@{training_set['hash']}"
    assert training_set["images"][0]["sha256"] == image["sha256"]
    assert min(training_set["parts"][part]["chips"] for part in ("train", "val", "test")) > 0

    options = ("--model", "small", "--epochs", "2", "--steps-per-epoch", "20", "--device", "cpu")
    trained = _done("train", "cells", *options, "--json", cwd=lab).json
    assert (trained["model"], trained["best_epoch"] in (1, 2)) == ("small/1", True)
    notebook = json.loads(Path(trained["notebook"]).read_text())
    assert any(cell.get("outputs") for cell in notebook["cells"])
    assert json.loads((lab / "runs" / trained["run"] / "run.json").read_text())["state"] == "done"

    predicted = _done("predict", "cells.tif", "--model", "small", "--json", cwd=lab).json
    label_store = Path(predicted["labels"])
    assert (predicted["model"], predicted["image_sha256"]) == ("small/1", image["sha256"])
    assert predicted["objects"] > 5
    before = files_in(lab / "predictions")
    again = _done("predict", image["id"], "--model", "small/1", "--json", cwd=lab).json
    assert again == predicted
    assert files_in(lab / "predictions") == before

    for path, kind in ((lab, "project"), (image_store, "image"), (label_store, "labels")):
        verified = _done("verify", path, "--json", cwd=tmp_path).json
        assert (verified["kind"], verified["ok"], verified["faults"]) == (kind, True, [])
    assert (_kind(image_store), _kind(label_store)) == ("Image", "ImageLabel")

    analysis = _done("analyse", predicted["key"], "--json", cwd=lab).json
    assert (analysis["region"], analysis["author"], analysis["seen_in_training"]) == ("test", "tester", False)
    assert 0 < analysis["dice"] <= 1
    assert analysis["objects_in_picture"] == predicted["objects"]
    assert len(Path(analysis["objects"]).read_text().splitlines()) == 1 + predicted["objects"]
    _assert_stands_alone(Path(analysis["report"]).read_text())

    exported = tmp_path / "exported.tif"
    _done("annotations", "export", "cells.tif", exported, "--json", cwd=lab)
    assert np.array_equal(tifffile.imread(exported) > 0, sample.labels > 0)
    assert len(np.unique(tifffile.imread(exported))) == len(np.unique(sample.labels))

    proposed = _done("annotations", "propose", "cells.tif", "--author", "reviewer", "--json", cwd=lab).json
    assert (proposed["prediction"], proposed["proposed"]) == (predicted["key"], predicted["objects"])
    again = _done("annotations", "propose", "cells.tif", "--author", "reviewer", "--json", cwd=lab).json
    assert again["proposed"] == 0

    shown = _done("project", "show", "--json", cwd=lab).json
    counts = [shown[key] for key in ("images", "annotated_images", "training_sets", "runs", "models", "predictions")]
    assert counts == [1, 1, 1, 1, 1, 1]


@pytest.mark.ci
@pytest.mark.network
def test_the_demo_on_real_nuclei(tmp_path: Path) -> None:
    """A model trained a minute ago beats Otsu's threshold by far on columns that it never saw; the report stands alone."""
    if nuclei().origin == "generated":
        pytest.skip("the real picture could not be had: no package registry can be reached")
    demo = _done("demo", "--out", tmp_path / "demo", "--json", cwd=tmp_path)  # seconds on a free machine, minutes on a shared one
    answer = demo.json
    assert answer["sample"] == "cached"
    assert answer["dice"] >= 0.93
    assert answer["dice"] - answer["otsu_dice"] >= 0.08
    assert abs(answer["objects_predicted"] - answer["objects_true"]) <= 0.25 * answer["objects_true"]
    assert (answer["report"], answer["overlay"]) == (str(tmp_path / "demo" / "report.html"), str(tmp_path / "demo" / "overlay.png"))
    _assert_stands_alone(Path(answer["report"]).read_text())
    overlay = np.asarray(Image.open(io.BytesIO(Path(answer["overlay"]).read_bytes())).convert("RGB"))
    assert min(overlay.shape[:2]) >= 512
    assert all((overlay == colour).all(axis=-1).any() for colour in ((230, 159, 0), (86, 180, 233)))  # both outlines are drawn
    assert _done("verify", tmp_path / "demo" / "project", "--json", cwd=tmp_path).json["ok"] is True

    again = run_labkit("demo", "--out", tmp_path / "demo", "--json", cwd=tmp_path)
    assert (again.exit_code, again.error["type"]) == (2, "AlreadyExists")
    assert Path(answer["report"]).is_file()


@pytest.mark.parametrize("seed", ["-1", str(2**31)])
def test_a_seed_that_cannot_be_leaves_nothing(tmp_path: Path, seed: str) -> None:
    """The demo refuses a seed before it makes anything."""
    done = run_labkit("demo", "--out", tmp_path / "demo", "--seed", seed, "--json", cwd=tmp_path)
    assert (done.exit_code, done.error["type"]) == (2, "InvalidInput")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_demo_stays(tmp_path: Path) -> None:
    """Where --out is a file, nothing is made and the file is as it was."""
    (tmp_path / "demo").write_text("mine")
    done = run_labkit("demo", "--out", tmp_path / "demo", "--json", cwd=tmp_path)
    assert done.exit_code == 2
    assert done.error["hint"]
    assert (tmp_path / "demo").read_text() == "mine"
