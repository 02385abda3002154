"""Pictures pasted into answers: those that a person scores have them, and nothing else comes with them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from labkit.courses.mending import Mended, mend
from labkit.courses.student import student_version

Notebook = dict[str, Any]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


@pytest.fixture
def pasted(ps1: Notebook) -> Callable[..., Mended]:
    """Mend a submission with these attachments in the cell `grade_id` (none: a cell of the student's own)."""

    def paste(attachments: Any, grade_id: str = "why") -> Mended:
        given = student_version(ps1)
        if grade_id:
            cell = _cell(given, grade_id)
        else:
            cell = {"cell_type": "markdown", "id": "mine", "metadata": {}}
            given["cells"].append(cell)
        cell |= {"source": "![](attachment:a.png)", "attachments": attachments}
        return mend(given, ps1)

    return paste


def _cell(notebook: Notebook, grade_id: str) -> dict[str, Any]:
    return next(cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def test_picture_in_an_answer_reaches_who_scores_it(pasted: Callable[..., Mended]) -> None:
    """Lines of base64 are put together; of several kinds the best known is kept."""
    mended = pasted({"a.png": {"image/svg+xml": "<svg/>", "image/png": [PNG[:4] + "\n", PNG[4:]]}})
    assert _cell(mended.notebook, "why")["attachments"] == {"a.png": {"image/png": PNG}}
    assert not [note for note in mended.notes if note.kind == "attachment-dropped"]


@pytest.mark.parametrize(
    "attachments",
    [
        {"a.svg": {"image/svg+xml": "<svg/>"}},
        {"a.png": {"image/png": "no base64 at all!"}},
        {"a.png": {"image/png": ""}},
        {"a.html": {"text/html": PNG}},
        {"a.png": PNG},
        {"a" * 301: {"image/png": PNG}},
    ],
)
def test_what_is_no_picture_is_left_out_and_said(pasted: Callable[..., Mended], attachments: Any) -> None:
    """No SVG, nothing that cannot be decoded."""
    mended = pasted(attachments)
    assert "attachments" not in _cell(mended.notebook, "why")
    assert [note.kind for note in mended.notes if note.kind == "attachment-dropped"] == ["attachment-dropped"]


@pytest.mark.parametrize("attachments", [None, [], "x", {}, 3])
def test_attachments_that_are_none_are_no_error(pasted: Callable[..., Mended], attachments: Any) -> None:
    """Students' files are whatever they are."""
    assert "attachments" not in _cell(pasted(attachments).notebook, "why")


def test_pictures_of_a_notebook_are_bounded_together(pasted: Callable[..., Mended]) -> None:
    """The first ones that fit are kept: 3 MB, not another 3 MB, but a small one."""
    large = base64.b64encode(b"\0" * 3_000_000).decode()
    mended = pasted({"1.png": {"image/png": large}, "2.png": {"image/png": large}, "3.png": {"image/png": PNG}})
    assert list(_cell(mended.notebook, "why")["attachments"]) == ["1.png", "3.png"]
    (note,) = (note for note in mended.notes if note.kind == "attachment-dropped")
    assert "2.png was left out" in note.text


def test_author_keeps_the_pictures_of_a_task(pasted: Callable[..., Mended]) -> None:
    """A student's picture of the same name is not put in place of the author's."""
    mended = pasted({"shown.png": {"image/png": PNG}, "b.png": {"image/png": PNG}}, "essay")
    assert _cell(mended.notebook, "essay")["attachments"] == {"shown.png": {"image/png": "AAAA"}, "b.png": {"image/png": PNG}}


def test_other_cells_have_no_attachments(pasted: Callable[..., Mended]) -> None:
    """A cell of the student's own."""
    assert "attachments" not in pasted({"a.png": {"image/png": PNG}}, "").notebook["cells"][-1]
