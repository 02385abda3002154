"""OME-Zarr metadata and shards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import ome_zarr_models
import pytest
import zarr
from zarr.core.buffer import default_buffer_prototype

from labkit.formats.ome_zarr import Role, encode_shard, multiscale_attributes, shard_key, store_metadata
from labkit.formats.ome_zarr_rules import group_faults, level_faults, transform_faults
from labkit.storage import write_bytes
from labkit.testing.pictures import noise_picture

RGB, GREY = ("c", "y", "x"), ("y", "x")


def _write_level(store: Path, shape: tuple[int, ...], dtype: str, axes: tuple[str, ...], role: Role) -> None:
    attributes = multiscale_attributes(name="a", axes=axes, levels=1, pixel_size_um=None, role=role, bits=8)
    for key, data in store_metadata(attributes, [shape], dtype, axes, role).items():
        write_bytes(store / key, data)


@pytest.mark.parametrize(
    ("shape", "dtype", "axes", "role"),
    [
        ((1, 1), "uint8", GREY, "image"),
        ((512, 512), "uint16", GREY, "image"),
        ((3, 700, 513), "uint8", RGB, "image"),
        ((2048, 1025), "uint16", GREY, "image"),
        ((600, 40), "uint32", GREY, "labels"),
        ((40, 600), "int16", GREY, "labels"),
        ((530, 530), "float32", GREY, "image"),
    ],
)
def test_zarr_reads_back_the_shard_that_was_encoded(
    tmp_path: Path, shape: tuple[int, ...], dtype: str, axes: tuple[str, ...], role: Role
) -> None:
    """A shard encoded by us is the same pixels to zarr-python, for every dtype, axis order and odd size."""
    block = np.random.default_rng(1).integers(0, 127, shape).astype(dtype)
    _write_level(tmp_path, shape, dtype, axes, role)
    write_bytes(tmp_path / shard_key(0, (0,) * (len(axes) - 2), 0, 0), encode_shard(block, shape, role))
    read = np.asarray(zarr.open_array(tmp_path / "0", mode="r")[...])
    assert read.dtype == block.dtype
    np.testing.assert_array_equal(read, block)


def test_shard_at_the_far_edge_is_smaller_than_its_grid(tmp_path: Path) -> None:
    """A shard beyond the first holds only the pixels that exist, and the reader sees no others."""
    shape = (2050, 2100)
    _write_level(tmp_path, shape, "uint8", GREY, "image")
    picture = noise_picture(*shape)
    for y in range(2):
        for x in range(2):
            block = picture[y * 2048 : (y + 1) * 2048, x * 2048 : (x + 1) * 2048]
            write_bytes(tmp_path / shard_key(0, (), y, x), encode_shard(block, shape, "image"))
    np.testing.assert_array_equal(np.asarray(zarr.open_array(tmp_path / "0", mode="r")[...]), picture)


def test_levels_have_one_scale_then_one_translation_with_pixel_centres() -> None:
    """Level k has scale 2^k and translation (2^k - 1) / 2 times the pixel size on y and x, and 1 and 0 on channels."""
    attributes = multiscale_attributes(name="a", axes=RGB, levels=4, pixel_size_um=(0.5, 0.25), role="image", bits=8)
    steps = attributes["ome"]["multiscales"][0]["datasets"][3]["coordinateTransformations"]
    assert steps == [{"type": "scale", "scale": [1.0, 4.0, 2.0]}, {"type": "translation", "translation": [0.0, 1.75, 0.875]}]


def test_unknown_pixel_size_is_scale_one_without_a_unit() -> None:
    """Where the size of a pixel is not known, the scale is relative and no unit is claimed."""
    multiscale = multiscale_attributes(name="a", axes=GREY, levels=1, pixel_size_um=None, role="image")["ome"]["multiscales"][0]
    assert multiscale["datasets"][0]["coordinateTransformations"][0]["scale"] == [1.0, 1.0]
    assert all("unit" not in axis for axis in multiscale["axes"])


@pytest.mark.parametrize(("axes", "shape", "role"), [(RGB, (3, 40, 50), "image"), (GREY, (40, 50), "image"), (GREY, (40, 50), "labels")])
def test_ome_zarr_models_accepts_the_metadata(tmp_path: Path, axes: tuple[str, ...], shape: tuple[int, ...], role: Role) -> None:
    """The reference models of the specification open what we write, as the kind that it is."""
    _write_level(tmp_path, shape, "uint8", axes, role)
    kind = type(ome_zarr_models.open_ome_zarr(tmp_path)).__name__  # type: ignore[arg-type]
    assert kind == ("ImageLabel" if role == "labels" else "Image")


def _group(**changes: Any) -> dict[str, Any]:
    attributes = multiscale_attributes(name="a", axes=GREY, levels=2, pixel_size_um=None, role="image")
    attributes["ome"].update(changes)
    return {"zarr_format": 3, "node_type": "group", "attributes": attributes}


def test_rules_find_nothing_in_what_we_write() -> None:
    """Our own metadata breaks no rule."""
    group = _group()
    assert list(group_faults(group)) == []
    assert list(transform_faults(group["attributes"]["ome"]["multiscales"][0]["datasets"], GREY)) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda m: m["datasets"][0]["coordinateTransformations"].reverse(), "transformations"),
        (lambda m: m["datasets"][0]["coordinateTransformations"].append({"type": "scale", "scale": [1, 1]}), "transformations"),
        (lambda m: m["datasets"][0]["coordinateTransformations"][0]["scale"].append(1.0), "2 numbers"),
        (lambda m: m["axes"][0].update(name="x"), "named once"),
        (lambda m: m["axes"].append({"name": "c", "type": "channel"}), "order"),
    ],
)
def test_rules_name_what_is_wrong_in_a_group(change: Any, word: str) -> None:
    """Each broken rule of the specification gives a fault that says what it is."""
    group = _group()
    change(group["attributes"]["ome"]["multiscales"][0])
    assert word in " ".join(group_faults(group))


def test_rules_refuse_another_version() -> None:
    """A group of version 0.4 in zarr v3 is a fault."""
    assert "0.4" in " ".join(group_faults(_group(version="0.4")))


def test_rules_refuse_floor_halving() -> None:
    """A level that lost its odd edge pixel (5 -> 2) is a fault; 5 -> 3 is right."""
    array = {"dimension_names": ["y", "x"], "data_type": "uint8"}
    assert list(level_faults([{**array, "shape": [5, 5]}, {**array, "shape": [3, 3]}], GREY, labels=False)) == []
    assert list(level_faults([{**array, "shape": [5, 5]}, {**array, "shape": [2, 2]}], GREY, labels=False))


@pytest.mark.parametrize("role", ["image", "labels"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32"])
def test_zarr_takes_the_metadata_for_its_own(tmp_path: Path, role: Role, dtype: str) -> None:
    """What zarr-python writes after it has read an array's metadata is what we wrote."""
    for key, data in store_metadata({}, [(3, 700, 80)], dtype, ("z", "y", "x"), role, channels_together=False).items():
        write_bytes(tmp_path / key, data)
    array = zarr.open_array(tmp_path / "0", mode="r")
    theirs = array.metadata.to_buffer_dict(default_buffer_prototype())["zarr.json"].to_bytes()
    assert _without_endian(json.loads(theirs)) == _without_endian(json.loads((tmp_path / "0/zarr.json").read_text()))


def _without_endian(metadata: dict[str, Any]) -> dict[str, Any]:
    """Leave out the order of bytes where a number has but one."""
    text = json.dumps(metadata)
    return json.loads(text.replace(', "configuration": {"endian": "little"}', "") if metadata["data_type"] == "uint8" else text)
