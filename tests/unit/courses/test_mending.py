"""Whatever students do to a notebook, each test is run once, as authored, and no points come or go."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from labkit.courses.assignment import items_of
from labkit.courses.cells import graded_cells, untouched
from labkit.courses.mending import mend
from labkit.courses.notebook import read_notebook
from labkit.courses.records import AssignmentSheet
from labkit.courses.student import student_version

Notebook = dict[str, Any]


@pytest.fixture
def given(ps1: Notebook) -> Notebook:
    """A submission: the student version, with answers written into it."""
    made = student_version(ps1)
    _find(made, "q1")["source"] = "def square(n):\n    return n ** 2"
    _find(made, "q2")["source"] = "def cube(n):\n    return n ** 3"
    _find(made, "why")["source"] = "Because."
    return made


def _find(notebook: Notebook, grade_id: str) -> dict[str, Any]:
    return notebook["cells"][_index(notebook, grade_id)]


def _index(notebook: Notebook, grade_id: str) -> int:
    return next(index for index, _, graded in graded_cells(notebook) if graded.grade_id == grade_id)


def _order(notebook: Notebook) -> list[str]:
    return [graded.grade_id for _, _, graded in graded_cells(notebook)]


def _run(notebook: Notebook) -> dict[str, Any]:
    """Carry out the code cells, each as far as it goes; return what they leave."""
    names: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            try:
                exec(cell["source"], names)
            except Exception as error:
                names.setdefault("errors", []).append(f"{cell['source'][:40]}: {error!r}")
    return names


def test_an_untouched_order_needs_no_notes(given: Notebook, ps1: Notebook) -> None:
    """A submission as it was meant to be: answers in, hidden tests in, nothing to tell."""
    mended = mend(given, ps1)
    assert (mended.notes, "SECRET_TEST" in _find(mended.notebook, "q1_test")["source"]) == ((), True)


def test_solutions_never_come_in(given: Notebook, ps1: Notebook) -> None:
    """Neither for an answer that was deleted, nor for a task's scheme."""
    given["cells"] = [cell for cell in given["cells"] if not cell["source"].startswith("def")]
    text = json.dumps(mend(given, ps1).notebook)
    assert not any(secret in text for secret in ("SECRET_SOLUTION", "SECRET_SCHEME", "SECRET_WORDS", "SECRET_PICTURE"))


def test_a_test_cell_that_is_there_twice_is_run_once(given: Notebook, ps1: Notebook) -> None:
    """The copy is ignored and listed; the score is as without it (reports: nbgrader#1083)."""
    given["cells"].insert(2, copy.deepcopy(_find(given, "q1_test")))
    mended = mend(given, ps1)
    assert _order(mended.notebook) == _order(ps1)
    assert [note.kind for note in mended.notes].count("cell-duplicated") == 1


def test_a_deleted_test_cell_is_put_back_before_the_next_heading(given: Notebook, ps1: Notebook) -> None:
    """The maximum is unchanged, the cell is run, staff read of it (reports: nbgrader#1682)."""
    del given["cells"][_index(given, "q1_test")]
    mended = mend(given, ps1)
    assert _order(mended.notebook) == _order(ps1)
    assert [(note.kind, note.where) for note in mended.notes] == [("cell-missing", "q1_test")]


def test_an_emptied_notebook_is_the_one_handed_out(ps1: Notebook) -> None:
    """All cells deleted: all graded ones come back, answers as stubs."""
    mended = mend({"cells": []}, ps1)
    assert _order(mended.notebook) == _order(ps1)
    assert untouched(_find(mended.notebook, "q1"))


def test_tests_come_after_answers_that_were_moved_to_the_end(given: Notebook, ps1: Notebook) -> None:
    """A student who answers at the bottom passes the tests all the same."""
    given["cells"].append(given["cells"].pop(_index(given, "q1")))
    mended = mend(given, ps1)
    assert not [error for error in _run(mended.notebook)["errors"] if error.startswith("assert")]
    assert {note.kind for note in mended.notes} == {"cell-moved"}


def test_a_split_answer_is_one_again(given: Notebook, ps1: Notebook) -> None:
    """JupyterLab gives both halves the id; together they are the answer."""
    at = _index(given, "q1")
    half = copy.deepcopy(given["cells"][at])
    given["cells"][at]["source"], half["source"], half["id"] = "def square(n):", "    return n * n", "other"
    given["cells"].insert(at + 1, half)
    mended = mend(given, ps1)
    assert _find(mended.notebook, "q1")["source"] == "def square(n):\n    return n * n"
    assert [note.kind for note in mended.notes] == ["cell-joined"]


