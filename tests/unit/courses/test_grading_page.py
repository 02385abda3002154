"""The page of an executed notebook."""

from __future__ import annotations

import re

import nbformat

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
