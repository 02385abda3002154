"""ND2 and LIF, written by code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labkit.errors import UnreadableImage
from labkit.formats.pictures import read_file
from labkit.testing.microscopes import write_lif, write_nd2
from labkit.testing.pictures import noise_picture, read_planes

pytest.importorskip("nd2", reason="ND2 needs the extra 'formats'")
pytest.importorskip("liffile", reason="LIF needs the extra 'formats'")


def _numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4096, shape, dtype=np.uint16)


def test_a_lif_comes_plane_by_plane(tmp_path: Path) -> None:
    """Time, channels and depth in the order t, c, z, whatever the order in the file; sizes from its XML."""
    pixels = _numbers(2, 3, 2, 20, 30)
    path = write_lif(tmp_path / "a.lif", [("stack", "TZCYX", pixels)])
    (header,) = read_file(path).pictures
    assert header.stack == (("t", 2), ("c", 2), ("z", 3))
    assert header.pixel_size_um == pytest.approx((0.5, 0.5))
    assert (header.z_step_um, header.t_step_s) == (pytest.approx(2.0), pytest.approx(1.5))
    np.testing.assert_array_equal(read_planes(path, header), np.moveaxis(pixels, 2, 1).reshape(-1, 20, 30))


def test_the_pictures_of_a_lif_are_asked_about(tmp_path: Path) -> None:
    """Trap 12: all by default, under their names."""
    grey, colour = _numbers(20, 30), noise_picture(11, 17, channels=3)
    path = write_lif(tmp_path / "a.lif", [("overview", "YX", grey), ("detail", "YXS", colour)])
    found = read_file(path)
    assert [(question.key, question.default) for question in found.questions] == [("series", "all")]
    assert [header.title for header in found.pictures] == ["overview", "detail"]
    for header, pixels in zip(found.pictures, (grey, colour), strict=True):
        np.testing.assert_array_equal(read_planes(path, header)[0], pixels)
    (chosen,) = read_file(path, answers={"series": "2"}).pictures
    assert chosen.title == "detail"


@pytest.mark.parametrize("kept", [200, 0.6])
def test_half_a_lif_is_refused(tmp_path: Path, kept: float) -> None:
    """Trap 14."""
    path = write_lif(tmp_path / "a.lif", [("a", "YX", _numbers(100, 100))])
    data = path.read_bytes()
    path.write_bytes(data[: int(kept if kept > 1 else kept * len(data))])
    with pytest.raises(UnreadableImage):
        read_planes(path, read_file(path).pictures[0])


def test_an_nd2_comes_plane_by_plane(tmp_path: Path) -> None:
    """Frames hold all channels; names, sizes and bits from its metadata."""
    frames = _numbers(3, 20, 31, 2)
    path = write_nd2(tmp_path / "a.nd2", frames, channels=["DAPI", "GFP"], significant_bits=12)
    (header,) = read_file(path).pictures
    assert header.stack == (("t", 3), ("c", 2))
    assert header.pixel_size_um == pytest.approx((0.25, 0.25))
    assert header.channel_names == ("DAPI", "GFP")
    assert header.significant_bits == 12
    np.testing.assert_array_equal(read_planes(path, header), np.moveaxis(frames, -1, 1).reshape(-1, 20, 31))


def test_half_an_nd2_is_refused(tmp_path: Path) -> None:
    """Trap 14."""
    path = write_nd2(tmp_path / "a.nd2", _numbers(2, 20, 30, 1), channels=["a"], significant_bits=12)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableImage):
        read_file(path)


def test_a_missing_frame_of_an_nd2_is_no_frame_of_zeros(tmp_path: Path) -> None:
    """An acquisition that was broken off lists more frames than it holds."""
    path = write_nd2(tmp_path / "a.nd2", _numbers(3, 20, 30, 1), channels=["a"], significant_bits=12)
    path.write_bytes(path.read_bytes().replace(b"ImageDataSeq|2!", b"ImageDataSeq|9!"))
    (header,) = read_file(path).pictures
    with pytest.raises(UnreadableImage, match="frame 3 is missing"):
        read_planes(path, header)