def test_an_answer_in_a_copy_of_a_test_cell_is_run(given: Notebook, ps1: Notebook) -> None:
    """The id was copied with the cell; what the student wrote in it is still the student's code."""
    other = copy.deepcopy(_find(given, "q1_test")) | {"source": "helper = 5", "id": "other"}
    given["cells"].insert(_index(given, "q1"), other)
    mended = mend(given, ps1)
    assert (_run(mended.notebook)["helper"], _order(mended.notebook)) == (5, _order(ps1))


def test_a_changed_test_is_the_authors_again(given: Notebook, ps1: Notebook) -> None:
    """An assertion that was made to pass is replaced, and what it was is told."""
    _find(given, "q2_test")["source"] = "assert True"
    mended = mend(given, ps1)
    assert _find(mended.notebook, "q2_test")["source"] == "assert cube(2) == 8"
    assert [(note.kind, "assert True" in note.text) for note in mended.notes] == [("cell-changed", True)]


def test_a_changed_type_is_changed_back(given: Notebook, ps1: Notebook) -> None:
    """Code that became Markdown is code again, and keeps what was written."""
    _find(given, "q1")["cell_type"] = "markdown"
    mended = mend(given, ps1)
    assert _run(mended.notebook)["square"](3) == 9
    assert [note.kind for note in mended.notes] == ["cell-type"]


@pytest.mark.parametrize("lost", [{}, {"nbgrader": {"grade_id": "q9", "grade": True, "points": 1000}}])
def test_lost_and_renamed_ids_are_recognised(given: Notebook, ps1: Notebook, lost: dict[str, Any]) -> None:
    """Metadata dropped by a tool, or an id renamed by hand: JupyterLab's own id tells the cell, and its points are the author's."""
    _find(given, "q1")["metadata"] = lost
    mended = mend(given, ps1)
    assert _find(mended.notebook, "q1")["source"] == "def square(n):\n    return n ** 2"
    assert [note.kind for note in mended.notes] == ["id-restored"]


def test_an_unchanged_test_without_any_id_is_recognised_by_its_text(given: Notebook, ps1: Notebook) -> None:
    """Tools of format 4.4 keep no ids of cells."""
    _find(given, "q2_test").update(id="", metadata={})
    assert [note.kind for note in mend(given, ps1).notes] == ["id-restored"]


def test_ids_that_were_made_by_counting_tell_nothing(ps1: Notebook) -> None:
    """Both files were of format 4.4, without ids: the third cell of one is not the third of the other, and nothing of it is lost."""
    for cell in ps1["cells"]:
        del cell["id"]
    source = read_notebook(json.dumps(ps1).encode())
    given = {"nbformat": 4, "cells": [{"cell_type": "code", "metadata": {}, "source": f"mine_{n} = {n}"} for n in range(11)]}
    names = _run(mend(read_notebook(json.dumps(given).encode()), source).notebook)
    assert [n for n in range(11) if f"mine_{n}" not in names] == []


def test_the_kernel_is_ours(given: Notebook, ps1: Notebook) -> None:
    """A kernelspec by another name does not reach the run."""
    given["metadata"]["kernelspec"] = {"name": "conda-env-mine-py", "display_name": "mine"}
    mended = mend(given, ps1)
    assert (mended.notebook["metadata"]["kernelspec"]["name"], mended.notes[0].kind) == ("python3", "kernel")


def test_large_outputs_are_dropped_and_named(given: Notebook, ps1: Notebook) -> None:
    """Nothing that was put out on the student's machine is carried on."""
    given["cells"][4]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 2_000_000}]
    mended = mend(given, ps1)
    assert (len(json.dumps(mended.notebook)) < 20_000, [note.kind for note in mended.notes]) == (True, ["outputs-dropped"])


def test_tags_that_skip_cells_or_take_parameters_are_not_the_students(given: Notebook, ps1: Notebook, cell: Callable[..., Any]) -> None:
    """A student's tag cannot make nbclient skip a cell, nor papermill put its parameters elsewhere."""
    given["cells"].insert(0, cell("seed = 1") | {"metadata": {"tags": ["parameters", "skip-execution", "raises-exception"]}})
    assert '"tags"' not in json.dumps(mend(given, ps1).notebook)


def test_the_authors_parameters_cell_keeps_its_tag(ps1: Notebook, cell: Callable[..., Any]) -> None:
    """Papermill finds the cell that the author tagged, once, also when it was copied."""
    ps1["cells"].insert(0, cell("seed = 1") | {"metadata": {"tags": ["parameters"]}})
    given = student_version(ps1)
    given["cells"].insert(1, copy.deepcopy(given["cells"][0]))
    tagged = [cell.get("metadata", {}).get("tags") for cell in mend(given, ps1).notebook["cells"][:2]]
    assert tagged == [["parameters"], None]


