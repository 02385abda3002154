"""Writing pyramids from pixels that are computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import ome_zarr_models
import pytest

from labkit.errors import AlreadyExists, Cancelled, InvalidInput, StorageFull
from labkit.events import CancelToken, Event, Progress
from labkit.geometry import Box
from labkit.testing.pictures import noise_picture, two_disc_labels
from labkit.tiling import open_store, verify, write_pyramid


class _Counting:
    """A computed picture that remembers the boxes that it was asked for."""

    def __init__(self, height_px: int, width_px: int) -> None:
        self.shape = (height_px, width_px)
        self.dtype = np.dtype("uint32")
        self.boxes: list[Box] = []

    def read(self, box: Box) -> np.ndarray:
        self.boxes.append(box)
        y, x = np.ogrid[box.slices]
        return (y // 7 * 1000 + x // 9 + 1).astype(np.uint32)


def test_every_pixel_of_a_source_is_asked_for_once(tmp_path: Path) -> None:
    """A computed source is read in disjoint blocks that cover it; what was computed is what is stored."""
    source = _Counting(2100, 4200)
    write_pyramid(source, tmp_path / "a.ome.zarr", role="labels", name="ids")
    assert sum(box.area_px for box in source.boxes) == 2100 * 4200
    assert all(not a.intersect(b).area_px for i, a in enumerate(source.boxes) for b in source.boxes[:i])
    np.testing.assert_array_equal(open_store(tmp_path / "a.ome.zarr").read(), source.read(Box(0, 0, 2100, 4200)))


def test_workers_make_the_same_store(tmp_path: Path) -> None:
    """One thread or four: the bytes are the same."""
    picture = noise_picture(4100, 2060)
    for name, workers in (("one", 1), ("four", 4)):
        write_pyramid(picture, tmp_path / name, role="image", name="a", workers=workers)
    files = [{f.relative_to(tmp_path / n): f.read_bytes() for f in (tmp_path / n).rglob("*") if f.is_file()} for n in ("one", "four")]
    assert files[0] == files[1]


def test_labels_hold_no_new_id_on_any_level(tmp_path: Path) -> None:
    """Ids of level k are ids of level 0, of the same dtype, also above 2^24 and at odd sizes."""
    ids = np.random.default_rng(0).choice([0, 4, 7, 1_000_003, 2**31 + 5], (1025, 777)).astype(np.uint32)
    store = open_store(write_pyramid(ids, tmp_path / "l.ome.zarr", role="labels", name="ids", levels=5))
    for level in range(5):
        pixels = store.read(level=level)
        assert pixels.dtype == np.uint32
        assert set(np.unique(pixels)) <= set(np.unique(ids))


def test_a_label_store_names_its_image_and_is_valid(tmp_path: Path) -> None:
    """Number and sizes of levels equal the image's, `source.image` is relative, and both our check and the models accept it."""
    picture = noise_picture(700, 900, channels=3).transpose(2, 0, 1)
    write_pyramid(picture, tmp_path / "images/a/image.ome.zarr", role="image", name="a")
    image = open_store(tmp_path / "images/a/image.ome.zarr")
    target = tmp_path / "predictions/a/x/labels.ome.zarr"
    write_pyramid(
        np.kron(two_disc_labels(70, 90), np.ones((10, 10), np.uint16)),
        target,
        role="labels",
        name="nuclei",
        levels=len(image.levels),
        image_label={"source": {"image": "../../../../images/a/image.ome.zarr"}},
    )
    assert open_store(target).levels == image.levels
    assert type(ome_zarr_models.open_ome_zarr(target)).__name__ == "ImageLabel"  # type: ignore[arg-type]
    assert verify(target).faults == ()


def test_progress_counts_tiles_up_to_all(tmp_path: Path) -> None:
    """The last progress event says that all tiles are done."""
    events: list[Event] = []
    write_pyramid(noise_picture(2100, 2100), tmp_path / "a", role="image", name="a", on_event=events.append)
    done = [e.done for e in events if isinstance(e, Progress)]
    assert done == [0, 1, 2, 3, 4]
    assert {(e.total, e.unit) for e in events if isinstance(e, Progress)} == {(4, "tiles")}


class _Failing(_Counting):
    def __init__(self, error: BaseException) -> None:
        super().__init__(2100, 4200)
        self._error = error

    def read(self, box: Box) -> np.ndarray:
        if len(self.boxes) == 3:
            raise self._error
        return super().read(box)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(("error", "seen"), [(ValueError("broken"), ValueError), (OSError(28, "full"), StorageFull)])
def test_a_failing_source_leaves_nothing(tmp_path: Path, workers: int, error: Exception, seen: type[Exception]) -> None:
    """The error of the source (or of the full disk) comes through, and the folder is as it was."""
    with pytest.raises(seen):
        write_pyramid(_Failing(error), tmp_path / "out" / "a", role="labels", name="a", workers=workers)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_cancelled_pyramid_leaves_nothing(tmp_path: Path) -> None:
    """A set token stops the work at the next tile."""
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        write_pyramid(noise_picture(10, 10), tmp_path / "a", role="image", name="a", cancel=cancel)
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_there_is_left(tmp_path: Path) -> None:
    """Nothing is overwritten."""
    write_pyramid(noise_picture(10, 10), tmp_path / "a", role="image", name="a")
    with pytest.raises(AlreadyExists):
        write_pyramid(noise_picture(20, 20), tmp_path / "a", role="image", name="a")
    assert open_store(tmp_path / "a").shape == (10, 10)


@pytest.mark.parametrize(
    ("pixels", "role"),
    [
        (np.zeros((4, 4)), "labels"),
        (np.zeros((4, 4), bool), "labels"),
        (np.zeros((0, 4), np.uint8), "image"),
        (np.zeros(4, np.uint8), "image"),
    ],
)
def test_pixels_that_cannot_be_stored_are_refused(tmp_path: Path, pixels: np.ndarray, role: Any) -> None:
    """Float or boolean labels, and pictures without pixels, are refused before anything is written."""
    with pytest.raises(InvalidInput):
        write_pyramid(pixels, tmp_path / "a", role=role, name="a")
    assert list(tmp_path.iterdir()) == []
