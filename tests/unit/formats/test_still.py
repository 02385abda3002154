"""GIF, BMP and WebP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labkit.errors import InvalidInput, UnreadableImage, UnsupportedFormat
from labkit.formats.pictures import read_file
from labkit.formats.raster import Role
from labkit.testing.pictures import corner_picture, noise_picture, read_planes, two_disc_labels


def _read(path: Path, role: Role = "image") -> np.ndarray:
    (header,) = read_file(path, role).pictures
    return read_planes(path, header, role)[0]


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_bmp_comes_back(tmp_path: Path, mode: str) -> None:
    """Colour and grey."""
    picture = Image.fromarray(corner_picture()).convert(mode)
    picture.save(tmp_path / "a.bmp")
    np.testing.assert_array_equal(_read(tmp_path / "a.bmp"), np.asarray(picture))


def test_a_bilevel_bmp_is_white_in_images_and_one_in_labels(tmp_path: Path) -> None:
    """Trap 19."""
    mask = two_disc_labels() > 0
    Image.fromarray(mask).save(tmp_path / "a.bmp")
    np.testing.assert_array_equal(_read(tmp_path / "a.bmp"), mask * np.uint8(255))
    np.testing.assert_array_equal(_read(tmp_path / "a.bmp", "labels"), mask)


@pytest.mark.parametrize("ending", ["bmp", "gif"])
def test_a_palette_is_colours_in_images_and_ids_in_labels(tmp_path: Path, ending: str) -> None:
    """Trap 5."""
    ids = two_disc_labels().astype(np.uint8)
    picture = Image.fromarray(ids, "P")
    picture.putpalette([0, 0, 0, 250, 0, 0, 0, 250, 0] + 253 * [9, 9, 9])
    picture.save(tmp_path / f"a.{ending}")
    np.testing.assert_array_equal(_read(tmp_path / f"a.{ending}", "labels"), ids)
    assert tuple(_read(tmp_path / f"a.{ending}")[48, 38]) == (250, 0, 0)


def test_webp_without_loss_keeps_alpha(tmp_path: Path) -> None:
    """Trap 7."""
    picture = noise_picture(40, 50, channels=4)
    Image.fromarray(picture).save(tmp_path / "a.webp", lossless=True, exact=True)
    np.testing.assert_array_equal(_read(tmp_path / "a.webp"), picture)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_webp_says_its_orientation(tmp_path: Path, orientation: int) -> None:
    """Trap 1."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(corner_picture()).save(tmp_path / "a.webp", exif=exif)
    assert read_file(tmp_path / "a.webp").pictures[0].orientation == orientation


@pytest.mark.parametrize("answer", ["first", "separate", "t"])
@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_what_moves_is_asked_about(tmp_path: Path, ending: str, answer: str) -> None:
    """Trap 22: one frame with a note by default, all of them where wanted."""
    frames = [Image.fromarray(np.full((20, 30, 3), 80 * k, np.uint8)) for k in range(1, 4)]
    path = tmp_path / f"a.{ending}"
    options = {"lossless": True} if ending == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    found = read_file(path, answers={"frames": answer})
    seen = [plane.reshape(-1, plane.shape[-1])[0, 0] for header in found.pictures for plane in read_planes(path, header)]
    assert seen == ([80] if answer == "first" else [80, 160, 240])
    assert len(found.pictures) == {"first": 1, "separate": 3, "t": 1}[answer]
    assert found.questions[0].default == "first"


def test_an_unknown_answer_names_the_known_ones(tmp_path: Path) -> None:
    """What is not an option is the user's error."""
    frames = [Image.new("RGB", (8, 8), (k, 0, 0)) for k in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(InvalidInput) as caught:
        read_file(tmp_path / "a.gif", answers={"frames": "all"})
    assert "first, separate, t" in str(caught.value.hint)


def test_labels_of_a_moving_gif_are_those_of_its_first_frame(tmp_path: Path) -> None:
    """Later frames come as colours, which are no ids."""
    ids = two_disc_labels().astype(np.uint8)
    pictures = [Image.fromarray(np.roll(ids, k), "P") for k in (0, 5)]
    for picture in pictures:
        picture.putpalette(list(range(256)) * 3)
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:])
    found = read_file(tmp_path / "a.gif", "labels")
    assert not found.questions
    assert any("first of 2" in note for note in found.pictures[0].notes)
    np.testing.assert_array_equal(_read(tmp_path / "a.gif", "labels"), ids)


@pytest.mark.parametrize("ending", ["gif", "bmp", "webp"])
def test_half_a_file_is_refused(tmp_path: Path, ending: str) -> None:
    """Trap 14."""
    path = tmp_path / f"a.{ending}"
    Image.fromarray(noise_picture(100, 120, channels=3)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableImage) as caught:
        _read(path)
    assert caught.value.hint


def test_a_size_that_does_not_fit_memory_is_refused_before_decoding(tmp_path: Path) -> None:
    """Trap 15: a GIF of 65535 x 65535 in some bytes."""
    Image.new("P", (8, 8)).save(tmp_path / "a.gif")
    data = bytearray((tmp_path / "a.gif").read_bytes())
    data[6:10] = b"\xff" * 4
    (tmp_path / "a.gif").write_bytes(bytes(data))
    with pytest.raises(UnsupportedFormat, match="memory"):
        _read(tmp_path / "a.gif")


def test_a_wrong_ending_is_said(tmp_path: Path) -> None:
    """Trap 16: the first bytes count, and a note says that the name says something else."""
    Image.fromarray(corner_picture()).save(tmp_path / "a.tif", "BMP")
    found = read_file(tmp_path / "a.tif")
    assert found.format == "BMP"
    assert any(".tif" in note for note in found.notes)
