"""What can be known of Python code without running it."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from labkit.courses.notebook import Cell, cell_text

__all__ = ["bound_names", "function_of", "parse_code", "texts_of", "used_names"]

_MAGIC = re.compile(r"^(\s*)([%!?].*|.*[^=!<>]=\s*[%!].*|[\w.]+\?{1,2})$")


def parse_code(source: str | Cell) -> ast.Module | None:
    """Return the syntax tree of a cell or file, IPython's own lines left out; None where it is no Python, or another language's cell."""
    text = source if isinstance(source, str) else cell_text(source)
    if text.lstrip().startswith("%%") and not text.lstrip().startswith(("%%time", "%%capture")):
        return None
    lines = [_MAGIC.sub(r"\1pass", line) if _MAGIC.match(line) else line for line in text.split("\n")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a wrong escape in somebody's text is not ours to tell
        for attempt in (text, "\n".join(lines)):
            try:
                return ast.parse(attempt)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
    return None


def bound_names(tree: ast.Module) -> set[str]:
    """Return the names that code makes at its top: functions, classes, imports, variables."""
    found = set()
    for node in _outside_functions(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name.split(".")[0])
    return found


def _outside_functions(tree: ast.Module) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def used_names(tree: ast.Module) -> set[str]:
    """Return the names that code reads, wherever in it."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def texts_of(tree: ast.Module) -> Iterator[str]:
    """Yield the texts in code, docstrings and other texts that nothing is done with left out."""
    idle = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in idle:
            yield node.value


def function_of(tree: ast.Module, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return the function of this name at the top of a file; the last, as Python takes it."""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name]
    return found[-1] if found else None
