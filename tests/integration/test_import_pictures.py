"""Import: from a file that somebody brings to an image of a project, and nothing in between."""

from __future__ import annotations

import hashlib
import os
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import ome_zarr_models
import pytest

from labkit.errors import (
    Cancelled,
    InvalidInput,
    LabKitError,
    Locked,
    NotFound,
    StorageFull,
    UnreadableImage,
    response_for,
)
from labkit.events import CancelToken, Event, Log, Progress
from labkit.project import Project
from labkit.testing.pictures import (
    corner_picture,
    noise_picture,
    oriented,
    two_disc_labels,
    write_bomb_tiff,
    write_jpeg,
    write_png,
    write_tiff,
)
from labkit.testing.repetitions import repetitions
from labkit.tiling import import_image, open_image, probe, verify

REPEAT = repetitions(2, full=20)


def _pixels(project: Project, key: str, level: int = 0) -> np.ndarray:
    """Return an image as (y, x) or (y, x, c)."""
    pixels = open_image(project, key).read(level=level)
    return np.moveaxis(pixels, 0, -1) if pixels.ndim == 3 else pixels


def _mean_of_blocks(picture: np.ndarray) -> np.ndarray:
    """Return the mean of the existing pixels of each 2 x 2 block, rounded half to even, by the definition."""
    height, width = picture.shape[:2]
    total = np.zeros((-(-height // 2), -(-width // 2), *picture.shape[2:]))
    count = np.zeros_like(total)
    for dy in (0, 1):
        for dx in (0, 1):
            part = picture[dy::2, dx::2]
            total[: part.shape[0], : part.shape[1]] += part
            count[: part.shape[0], : part.shape[1]] += 1
    return np.rint(total / count).astype(picture.dtype)


def _store_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(f for f in folder.rglob("*") if f.is_file()):
        digest.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return digest.hexdigest()


def _left_over(project: Project) -> list[str]:
    """Return what lies in the folder of images and is no image of the project."""
    ids = {record.id for record in project.images()}
    return [f.name for f in project.layout.images.iterdir() if f.name not in ids] if project.layout.images.is_dir() else []


@pytest.mark.parametrize(
    "write",
    [
        lambda p, a: write_png(p / "a.png", a),
        lambda p, a: write_tiff(p / "a.tif", a),
        lambda p, a: write_tiff(p / "a.tif", a, tile_px=None, compression="zlib"),
        lambda p, a: write_tiff(p / "a.tif", a, bigtiff=True, compression="zlib"),
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [None, 3])
def test_pixels_are_kept_bit_for_bit(project: Project, tmp_path: Path, write: Any, dtype: str, channels: int | None) -> None:
    """8 and 16 bit, grey and RGB, PNG and TIFF: level 0 is the picture, level 1 the mean of its blocks."""
    picture = noise_picture(517, 643, channels=channels, dtype=dtype)
    record = import_image(project, write(tmp_path, picture))
    np.testing.assert_array_equal(_pixels(project, record.id), picture)
    np.testing.assert_array_equal(_pixels(project, record.id, 1), _mean_of_blocks(picture))
    assert (record.dtype, record.axes) == (dtype, ("c", "y", "x") if channels else ("y", "x"))
    assert verify(project.path).faults == ()


def test_every_level_of_an_odd_picture_is_right(project: Project, tmp_path: Path) -> None:
    """2055 columns over two shards: each level is the mean of the one below, and the last column is in the last column."""
    picture = noise_picture(300, 2055) // 2
    picture[:, -1] = 255
    record = import_image(project, write_tiff(tmp_path / "a.tif", picture))
    assert record.levels == ((300, 2055), (150, 1028), (75, 514), (38, 257), (19, 129))
    below = picture
    for level in range(1, 5):
        below = _mean_of_blocks(below)
        np.testing.assert_array_equal(_pixels(project, record.id, level), below)
    assert (_pixels(project, record.id, 1)[:, -1] == 255).all()


def test_a_bright_last_pixel_is_seen_at_the_top(project: Project, tmp_path: Path) -> None:
    """One bright pixel in the last corner of 2049 x 2049 is still the last corner of every level."""
    picture = np.zeros((2049, 2049), np.uint8)
    picture[-1, -1] = 255
    record = import_image(project, write_png(tmp_path / "a.png", picture))
    assert all(_pixels(project, record.id, level)[-1, -1] == 255 for level in range(len(record.levels)))


def test_colours_stay_in_their_corners(project: Project, tmp_path: Path) -> None:
    """37 x 91 RGB with three corners: neither axes nor channels are swapped, on any level."""
    picture = np.kron(corner_picture(), np.ones((8, 8, 1), np.uint8))
    record = import_image(project, write_png(tmp_path / "a.png", picture))
    for level in range(len(record.levels)):
        pixels = _pixels(project, record.id, level)
        assert [pixels[0, 0].argmax(), pixels[0, -1].argmax(), pixels[-1, 0].argmax()] == [0, 1, 2]
        assert pixels.shape[:2] == record.levels[level]


def test_workers_and_repetitions_give_the_same_pixels(tmp_path: Path) -> None:
    """Four workers on a size that fits no shard: read-back and store are bit-identical each time, as with one worker."""
    picture = noise_picture(4100, 5003)
    path = write_tiff(tmp_path / "a.tif", picture, compression="zlib")
    hashes = set()
    for k in range(REPEAT + 1):
        project = Project.create(tmp_path, f"run {k}")
        record = import_image(project, path, workers=4 if k else 1)
        np.testing.assert_array_equal(_pixels(project, record.id), picture)
        hashes.add(_store_hash(project.layout.image(record.id).store))
        assert _left_over(project) == []
        shutil.rmtree(project.path)
    assert len(hashes) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(project: Project, tmp_path: Path, orientation: int) -> None:
    """Eight orientations of one non-square TIFF are eight equal images, and the probe tells their upright size."""
    upright = corner_picture(40, 90)
    path = write_tiff(tmp_path / "a.tif", oriented(upright, orientation), orientation=orientation)
    np.testing.assert_array_equal(_pixels(project, import_image(project, path).id), upright)
    (picture,) = probe(path).pictures
    assert (picture.shape, picture.orientation) == ((3, 40, 90), orientation)


def test_a_turned_pixel_has_a_turned_size(project: Project, tmp_path: Path) -> None:
    """The size of a pixel follows the picture when rows become columns."""
    options: dict[str, Any] = {"resolution": (20000, 40000), "resolutionunit": "CENTIMETER"}
    record = import_image(project, write_tiff(tmp_path / "a.tif", noise_picture(30, 40), orientation=6, **options))
    assert record.pixel_size_um == pytest.approx((0.5, 0.25))


def test_a_given_pixel_size_wins(project: Project, tmp_path: Path) -> None:
    """What the user says goes into record and metadata."""
    record = import_image(project, write_png(tmp_path / "a.png", noise_picture(30, 40)), pixel_size_um=(0.5, 0.25))
    assert record.pixel_size_um == open_image(project, record.id).pixel_size_um == (0.5, 0.25)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4099), (4099, 1)])
def test_thin_pictures_are_imported(project: Project, tmp_path: Path, shape: tuple[int, int]) -> None:
    """One row, one column, one pixel."""
    picture = noise_picture(*shape)
    record = import_image(project, write_png(tmp_path / "a.png", picture))
    np.testing.assert_array_equal(_pixels(project, record.id), picture)
    assert verify(project.path).faults == ()


def test_a_jpeg_is_imported(project: Project, tmp_path: Path) -> None:
    """A photograph with an orientation comes in upright."""
    path = write_jpeg(tmp_path / "a.jpg", oriented(corner_picture(60, 90), 8), orientation=8)
    pixels = _pixels(project, import_image(project, path).id)
    assert [pixels[2, 2].argmax(), pixels[2, -3].argmax(), pixels[-3, 2].argmax()] == [0, 1, 2]


def test_labels_are_imported_as_ids(project: Project, tmp_path: Path) -> None:
    """A label picture goes down by mode; its ids stay, and the store is a label image."""
    ids = np.kron(two_disc_labels(), np.ones((5, 5), np.uint16)).astype(np.uint32) * 20_000_001
    record = import_image(project, write_tiff(tmp_path / "a.tif", ids), role="labels")
    image = open_image(project, record.id)
    assert (record.role, image.role) == ("labels", "labels")
    for level in range(len(record.levels)):
        assert set(np.unique(image.read(level=level))) <= set(np.unique(ids))
    assert verify(image.path).faults == ()


def test_the_reference_models_accept_the_store(project: Project, tmp_path: Path) -> None:
    """ome-zarr-models opens imported RGB and grey images."""
    for channels in (None, 3):
        record = import_image(project, write_png(tmp_path / f"{channels}.png", noise_picture(300, 400, channels=channels)))
        opened = ome_zarr_models.open_ome_zarr(project.layout.image(record.id).store)  # type: ignore[arg-type]
        assert type(opened).__name__ == "Image"


def test_the_record_says_where_the_image_comes_from(project: Project, tmp_path: Path) -> None:
    """Name, hash and facts of the source file are kept, whatever the name is; the file is unchanged."""
    name = unicodedata.normalize("NFD", "Capture_décran (1) 細胞.png")
    path = write_png(tmp_path / name, noise_picture(30, 40))
    before = path.read_bytes()
    record = import_image(project, path)
    assert record.name == unicodedata.normalize("NFC", name)
    assert record.sha256 == hashlib.sha256(before).hexdigest()
    assert (record.source["format"], record.source["bits"], record.source["layout"]) == ("PNG", 8, "whole")
    assert path.read_bytes() == before
    assert [r.id for r in project.images()] == [record.id]


def test_progress_ends_at_all_tiles(project: Project, tmp_path: Path) -> None:
    """Events count tiles from none to all."""
    events: list[Event] = []
    import_image(project, write_tiff(tmp_path / "a.tif", noise_picture(2100, 4200)), workers=2, on_event=events.append)
    progress = [e for e in events if isinstance(e, Progress)]
    assert [e.done for e in progress] == list(range(7))
    assert {(e.total, e.unit) for e in progress} == {(6, "tiles")}


def test_the_same_picture_is_one_image_whatever_its_name(project: Project, tmp_path: Path) -> None:
    """A second import of the same bytes answers with the image that is there, and says both names."""
    path = write_png(tmp_path / "a.png", noise_picture(30, 40))
    events: list[Event] = []
    first = import_image(project, path)
    second = import_image(project, shutil.copy(path, tmp_path / "b.png"), on_event=events.append)
    assert first == second
    assert any(isinstance(e, Log) and "b.png" in e.text and "a.png" in e.text for e in events)
    assert len(project.images()) == 1


def test_the_same_picture_with_another_pixel_size_is_another_image(project: Project, tmp_path: Path) -> None:
    """What decides how an image comes out counts beside the bytes."""
    path = write_png(tmp_path / "a.png", noise_picture(30, 40))
    assert import_image(project, path).id != import_image(project, path, pixel_size_um=(2.0, 2.0)).id


def test_another_import_of_the_same_file_is_told_to_wait(project: Project, tmp_path: Path) -> None:
    """While one imports a picture, a second import of the same is refused and disturbs nothing."""
    path = write_tiff(tmp_path / "a.tif", noise_picture(2100, 4200))
    refused: list[Locked] = []

    def _import_again(event: Event) -> None:
        if isinstance(event, Progress) and not refused:
            with pytest.raises(Locked) as caught:
                import_image(project, path)
            refused.append(caught.value)

    import_image(project, path, on_event=_import_again)
    assert refused[0].hint
    assert _left_over(project) == []


def test_a_cancelled_import_goes_on_where_it_stopped(project: Project, tmp_path: Path) -> None:
    """After a cancel the image is not listed; the next call keeps what was finished and ends bit-identical."""
    path = write_tiff(tmp_path / "a.tif", noise_picture(2100, 6200))
    other = Project.create(tmp_path / "other", "other")
    reference = import_image(other, path)
    cancel = CancelToken()

    def _cancel_at_three(event: Event) -> None:
        if isinstance(event, Progress) and event.done == 3:
            cancel.cancel()

    with pytest.raises(Cancelled):
        import_image(project, path, workers=1, on_event=_cancel_at_three, cancel=cancel)
    assert project.images() == ()
    (ledger,) = project.layout.images.glob(".incoming-*/ledger.jsonl")
    finished = ledger.read_text()
    record = import_image(project, path, workers=1)
    assert project.layout.image(record.id).ledger.read_text().startswith(finished)
    assert _store_hash(project.layout.image(record.id).store) == _store_hash(other.layout.image(reference.id).store)
    assert _left_over(project) == []


def test_a_shard_lost_after_a_crash_is_made_again(project: Project, tmp_path: Path) -> None:
    """What the ledger lists and the disk lost, or holds damaged, is not trusted on resuming."""
    picture = noise_picture(2100, 4200)
    path = write_tiff(tmp_path / "a.tif", picture)
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        import_image(
            project, path, workers=1, on_event=lambda e: cancel.cancel() if isinstance(e, Progress) and e.done == 4 else None, cancel=cancel
        )
    store = next(project.layout.images.glob(".incoming-*/image.ome.zarr"))
    (store / "0/c/0/0").unlink()
    (store / "0/c/1/0").write_bytes(b"torn")
    record = import_image(project, path)
    np.testing.assert_array_equal(_pixels(project, record.id), picture)
    assert verify(project.path).faults == ()


def test_abandoned_imports_are_swept_after_a_week(project: Project, tmp_path: Path) -> None:
    """What a dead import left is removed by a later one when it is old; a fresh one may still be resumed and stays."""
    for age_s, name in ((8 * 86400, "old"), (60, "fresh")):
        folder = project.layout.incoming_image(name).root
        folder.mkdir(parents=True)
        (folder / "ledger.jsonl").write_text("")
        when = folder.stat().st_mtime - age_s
        os.utime(folder / "ledger.jsonl", (when, when))
    lock = project.layout.images / ".incoming-gone.lock"
    lock.touch()
    os.utime(lock, (when - 9 * 86400, when - 9 * 86400))
    import_image(project, write_png(tmp_path / "a.png", noise_picture(30, 40)))
    assert _left_over(project) == [".incoming-fresh"]


def _zero(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def _text(path: Path) -> Path:
    path.write_text("no picture")
    return path


def _cut(path: Path) -> Path:
    write_jpeg(path, noise_picture(100, 100))
    path.write_bytes(path.read_bytes()[:-500])
    return path


def _damaged_late(path: Path) -> Path:
    write_tiff(path, noise_picture(2100, 4200), compression="zlib")
    data = bytearray(path.read_bytes())
    data[len(data) * 3 // 4 : len(data) * 3 // 4 + 5000] = bytes(5000)
    path.write_bytes(bytes(data))
    return path


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda p: p, NotFound),
        (_zero, UnreadableImage),
        (_text, UnreadableImage),
        (_cut, UnreadableImage),
        (_damaged_late, UnreadableImage),
        (lambda p: write_bomb_tiff(p, 1_500_000), StorageFull),
    ],
)
def test_bad_input_leaves_nothing(project: Project, tmp_path: Path, make: Any, error: type[LabKitError]) -> None:
    """Each bad file gives one line and a hint, exit code 2, and no trace in the project."""
    path = make(tmp_path / "bad")
    with pytest.raises(error) as caught:
        import_image(project, path)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert response_for(caught.value).exit_code == 2
    assert project.images() == ()
    assert _left_over(project) == []


