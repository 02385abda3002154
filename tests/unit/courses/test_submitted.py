"""Files that are no notebooks, and notebooks by other names, are refused in words."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from labkit.courses.names import check_assignment_name
from labkit.courses.records import FileEntry, Manifest
from labkit.courses.submitted import check_notebook, check_submission
from labkit.errors import InvalidInput

WHOLE = json.dumps(
    {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "source": "ä"}]}, ensure_ascii=False
)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (WHOLE[:60].encode(), "cut short"),
        (WHOLE[:-1].encode(), "cut short"),
        (b"hello", "is no JSON"),
        (WHOLE.encode("utf-16"), "no text in UTF-8"),
        (b"[1]", "no notebook"),
        (b'{"a": 1}', "does not say its format"),
        (b'{"nbformat": 3, "worksheets": []}', "format 3, which is older"),
        (b'{"nbformat": 5, "cells": []}', "format 5, which is newer"),
        (b'{"nbformat": 4}', "no list of cells"),
        (b'{"nbformat": 4, "cells": [null]}', "cell 1 is no cell"),
        (b'{"nbformat": 4, "cells": [' + b"[" * 100_000, "nested too deeply"),
        (b'{"nbformat": 4, "cells": [], "x": ' + b"[" * 150 + b"]" * 150 + b"}", "nested too deeply"),
        (b'{"nbformat": 4, "cells": [], "x": ' + b"9" * 10_000 + b"}", "no JSON that can be read"),
    ],
)
def test_what_is_no_notebook_is_refused(data: bytes, words: str) -> None:
    """The message names the file and says what it is."""
    with pytest.raises(InvalidInput, match=words) as refused:
        check_notebook(data, "ps1.ipynb")
    assert "ps1.ipynb" in refused.value.message


def test_a_notebook_is_described() -> None:
    """Cells are counted, ids listed as they stand, also twice; a byte order mark does no harm."""
    cells = [
        {"cell_type": "code", "metadata": {"nbgrader": {"grade_id": "q1"}}},
        {"metadata": 3},
        {"metadata": {"nbgrader": {"grade_id": "q1"}}},
    ]
    data = b"\xef\xbb\xbf" + json.dumps({"nbformat": 4, "cells": cells, "metadata": {"a": 1}}).encode()
    facts = check_notebook(data, "ps1.ipynb")
    assert (facts.cells, facts.grade_ids, facts.metadata) == (3, ("q1", "q1"), {"a": 1})


def _manifest(*paths: str, size: int = 10) -> Manifest:
    return Manifest(files=tuple(FileEntry(path=path, sha256="0" * 64, size=size) for path in paths))


@pytest.mark.parametrize(
    "name",
    [
        "ps1 (1).ipynb",
        "ps1(2).ipynb",
        "ps1-Copy1.ipynb",
        "PS1.ipynb",
        "ps1.ipynb.txt",
        "ps1 - Kopie.ipynb",
        "Copy of ps1.ipynb",
        "sub/ps1.ipynb",
    ],
)
def test_a_notebook_by_another_name_is_told_its_name(name: str) -> None:
    """It is never a silent zero (reports: nbgrader#1302)."""
    problems = check_submission(["ps1"], [], _manifest(name, "other.ipynb"), 20)
    assert [(problem.severity, problem.where) for problem in problems] == [("error", name)]
    assert "ps1.ipynb" in problems[0].hint


def test_names_of_blanks_are_looked_at_in_no_time() -> None:
    """The service does this with each name of each submission."""
    began = time.process_time()
    check_submission(["ps1"], [], _manifest(*(f"a{' ' * 240}{k}.ipynb" for k in range(20))), 20)
    assert time.process_time() - began < 1


def test_the_right_names_are_no_problem() -> None:
    """With or without the ending; further notebooks do no harm."""
    assert (
        check_submission(
            ["ps1.ipynb", "Übung 2"], ["model.safetensors"], _manifest("ps1.ipynb", "Übung 2.ipynb", "model.safetensors", "x.ipynb"), 20
        )
        == []
    )


def test_what_is_missing_and_what_is_too_large_is_named() -> None:
    """One problem each."""
    problems = check_submission(["ps1"], ["model.zip"], _manifest("notes.txt", size=3_000_000), 2)
    assert [problem.where for problem in problems] == ["ps1.ipynb", "model.zip", "notes.txt"]


@pytest.mark.parametrize("name", ["Übung 1 (a) [x]+b", "ps1", "第一課", "a" * 150])
def test_free_names(name: str) -> None:
    """Whatever a folder can be called."""
    assert check_assignment_name(name) == name


@pytest.mark.parametrize("name", ["", " ", "a/b", "a\\b", "a\0b", "a\nb", ".hidden", "..", " a", "a ", "a" * 151, "ü" * 140, "\ud800"])
def test_names_that_are_refused(name: str) -> None:
    """With the reason and what to do."""
    with pytest.raises(InvalidInput) as refused:
        check_assignment_name(name)
    assert refused.value.hint


def test_a_name_in_pieces_is_put_together() -> None:
    """A Mac writes ü as u and two dots."""
    assert check_assignment_name("U\u0308bung") == "Übung"


def test_the_service_can_load_both_without_heavy_rooms() -> None:
    """The hub's image has neither nbformat nor numpy."""
    heavy = ("numpy", "nbformat", "yaml", "papermill")
    code = f"import sys, labkit.courses.names, labkit.courses.submitted; print(*[m for m in {heavy!r} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip() == ""
