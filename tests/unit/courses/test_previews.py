"""Previews of pictures to be annotated, as a release makes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labkit.courses import picture_heads
from labkit.courses.folder import load_assignment
from labkit.courses.previews import make_previews
from labkit.courses.records import Preview
from labkit.courses.student import make_release
from labkit.events import Event, Log
from labkit.testing.pictures import write_png, write_tiff

TASKS = "annotations:\n" + "".join(
    f"  - {{id: {name}, image: data/{file}, points: 1, gold: gold.geojson}}\n"
    for name, file in (
        ("plain", "plain.png"),
        ("deep", "deep.png"),
        ("tiff", "a.tif"),
        ("again", "a.tif"),
        ("own", "own.tif"),
        ("bad", "bad.tif"),
    )
)


@pytest.fixture
def author(tmp_path: Path, make_assignment: Callable[..., Path]) -> Path:
    """An assignment with pictures of which browsers show one as it is; of "own" its author has put a small one beside it."""
    small = tmp_path / "small.png"
    Image.new("L", (10, 10)).save(small)
    files = {
        "assignment.yaml": TASKS,
        "hidden/gold.geojson": '{"type": "FeatureCollection", "features": []}',
        "data/plain.png": small.read_bytes(),
        "data/bad.tif": b"II*\0 and no more",
        "annotations/own.thumbnail.png": small.read_bytes(),
    }
    root = make_assignment(files=files)
    deep = np.arange(40 * 60, dtype=np.uint16).reshape(40, 60)
    write_png(root / "data" / "deep.png", deep)
    for name in ("a.tif", "own.tif"):
        write_tiff(root / "data" / name, deep, tile_px=None)
    return root


def _made(author: Path, place: Path, known: tuple[Preview, ...] = ()) -> tuple[tuple[Preview, ...], dict[str, Path], list[str]]:
    told: list[Event] = []
    read = load_assignment(author)
    student, _ = make_release(read, place)
    made, files = make_previews(read, student, place / "student", place, known=known, on_event=told.append)
    return made, files, [event.text for event in told if isinstance(event, Log)]


def test_what_browsers_do_not_show_gets_a_preview(author: Path, tmp_path: Path) -> None:
    """Of a TIFF and of 16 bits, once for each file; an author's own picture is not replaced, and what is broken is said in words."""
    made, files, told = _made(author, tmp_path / "release")
    assert [(one.task, one.height_px, one.width_px) for one in made] == [("deep", 40, 60), ("tiff", 40, 60), ("again", 40, 60)]
    assert len({one.of for one in made}) == 2
    assert {path.read_bytes()[:4] for path in files.values()} == {b"\x89PNG"}
    [words] = told
    assert words.startswith(
        "The annotation task bad: no preview of data/bad.tif could be made for the pages at the hub. bad.tif cannot be read"
    )
    assert words.endswith("Put a small PNG of it into the folder as annotations/bad.thumbnail.png, and release again.")


def test_what_an_earlier_release_has_is_not_made_again(author: Path, tmp_path: Path) -> None:
    """A preview is known by the file that it is of, whatever the task is called by now."""
    (author / "assignment.yaml").write_text(TASKS.rpartition("  - {id: bad")[0], encoding="utf-8")
    read = load_assignment(author)
    student, _ = make_release(read, tmp_path / "release")
    known = [
        Preview(task="old", of=entry.sha256, sha256="0" * 64, size=7, height_px=40, width_px=60)
        for path in ("data/deep.png", "data/a.tif")
        if (entry := student.entry(path)) is not None
    ]
    made, files, _ = _made(author, tmp_path / "next", tuple(known))
    assert [(one.task, one.sha256) for one in made] == [(name, "0" * 64) for name in ("deep", "tiff", "again")]
    assert files == {}


def test_a_picture_that_is_too_large_for_a_page_gets_a_preview(author: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though browsers show its kind."""
    monkeypatch.setattr(picture_heads, "MOST_PICTURE_PX", 99)
    made, _, _ = _made(author, tmp_path / "release")
    assert made[0].task == "plain"
