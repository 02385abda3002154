"""The contract of run notebooks: what keeps it is taken, and each way to break it is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labkit.errors import InvalidInput, NotFound
from labkit.notebooks import check_notebook, packaged_notebook

Notebook = dict[str, Any]


def cell(source: str | list[str], kind: str = "code", *tags: str) -> Notebook:
    made: Notebook = {"cell_type": kind, "source": source, "metadata": {"tags": list(tags)} if tags else {}}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


@pytest.fixture
def notebook() -> Notebook:
    """A notebook that keeps the contract, with what IPython alone can read."""
    cells = [
        cell("# Threshold\n\nA method of 1979.", "markdown"),
        cell(["config_path = ''\n", "# given by the run"], "code", "parameters"),
        cell("%matplotlib inline\n!ls\nfiles = !ls\nhere = %pwd\nlist?\nawait something()\nfor k in range(3):\n    %time k"),
        cell("%%bash\nfor f in *; do echo $f; done"),
        cell("%%time\nfrom labkit.runs import current_run\ncurrent_run().write_result({'dice': 0.9})"),
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"name": "x", "language": "python"}}, "cells": cells}


@pytest.fixture
def check(tmp_path: Path) -> Callable[[Notebook], Any]:
    def write_and_check(notebook: Notebook) -> Any:
        path = tmp_path / "mine.ipynb"
        path.write_text(json.dumps(notebook))
        return check_notebook(path)

    return write_and_check


def test_facts(check: Callable[[Notebook], Any], notebook: Notebook, tmp_path: Path) -> None:
    """What keeps the contract is described: title, cells, size, and the hash of its bytes."""
    facts = check(notebook)
    data = (tmp_path / "mine.ipynb").read_bytes()
    assert (facts.title, facts.cells, facts.code_cells) == ("Threshold", 5, 4)
    assert (facts.sha256, facts.size_bytes) == (hashlib.sha256(data).hexdigest(), len(data))


def test_our_own_notebook_keeps_it() -> None:
    """The notebook that LabKit trains with passes the check that others have to pass."""
    assert check_notebook(packaged_notebook("labkit.training", "train")).title == "A training run"


def no_parameters(notebook: Notebook) -> None:
    notebook["cells"][1]["metadata"] = {}


def two_parameters(notebook: Notebook) -> None:
    notebook["cells"][3] = notebook["cells"][1]


def other_parameter(notebook: Notebook) -> None:
    notebook["cells"][1]["source"] = "if True:\n    config_path = ''"


def no_result(notebook: Notebook) -> None:
    notebook["cells"][-1]["source"] = "# current_run().write_result({})"


def result_before_the_parameters(notebook: Notebook) -> None:
    notebook["cells"].insert(0, notebook["cells"].pop())


def in_r(notebook: Notebook) -> None:
    notebook["metadata"]["kernelspec"]["language"] = "R"


def in_julia(notebook: Notebook) -> None:
    notebook["metadata"] = {"language_info": {"name": "julia"}}


def no_python(notebook: Notebook) -> None:
    notebook["cells"][2]["source"] = "x <- 3 +"


def of_version_3(notebook: Notebook) -> None:
    notebook["nbformat"] = 3


def strange_cell(notebook: Notebook) -> None:
    notebook["cells"][2]["cell_type"] = "heading"


def no_cells(notebook: Notebook) -> None:
    del notebook["cells"]


def no_notebook(notebook: Notebook) -> None:
    notebook.clear()


@pytest.mark.parametrize(
    ("break_it", "rule"),
    [
        (no_parameters, "no code cell tagged 'parameters'"),
        (two_parameters, "2 cells tagged 'parameters'"),
        (other_parameter, "does not set config_path"),
        (no_result, "calls write_result"),
        (result_before_the_parameters, "calls write_result"),
        (in_r, "its language is R"),
        (in_julia, "its language is julia"),
        (no_python, "code cell 2 is not Python (line 1: "),
        (of_version_3, "format 3, not 4"),
        (strange_cell, "not those of the notebook format 4"),
        (no_cells, "not those of the notebook format 4"),
        (no_notebook, "it is no notebook"),
    ],
)
def test_what_breaks_it_is_named(
    check: Callable[[Notebook], Any], notebook: Notebook, break_it: Callable[[Notebook], None], rule: str
) -> None:
    """The message names the file and the rule, and says what to do."""
    break_it(notebook)
    with pytest.raises(InvalidInput) as caught:
        check(notebook)
    assert rule in caught.value.message
    assert "mine.ipynb" in caught.value.message
    assert caught.value.hint


def test_every_broken_rule_is_named(check: Callable[[Notebook], Any], notebook: Notebook) -> None:
    """Who corrects a notebook learns all at once."""
    for break_it in (no_parameters, no_result, in_r):
        break_it(notebook)
    with pytest.raises(InvalidInput) as caught:
        check(notebook)
    assert len(caught.value.facts["rules"]) == 3


@pytest.mark.parametrize("content", [b"", b"  \n", b'{"nbformat": 4, "cells": [', b"\x89PNG\r\n", b"[]", b"[" * 100_000])
def test_what_is_no_notebook(tmp_path: Path, content: bytes) -> None:
    """An empty or cut file, a picture, and something that is only JSON are refused."""
    path = tmp_path / "mine.ipynb"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"mine\.ipynb"):
        check_notebook(path)


def test_a_large_notebook(check: Callable[[Notebook], Any], notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is too large is refused unread; the limit is a setting."""
    notebook["cells"][2]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 20_000}]
    assert check(notebook).code_cells == 4
    monkeypatch.setenv("LABKIT_RUNS__NOTEBOOK_MB", "0.01")
    with pytest.raises(InvalidInput, match=r"larger than 0\.01 MB"):
        check(notebook)


def test_a_notebook_that_is_not_there(tmp_path: Path) -> None:
    """A missing file and a folder are told apart from a broken notebook."""
    for path in (tmp_path / "no.ipynb", tmp_path):
        with pytest.raises(NotFound):
            check_notebook(path)


def test_the_example_of_the_page(tmp_path: Path) -> None:
    """What a professor copies from the documentation keeps the contract."""
    page = (Path(__file__).parents[3] / "docs" / "run-notebooks.md").read_text(encoding="utf-8")
    code = [part.split("```")[0] for part in page.split("```python\n")[1:]]
    cells = [nbformat.v4.new_code_cell(source) for source in code]
    cells[0].metadata["tags"] = ["parameters"]
    path = tmp_path / "example.ipynb"
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells)))
    assert check_notebook(path).code_cells == len(code) >= 3
