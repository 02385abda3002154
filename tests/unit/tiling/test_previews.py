"""Small pictures of what browsers do not show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from labkit.config import ImportLimits
from labkit.errors import StorageFull
from labkit.events import CancelToken, ignore_events
from labkit.formats.pictures import read_file
from labkit.testing.pictures import write_tiff
from labkit.tiling import previews
from labkit.tiling.decoder import open_decoder
from labkit.tiling.previews import PreviewFacts, draw_preview, write_preview


def _drawn(path: Path, max_px: int = 128) -> PillowImage.Image:
    """Draw a preview here, without the process that a file from anywhere is read in."""
    target = path.with_suffix(".preview")
    [header] = read_file(path).pictures
    draw_preview(str(path), header, str(target), max_px, memory_bytes=10**8, on_event=ignore_events, cancel=CancelToken())
    return PillowImage.open(target)


@pytest.mark.parametrize("tile_px", [256, None])
def test_sixteen_bits_are_stretched_and_keep_their_places(tmp_path: Path, tile_px: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is bright in the file is bright in the preview, at the same part of its sides, also over several pieces."""
    monkeypatch.setattr(previews, "SHARD_PX", 512)
    pixels = np.full((700, 1100), 1000, np.uint16)
    pixels[350:420, 550:770] = 3000
    found = _drawn(write_tiff(tmp_path / "a.tif", pixels, tile_px=tile_px))
    assert (found.format, found.mode, found.size) == ("PNG", "L", (128, 81))
    rows, columns = np.nonzero(np.asarray(found) > 127)
    scale = 128 / 1100
    assert np.asarray([rows.min(), rows.max() + 1, columns.min(), columns.max() + 1]) / scale == pytest.approx(
        [350, 420, 550, 770], abs=1 / scale
    )
    assert (np.asarray(found).min(), np.asarray(found).max()) == (0, 255)


def test_colours_of_eight_bits_are_as_they_are(tmp_path: Path) -> None:
    """Nothing is stretched, and what is smaller than the bound keeps its size, upright as the file says."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[..., 0] = 100
    found = _drawn(write_tiff(tmp_path / "a.tif", pixels, orientation=6))
    assert (found.format, found.size) == ("JPEG", (40, 60))
    assert np.asarray(found).reshape(-1, 3).mean(axis=0) == pytest.approx([100, 0, 0], abs=3)


def test_of_channels_and_planes_the_middle_is_shown_in_colours(tmp_path: Path) -> None:
    """The first three channels of the middle plane are red, green and blue."""
    pixels = np.zeros((3, 4, 50, 60), np.uint16)
    pixels[1, 1, :25] = 500
    pixels[1, 3] = 900  # a fourth channel is not seen
    path = tmp_path / "a.ome.tif"
    write_tiff(path, pixels, tile_px=None, metadata={"axes": "ZCYX"}, ome=True)
    found = np.asarray(_drawn(path), dtype=float)
    assert found[:20].reshape(-1, 3).mean(axis=0) == pytest.approx([0, 255, 0], abs=4)
    assert found[30:].max() < 10


def test_what_would_fill_the_disk_is_refused_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the size that the file declares; nothing is decoded."""
    monkeypatch.setattr(previews, "room_bytes", lambda folder: 10**6)
    path = write_tiff(tmp_path / "a.tif", np.zeros((8000, 8000), np.uint8), tile_px=None, compression="zlib")
    with open_decoder(ImportLimits(memory_mb=100)) as decoder, pytest.raises(StorageFull):
        write_preview(path, tmp_path / "preview", decoder, max_px=128)
    assert not (tmp_path / "preview").exists()


def test_a_preview_is_made_in_a_process_of_its_own(tmp_path: Path) -> None:
    """It tells the size of the picture at full resolution, how many the file holds, and leaves nothing else behind."""
    path = write_tiff(tmp_path / "a.tif", np.zeros((5, 40, 300), np.uint16), tile_px=None, imagej=True, metadata={"axes": "ZYX"})
    with open_decoder() as decoder:
        facts = write_preview(path, tmp_path / "preview", decoder, max_px=64)
    assert facts == PreviewFacts(height_px=40, width_px=300, pictures=1, planes=5)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.tif", "preview"]
