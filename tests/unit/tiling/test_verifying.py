"""Verification finds what is wrong, and names it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labkit.errors import NotFound
from labkit.project import Project
from labkit.testing.pictures import corner_picture, noise_picture, two_disc_labels, write_png
from labkit.tiling import ArraySource, import_image, open_image, verify, write_pyramid


@pytest.fixture
def label_store(tmp_path: Path) -> Path:
    """A sound label store with three levels."""
    return write_pyramid(two_disc_labels(700, 900), tmp_path / "labels.ome.zarr", role="labels", name="discs", levels=3)


@pytest.fixture
def image_store(tmp_path: Path) -> Path:
    """A sound image store with three levels, outside any project."""
    return write_pyramid(noise_picture(700, 900), tmp_path / "image.ome.zarr", role="image", name="noise", levels=3)


def _edit(path: Path, change: Callable[[Any], object]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def _datasets(group: dict[str, Any]) -> Any:
    return group["attributes"]["ome"]["multiscales"][0]["datasets"]


def test_sound_stores_have_no_faults(image_store: Path, label_store: Path) -> None:
    """What we write is accepted, as the kind that it is."""
    assert (verify(image_store).kind, verify(image_store).faults) == ("image", ())
    assert (verify(label_store).kind, verify(label_store).faults) == ("labels", ())
    assert verify(label_store).ok
    assert verify(label_store).checked == 7


@pytest.mark.parametrize(
    ("file", "change", "word"),
    [
        ("zarr.json", lambda g: g["attributes"]["ome"].update(version="0.4"), "version"),
        ("zarr.json", lambda g: _datasets(g)[1]["coordinateTransformations"][0].update(scale=[2.5, 2.0]), "scale 2.5"),
        ("zarr.json", lambda g: _datasets(g)[1]["coordinateTransformations"][1].update(translation=[0.0, 0.5]), "translation 0 "),
        ("zarr.json", lambda g: _datasets(g)[1]["coordinateTransformations"].pop(0), "transformations"),
        ("zarr.json", lambda g: _datasets(g)[1].update(path="9"), "level 9"),
        ("zarr.json", lambda g: g["attributes"]["ome"].update(multiscales="x"), "multiscale"),
        ("zarr.json", lambda g: _datasets(g)[1].update(coordinateTransformations=[3]), "malformed"),
        ("1/zarr.json", lambda a: a.update(shape=[349, 450]), "shape"),
        ("1/zarr.json", lambda a: a.update(data_type="uint16"), "type"),
        ("2/zarr.json", lambda a: a.update(dimension_names=["x", "y"]), "dimensions"),
    ],
)
def test_wrong_metadata_is_named(image_store: Path, file: str, change: Callable[[Any], object], word: str) -> None:
    """Each rule that is broken in the metadata gives a fault that says which."""
    _edit(image_store / file, change)
    assert word in " ".join(verify(image_store).faults)


@pytest.mark.parametrize("file", ["zarr.json", "1/zarr.json"])
def test_unreadable_metadata_is_a_fault(image_store: Path, file: str) -> None:
    """A zarr.json that is gone or no JSON is named, and nothing is raised."""
    (image_store / file).write_text("{")
    assert "zarr.json" in verify(image_store).faults[0]
    (image_store / file).unlink()
    assert "zarr.json" in verify(image_store).faults[0]


def test_a_missing_shard_is_named(image_store: Path) -> None:
    """A shard that was deleted is a fault with its key, and so is a level that became empty by it."""
    (image_store / "1/c/0/0").unlink()
    assert verify(image_store).faults == ("shard 1/c/0/0 is missing", "level 1 is empty while level 0 is not")


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: data[5:]])
def test_a_damaged_shard_is_named(image_store: Path, damage: Callable[[bytes], bytes]) -> None:
    """A shard that was cut is a fault, also without a ledger."""
    shard = image_store / "0/c/0/0"
    shard.write_bytes(damage(shard.read_bytes()))
    assert "shard 0/c/0/0 is damaged" in verify(image_store).faults[0]


def test_float_labels_are_a_fault(label_store: Path) -> None:
    """A label image has an integer dtype."""
    for level in range(3):
        _edit(label_store / f"{level}/zarr.json", lambda a: a.update(data_type="float32"))
    assert "no integer" in " ".join(verify(label_store).faults)


def test_an_id_that_the_level_below_lacks_is_named(tmp_path: Path, label_store: Path) -> None:
    """Labels that were interpolated hold ids that nobody drew."""
    other = write_pyramid(two_disc_labels(700, 900) * 5, tmp_path / "other", role="labels", name="x", levels=3)
    shutil.copytree(other / "2", label_store / "2", dirs_exist_ok=True)
    assert "ids that level 1 lacks" in verify(label_store).faults[0]


def test_labels_have_as_many_levels_as_their_image(tmp_path: Path, image_store: Path) -> None:
    """Five levels of labels on an image of three are a fault."""
    image_label = {"source": {"image": "../image.ome.zarr"}}
    target = write_pyramid(two_disc_labels(700, 900), tmp_path / "l", role="labels", name="l", levels=5, image_label=image_label)
    assert "5 levels" in verify(target).faults[0]


@pytest.fixture
def filled_project(project: Project, tmp_path: Path) -> Project:
    """A project with one image and one prediction of it."""
    record = import_image(project, write_png(tmp_path / "a.png", corner_picture(300, 400)))
    place = project.layout.prediction(record.id, "0123456789ab")
    write_pyramid(ArraySource(two_disc_labels(300, 400)), place.labels, role="labels", name="l", levels=len(record.levels))
    place.record.write_text("{}")
    return project


def test_a_sound_project_has_no_faults(filled_project: Project) -> None:
    """A project with an image and a prediction is accepted; so are its image's folder and store alone."""
    assert (verify(filled_project.path).kind, verify(filled_project.path).faults) == ("project", ())
    image = open_image(filled_project, "a.png")
    assert verify(image.path).faults == verify(image.path.parent).faults == ()


