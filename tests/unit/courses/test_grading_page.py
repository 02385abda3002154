"""The page of an executed notebook."""

from __future__ import annotations

import re
import time

import nbformat
import pytest

from labkit.courses.grading import html as page_html
from labkit.courses.grading.html import notebook_page

HTML = "<script>alert(1)</script><b>kept</b><img src=x onerror='alert(2)'><iframe src=//x></iframe><script src=//evil"


def _page(*outputs: object, source: str = "1 < 2") -> str:
    cells = [nbformat.v4.new_markdown_cell("# Title\n\n$x^2$"), nbformat.v4.new_code_cell(source, outputs=list(outputs))]
    return notebook_page(nbformat.v4.new_notebook(cells=cells), "a <b>").decode()


def test_page_has_no_script_and_loads_nothing() -> None:
    """Neither the template's own nor the student's; addresses of other places are in no tag that loads them."""
    page = _page(nbformat.v4.new_output("display_data", data={"text/html": HTML}))
    assert "<b>kept</b>" in page
    assert not re.search(r"<\s*(script|iframe|link|object|embed)|\son\w+\s*=", page, re.IGNORECASE)


def test_title_is_text() -> None:
    """The name of a notebook is free."""
    assert "<title>a &lt;b&gt;</title>" in _page()


def test_pictures_are_in_the_page() -> None:
    """An image of matplotlib's is part of the file."""
    page = _page(nbformat.v4.new_output("display_data", data={"image/png": "iVBORw0KGgo=", "text/plain": "figure"}))
    assert "data:image/png;base64,iVBORw0KGgo=" in page


def test_notebook_that_cannot_be_shown_is_shown_as_text() -> None:
    """A page is made of anything."""
    cell = nbformat.v4.new_code_cell("1 < 2")
    cell["outputs"] = [nbformat.from_dict({"output_type": "teapot"})]
    assert "could not be shown" in notebook_page(nbformat.NotebookNode(cells=[cell], metadata={}), "").decode()


def _answer(text: str, **attachments: object) -> str:
    cell = nbformat.v4.new_markdown_cell(text, attachments={name.replace("_", "."): kinds for name, kinds in attachments.items()})
    return notebook_page(nbformat.v4.new_notebook(cells=[cell]), "").decode()


def test_pasted_picture_is_in_the_page() -> None:
    """An attachment of a Markdown cell is shown where the text has it."""
    page = _answer("Look: ![](attachment:a.png)", a_png={"image/png": "iVBORw0KGgo="})
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in page


def test_picture_that_was_left_out_does_not_cost_the_page() -> None:
    """The words around it are shown as they are meant."""
    page = _answer("**Look**: ![my cells](attachment:a.png)")
    assert "<strong>Look</strong>" in page
    assert 'alt="my cells"' in page
    assert "could not be shown" not in page


def test_page_of_much_nothing_is_made_at_once() -> None:
    """Blanks after a bracket: what looks for tags reads them once, not once for each of them."""
    data = {"text/html": "<" + " " * 50_000 + "x"}
    began = time.process_time()
    _page(nbformat.v4.new_output("display_data", data=data))
    assert time.process_time() - began < 5


@pytest.mark.parametrize("source", ["a." * 20_000, "x"])
def test_page_that_takes_too_long_is_shown_as_text(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """What colours code, and what reads Markdown, take hours for some short texts."""
    monkeypatch.setattr(page_html, "PAGE_S", 0.3)
    markdown = nbformat.v4.new_markdown_cell("[a](" * (40_000 if source == "x" else 1))
    cells = [markdown, nbformat.v4.new_code_cell(source)]
    began = time.process_time()
    page = notebook_page(nbformat.v4.new_notebook(cells=cells), "a").decode()
    assert "it takes too long" in page
    assert source[:100] in page
    assert time.process_time() - began < 5
