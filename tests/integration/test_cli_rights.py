"""Folders and files that may not be written or read: one line, a hint, exit 2, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.inference import predict
from labkit.project import Project
from labkit.samples import nuclei_like
from labkit.testing.commands import call_labkit, files_in, run_labkit, small_disk
from labkit.testing.learning import annotated_image, tiny_model, tiny_training_set
from labkit.testing.pictures import write_tiff


@pytest.fixture(scope="module")
def read_only_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with image, annotations, training set, model and prediction on a read-only file system."""
    folder = tmp_path_factory.mktemp("read-only")
    try:
        with small_disk(folder / "disk", 32) as disk, pytest.MonkeyPatch.context() as patch:
            patch.setenv("LABKIT_AUTHOR", "tester")
            patch.setenv("LABKIT_QUOTA_GB", "1")
            project = Project.create(disk.folder, "cells", classes=["nucleus"])
            image = annotated_image(project, folder)
            model = tiny_model(project, tiny_training_set(project), folder / "training", steps=3)
            predict(project, image.id, model)
            disk.forbid_writing()
            yield project
    except PermissionError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    "command",
    [
        ("project", "create", "new"),
        ("import", "{picture}"),
        ("annotations", "import", "nuclei-0.tif", "{labels}"),
        ("annotations", "export", "nuclei-0.tif", "out.tif"),
        ("trainset", "build", "again", "--chip", "48"),
        ("train", "nuclei"),
        ("predict", "nuclei-0.tif", "--model", "tiny", "--min-area", "5"),
        ("analyse",),
        ("demo", "--out", "demo"),
    ],
)
def test_what_writes_is_refused(read_only_project: Project, tmp_path: Path, command: tuple[str, ...]) -> None:
    """Every command that writes says that it may not, and where."""
    sample = nuclei_like(seed=9, height_px=128, width_px=160, count=9)
    assert sample.labels is not None
    picture, labels = write_tiff(tmp_path / "new.tif", sample.image), write_tiff(tmp_path / "new-labels.tif", sample.labels)
    before = files_in(read_only_project.path)
    done = call_labkit(*(part.format(picture=picture, labels=labels) for part in command), "--json", cwd=read_only_project.path)
    assert (done.exit_code, done.error["type"]) == (2, "NotWritable")
    assert str(read_only_project.path) in done.error["message"]
    assert done.error["hint"]
    assert files_in(read_only_project.path) == before


@pytest.mark.parametrize(
    "command",
    [
        ("project", "show"),
        ("project", "list", ".."),
        ("verify", "."),
        ("annotations", "export", "nuclei-0.tif", "{out}"),
        ("predict", "nuclei-0.tif", "--model", "tiny"),
    ],
)
def test_what_only_reads_works(read_only_project: Project, tmp_path: Path, command: tuple[str, ...]) -> None:
    """A project that one may only read can be looked at, checked and taken from."""
    done = call_labkit(*(part.format(out=tmp_path / "out.tif") for part in command), "--json", cwd=read_only_project.path)
    assert done.exit_code == 0, done


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    """Without the right to write there, a project or a demo is not made, and no folder is left."""
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    for command in (("project", "create", "cells"), ("demo", "--out", "demo")):
        done = run_labkit(*command, "--json", cwd=locked, ordinary=True)
        assert (done.exit_code, done.error["type"]) == (2, "NotWritable"), done
        assert "cannot be written" in done.error["message"]
        assert done.error["hint"]
    assert list(locked.iterdir()) == []


def test_a_picture_that_may_not_be_read(project: Project, tmp_path: Path) -> None:
    """A file that may not be read is named, and nothing is imported."""
    secret = write_tiff(tmp_path / "secret.tif", nuclei_like(height_px=64, width_px=64, count=3).image)
    secret.chmod(0o000)
    before = files_in(project.path)
    done = run_labkit("import", secret, "--json", cwd=project.path, ordinary=True)
    assert (done.exit_code, done.error["type"]) == (2, "UnreadableImage")
    assert "secret.tif" in done.error["message"]
    assert done.error["hint"]
    assert files_in(project.path) == before


def test_a_neighbour_that_may_not_be_entered(tmp_path: Path) -> None:
    """A folder that may not be entered does not hide the projects beside it."""
    Project.create(tmp_path, "cells")
    (tmp_path / "private").mkdir(mode=0o000)
    done = run_labkit("project", "list", tmp_path, "--json", cwd=tmp_path, ordinary=True)
    assert (done.exit_code, [p["title"] for p in done.json["projects"]]) == (0, ["cells"])


def test_a_folder_that_may_not_be_listed(tmp_path: Path) -> None:
    """To list what may not be listed is the user's error, told as one."""
    private = tmp_path / "private"
    private.mkdir(mode=0o000)
    done = run_labkit("project", "list", private, "--json", cwd=tmp_path, ordinary=True)
    assert (done.exit_code, done.error["type"]) == (2, "NotWritable")
    assert "cannot be read" in done.error["message"]