@pytest.mark.parametrize(
    "settings", [{"name": "  "}, {"name": "x" * 1001}, {"pixel_size_um": (0, 1)}, {"pixel_size_um": (float("nan"), 1)}]
)
def test_bad_settings_are_refused(project: Project, tmp_path: Path, settings: dict[str, Any]) -> None:
    """A name or a pixel size that cannot be is said so."""
    with pytest.raises(InvalidInput):
        import_image(project, write_png(tmp_path / "a.png", noise_picture(5, 5)), **settings)
    assert _left_over(project) == []


def test_the_quota_counts_what_is_there(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that fits the quota is imported; the next, which does not fit what is left, is refused by its declared size."""
    monkeypatch.setenv("LABKIT_QUOTA_GB", "0.002")
    import_image(project, write_png(tmp_path / "a.png", noise_picture(1000, 1000)))
    with pytest.raises(StorageFull, match="room") as caught:
        import_image(project, write_png(tmp_path / "b.png", noise_picture(1000, 1000, seed=1)))
    assert caught.value.hint
    assert len(project.images()) == 1
    assert _left_over(project) == []


def test_a_resumed_import_needs_room_only_for_the_rest(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an unfinished import has written counts as its own, not against it."""
    path = write_tiff(tmp_path / "a.tif", noise_picture(2100, 4200))
    monkeypatch.setenv("LABKIT_QUOTA_GB", "0.013")
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        import_image(
            project, path, workers=1, on_event=lambda e: cancel.cancel() if isinstance(e, Progress) and e.done == 5 else None, cancel=cancel
        )
    assert import_image(project, path).shape == (2100, 4200)


def test_nearly_full_disk_is_a_clear_refusal(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a quota, less than 5 GB of free disk is said to be no room."""
    monkeypatch.delenv("LABKIT_QUOTA_GB", raising=False)
    usage = type("Usage", (), {"free": 4 * 10**9})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(StorageFull, match=r"room for 0\.00 GB"):
        import_image(project, write_png(tmp_path / "a.png", noise_picture(10, 10)))
