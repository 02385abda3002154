"""CZI, written by code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

from labkit.errors import UnreadableImage, UnsupportedFormat
from labkit.formats.pictures import read_file
from labkit.testing.microscopes import CziPiece, write_czi
from labkit.testing.pictures import noise_picture, read_planes

pytest.importorskip("czifile", reason="CZI needs the extra 'formats'")
_XML = (
    "<ImageDocument><Metadata><Information><Image><ComponentBitCount>12</ComponentBitCount><Dimensions><Channels>"
    '<Channel Id="Channel:0" Name="DAPI"/><Channel Id="Channel:1" Name="GFP"/></Channels></Dimensions></Image></Information>'
    "<Scaling><Items>"
    '<Distance Id="X"><Value>2E-07</Value></Distance><Distance Id="Y"><Value>3E-07</Value></Distance>'
    '<Distance Id="Z"><Value>1.5E-06</Value></Distance></Items></Scaling></Metadata></ImageDocument>'
)


def _piece(pixels: np.ndarray, compression: int = 0, packed: bytes | None = None, **starts: int) -> CziPiece:
    stored = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    return starts, stored.tobytes() if packed is None else packed, pixels.shape, pixels.dtype.name, compression


def test_a_stack_comes_plane_by_plane(tmp_path: Path) -> None:
    """Time, channels and depth in the order t, c, z, whatever the order in the file; names, sizes and bits from its XML."""
    pixels = np.random.default_rng(0).integers(0, 4096, (2, 2, 3, 20, 30), dtype=np.uint16)
    pieces = [_piece(pixels[t, c, z], X=-5, Y=7, C=c, Z=z, T=t) for z in range(3) for t in range(2) for c in range(2)]
    path = write_czi(tmp_path / "a.czi", pieces, xml=_XML)
    (header,) = read_file(path).pictures
    assert header.stack == (("t", 2), ("c", 2), ("z", 3))
    assert header.pixel_size_um == pytest.approx((0.3, 0.2))
    assert header.z_step_um == pytest.approx(1.5)
    assert header.channel_names == ("DAPI", "GFP")
    assert header.significant_bits == 12
    np.testing.assert_array_equal(read_planes(path, header), pixels.reshape(-1, 20, 30))


def test_the_tiles_of_a_mosaic_are_put_together(tmp_path: Path) -> None:
    """Each at its place; where they overlap the later one counts."""
    left, right = noise_picture(20, 30), noise_picture(20, 30, seed=1)
    path = write_czi(tmp_path / "a.czi", [_piece(right, X=125, Y=40, C=0, M=1), _piece(left, X=100, Y=40, C=0, M=0)])
    (header,) = read_file(path).pictures
    np.testing.assert_array_equal(read_planes(path, header)[0], np.hstack([left[:, :25], right]))


def test_colours_come_as_red_green_and_blue(tmp_path: Path) -> None:
    """The file has them the other way round."""
    pixels = noise_picture(20, 30, channels=3)
    path = write_czi(tmp_path / "a.czi", [_piece(pixels, C=0)])
    np.testing.assert_array_equal(read_planes(path, read_file(path).pictures[0])[0], pixels)


def test_scenes_are_asked_about(tmp_path: Path) -> None:
    """Trap 12: all by default, an image each."""
    scenes = [noise_picture(20, 30), noise_picture(11, 17, seed=1)]
    path = write_czi(tmp_path / "a.czi", [_piece(scene, X=1000 * s, S=s, C=0) for s, scene in enumerate(scenes)])
    found = read_file(path)
    assert [(question.key, question.default) for question in found.questions] == [("series", "all")]
    for header, scene in zip(found.pictures, scenes, strict=True):
        np.testing.assert_array_equal(read_planes(path, header)[0], scene)
    (second,) = read_file(path, answers={"series": "2"}).pictures
    assert (second.height_px, second.width_px) == (11, 17)


def _hi_lo(pixels: np.ndarray) -> bytes:
    apart = pixels.view(np.uint8).reshape(-1, 2).T.tobytes()
    return b"\x03\x01\x01" + imagecodecs.zstd_encode(apart)


@pytest.mark.parametrize(
    ("compression", "pack"),
    [
        (5, lambda pixels: imagecodecs.zstd_encode(pixels.tobytes())),
        (6, lambda pixels: b"\x01" + imagecodecs.zstd_encode(pixels.tobytes())),
        (6, _hi_lo),
        (4, lambda pixels: imagecodecs.jpegxr_encode(pixels, level=1.0)),
    ],
    ids=["zstd", "zstd with a header", "zstd with bytes apart", "JPEG XR"],
)
def test_packed_pixels_come_back(tmp_path: Path, compression: int, pack: Any) -> None:
    """Zstandard, which the small reader does not know, and JPEG XR."""
    pixels = noise_picture(40, 50, dtype="uint16")
    path = write_czi(tmp_path / "a.czi", [_piece(pixels, compression, pack(pixels), C=0)])
    np.testing.assert_array_equal(read_planes(path, read_file(path).pictures[0])[0], pixels)


def test_an_unknown_compression_is_refused(tmp_path: Path) -> None:
    """Of a camera, for example."""
    path = write_czi(tmp_path / "a.czi", [_piece(noise_picture(20, 30), 1000, C=0)])
    with pytest.raises(UnsupportedFormat, match="1000"):
        read_file(path)


@pytest.mark.parametrize("kept", [100, 0.5])
def test_half_a_file_is_refused(tmp_path: Path, kept: float) -> None:
    """Trap 14."""
    path = write_czi(tmp_path / "a.czi", [_piece(noise_picture(60, 70), C=c) for c in range(4)])
    data = path.read_bytes()
    path.write_bytes(data[: int(kept if kept > 1 else kept * len(data))])
    with pytest.raises(UnreadableImage):
        read_planes(path, read_file(path).pictures[0])


def test_axes_without_a_word_are_refused(tmp_path: Path) -> None:
    """Views of a light sheet are no channels."""
    path = write_czi(tmp_path / "a.czi", [_piece(noise_picture(20, 30), C=0, V=v) for v in range(2)])
    with pytest.raises(UnsupportedFormat, match="V"):
        read_file(path)
