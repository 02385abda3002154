"""Whether what the sheet names is there: folders, files, functions, exports, items. Nothing is imported, code is only read."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from labkit.courses.annotation_problems import problems_of_task
from labkit.courses.assignment import HIDDEN, Assignment
from labkit.courses.cells import tags_of
from labkit.courses.code import bound_names, function_of, parse_code
from labkit.courses.notebook import cells_of
from labkit.courses.records import AssignmentSheet, Check, Problem
from labkit.courses.sheet import SHEET_FILE

__all__ = ["problems_of_sheet"]

_DATA = AssignmentSheet().data


def problems_of_sheet(assignment: Assignment) -> Iterator[Problem]:
    """Yield what the sheet names and what is not there, or does not fit."""
    yield from _of_paths(assignment)
    yield from _of_parameters(assignment)
    for name, source in assignment.sheet.exports.items():
        yield from _of_export(assignment, name, source)
    for check in assignment.sheet.checks:
        yield from _of_assertion(assignment, check) if check.kind == "assertion" else _of_metric(assignment, check)
    for task in assignment.sheet.annotations:
        yield from problems_of_task(assignment, task)
    keys = {item.key for item in assignment.items}
    for button in assignment.sheet.rubric:
        if button.item and button.item not in keys:
            known = ", ".join(sorted(keys)) or "none"
            yield _problem(f"The rubric button {button.text[:40]!r} is for {button.item!r}, which earns no points.", f"Items: {known}.")


def _of_paths(assignment: Assignment) -> Iterator[Problem]:
    data = assignment.sheet.data
    if not is_inside(data) or PurePosixPath(data).parts[:1] == (HIDDEN,):
        yield _problem(f"The data path {data!r} leads out of what students get.", "Name a folder of the assignment, such as data.")
    elif data != _DATA and not any(name.startswith(f"{PurePosixPath(data)}/") for name in assignment.public):
        yield _problem(f"The data folder {data!r} has no files.", "Name the folder with the public data.", severity="warning")
    for path in assignment.sheet.required:
        if not is_inside(path):
            yield _problem(f"The required file {path!r} leads out of the submission.", "Name it relative to the notebook.")


def is_inside(path: str) -> bool:
    """Return whether a path is relative and stays below where it starts."""
    parts = PurePosixPath(path).parts
    return (
        bool(parts)
        and "\\" not in path
        and ":" not in path
        and not path.startswith(("/", "~"))
        and not any(p.startswith(".") for p in parts)
    )


def _of_parameters(assignment: Assignment) -> Iterator[Problem]:
    tagged = [name for name, notebook in assignment.notebooks.items() if any("parameters" in tags_of(cell) for cell in cells_of(notebook))]
    if assignment.sheet.parameters and not tagged:
        text = f"It gives the parameter {min(assignment.sheet.parameters)}, but no notebook has a cell tagged 'parameters'."
        yield _problem(text, "Tag the cell that sets the defaults.", severity="warning")


def _of_export(assignment: Assignment, name: str, source: str) -> Iterator[Problem]:
    notebook, colon, what = source.rpartition(":")
    if not colon or not notebook or not what:
        yield _problem(f"The export {name}: {source!r} is not understood.", "Write NOTEBOOK:NAME for a Python name, file:PATH for a file.")
    elif notebook == "file":
        if not is_inside(what):
            yield _problem(f"The export {name}: the path {what!r} leads out of the submission.", "Name it relative to the notebook.")
    elif notebook not in assignment.notebooks:
        yield _problem(f"The export {name}: there is no notebook {notebook}.", f"Notebooks: {', '.join(assignment.notebooks) or 'none'}.")
    elif not what.isidentifier():
        yield _problem(f"The export {name}: {what!r} is no name in Python.", "Assign what is to be exported to a variable.")
    else:
        trees = [parse_code(cell) for cell in cells_of(assignment.notebooks[notebook]) if cell["cell_type"] == "code"]
        if not any(what in bound_names(tree) for tree in trees if tree):
            text = f"The export {name}: {notebook}.ipynb makes no {what}, as far as its code can be read."
            yield _problem(text, "Assign it in the solution.", severity="warning")


def _of_assertion(assignment: Assignment, check: Check) -> Iterator[Problem]:
    file, _, name = check.function.partition(":")
    path = assignment.root / HIDDEN / file
    if not is_inside(file) or not name.isidentifier():
        yield _of_check(check, f"the function {check.function!r} is not understood", "Write FILE:FUNCTION, such as tests.py:test_mean.")
    elif path not in assignment.hidden:
        yield _of_check(check, f"there is no file {HIDDEN}/{file}", "Write the file, with a function that gets the exports.")
    elif (tree := parse_code(path.read_bytes().decode(errors="replace"))) is None:
        yield _of_check(check, f"{HIDDEN}/{file} is no Python that can be read", "Run it once.")
    elif (function := function_of(tree, name)) is None:
        there = ", ".join(node.name for node in tree.body if isinstance(node, ast.FunctionDef)) or "none"
        yield _of_check(check, f"{HIDDEN}/{file} has no function {name}", f"Functions there: {there}.")
    else:
        yield from _of_arguments(check, function)


def _of_arguments(check: Check, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Problem]:
    given, arguments = set(check.exports), function.args
    if isinstance(function, ast.AsyncFunctionDef):
        yield _of_check(check, f"{function.name} is asynchronous", "Write a plain function.")
    names = [argument.arg for argument in (*arguments.args, *arguments.kwonlyargs)]
    defaults = len(arguments.defaults)
    positional = [argument.arg for argument in arguments.args]
    needed = positional[: len(positional) - defaults] if defaults else positional
    needed += [argument.arg for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default is None]
    if arguments.posonlyargs:
        yield _of_check(check, f"{function.name} takes arguments by place only", "Exports are given by name; remove the '/'.")
    if missing := [name for name in needed if name not in given]:
        yield _of_check(check, f"{function.name} needs {missing[0]}, which is not among its exports", "Add it to the check's exports.")
    if arguments.kwarg is None and (extra := sorted(given - set(names))):
        yield _of_check(check, f"{function.name} does not take {extra[0]}", "Name the argument as the export is called.")


def _of_metric(assignment: Assignment, check: Check) -> Iterator[Problem]:
    labels = _stems(assignment, check.labels)
    if not is_inside(check.labels) or not labels:
        yield _of_check(check, f"there are no files in {HIDDEN}/{check.labels}", "Put the label images there.")
    if check.pictures:
        pictures = _stems(assignment, check.pictures)
        if not is_inside(check.pictures) or not pictures:
            yield _of_check(check, f"there are no files in {HIDDEN}/{check.pictures}", "Put the pictures there.")
        elif labels and (alone := sorted(pictures ^ labels)):
            yield _of_check(check, f"{alone[0]} has a picture or labels, but not both", "Give the two files the same name.")
    values = [value for value, _ in check.thresholds]
    if any(not math.isfinite(value) for value in values):
        yield _of_check(check, "a threshold is no number", "Write [value, points].")
    best = max((points for _, points in check.thresholds), default=0.0)
    if best > check.points:
        yield _of_check(check, f"a threshold gives {best:g} points, more than its {check.points:g}", "Raise its points.")
    elif best < check.points:
        text = f"no threshold gives all of its {check.points:g} points"
        yield _of_check(check, text, "Add one that does.", severity="warning")


def _stems(assignment: Assignment, folder: str) -> set[str]:
    below = assignment.root / HIDDEN / folder
    return {path.stem for path in assignment.hidden if folder and path.parent == Path(below)}


def _of_check(check: Check, text: str, hint: str, severity: str = "error") -> Problem:
    return _problem(f"The check {check.id}: {text}.", hint, severity)


def _problem(text: str, hint: str, severity: str = "error") -> Problem:
    return Problem(severity="warning" if severity == "warning" else "error", where=SHEET_FILE, text=text, hint=hint)
