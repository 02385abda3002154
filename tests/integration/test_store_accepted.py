"""Stores that LabKit wrote, before other judges: the models, the schemas and the reader that others made, and xarray."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import ome_zarr_models
import pytest
import xarray

from bench.peers import peers_python
from labkit.project import ImageRecord, Project
from labkit.testing.pictures import noise_picture, two_disc_labels, write_png, write_tiff
from labkit.tiling import export_ome_zarr, import_image, open_image, open_store

_JUDGES = Path(__file__).with_name("store_judges.py")
_TIMEOUT_S = 300
KINDS = ("rgb", "grey", "labels", "z", "channels", "rgba", "alpha", "float", "exported")


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A store of each kind, of sizes that are no multiple of anything."""
    with pytest.MonkeyPatch.context() as settings:
        settings.setenv("LABKIT_QUOTA_GB", "20")
        settings.setenv("LABKIT_AUTHOR", "tester")
        folder = tmp_path_factory.mktemp("stores")
        project = Project.create(folder, "cells")
        yield {kind: _store(kind, project, folder) for kind in KINDS}


def _store(kind: str, project: Project, folder: Path) -> Path:
    if kind == "exported":
        return export_ome_zarr(open_image(project, project.images()[0].id), folder / "exported.zarr")
    record = _imported(kind, project, folder)
    layout = project.layout.image(record.id)
    return layout.alpha if kind == "alpha" else layout.store


def _imported(kind: str, project: Project, folder: Path) -> ImageRecord:
    tif, png = folder / f"{kind}.tif", folder / f"{kind}.png"
    match kind:
        case "rgb":
            return import_image(project, write_png(png, noise_picture(517, 643, channels=3)), pixel_size_um=(0.5, 0.25))
        case "grey":
            return import_image(project, write_tiff(tif, noise_picture(517, 643, dtype="uint16")))
        case "labels":
            ids = np.kron(two_disc_labels(), np.ones((5, 5), np.uint16)).astype(np.uint32) * 20_000_001
            return import_image(project, write_tiff(tif, ids), role="labels")
        case "z" | "channels":
            pages = np.stack([noise_picture(517, 643, seed=seed) for seed in range(3)])
            pages = pages if kind == "z" else pages[:2]
            options: dict[str, Any] = {"photometric": "minisblack"}
            return import_image(project, write_tiff(tif, pages, **options), answers={"pages": kind[0]}, pixel_size_um=(0.5, 0.5))
        case "rgba" | "alpha":  # the store of colours, and that of alpha beside it
            return import_image(project, write_png(png, noise_picture(517, 643, channels=4, seed=len(kind))))
        case "float":
            picture = noise_picture(517, 643).astype(np.float32)
            picture[:100] = np.nan
            return import_image(project, write_tiff(tif, picture))
    raise ValueError(kind)


@pytest.fixture(scope="module")
def verdicts(stores: dict[str, Path]) -> dict[str, Any]:
    """What programs of others say, in an environment of their own."""
    try:
        python = peers_python()
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"the environment of the peers cannot be made: {error}")
    command = [str(python), "-W", "ignore", str(_JUDGES), *map(str, stores.values())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    return {kind: found[str(store)] for kind, store in stores.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_models_open_the_store_as_what_it_is(stores: dict[str, Path], kind: str) -> None:
    """ome-zarr-models 1.7: metadata, axes and arrays of each level fit together."""
    opened = ome_zarr_models.open_ome_zarr(stores[kind])  # type: ignore[arg-type]
    version = "v04" if kind == "exported" else "v05"
    assert (type(opened).__name__, version in type(opened).__module__) == ("ImageLabel" if kind == "labels" else "Image", True)


@pytest.mark.ci
@pytest.mark.network
@pytest.mark.parametrize("kind", KINDS)
def test_the_schemas_find_no_fault(verdicts: dict[str, Any], kind: str) -> None:
    """The JSON schemas of 0.5 (of 0.4 for what is exported) that ngff-zarr ships, also the strict ones, which want what is advised.

    Only colours for each id, which they want of labels, are not ours to choose.
    """
    advised = ["0.5 label strict: $.ome['image-label'] 'colors' is a required property"] if kind == "labels" else []
    assert verdicts[kind]["schema_faults"] == advised


@pytest.mark.ci
@pytest.mark.network
@pytest.mark.parametrize("kind", KINDS)
def test_the_reader_of_others_finds_the_same_pixels(stores: dict[str, Path], verdicts: dict[str, Any], kind: str) -> None:
    """ome-zarr-py reads every level with the shape, dtype and bytes that our own reader gives."""
    if kind == "exported":  # our reader opens 0.5 only: it is a copy of the first
        kind, ours = "rgb", open_store(stores["rgb"])
        theirs = verdicts["exported"]["levels"]
    else:
        ours, theirs = open_store(stores[kind]), verdicts[kind]["levels"]
    pixels = [_whole(ours, level) for level in range(len(ours.levels))]
    assert [(tuple(t["shape"]), t["dtype"], t["sha256"]) for t in theirs] == [
        (p.shape, str(p.dtype), hashlib.sha256(np.ascontiguousarray(p).tobytes()).hexdigest()) for p in pixels
    ]


def _whole(image: Any, level: int) -> np.ndarray:
    """Return a level with all its planes."""
    return np.asarray(image.to_xarray(level))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "exported"])
def test_xarray_opens_a_level_with_its_axes(stores: dict[str, Path], kind: str) -> None:
    """`xarray.open_zarr` itself, not our `to_xarray`: the smallest level, with named axes and the pixels that we read.

    All levels at once it cannot hold, since they share names of axes and differ in size.
    """
    ours = open_store(stores[kind])
    last = len(ours.levels) - 1
    opened = xarray.open_zarr(stores[kind], consolidated=False, drop_variables=[str(level) for level in range(last)], mask_and_scale=False)
    assert opened[str(last)].dims == tuple(ours.axes)
    np.testing.assert_array_equal(opened[str(last)].values, _whole(ours, last))
