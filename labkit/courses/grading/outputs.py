"""Outputs of a cell out of a kernel's messages: few kinds, and never more bytes than there may be."""

from __future__ import annotations

import json
from typing import Any

import nbformat

from labkit.courses import notebook

__all__ = ["CellOutputs", "OutputBudget", "plain_text"]

_KINDS = ("text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg", "image/svg+xml", "application/json")
_MOST_OUTPUTS = 200
_SHORT = 2000
_ERROR_BYTES = 20_000
_DEPTH = 40


class OutputBudget:
    """How many bytes of outputs a notebook has left."""

    def __init__(self, most: int) -> None:
        self.left = most

    def take(self, size: int) -> bool:
        """Take `size` bytes if they are there."""
        if size > self.left:
            return False
        self.left -= size
        return True


class CellOutputs:
    """Collects what one cell shows.

    Parameters
    ----------
    most : int
        Bytes that the cell may show; what is more is dropped, and a line says so.
    budget : OutputBudget
        The notebook's.
    """

    def __init__(self, most: int, budget: OutputBudget) -> None:
        self.outputs: list[Any] = []
        self.cut = False
        self.error = ""
        self.result = ""
        self._most, self._left, self._budget = most, most, budget
        self._shown: dict[str, Any] = {}
        self._clear = False
        self._spare = {"execute_result", "error"}  # one of each is kept in short, whatever was shown before

    def __call__(self, kind: str, content: dict[str, Any]) -> None:
        """Take one message in."""
        if kind == "stream":
            self._stream(content)
        elif kind in ("display_data", "execute_result"):
            self._display(kind, content)
        elif kind == "update_display_data":
            self._update(content)
        elif kind == "error":
            self._error(content)
        elif kind == "clear_output":
            self._clear = True
            if not content.get("wait"):
                self._clear_now()

    def finish(self) -> list[Any]:
        """Return the outputs; the last line says whether something was dropped."""
        if self.cut:
            text = f"[Output cut: a cell may show {self._most:,} bytes.]\n"
            self.outputs.append(_output("stream", name="stderr", text=text))
        return self.outputs

    def _take(self, size: int) -> bool:
        if size <= self._left and len(self.outputs) < _MOST_OUTPUTS and self._budget.take(size):
            self._left -= size
            return True
        self.cut = True
        return False

    def _clear_now(self) -> None:
        if self._clear:
            self._clear = False
            self._budget.left += self._most - self._left
            self._left = self._most
            self.outputs.clear()

    def _stream(self, content: dict[str, Any]) -> None:
        self._clear_now()
        name = "stderr" if content.get("name") == "stderr" else "stdout"
        text = plain_text(content.get("text"))
        room = max(0, min(self._left, self._budget.left))
        if len(text) > room:
            text, self.cut = text[:room], True
        if not text or not self._take(len(text)):
            return
        last = self.outputs[-1] if self.outputs else None
        if last is not None and last.output_type == "stream" and last.name == name:
            last.text += text
        else:
            self.outputs.append(_output("stream", name=name, text=text))

    def _display(self, kind: str, content: dict[str, Any]) -> None:
        self._clear_now()
        data = _data(content.get("data"))
        if kind == "execute_result":
            self.result = data.get("text/plain", "")[:_SHORT]
        size = sum(_size(value) for value in data.values())
        if not self._take(size):
            short = data.get("text/plain", "")
            if kind not in self._spare or len(short) > _SHORT:
                return
            self._spare.discard(kind)
            data = {"text/plain": short}  # a number that a test cell ends with counts, whatever was printed before
        facts = {"execution_count": None} if kind == "execute_result" else {}
        output = _output(kind, data=data, metadata={}, **facts)
        self.outputs.append(output)
        transient = content.get("transient")
        if isinstance(transient, dict) and isinstance(transient.get("display_id"), str) and len(self._shown) < _MOST_OUTPUTS:
            self._shown[transient["display_id"]] = output

    def _update(self, content: dict[str, Any]) -> None:
        transient = content.get("transient")
        shown = self._shown.get(str(transient.get("display_id"))) if isinstance(transient, dict) else None
        if shown is None:
            return
        data = _data(content.get("data"))
        before, after = (sum(_size(value) for value in part.values()) for part in (shown.data, data))
        if after <= before or self._take(after - before):
            shown.data = nbformat.from_dict(data)  # type: ignore[no-untyped-call]

    def _error(self, content: dict[str, Any]) -> None:
        self._clear_now()
        lines = content.get("traceback")
        traceback, size = [], 0
        for line in lines if isinstance(lines, list) else []:
            line = plain_text(line)
            size += len(line)
            if size > _ERROR_BYTES:
                break
            traceback.append(line)
        name, value = plain_text(content.get("ename"))[:200], plain_text(content.get("evalue"))[:_SHORT]
        self.error = self.error or f"{name}: {value}".strip(": ") or "error"
        if "error" in self._spare:  # the first is told in any case
            self._spare.discard("error")
            traceback = traceback if self._budget.take(size) else []
        elif not self._take(size + len(name) + len(value)):
            return
        self.outputs.append(_output("error", ename=name, evalue=value, traceback=traceback))


def plain_text(value: Any) -> str:
    """Return text that can be written as UTF-8, and kept in a database; of what is no text, nothing."""
    return notebook.plain_text(notebook.text_of(value))


def _data(data: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in _KINDS:
        value = data.get(kind) if isinstance(data, dict) else None
        if value is None:
            continue
        if kind == "application/json":
            if (text := _json(value)) is not None:
                found[kind] = json.loads(text)
        elif text := plain_text(value):
            found[kind] = text
    return found


def _json(value: Any) -> str | None:
    """Return a value as JSON that every reader takes: without NaN, and not deep."""
    if _depth(value) > _DEPTH:
        return None
    try:
        return json.dumps(value, allow_nan=False).encode("utf-8", "replace").decode()
    except (ValueError, TypeError, RecursionError):
        return None


def _depth(value: Any) -> int:
    """Return how deep lists and objects are nested, without recursion."""
    deepest, stack = 0, [(value, 1)]
    while stack:
        part, depth = stack.pop()
        deepest = max(deepest, depth)
        if depth > _DEPTH:
            return depth
        if isinstance(part, dict):
            stack += [(inner, depth + 1) for inner in part.values()]
        elif isinstance(part, list):
            stack += [(inner, depth + 1) for inner in part]
    return deepest


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str) else len(json.dumps(value))


def _output(kind: str, **facts: Any) -> Any:
    return nbformat.v4.new_output(kind, **facts)  # type: ignore[no-untyped-call]
