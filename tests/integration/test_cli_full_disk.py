"""A disk that is full: one line, a hint, nothing half-made, and what was there is still there."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labkit.demo import run_demo
from labkit.errors import StorageFull
from labkit.project import Project
from labkit.samples import nuclei_like
from labkit.testing.commands import Done, SmallDisk, call_labkit, files_in, small_disk
from labkit.testing.learning import annotated_image, tiny_model, tiny_training_set
from labkit.testing.pictures import write_tiff
from labkit.tiling import verify

PAGE = 4096


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    """A disk of 8 MB; the quota is set so that LabKit does not refuse beforehand to fill it."""
    monkeypatch.setenv("LABKIT_QUOTA_GB", "1")
    try:
        with small_disk(tmp_path / "disk", 8) as made:
            yield made
    except PermissionError as error:
        pytest.skip(str(error))


@pytest.fixture
def project_there(disk: SmallDisk) -> Project:
    """A project on the small disk."""
    return Project.create(disk.folder, "cells", classes=["nucleus"])


def _fill_ever_less(disk: SmallDisk, command: Callable[[], Done], *, step: int = 1) -> int:
    """Call a command on a disk with 0, 1, 2, ... free pages until it succeeds; return how often it found the disk full.

    Each time it must say so, and leave every file as it was.
    """
    before = files_in(disk.folder)
    for pages in itertools.chain(range(4), itertools.count(4, step)):
        disk.fill(leave_bytes=pages * PAGE)
        done = command()
        disk.empty()
        if done.exit_code == 0:
            return pages
        assert (done.exit_code, done.error["type"]) == (2, "StorageFull"), f"{pages} free pages: {done}"
        assert done.error["hint"]
        assert done.stderr == ""
        assert files_in(disk.folder) == before, f"{pages} free pages"
    raise AssertionError


def test_project_create(disk: SmallDisk) -> None:
    """A project is made whole or not at all, however little room there is."""
    (disk.folder / "mine.txt").write_text("mine")
    assert _fill_ever_less(disk, lambda: call_labkit("project", "create", "cells", "--json", cwd=disk.folder)) > 0
    assert sorted(p.name for p in disk.folder.iterdir()) == ["cells", "mine.txt"]


def test_import(disk: SmallDisk, project_there: Project, tmp_path: Path) -> None:
    """A picture is imported whole or not at all, and its neighbours stay."""
    first = write_tiff(tmp_path / "first.tif", nuclei_like(height_px=64, width_px=64, count=3).image)
    second = write_tiff(tmp_path / "second.tif", nuclei_like(seed=1, height_px=300, width_px=300, count=30).image)
    assert call_labkit("import", first, cwd=project_there.path).exit_code == 0
    assert _fill_ever_less(disk, lambda: call_labkit("import", second, "--json", cwd=project_there.path), step=3) > 4
    assert [image.name for image in project_there.images()] == ["first.tif", "second.tif"]
    assert verify(project_there.path).ok


def test_import_of_several(disk: SmallDisk, project_there: Project, tmp_path: Path) -> None:
    """The picture that finds no room is named; those that do are imported."""
    large = write_tiff(tmp_path / "large.tif", nuclei_like(seed=1, height_px=600, width_px=600, count=30).image)
    small = write_tiff(tmp_path / "small.tif", nuclei_like(height_px=64, width_px=64, count=3).image)
    disk.fill(leave_bytes=40 * PAGE)
    done = call_labkit("import", large, small, "--json", cwd=project_there.path)
    assert done.exit_code == 2
    assert [(item["file"], item["type"]) for item in done.json["failed"]] == [(str(large), "StorageFull")]
    assert [image["name"] for image in done.json["images"]] == ["small.tif"]


@pytest.mark.ci
def test_a_picture_too_large_for_the_disk_is_refused_beforehand(disk: SmallDisk, project_there: Project, tmp_path: Path) -> None:
    """How much room is needed and how much there is can be read in the message."""
    large = write_tiff(tmp_path / "large.tif", nuclei_like(height_px=2100, width_px=2100, count=9).image)
    before = files_in(disk.folder)
    done = call_labkit("import", large, "--json", cwd=project_there.path)
    assert (done.exit_code, done.error["type"]) == (2, "StorageFull")
    assert "GB" in done.error["message"]
    assert files_in(disk.folder) == before


def test_annotations_import(disk: SmallDisk, project_there: Project, tmp_path: Path) -> None:
    """Annotations that find no room leave the document, and the classes, as they were."""
    image = annotated_image(project_there, tmp_path)
    sample = nuclei_like(seed=5, height_px=image.height_px, width_px=image.width_px, count=25)
    assert sample.labels is not None
    more = write_tiff(tmp_path / "more.tif", sample.labels)
    command = ("annotations", "import", image.id, more, "--class", "nucleus", "--json")
    assert _fill_ever_less(disk, lambda: call_labkit(*command, cwd=project_there.path)) > 0


def test_annotations_export(disk: SmallDisk, project_there: Project, tmp_path: Path) -> None:
    """A file that finds no room replaces nothing."""
    image = annotated_image(project_there, tmp_path)
    target = disk.folder / "out.tif"
    target.write_text("mine")
    command = ("annotations", "export", image.id, target, "--overwrite", "--json")
    assert _fill_ever_less(disk, lambda: call_labkit(*command, cwd=project_there.path)) > 0


def test_trainset_build(disk: SmallDisk, project_there: Project, tmp_path: Path) -> None:
    """A training set is built whole or not at all."""
    annotated_image(project_there, tmp_path)
    command = ("trainset", "build", "nuclei", "--chip", "32", "--gap", "8", "--json")
    assert _fill_ever_less(disk, lambda: call_labkit(*command, cwd=project_there.path), step=9) > 4


def test_predict(disk: SmallDisk, project_there: Project, tmp_path: Path) -> None:
    """A prediction is whole or not at all; full scratch space is an answer, not a crash."""
    image = annotated_image(project_there, tmp_path)
    tiny_model(project_there, tiny_training_set(project_there), tmp_path / "training", steps=3)
    command = ("predict", image.id, "--model", "tiny", "--json")
    assert _fill_ever_less(disk, lambda: call_labkit(*command, cwd=project_there.path), step=5) > 30  # 6 bytes a pixel of scratch alone
    assert verify(project_there.path).ok


@pytest.mark.ci
def test_demo_whose_training_fills_the_disk(disk: SmallDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The training is a program of its own: that it found no room is told all the same, and nothing is left."""
    monkeypatch.setenv("LABKIT_OFFLINE", "1")
    disk.fill(leave_bytes=3_900_000)
    stages: list[str] = []
    with pytest.raises(StorageFull) as caught:
        run_demo(disk.folder / "new" / "demo", on_event=lambda event: stages.append(event.type))
    assert "state" in stages  # the run had begun
    assert caught.value.hint
    assert [p.name for p in disk.folder.iterdir()] == [".filler"]


def test_demo(disk: SmallDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo leaves neither a project nor the folder that it made for it."""
    monkeypatch.setenv("LABKIT_OFFLINE", "1")
    (disk.folder / "mine.txt").write_text("mine")
    for pages in (0, 3, 50, 400):
        disk.fill(leave_bytes=pages * PAGE)
        done = call_labkit("demo", "--out", disk.folder / "new" / "demo", "--json", cwd=disk.folder)
        disk.empty()
        assert (done.exit_code, done.error["type"]) == (2, "StorageFull"), pages
        assert [p.name for p in disk.folder.iterdir()] == ["mine.txt"], pages
