"""What a worker does around a kernel."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit.courses.folder import load_assignment
from labkit.courses.grading import ProcessShape, worker
from labkit.courses.grading.places import Slot
from labkit.courses.grading.worker import Submission, grade_submission
from labkit.errors import StorageFull
from labkit.testing.grading import assignment, code, notebook, write_notebook_file


@pytest.fixture
def grading(tmp_path: Path) -> worker._Grading:
    """A grading that is to begin."""
    (tmp_path / "slot").mkdir()
    (tmp_path / "given").mkdir()
    source = load_assignment(assignment(tmp_path / "source", checks=False))
    submission = Submission("s", tmp_path / "given", source, 1, tmp_path / "out")
    slot = Slot(tmp_path / "slot", str(tmp_path / "slot"))
    return worker._Grading(submission, slot, ProcessShape(), None, None, time.monotonic() + 60, tmp_path)


@pytest.mark.parametrize("path", ["data", "helper.py/mine"])
def test_file_in_the_place_of_a_folder_of_ours_is_left_out(grading: worker._Grading, path: str) -> None:
    """Or the other way round: the assignment's own are where its notebooks expect them, and the rest is graded."""
    given = grading.submission.folder / path
    given.parent.mkdir(exist_ok=True)
    given.write_text("mine")
    (grading.submission.folder / "other.txt").write_text("mine")
    worker._lay_out(grading)
    assert (grading.slot.work / "data" / "my table.csv").is_file()
    assert (grading.slot.work / "helper.py").is_file()
    assert (grading.slot.work / "other.txt").is_file()
    assert [(note.kind, note.where) for note in grading.notes] == [("file-left-out", path)]


def test_cell_that_fails_on_a_disk_that_others_filled_costs_no_points(grading: worker._Grading, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that comes of it counts; a submission that fills a volume of its own has only itself to blame."""
    full = SimpleNamespace(total=10**12, used=10**12, free=0)
    monkeypatch.setattr("labkit.courses.grading.room.shutil", SimpleNamespace(disk_usage=lambda _: full))
    (grading.slot.root / "large").write_bytes(bytes(4 << 20))
    with pytest.raises(StorageFull, match="Only 0 MB are free"):
        grading.require_room()
    full.total = 5_000_000
    grading.require_room()


def test_cells_of_all_notebooks_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as the author's have is thought at first; what a student's has, or one that is missing has not, is known on the way."""
    for name in ("a", "b", "c"):
        write_notebook_file(tmp_path / "ps" / f"{name}.ipynb", notebook([code("1"), code("2")]))
    (tmp_path / "slot").mkdir()
    told = list[tuple[int, int]]()

    def grade(_: worker._Grading, name: str, on_cell: Callable[[int, int], None]) -> None:
        for done in range(4) if name == "b" else range(3) if name == "c" else ():
            on_cell(done, 3 if name == "b" else 2)

    monkeypatch.setattr(worker, "_grade_notebook", grade)
    given = Submission("s", tmp_path, load_assignment(tmp_path / "ps"), 1, tmp_path / "out")
    slot = Slot(tmp_path / "slot", str(tmp_path / "slot"))
    grade_submission(
        given,
        slot,
        ProcessShape(),
        engine=None,
        scorer=None,
        scratch=tmp_path,
        on_step=lambda step: told.append((step.cells, step.all_cells)),
    )
    assert list(dict.fromkeys(told)) == [(0, 6), (0, 4), (0, 5), (1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
