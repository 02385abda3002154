"""Following a document that others write."""

from pathlib import Path

import pytest

from labkit.annotations import Editor, new_object, open_document, save_document
from labkit.annotations import store as document_store
from labkit.annotations.edits import put
from labkit.annotations.reader import DocumentReader
from labkit.errors import NotFound
from labkit.geometry import Point
from labkit.project import Project
from labkit.testing.pictures import noise_picture, write_png
from labkit.tiling import import_image


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.create(tmp_path, "cells")
    import_image(project, write_png(tmp_path / "a.png", noise_picture(30, 40)))
    return project


@pytest.fixture
def editor(project: Project) -> Editor:
    return Editor(project, project.images()[0].id, "Ada")


@pytest.fixture
def reader(project: Project) -> DocumentReader:
    return DocumentReader(project, project.images()[0].id, "Ada")


def _same(reader: DocumentReader, editor: Editor) -> bool:
    return reader.read() == editor.document


def test_what_was_never_written_is_empty(reader: DocumentReader) -> None:
    assert reader.read().revision == 0


def test_edits_are_followed(reader: DocumentReader, editor: Editor) -> None:
    """Each one, undo too, and through the snapshot that closing writes."""
    for k in range(3):
        editor.apply(put(new_object(Point(k, k))))
        assert _same(reader, editor)
    editor.undo()
    assert _same(reader, editor)
    editor.close()
    assert _same(reader, editor)
    editor.apply(put(new_object(Point(9, 9))))
    assert _same(reader, editor)


def test_only_what_is_new_is_read(reader: DocumentReader, editor: Editor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The snapshot is not parsed again for an edit, nor anything for no edit."""
    editor.apply(put(new_object(Point(1, 1))))
    first = reader.read()
    assert reader.read() is first
    editor.apply(put(new_object(Point(2, 2))))
    monkeypatch.setattr(document_store, "_load_snapshot", None)
    assert _same(reader, editor)


def test_a_document_that_was_saved_as_a_whole_is_seen(reader: DocumentReader, editor: Editor, project: Project) -> None:
    """By another program, which leaves the journal behind."""
    editor.apply(put(new_object(Point(1, 1))))
    reader.read()
    document = open_document(project, editor.image_id, "Ada")
    saved = save_document(project, document.with_object(new_object(Point(5, 5))))
    assert reader.read() == saved


def test_a_document_that_was_removed_is_empty(reader: DocumentReader, editor: Editor, project: Project) -> None:
    editor.apply(put(new_object(Point(1, 1))))
    editor.close()
    reader.read()
    layout = project.layout.annotation(editor.image_id, "Ada")
    layout.snapshot.unlink()
    layout.journal.unlink()
    assert reader.read().objects == ()


def test_an_image_that_is_not_there(project: Project) -> None:
    with pytest.raises(NotFound):
        DocumentReader(project, "nothing", "Ada")
