"""``assignment.yaml`` as an `AssignmentSheet`; what is wrong is said with its line and the name of the field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from labkit.courses.records import AssignmentSheet, Problem

__all__ = ["SHEET_FILE", "read_sheet", "sheet_text"]

SHEET_FILE = "assignment.yaml"
_LARGEST = 1_000_000
_HINT = "docs/assignments.md lists all fields."


def read_sheet(path: Path) -> tuple[AssignmentSheet, list[Problem]]:
    """Return the sheet, and what is wrong with it; the default one where there is no file, or none that can be read."""
    if not path.is_file():
        return AssignmentSheet(), []
    try:
        data = path.read_bytes()
        if len(data) > _LARGEST:
            return AssignmentSheet(), [_problem(None, f"It has {len(data) / 1e6:.1f} MB; a sheet is a page of text.")]
        text = data.decode("utf-8-sig")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            return AssignmentSheet(), []
        problems = [*_aliases(text), *_doubles(node)]
        given = yaml.safe_load(text) if not problems else {}
    except UnicodeDecodeError as error:
        return AssignmentSheet(), [_problem(None, f"It is no text in UTF-8 (byte {error.start}).")]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        return AssignmentSheet(), [_problem(line, f"It is no YAML: {error.problem or error.context}.")]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return AssignmentSheet(), [_problem(None, f"It is no YAML that can be read: {' '.join(str(error).split())[:200]}.")]
    if problems:
        return AssignmentSheet(), problems
    if not isinstance(given, dict):
        return AssignmentSheet(), [_problem(1, "It is no list of 'field: value' lines.")]
    try:
        return AssignmentSheet.model_validate(given), []
    except ValidationError as error:
        return AssignmentSheet(), [_of_field(node, dict(one)) for one in error.errors()]


def _of_field(node: yaml.Node, error: dict[str, Any]) -> Problem:
    place = [part for part in error["loc"] if part != "[key]"]
    field = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in place)
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "there is no such field"
    if not field:
        return _problem(_line(node, place), f"{message[0].upper()}{message[1:]}.")
    return _problem(_line(node, place), f"The field {field}: {message[0].lower()}{message[1:]}.")


def _line(node: yaml.Node | None, place: list[Any]) -> int:
    """Return the line of the field at `place`, or of the last part of it that is there."""
    line = 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if str(key.value) == str(part)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _doubles(node: yaml.Node) -> Iterator[Problem]:
    """Find fields that are given twice: YAML would quietly take the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                yield _problem(key.start_mark.line + 1, f"The field {name} is given twice.")
            seen.add(name)
            yield from _doubles(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _doubles(item)


def _aliases(text: str) -> Iterator[Problem]:
    """Find references, by which a small sheet could become a huge one."""
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.AliasToken):
            yield _problem(token.start_mark.line + 1, f"The reference *{token.value} is not understood; write the value out.")


def _problem(line: int | None, text: str) -> Problem:
    return Problem(where=SHEET_FILE + (f", line {line}" if line else ""), text=text, hint=_HINT)


def sheet_text(sheet: AssignmentSheet) -> str:
    """Return a sheet as YAML, without what is as by default."""
    data = sheet.model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
    return re.sub(r"^\{\}\n$", "", text)