def test_random_mutations_change_no_points(given: Notebook, ps1: Notebook) -> None:
    """Two hundred broken notebooks: nothing is raised, each graded cell is there once, tests are as authored and in the authored order."""
    points = sum(item.max_points for item in items_of({"ps1": ps1}, AssignmentSheet()))
    for seed in range(200):
        rng = random.Random(seed)
        broken = copy.deepcopy(given)
        done = [rng.choice(_MUTATIONS)(broken, rng) for _ in range(rng.randint(1, 8))]
        broken = json.loads(json.dumps(broken))
        mended = mend(broken, ps1)
        assert sum(item.max_points for item in items_of({"ps1": mended.notebook}, AssignmentSheet())) == points, (seed, done)
        order = _order(mended.notebook)
        assert sorted(order) == sorted(_order(ps1)), (seed, done)
        assert order.index("q1_test") > order.index("q1"), (seed, done)
        assert order.index("q2_test") > max(order.index("q2"), order.index("q1_test")), (seed, done)
        assert all(_find(mended.notebook, test)["source"] == _find(ps1, test)["source"] for test in ("q1_test", "q2_test")), (seed, done)
        assert len({cell["id"] for cell in mended.notebook["cells"]}) == len(mended.notebook["cells"]), (seed, done)
        json.dumps(mended.notebook, ensure_ascii=False).encode()


def _some(notebook: Notebook, rng: random.Random) -> int:
    return rng.randrange(len(notebook["cells"])) if notebook["cells"] else -1


def _on_a_cell(act: Callable[[Notebook, int, random.Random], object]) -> Callable[[Notebook, random.Random], str]:
    def mutate(notebook: Notebook, rng: random.Random) -> str:
        if isinstance(notebook.get("cells"), list) and (at := _some(notebook, rng)) >= 0:
            act(notebook, at, rng)
        return act.__name__

    return mutate


def _delete(notebook: Notebook, at: int, rng: random.Random) -> None:
    del notebook["cells"][at]


def _duplicate(notebook: Notebook, at: int, rng: random.Random) -> None:
    notebook["cells"].insert(rng.randint(0, len(notebook["cells"])), copy.deepcopy(notebook["cells"][at]))


def _move(notebook: Notebook, at: int, rng: random.Random) -> None:
    notebook["cells"].insert(rng.randint(0, len(notebook["cells"]) - 1), notebook["cells"].pop(at))


def _shuffle(notebook: Notebook, at: int, rng: random.Random) -> None:
    rng.shuffle(notebook["cells"])


def _junk(notebook: Notebook, at: int, rng: random.Random) -> None:
    notebook["cells"][at] = rng.choice([None, 5, [], "x", {}, {"cell_type": "code"}, {"cell_type": [], "source": 3, "metadata": None}])


def _field(notebook: Notebook, at: int, rng: random.Random) -> None:
    if isinstance(notebook["cells"][at], dict):
        key = rng.choice(["cell_type", "id", "metadata", "source", "outputs", "attachments"])
        values = [
            "markdown",
            "raw",
            None,
            7,
            ["a\n", "b"],
            {"nbgrader": {"grade_id": "q1_test"}},
            {"nbgrader": {"grade_id": 4}},
            "\ud800\0",
            {"tags": 3},
        ]
        notebook["cells"][at][key] = rng.choice(values)


def _steal_id(notebook: Notebook, at: int, rng: random.Random) -> None:
    other = notebook["cells"][_some(notebook, rng)]
    if isinstance(notebook["cells"][at], dict) and isinstance(other, dict):
        for key in rng.choice([("metadata",), ("id",), ("id", "metadata")]):
            notebook["cells"][at][key] = copy.deepcopy(other.get(key))


def _split(notebook: Notebook, at: int, rng: random.Random) -> None:
    cell = notebook["cells"][at]
    if isinstance(cell, dict) and isinstance(cell.get("source"), str):
        cut = rng.randint(0, len(cell["source"]))
        notebook["cells"].insert(at + 1, copy.deepcopy(cell) | {"source": cell["source"][cut:], "id": f"s{cut}"})
        cell["source"] = cell["source"][:cut]


def _frame(notebook: Notebook, rng: random.Random) -> str:
    notebook[rng.choice(["metadata", "nbformat", "nbformat_minor"])] = rng.choice(
        [None, [], 4, {"kernelspec": {"name": ["x"]}}, {"kernelspec": 3}]
    )
    return "frame"


def _no_cells(notebook: Notebook, rng: random.Random) -> str:
    if rng.random() < 0.1:
        notebook["cells"] = rng.choice([None, {}, 3])
    return "no cells"


_MUTATIONS = [*map(_on_a_cell, (_delete, _duplicate, _move, _shuffle, _junk, _field, _steal_id, _split)), _frame, _no_cells]