def test_a_flipped_bit_is_found_by_the_ledger(filled_project: Project) -> None:
    """A changed byte inside a chunk is named, in the project and in the store alone."""
    store = open_image(filled_project, "a.png").path
    shard = store / "0/c/0/0/0"
    data = bytearray(shard.read_bytes())
    data[40] ^= 1
    shard.write_bytes(bytes(data))
    assert "shard 0/c/0/0/0 is not as it was written" in verify(store).faults[0]
    assert verify(filled_project.path).faults[0].startswith(f"images/{store.parent.name}: shard 0/c/0/0/0")


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda p, i: (p.layout.image(i).record).unlink(), "image.json"),
        (lambda p, i: (p.layout.image(i).ledger).unlink(), "ledger"),
        (lambda p, i: shutil.rmtree(p.layout.image(i).store), "zarr.json"),
        (lambda p, i: _edit(p.layout.image(i).record, lambda r: r.update(dtype="uint16")), "manifest"),
        (lambda p, i: (p.layout.prediction(i, "0123456789ab").record).unlink(), "manifest"),
        (lambda p, i: (p.layout.prediction(i, "0123456789ab").labels / "0/c/0/0").unlink(), "labels.ome.zarr: shard 0/c/0/0"),
        (lambda p, i: p.layout.record.write_text("{}"), "project.json"),
    ],
)
def test_what_is_missing_in_a_project_is_named(filled_project: Project, spoil: Callable[[Project, str], object], word: str) -> None:
    """Manifests, ledgers, stores and shards that are gone or wrong are faults of the project."""
    spoil(filled_project, filled_project.images()[0].id)
    report = verify(filled_project.path)
    assert word in " ".join(report.faults)
    assert not report.ok


def test_nothing_to_verify_is_not_found(tmp_path: Path) -> None:
    """A folder that is nothing of ours is said to be that."""
    (tmp_path / "x").mkdir()
    for path in (tmp_path / "x", tmp_path / "missing"):
        with pytest.raises(NotFound):
            verify(path)


def test_an_all_zero_picture_is_complete(tmp_path: Path) -> None:
    """Shards of zeros are stored, so that a missing one can be told from a black one."""
    store = write_pyramid(np.zeros((300, 300), np.uint8), tmp_path / "black", role="image", name="black")
    assert verify(store).ok
    (store / "0/c/0/0").unlink()
    assert not verify(store).ok
