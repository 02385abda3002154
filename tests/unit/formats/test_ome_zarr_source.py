"""OME-Zarr 0.4 and 0.5, and plain zarr, as something to import."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import zarr

from labkit.errors import UnreadableImage, UnsupportedFormat
from labkit.formats.pictures import open_raster, read_file
from labkit.geometry import Box
from labkit.testing.pictures import noise_picture, read_planes

Version = Literal["0.4", "0.5"]
_UNITS = {"t": "second", "z": "micrometer", "y": "micrometer", "x": "micrometer"}
_KINDS = {"t": "time", "c": "channel"}


def _axes(names: str, units: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": n, "type": _KINDS.get(n, "space"), **({"unit": units[n]} if n in units else {})} for n in names]


def _store(
    path: Path,
    pixels: np.ndarray,
    axes: str,
    version: Version = "0.5",
    *,
    scale: list[float] | None = None,
    units: dict[str, str] = _UNITS,
    omero: dict[str, Any] | None = None,
    name: str = "",
    extra: dict[str, Any] | None = None,
) -> Path:
    """Write an image of one level, in the form of either version."""
    form: Any = {"0.4": 2, "0.5": 3}[version]
    group = zarr.open_group(path, mode="w", zarr_format=form)
    chunks = tuple(min(n, 16) for n in pixels.shape)
    group.create_array("0", data=pixels, chunks=chunks, chunk_key_encoding={"name": "v2", "separator": "/"} if form == 2 else None)
    steps = [{"type": "scale", "scale": scale or [1.0] * pixels.ndim}]
    multiscale = {"axes": _axes(axes, units), "datasets": [{"path": "0", "coordinateTransformations": steps}], **(extra or {})}
    if name:
        multiscale["name"] = name
    found: dict[str, Any] = {"multiscales": [multiscale]}
    if omero:
        found["omero"] = omero
    if version == "0.4":
        multiscale["version"] = "0.4"
        group.attrs.update(found)
    else:
        group.attrs["ome"] = {"version": "0.5", **found}
    return path


def _omero(*colours: str) -> dict[str, Any]:
    window = {"min": 0, "max": 255, "start": 0, "end": 255}
    return {"channels": [{"label": f"dye {k}", "color": colour, "window": window} for k, colour in enumerate(colours)]}


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("axes", ["yx", "zyx", "cyx", "tyx", "czyx", "tczyx", "tzyx", "zcyx"])
def test_every_plane_is_found(tmp_path: Path, version: Version, axes: str) -> None:
    """Axes in any order come as t, c, z."""
    lengths = {"t": 2, "c": 4, "z": 3, "y": 20, "x": 30}
    shape = tuple(lengths[axis] for axis in axes)
    pixels = np.random.default_rng(0).integers(0, 60_000, shape, dtype=np.uint16)
    path = _store(tmp_path / "a.zarr", pixels, axes, version)
    (header,) = read_file(path).pictures
    order = [axes.index(axis) for axis in "tczyx" if axis in axes]
    assert header.stack == tuple((axis, lengths[axis]) for axis in "tcz" if axis in axes)
    np.testing.assert_array_equal(read_planes(path, header), np.transpose(pixels, order).reshape(-1, 20, 30))


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_sizes_come_in_micrometres(tmp_path: Path, version: Version) -> None:
    """Whatever the unit; the scale of the image and that of all levels multiply."""
    units = {"t": "millisecond", "z": "nanometer", "y": "nanometer", "x": "millimeter"}
    shared = {"coordinateTransformations": [{"type": "scale", "scale": [1, 1, 2, 2, 2]}]}
    scale = [40.0, 1.0, 500.0, 250.0, 0.0005]
    path = _store(tmp_path / "a.zarr", np.ones((2, 1, 2, 8, 8), np.uint8), "tczyx", version, scale=scale, units=units, extra=shared)
    (header,) = read_file(path).pictures
    assert header.pixel_size_um == pytest.approx((0.5, 1.0))
    assert header.z_step_um == pytest.approx(1.0)
    assert header.t_step_s == pytest.approx(0.04)


def test_without_a_unit_there_is_no_size(tmp_path: Path) -> None:
    """Trap 13: a scale of pixels is no size."""
    assert read_file(_store(tmp_path / "a.zarr", np.ones((8, 8), np.uint8), "yx", units={})).pictures[0].pixel_size_um is None


def test_channels_keep_names_and_colours(tmp_path: Path) -> None:
    """From the block omero."""
    path = _store(tmp_path / "a.zarr", np.ones((2, 8, 8), np.uint16), "cyx", omero=_omero("00FF00", "ff00ff"))
    (header,) = read_file(path).pictures
    assert header.channel_names == ("dye 0", "dye 1")
    assert header.channel_colours == ("00FF00", "FF00FF")


def test_red_green_and_blue_are_a_colour_picture(tmp_path: Path) -> None:
    """Where the colours say so, without a question."""
    pixels = np.moveaxis(noise_picture(20, 30, channels=3), -1, 0)
    path = _store(tmp_path / "a.zarr", pixels, "cyx", omero=_omero("FF0000", "00FF00", "0000FF"))
    found = read_file(path)
    assert not found.questions
    assert (found.pictures[0].channels, found.pictures[0].stack) == (3, ())
    np.testing.assert_array_equal(read_planes(path, found.pictures[0])[0], np.moveaxis(pixels, 0, -1))


@pytest.mark.parametrize(("dtype", "default"), [("uint8", "colour"), ("uint16", "pages")])
@pytest.mark.parametrize("answer", [None, "colour", "pages"])
def test_three_channels_without_colours_are_asked_about(tmp_path: Path, dtype: str, default: str, answer: str | None) -> None:
    """With a default by depth."""
    path = _store(tmp_path / "a.zarr", np.ones((3, 8, 8), dtype), "cyx")
    found = read_file(path, answers={"colour": answer} if answer else {})
    assert [(question.key, question.default) for question in found.questions] == [("colour", default)]
    assert found.pictures[0].channels == (3 if (answer or default) == "colour" else 1)


def test_label_images_are_read_by_their_folder(tmp_path: Path) -> None:
    """And are said to be left out beside the image."""
    _store(tmp_path / "a.zarr", noise_picture(20, 30), "yx")
    ids = noise_picture(20, 30, dtype="uint32")
    labels = _store(tmp_path / "a.zarr" / "labels" / "cells", ids, "yx")
    np.testing.assert_array_equal(read_planes(labels, read_file(labels, "labels").pictures[0], "labels")[0], ids)
    assert any("abel" in note for note in read_file(tmp_path / "a.zarr").notes)


def test_several_images_are_asked_about(tmp_path: Path) -> None:
    """Trap 12: all by default, in the order of their numbers."""
    zarr.open_group(tmp_path / "a.zarr", mode="w")
    for k in (0, 2, 10):
        _store(tmp_path / "a.zarr" / str(k), np.full((8, 8), k + 1, np.uint8), "yx", name=f"field {k}")
    found = read_file(tmp_path / "a.zarr")
    assert [question.key for question in found.questions] == ["series"]
    assert [header.title for header in found.pictures] == ["field 0", "field 2", "field 10"]
    (chosen,) = read_file(tmp_path / "a.zarr", answers={"series": "3"}).pictures
    assert (read_planes(tmp_path / "a.zarr", chosen)[0] == 11).all()


def test_shards_are_read(tmp_path: Path) -> None:
    """As LabKit itself writes them."""
    path = _store(tmp_path / "a.zarr", noise_picture(8, 8), "yx")
    pixels = noise_picture(70, 90)
    zarr.create_array(path / "0", data=pixels, chunks=(16, 16), shards=(32, 32), overwrite=True)
    np.testing.assert_array_equal(read_planes(path, read_file(path).pictures[0])[0], pixels)


def test_only_the_asked_for_box_is_read(tmp_path: Path) -> None:
    """Chunks elsewhere may even be broken."""
    path = _store(tmp_path / "a.zarr", noise_picture(64, 64), "yx")
    (path / "0" / "c" / "3" / "3").write_bytes(b"garbage")
    source = open_raster(path, read_file(path).pictures[0], "image", tmp_path / "s")
    np.testing.assert_array_equal(source.read(Box(0, 0, 16, 48)), noise_picture(64, 64)[:16, :48])
    with pytest.raises(UnreadableImage):
        source.read(Box(0, 0, 64, 64))
    source.close()


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_metadata_without_pixels_is_refused(tmp_path: Path, version: Version) -> None:
    """A copy that lost its chunks would come as zeros."""
    path = _store(tmp_path / "a.zarr", noise_picture(20, 30), "yx", version)
    for file in (path / "0").rglob("*"):
        if file.is_file() and file.name not in (".zarray", ".zattrs", "zarr.json"):
            file.unlink()
    with pytest.raises(UnreadableImage, match="pixels are missing"):
        read_file(path)


def test_labels_without_an_object_have_no_chunks(tmp_path: Path) -> None:
    """Zeros are not written, and are what comes back."""
    path = _store(tmp_path / "a.zarr", np.zeros((20, 30), np.uint16), "yx")
    assert not read_planes(path, read_file(path, "labels").pictures[0], "labels")[0].any()


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("evil"),))


def test_no_code_of_a_store_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A codec that loads Python objects is refused before a chunk is looked at."""
    monkeypatch.chdir(tmp_path)
    path = _store(tmp_path / "a.zarr", noise_picture(8, 8), "yx", "0.4")
    metadata = json.loads((path / "0" / ".zarray").read_text())
    (path / "0" / ".zarray").write_text(json.dumps({**metadata, "compressor": {"id": "pickle", "protocol": 5}}))
    (path / "0" / "0" / "0").write_bytes(pickle.dumps(_Evil()))
    with pytest.raises(UnsupportedFormat, match="pickle"):
        read_planes(path, read_file(path).pictures[0])
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("place", ["../../secret", "/etc"])
def test_paths_stay_inside_the_store(tmp_path: Path, place: str) -> None:
    """Trap 17: a store refers to nothing outside of itself."""
    zarr.create_array(tmp_path / "secret", data=noise_picture(8, 8))
    path = _store(tmp_path / "b" / "a.zarr", noise_picture(8, 8), "yx")
    found = json.loads((path / "zarr.json").read_text())
    found["attributes"]["ome"]["multiscales"][0]["datasets"][0]["path"] = place
    (path / "zarr.json").write_text(json.dumps(found))
    with pytest.raises(UnreadableImage, match="outside"):
        read_file(path)


