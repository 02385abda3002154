"""Files on their way into a project."""

import os
import time
from pathlib import Path

import pytest

from labkit.errors import Conflict, InvalidInput, NotFound, StorageFull, UnreadableImage
from labkit.storage import ProjectLayout
from labkit.storage.uploads import Upload, begin_upload, list_uploads

SAID = {"name": "cells.tif", "relative_path": "slides/cells.tif", "size_bytes": 10, "last_modified_ms": 1_700_000_000_000}


@pytest.fixture
def project(tmp_path: Path) -> ProjectLayout:
    return ProjectLayout(tmp_path)


def _begin(project: ProjectLayout, **other: object) -> Upload:
    return begin_upload(project, "p", **{**SAID, **other})  # type: ignore[arg-type]


def test_pieces_make_the_file(project: ProjectLayout) -> None:
    """Pieces that follow one another are the file, and the last one completes it."""
    upload = _begin(project)
    assert upload.append(0, b"01234") == 5
    assert not upload.is_complete
    assert upload.append(5, b"56789") == 10
    assert upload.is_complete
    assert upload.content.read_bytes() == b"0123456789"


def test_the_same_words_find_the_upload_again(project: ProjectLayout) -> None:
    """Who says the same of a file is told how much of it is there; other words are another upload."""
    _begin(project).append(0, b"01234")
    assert _begin(project).received == 5
    assert _begin(project, last_modified_ms=1).received == 0
    assert begin_upload(project, "another project", **SAID).received == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("offset", [0, 4, 6, 10])
def test_piece_at_the_wrong_place(project: ProjectLayout, offset: int) -> None:
    """A piece that does not follow what is there is refused with the true offset, and changes nothing."""
    upload = _begin(project)
    upload.append(0, b"01234")
    with pytest.raises(Conflict) as caught:
        upload.append(offset, b"x")
    assert caught.value.facts["offset"] == 5
    assert upload.content.read_bytes() == b"01234"


def test_bytes_that_were_never_acknowledged_are_cut_off(project: ProjectLayout) -> None:
    """What a crash left behind the acknowledged bytes is not part of the file."""
    upload = _begin(project)
    upload.append(0, b"01234")
    with upload.content.open("ab") as file:
        file.write(b"\0\0\0")
    assert upload.received == 5
    upload.append(5, b"56")
    assert upload.content.read_bytes() == b"0123456"


@pytest.mark.parametrize("piece", [b"", b"0123456789x"])
def test_piece_that_does_not_fit(project: ProjectLayout, piece: bytes) -> None:
    """An empty piece, or more bytes than the file was said to have, are refused."""
    with pytest.raises(InvalidInput):
        _begin(project).append(0, piece)


def test_empty_file(project: ProjectLayout) -> None:
    """A file of no bytes is refused at once, and leaves nothing."""
    with pytest.raises(UnreadableImage, match=r"cells\.tif is empty"):
        _begin(project, size_bytes=0)
    assert list_uploads(project) == ()


def test_declared_size_against_the_quota(project: ProjectLayout, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quota counts images, uploads, and the bytes that other uploads still expect; nothing is begun beyond it."""
    monkeypatch.setenv("LABKIT_QUOTA_GB", "0.000001")  # 1000 bytes
    project.images.mkdir()
    (project.images / "image").write_bytes(bytes(300))
    first = _begin(project, size_bytes=400)
    first.append(0, bytes(100))
    with pytest.raises(StorageFull):
        _begin(project, name="second.tif", size_bytes=301)
    assert [u.id for u in list_uploads(project)] == [first.id]


def test_removed_upload_stays_away(project: ProjectLayout) -> None:
    """A piece that comes after the upload was cancelled does not bring it back."""
    upload = _begin(project)
    upload.append(0, b"01")
    upload.remove()
    with pytest.raises(NotFound):
        upload.append(2, b"23")
    assert list(project.uploads.iterdir()) == []


def test_upload_that_nobody_goes_on_with(project: ProjectLayout) -> None:
    """What nobody has touched for a week is swept when another upload begins; a younger one stays."""
    old, young = _begin(project), _begin(project, name="young.tif")
    long_ago = time.time() - 8 * 24 * 3600
    for path in (old.layout.root, *old.layout.root.iterdir()):
        os.utime(path, (long_ago, long_ago))
    new = _begin(project, name="new.tif")
    assert {u.id for u in list_uploads(project)} == {young.id, new.id}


@pytest.mark.parametrize(
    "name", ["../../evil.tif", "a/b\\c.tif", "..", ".", "x" * 900 + ".tif", "é" * 300 + ".tif", "nul\0.tif", "Zellen ü.tif"]
)
def test_any_name_is_one_safe_file(project: ProjectLayout, name: str) -> None:
    """Whatever the name, the bytes lie inside the upload's folder, with the ending kept."""
    upload = _begin(project, name=name)
    upload.append(0, b"01")
    assert upload.content.parent.parent == upload.layout.root
    assert upload.content.is_file()
    assert upload.content.suffix == Path(name).suffix
    assert upload.record.name == name
