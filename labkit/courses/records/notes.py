"""What is wrong with an assignment or a submission, and what staff should know of one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from labkit.courses.records.kinds import Told, plain
from labkit.storage import Record

__all__ = ["Note", "Problem"]


class Problem(Record):
    """Something that is wrong with an assignment or a submission, in words.

    Attributes
    ----------
    severity : {"error", "warning"}
        An error keeps it from being released or handed in.
    where : str
        File and cell, such as ``ps1.ipynb, cell 4 (q1_test)``.
    """

    severity: Literal["error", "warning"] = "error"
    where: str = ""
    text: str
    hint: str = ""


class Note(Record):
    """Something that staff should know of a submission: a cell was put back, a kernel died, output was cut."""

    kind: Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,39}$")]
    where: Annotated[str, BeforeValidator(plain)] = ""
    text: Told