def test_a_plate_is_refused_in_words(tmp_path: Path) -> None:
    """It has hundreds of images, of which one is to be named."""
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    group.attrs["ome"] = {"version": "0.5", "plate": {"wells": []}}
    with pytest.raises(UnsupportedFormat, match="plate"):
        read_file(tmp_path / "a.zarr")


@pytest.mark.parametrize("form", [2, 3])
@pytest.mark.parametrize("answer", ["separate", "z", "t", "c", "first"])
def test_a_plain_array_is_asked_about(tmp_path: Path, answer: str, form: Any) -> None:
    """Three axes without names are pages of some kind."""
    pixels = np.stack([noise_picture(20, 30, seed=k) for k in range(4)])
    path = tmp_path / "a.zarr"
    zarr.create_array(path, data=pixels, chunks=(1, 16, 16), zarr_format=form)
    found = read_file(path, answers={"pages": answer})
    planes = [plane for header in found.pictures for plane in read_planes(path, header)]
    np.testing.assert_array_equal(planes, pixels if answer != "first" else pixels[:1])


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"attributes": {"ome": {"multiscales": [{}]}}}'])
def test_broken_metadata_is_refused(tmp_path: Path, text: str) -> None:
    """One line, no traceback."""
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_text(text)
    with pytest.raises((UnreadableImage, UnsupportedFormat)) as caught:
        read_file(tmp_path / "a.zarr")
    assert caught.value.hint
