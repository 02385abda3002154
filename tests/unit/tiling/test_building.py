"""What the decoding process makes of a picture, and how it goes on with what an earlier one left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labkit.compute import ComputeSpec
from labkit.events import CancelToken
from labkit.formats.pictures import read_file
from labkit.testing.pictures import noise_picture, write_tiff
from labkit.tiling.building import build_stores


def _build(picture: Path, folder: Path) -> list[dict[str, Any]]:
    """Build, and return the lines of the ledger."""
    build_stores(
        str(picture),
        read_file(picture).pictures[0],
        "image",
        str(folder / "image"),
        str(folder / "alpha"),
        str(folder / "ledger"),
        str(folder / "scratch"),
        ComputeSpec("threads", 2),
        memory_bytes=10**9,
        on_event=lambda event: None,
        cancel=CancelToken(),
    )
    return [json.loads(line) for line in (folder / "ledger").read_text().splitlines()]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_block_whose_line_is_missing_is_made_again(tmp_path: Path, level: int) -> None:
    """Also below blocks whose lines are there: several threads wait for the disk, and a kill may come between them."""
    picture = write_tiff(tmp_path / "a.tif", noise_picture(2100, 4200), compression="zlib")
    lines = _build(picture, tmp_path)
    assert {line["level"] for line in lines} == {0, 1, 2, 3, 4, 5}
    missing = next(line for line in lines if line["level"] == level)
    (tmp_path / "ledger").write_text("".join(json.dumps(line) + "\n" for line in lines if line != missing))
    again = _build(picture, tmp_path)
    assert missing in again
    assert all(line in lines for line in again)
