"""The checks of a sheet on the exports of one submission: only data is read, only the teacher's code is executed."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import io
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from labkit.courses.records import AnnotationTask, AssignmentSheet, Check, CheckResult

__all__ = ["Checker", "read_export"]

_DEEPEST = 60
_FAILED = "The check failed."


class _Missing(Exception):
    """A check cannot be carried out on this submission; the text says why."""


class Checker:
    """Carries out the checks of one version of an assignment.

    Parameters
    ----------
    hidden : Path
        The folder ``hidden/``.
    """

    def __init__(self, sheet: AssignmentSheet, hidden: Path) -> None:
        self.sheet, self.hidden = sheet, hidden
        self._modules: dict[str, Any] = {}
        self._faults: dict[str, str] = {}

    def prepare(self) -> None:
        """Load what the checks need, once, before any submission is looked at."""
        for check in self.sheet.checks:
            if check.kind == "assertion":
                self._module(check.function.partition(":")[0])
            else:
                importlib.import_module("labkit.courses.grading.metrics")
                if check.pictures:  # torch: loaded once, inherited by each child
                    importlib.import_module("labkit.courses.grading.models")
        if self.sheet.annotations:
            importlib.import_module("labkit.courses.annotation_scores")

    def carry_out(self, check: Check | AnnotationTask, folder: Path) -> CheckResult:
        """Carry out one check on what lies in `folder`; whatever goes wrong earns nothing, and is said."""
        try:
            if isinstance(check, AnnotationTask):
                return self._annotation(check, folder)
            if check.kind == "assertion":
                return self._assert(check, folder)
            from labkit.courses.grading.metrics import measure

            return measure(check, self.hidden, self._exports(check, folder, paths=True))
        except _Missing as error:
            return _nothing(check, str(error))
        except AssertionError as error:
            return self._failed(check, str(error) or _FAILED)
        except MemoryError:
            return _nothing(check, "The check needed more memory than it may use.")
        except Exception as error:  # a teacher's code on a student's data raises anything
            return self._failed(check, f"{type(error).__name__}: {error}")

    def _failed(self, check: Check | AnnotationTask, note: str) -> CheckResult:
        """Return that hidden code raised an error, whose message students read where the sheet says so."""
        told = None if self.sheet.show_hidden_messages or note == _FAILED else _FAILED
        return _nothing(check, note).model_copy(update={"student_note": told})

    def _annotation(self, task: AnnotationTask, folder: Path) -> CheckResult:
        from labkit.courses.annotation_scores import score_files

        document = folder / task.path
        return score_files(document if document.is_file() else None, self.hidden / task.gold, task)

    def _assert(self, check: Check, folder: Path) -> CheckResult:
        file, _, name = check.function.partition(":")
        function = getattr(self._module(file), name, None)
        if function is None:
            raise _Missing(self._faults.get(file) or f"hidden/{file} has no function {name}.")
        earned = function(**self._arguments(function, check, folder))
        if isinstance(earned, bool) or not isinstance(earned, int | float | np.number):
            return CheckResult(check=check.id, points=check.points)
        value = float(earned)
        if not math.isfinite(value):
            return _nothing(check, "The check gave no number of points.")
        return CheckResult(check=check.id, points=min(max(value, 0.0), check.points), value=value)

    def _arguments(self, function: Callable[..., Any], check: Check, folder: Path) -> dict[str, Any]:
        values = self._exports(check, folder, paths=False)
        parameters = inspect.signature(function).parameters
        if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
            return values
        return {name: value for name, value in values.items() if name in parameters}

    def _exports(self, check: Check, folder: Path, *, paths: bool) -> dict[str, Any]:
        found = {}
        for name in check.exports:
            path = _path_of(folder, name)
            if path is None:
                raise _Missing(f"{name} was not exported.")
            found[name] = path if paths or self.sheet.exports[name].startswith("file:") else read_export(path)
        return found

    def _module(self, file: str) -> Any:
        """Return the hidden Python file as a module; None where it cannot be loaded."""
        if file not in self._modules:
            self._modules[file] = None
            try:
                path = (self.hidden / file).resolve()
                if self.hidden.resolve() not in path.parents:
                    raise _Missing(f"{file} lies outside hidden/.")
                if str(self.hidden) not in sys.path:
                    sys.path.insert(0, str(self.hidden))
                found = importlib.util.spec_from_file_location(f"hidden_{path.stem}", path)
                assert found is not None
                assert found.loader is not None
                module = importlib.util.module_from_spec(found)
                found.loader.exec_module(module)
                self._modules[file] = module
            except (Exception, SystemExit) as error:  # the teacher's own file; each check says so
                self._faults[file] = f"hidden/{file} cannot be loaded: {type(error).__name__}: {error}"
        return self._modules[file]


def _path_of(folder: Path, name: str) -> Path | None:
    exact = folder / name
    if exact.exists():
        return exact
    return next((path for path in sorted(folder.iterdir()) if path.stem == name or path.name.startswith(f"{name}.")), None)


def read_export(path: Path) -> Any:
    """Return an exported value: an array without objects, or what JSON can say."""
    if path.suffix == ".npy":
        return np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    value = json.loads(path.read_bytes())
    layer = [value]
    for _ in range(_DEEPEST):
        layer = [
            inner for outer in layer if isinstance(outer, list | dict) for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not layer:
            return value
    raise _Missing("It is nested too deeply.")


def _nothing(check: Check | AnnotationTask, note: str) -> CheckResult:
    return CheckResult(check=check.id, points=0.0, note=note[:2000])
