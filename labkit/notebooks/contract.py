"""The contract of a run's notebook, checked before anything is queued; in words it stands in ``docs/run-notebooks.md``.

The check reads JSON and Python syntax only: nothing of the notebook is executed, and nothing heavy is loaded.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.config import LibrarySettings
from labkit.errors import InvalidInput, NotFound
from labkit.storage import explain_os_errors

__all__ = ["NotebookFacts", "check_notebook", "read_checked"]

_PARAMETER = "config_path"
_CELL_KINDS = ("code", "markdown", "raw")
_LOOK = "The page 'Notebooks for runs' of the documentation has an example to begin with."
_PLAIN_MAGICS = ("%%time", "%%timeit", "%%capture")  # the rest of such a cell is Python
_SHELL_LINE = re.compile(r"^(\s*)(?:[%!].*|\?.*|.*\?)$")
_SHELL_VALUE = re.compile(r"^(\s*[\w., ]+=\s*)[%!].*$")


@dataclass(frozen=True, slots=True)
class NotebookFacts:
    """What is known of a notebook that keeps the contract.

    Attributes
    ----------
    path : Path
        Where it lies, absolute.
    sha256 : str
        Of its bytes, 64 hex digits.
    size_bytes : int
        How large it is.
    title : str
        Its first heading, or its file name.
    cells, code_cells : int
        How many there are.
    """

    path: Path
    sha256: str
    size_bytes: int
    title: str
    cells: int
    code_cells: int


def check_notebook(path: Path) -> NotebookFacts:
    """Check that a notebook can be a run's.

    It is nbformat 4, in Python, not too large, has exactly one code cell tagged ``parameters`` that sets ``config_path``, and
    after it a call of ``write_result``. Outputs may be there and are not looked at.

    Raises
    ------
    NotFound
        There is no such file.
    NotWritable
        It cannot be read.
    InvalidInput
        It breaks the contract: the message names each broken rule, the fact ``rules`` holds them.
    """
    return read_checked(path)[0]


def read_checked(path: Path) -> tuple[NotebookFacts, bytes]:
    """Return what `check_notebook` does, and the bytes that were checked."""
    path = path.absolute()
    data = _read(path)
    try:
        notebook = json.loads(data)
    except (ValueError, RecursionError):
        raise _broken(path, ["it is cut short, or no notebook"] if data.strip() else ["it is empty"]) from None
    cells = _cells(path, notebook)
    rules = [*_language_rules(notebook), *_cell_rules(cells)]
    if rules:
        raise _broken(path, rules)
    code = sum(cell["cell_type"] == "code" for cell in cells)
    facts = NotebookFacts(path, hashlib.sha256(data).hexdigest(), len(data), _title(cells) or path.stem, len(cells), code)
    return facts, data


def _read(path: Path) -> bytes:
    limit = LibrarySettings().runs.notebook_mb
    with explain_os_errors(path):
        if not path.is_file():
            raise NotFound(f"The notebook {path} does not exist.", hint="Check the path.", path=str(path))
        if path.stat().st_size > limit * 1e6:
            raise _broken(path, [f"it is larger than {limit:g} MB"], "Clear its outputs, or raise LABKIT_RUNS__NOTEBOOK_MB.")
        return path.read_bytes()


def _broken(path: Path, rules: list[str], hint: str = _LOOK) -> InvalidInput:
    text = f"The notebook {path.name} cannot be a run's: {'; '.join(rules)}."
    return InvalidInput(text, hint=hint, path=str(path), rules=tuple(rules))


def _cells(path: Path, notebook: Any) -> list[dict[str, Any]]:
    """Return the cells, or refuse what is not nbformat 4."""
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise _broken(path, ["it is no notebook"])
    if notebook["nbformat"] != 4:
        rule = f"it is of the notebook format {notebook['nbformat']}, not 4"
        raise _broken(path, [rule], "Open it in JupyterLab and save it again: that makes it format 4.")
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not all(map(_is_cell, cells)) or not isinstance(notebook.get("metadata", {}), dict):
        raise _broken(path, ["its cells are not those of the notebook format 4"], "Open it in JupyterLab and save it again.")
    return [{**cell, "source": _text(cell["source"])} for cell in cells]


def _is_cell(cell: Any) -> bool:
    if not isinstance(cell, dict) or cell.get("cell_type") not in _CELL_KINDS or not isinstance(cell.get("metadata"), dict):
        return False
    source = cell.get("source")
    if not (isinstance(source, str) or (isinstance(source, list) and all(isinstance(line, str) for line in source))):
        return False
    return cell["cell_type"] != "code" or isinstance(cell.get("outputs"), list)


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _language_rules(notebook: dict[str, Any]) -> Iterator[str]:
    metadata = notebook.get("metadata", {})
    for part, name in (("kernelspec", "language"), ("language_info", "name")):
        language = metadata.get(part, {}).get(name) if isinstance(metadata.get(part), dict) else None
        if isinstance(language, str) and language.lower() not in ("python", "ipython"):
            yield f"its language is {language}, not Python"
            return


def _cell_rules(cells: list[dict[str, Any]]) -> Iterator[str]:
    code: list[tuple[bool, ast.Module | None]] = []
    for number, cell in enumerate((c for c in cells if c["cell_type"] == "code"), start=1):
        tree, fault = _parse(cell["source"])
        if fault:
            yield f"code cell {number} is not Python ({fault})"
        tags = cell["metadata"].get("tags")
        code.append(("parameters" in tags if isinstance(tags, list) else False, tree))
    tagged = [k for k, (is_tagged, _) in enumerate(code) if is_tagged]
    if len(tagged) != 1:
        yield "it has no code cell tagged 'parameters'" if not tagged else f"it has {len(tagged)} cells tagged 'parameters', not one"
    elif not _sets_parameter(code[tagged[0]][1]):
        yield f"its cell tagged 'parameters' does not set {_PARAMETER}"
    after = code[tagged[0] + 1 :] if tagged else code
    if not any(_writes_result(tree) for _, tree in after):
        yield "no cell after the parameters calls write_result()"


def _parse(source: str) -> tuple[ast.Module | None, str]:
    """Return the syntax tree of a cell and what is wrong with it; of what only IPython can read neither is known."""
    lines = source.splitlines()
    first = lines[0].strip() if lines else ""
    if first.startswith("%%"):
        if not first.startswith(_PLAIN_MAGICS):
            return None, ""
        lines[0] = ""
    plain = [_SHELL_VALUE.sub(r"\1None", _SHELL_LINE.sub(r"\1pass", line)) for line in lines]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            tree = compile("\n".join(plain), "<cell>", "exec", flags=flags, dont_inherit=True)
    except SyntaxError as error:
        return None, "" if plain != lines else f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return None, str(error)
    return tree if isinstance(tree, ast.Module) else None, ""


def _sets_parameter(tree: ast.Module | None) -> bool:
    for node in tree.body if tree else ():
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name) and target.id == _PARAMETER for target in targets):
            return True
    return False


def _writes_result(tree: ast.Module | None) -> bool:
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call)) if tree else ()
    return any(getattr(func, "attr", None) == "write_result" or getattr(func, "id", None) == "write_result" for func in calls)


def _title(cells: list[dict[str, Any]]) -> str:
    for cell in cells:
        if cell["cell_type"] == "markdown" and (found := re.search(r"^#+\s+(.+)$", cell["source"], re.MULTILINE)):
            return found[1].strip()[:300]
    return ""
