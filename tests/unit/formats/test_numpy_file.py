"""`.npy`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labkit.errors import UnreadableImage, UnsupportedFormat
from labkit.formats.pictures import read_file
from labkit.testing.pictures import noise_picture, read_planes


def _save(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", ">u2", "int16", "uint32", "uint64", "float32", ">f8", "float16"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_values_come_back(tmp_path: Path, dtype: str, order: str) -> None:
    """Trap 19: every number, in native byte order."""
    array = np.asarray(np.random.default_rng(0).integers(0, 100, (20, 30)), dtype=dtype, order=order)  # type: ignore[call-overload]
    path = _save(tmp_path / "a.npy", array)
    (header,) = read_file(path).pictures
    (pixels,) = read_planes(path, header)
    assert pixels.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(pixels, array)


def test_truth_values_become_a_mask(tmp_path: Path) -> None:
    """Trap 19."""
    array = noise_picture(20, 30) > 99
    path = _save(tmp_path / "a.npy", array)
    (pixels,) = read_planes(path, read_file(path, "labels").pictures[0], "labels")
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, array)


def test_three_at_the_end_are_colours_unless_said_otherwise(tmp_path: Path) -> None:
    """Trap 9, for arrays."""
    array = noise_picture(20, 30, channels=3)
    path = _save(tmp_path / "a.npy", array)
    found = read_file(path)
    assert [(q.key, q.default) for q in found.questions] == [("colour", "colour")]
    np.testing.assert_array_equal(read_planes(path, found.pictures[0])[0], array)
    pages = read_file(path, answers={"colour": "pages", "pages": "z"})
    assert pages.pictures[0].stack == (("z", 20),)
    np.testing.assert_array_equal(read_planes(path, pages.pictures[0]), array)


@pytest.mark.parametrize(
    ("coloured", "answer"),
    [
        *((False, answer) for answer in ("separate", "z", "t", "c", "first")),
        *((True, answer) for answer in ("separate", "z", "t", "first")),
    ],
)
def test_pages_are_asked_about(tmp_path: Path, coloured: bool, answer: str) -> None:
    """Trap 8: separate by default, so that nothing is lost."""
    array = np.stack([noise_picture(20, 30, channels=3 if coloured else None, seed=k) for k in range(5)])
    path = _save(tmp_path / "a.npy", array)
    found = read_file(path, answers={"pages": answer})
    assert found.questions[-1].default == "separate"
    planes = [plane for header in found.pictures for plane in read_planes(path, header)]
    assert len(found.pictures) == (5 if answer == "separate" else 1)
    np.testing.assert_array_equal(planes, array if answer != "first" else array[:1])


def test_labels_of_three_columns_are_pages(tmp_path: Path) -> None:
    """Ids have no colour."""
    path = _save(tmp_path / "a.npy", np.ones((4, 20, 3), np.uint16))
    assert len(read_file(path, "labels").pictures) == 4


@pytest.mark.parametrize(
    ("array", "error"),
    [
        (np.zeros((4, 4), complex), UnsupportedFormat),
        (np.zeros((4, 4), "U3"), UnsupportedFormat),
        (np.zeros((4, 4), [("a", "i4")]), UnsupportedFormat),
        (np.zeros(9), UnsupportedFormat),
        (np.zeros((2, 2, 2, 2)), UnsupportedFormat),
        (np.zeros((0, 4)), UnreadableImage),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, array: np.ndarray, error: type[Exception]) -> None:
    """Complex numbers, text, records, other shapes."""
    with pytest.raises(error):
        read_file(_save(tmp_path / "a.npy", array))


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    """Trap 14."""
    path = _save(tmp_path / "a.npy", noise_picture(20, 30))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UnreadableImage):
        read_file(path)
