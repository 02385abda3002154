"""HEIC and AVIF: depth, orientation, several pictures."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from labkit.errors import UnreadableImage
from labkit.formats.pictures import read_file
from labkit.testing.pictures import corner_picture, noise_picture, oriented, read_planes

pillow_heif = pytest.importorskip("pillow_heif", reason="HEIC needs the extra 'formats'")


def _heic(path: Path, *pictures: np.ndarray, mode: str = "RGB", **options: object) -> Path:
    file = pillow_heif.HeifFile()
    for picture in pictures:
        file.add_frombytes(mode, (picture.shape[1], picture.shape[0]), picture.tobytes())
    file.save(path, quality=-1, **options)
    return path


def _upright_corners(pixels: np.ndarray) -> list[str]:
    """Return which channel is the brightest in three corners: top left, top right, bottom left."""
    return ["rgb"[int(np.argmax(pixels[y, x]))] for y, x in ((3, 3), (3, -4), (-4, 3))]


def test_heic_comes_back(tmp_path: Path) -> None:
    """8 bit, but for the change of colours."""
    path = _heic(tmp_path / "a.heic", corner_picture(64, 96), chroma=444)
    (header,) = read_file(path).pictures
    (pixels,) = read_planes(path, header)
    assert np.abs(pixels.astype(int) - corner_picture(64, 96)).max() <= 4


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["heic", "avif"])
def test_pictures_stand_upright_once(tmp_path: Path, ending: str, orientation: int) -> None:
    """Trap 1: one decoder turns by itself and the other does not; the result is the same."""
    stored = np.ascontiguousarray(oriented(corner_picture(60, 90), orientation))
    exif = Image.Exif()
    exif[0x0112] = orientation
    pillow_heif.register_heif_opener()
    path = tmp_path / f"a.{ending}"
    Image.fromarray(stored).save(path, exif=exif.tobytes(), quality=95)
    (header,) = read_file(path).pictures
    (pixels,) = read_planes(path, header)
    assert pixels.shape == (60, 90, 3)
    assert _upright_corners(pixels) == ["r", "g", "b"]


@pytest.mark.parametrize("bits", [10, 12])
def test_deep_heic_keeps_its_bits(tmp_path: Path, bits: int) -> None:
    """Trap 3: values above 255 stay, and the header says how many bits count."""
    picture = (np.add.outer(np.arange(64), np.arange(64)) * (2**bits // 128)).astype(np.uint16)
    file = pillow_heif.from_bytes("I;16", (64, 64), (picture << (16 - bits)).tobytes())
    pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
    try:
        file.save(tmp_path / "a.heic", quality=-1)
    finally:
        pillow_heif.options.SAVE_HDR_TO_12_BIT = False
    (header,) = read_file(tmp_path / "a.heic").pictures
    (pixels,) = read_planes(tmp_path / "a.heic", header)
    assert (header.dtype, header.significant_bits) == ("uint16", bits)
    assert np.abs(pixels.astype(int) - picture).max() <= 2


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("channels", [None, 3, 4])
def test_deep_avif_keeps_its_bits(tmp_path: Path, channels: int | None, bits: int) -> None:
    """Trap 4: what decodes 8 bits only is never asked."""
    picture = noise_picture(40, 60, channels=channels, dtype="uint16") >> (16 - bits)
    path = tmp_path / "a.avif"
    path.write_bytes(imagecodecs.avif_encode(picture, bitspersample=bits, level=100))
    (header,) = read_file(path).pictures
    (pixels,) = read_planes(path, header)
    assert (header.dtype, header.significant_bits) == ("uint16", bits)
    np.testing.assert_array_equal(pixels if channels else pixels[..., 0] if pixels.ndim == 3 else pixels, picture)


def test_several_pictures_are_asked_about(tmp_path: Path) -> None:
    """Trap 22: by default the one that is shown first, with a note."""
    path = _heic(tmp_path / "a.heic", corner_picture(64, 96), corner_picture(32, 48), primary_index=1)
    found = read_file(path)
    (header,) = found.pictures
    assert (header.height_px, header.width_px) == (32, 48)
    assert any("main one of 2" in note for note in header.notes)
    assert [option.value for option in found.questions[0].options] == ["first", "separate"]
    separate = read_file(path, answers={"frames": "separate"}).pictures
    assert [read_planes(path, each)[0].shape for each in separate] == [(64, 96, 3), (32, 48, 3)]


def test_a_burst_can_be_an_image_in_time(tmp_path: Path) -> None:
    """Pictures of one size."""
    shades = [np.full((64, 64, 3), value, np.uint8) for value in (50, 100, 150)]
    path = _heic(tmp_path / "a.heic", *shades)
    (header,) = read_file(path, answers={"frames": "t"}).pictures
    assert header.stack == (("t", 3),)
    assert [int(plane.mean() / 50 + 0.5) for plane in read_planes(path, header)] == [1, 2, 3]


def test_half_a_heic_is_refused(tmp_path: Path) -> None:
    """Trap 14."""
    path = _heic(tmp_path / "a.heic", noise_picture(64, 96, channels=3))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableImage):
        read_planes(path, read_file(path).pictures[0])


def test_a_profile_is_kept(tmp_path: Path) -> None:
    """Trap 21."""
    pillow_heif.register_heif_opener()
    profile = bytes(range(128)) * 2
    Image.fromarray(corner_picture()).save(tmp_path / "a.avif", icc_profile=profile)
    assert read_file(tmp_path / "a.avif").pictures[0].icc_profile == profile
