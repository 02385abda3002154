"""Outputs out of a kernel's messages: bounded, of few kinds, and always writable."""

from __future__ import annotations

import json
import math

import nbformat

from labkit.courses.grading.outputs import CellOutputs, OutputBudget


def _outputs(most: int = 1000, budget: int = 10_000) -> CellOutputs:
    return CellOutputs(most, OutputBudget(budget))


def _stream(text: object, name: object = "stdout") -> tuple[str, dict[str, object]]:
    return "stream", {"name": name, "text": text}


def test_prints_become_one_output() -> None:
    """Twenty thousand prints are one output, not twenty thousand."""
    outputs = _outputs(most=100_000, budget=100_000)
    for _ in range(5000):
        outputs(*_stream("line\n"))
    (only,) = outputs.finish()
    assert only.text.count("line") == 5000


def test_what_is_too_much_is_cut_and_marked() -> None:
    """A cell keeps the beginning, and says that there was more."""
    outputs = _outputs(most=100)
    for _ in range(1000):
        outputs(*_stream("x" * 1000))
    kept = outputs.finish()
    assert kept[0].text == "x" * 100
    assert "Output cut" in kept[-1].text


def test_notebook_as_a_whole_is_bounded() -> None:
    """Cells that stay below their own limit still share that of the notebook."""
    budget = OutputBudget(1500)
    sizes = []
    for _ in range(3):
        outputs = CellOutputs(1000, budget)
        outputs(*_stream("x" * 900))
        sizes.append(sum(len(output.text) for output in outputs.outputs))
    assert sizes == [900, 600, 0]


def test_error_and_result_are_kept_after_a_flood() -> None:
    """The points of a test rest on them."""
    outputs = _outputs(most=100)
    outputs(*_stream("x" * 1000))
    outputs("execute_result", {"data": {"text/plain": "0.5"}})
    outputs("error", {"ename": "AssertionError", "evalue": "no", "traceback": ["no"]})
    assert (outputs.result, outputs.error) == ("0.5", "AssertionError: no")
    assert [output.output_type for output in outputs.finish()] == ["stream", "execute_result", "error", "stream"]


def test_only_known_kinds_of_data_are_kept() -> None:
    """JavaScript and widgets are dropped; text, pictures and tables stay."""
    outputs = _outputs()
    outputs("display_data", {"data": {"application/javascript": "alert(1)", "text/html": "<b>x</b>", "text/plain": "x"}})
    assert set(outputs.finish()[0].data) == {"text/html", "text/plain"}


def test_json_that_others_cannot_read_is_dropped() -> None:
    """Neither NaN nor what is nested a thousand deep gets into the notebook."""
    deep: list[object] = []
    for _ in range(1000):
        deep = [deep]
    outputs = _outputs()
    outputs("display_data", {"data": {"application/json": {"a": math.nan}, "text/plain": "a"}})
    outputs("display_data", {"data": {"application/json": deep, "text/plain": "b"}})
    outputs("display_data", {"data": {"application/json": {"a": [1]}, "text/plain": "c"}})
    kinds = [set(output.data) for output in outputs.finish()]
    assert kinds == [{"text/plain"}, {"text/plain"}, {"text/plain", "application/json"}]


def test_messages_of_wrong_types_are_read_as_nothing() -> None:
    """A kernel is the student's: a list for a text, a number for a name, a text for a table."""
    outputs = _outputs()
    for kind in ("stream", "display_data", "execute_result", "update_display_data", "error", "clear_output", "unknown"):
        for content in ({}, {"text": 7, "name": []}, {"data": "x"}, {"data": {"text/plain": {"a": 1}}}, {"traceback": 5, "ename": None}):
            outputs(kind, content)  # type: ignore[arg-type]
    nbformat.validate(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs.finish())]))


def test_half_a_surrogate_can_be_written() -> None:
    """JSON can say what UTF-8 cannot."""
    outputs = _outputs()
    outputs(*_stream(json.loads('"\\ud800 x"')))
    outputs.finish()[0].text.encode()


def test_cleared_output_gives_its_room_back() -> None:
    """A bar that is drawn a thousand times over takes the room of one."""
    outputs = _outputs(most=100)
    for k in range(1000):
        outputs("clear_output", {"wait": True})
        outputs(*_stream(f"{k:050}"))
    (only,) = outputs.finish()
    assert only.text == f"{999:050}"


def test_errors_are_bounded_as_all_else() -> None:
    """A kernel can send any number of them; the first is told in any case, and cells after it have their own."""
    budget = OutputBudget(10_000)
    kept = 0
    for _ in range(20):
        outputs = CellOutputs(5000, budget)
        for _ in range(300):
            outputs("error", {"ename": "E", "evalue": "no", "traceback": ["x" * 1000]})
            outputs("execute_result", {"data": {"text/plain": "7" * 1500}})
        assert (outputs.error, outputs.result) == ("E: no", "7" * 1500)
        kept += sum(len(json.dumps(output)) for output in outputs.finish())
    assert kept < 70_000
