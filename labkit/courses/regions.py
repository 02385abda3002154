"""What students must not see stands between markers, nbgrader's own; here it is found and cut out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from labkit.errors import InvalidInput

__all__ = [
    "MARKERS",
    "RegionKind",
    "code_stub",
    "crossings_of_regions",
    "cut_region",
    "faults_of_regions",
    "has_region",
    "lines_in_region",
    "meant_markers",
    "reopen_stub",
]

RegionKind = Literal["solution", "hidden tests", "mark scheme"]


@dataclass(frozen=True, slots=True)
class Marker:
    """A line that holds `begin` opens the region, one that holds `end` closes it."""

    begin: str
    end: str
    usual: str


MARKERS: dict[RegionKind, Marker] = {
    "solution": Marker("BEGIN SOLUTION", "END SOLUTION", "### {}"),
    "hidden tests": Marker("BEGIN HIDDEN TESTS", "END HIDDEN TESTS", "### {}"),
    "mark scheme": Marker("BEGIN MARK SCHEME", "END MARK SCHEME", "=== {} ==="),
}
# "### begin solution", "# BEGIN HIDDEN  TEST": nothing is cut there, and whoever wrote it believes that it is.
_MEANT = re.compile(r"^\W*(begin|end)[\s_-]+(solution|hidden[\s_-]+test|mark[\s_-]+scheme)s?\W*$", re.IGNORECASE)
TEXT_STUB = "YOUR ANSWER HERE"
_CODE_STUBS = {
    "python": "# YOUR CODE HERE\nraise NotImplementedError()",
    "R": "# YOUR CODE HERE\nfail()",
    "matlab": "% YOUR CODE HERE\nerror('No Answer Given!')",
    "octave": "% YOUR CODE HERE\nerror('No Answer Given!')",
    "sas": "/* YOUR CODE HERE */\n %notImplemented;",
    "java": "// YOUR CODE HERE",
}


def code_stub(language: str) -> str:
    """Return what stands in place of code that students are to write."""
    return _CODE_STUBS.get(language, _CODE_STUBS["python"])


def has_region(text: str, kind: RegionKind) -> bool:
    """Return whether `text` has a marker of this kind, be it the opening or the closing one."""
    return MARKERS[kind].begin in text or MARKERS[kind].end in text


def cut_region(text: str, kind: RegionKind, stub: str = "") -> tuple[str, bool]:
    """Return `text` without the regions of this kind, with `stub` where each of them began, and whether there was one.

    Raises
    ------
    InvalidInput
        A region is not closed, or is opened twice.
    """
    faults = faults_of_regions(text, kind)
    if faults:
        raise InvalidInput(f"{faults[0]}.", hint=f"Close each region with '{MARKERS[kind].usual.format(MARKERS[kind].end)}'.")
    kept: list[str] = []
    inside = found = False
    for line in text.split("\n"):
        if MARKERS[kind].begin in line:
            inside = found = True
            indent = re.match(r"\s*", line)[0]  # type: ignore[index]
            kept += [indent + stub_line for stub_line in stub.split("\n")] if stub else []
        elif MARKERS[kind].end in line:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept), found


def lines_in_region(text: str, kind: RegionKind) -> Iterator[str]:
    """Yield the lines within the regions of this kind, without the markers."""
    inside = False
    for line in text.split("\n"):
        if MARKERS[kind].begin in line:
            inside = True
        elif MARKERS[kind].end in line:
            inside = False
        elif inside:
            yield line


def reopen_stub(text: str, stub: str) -> str:
    """Return `text` with an empty solution region where `stub` stands: what `cut_region` made, undone but for the solution itself."""
    lines, wanted = text.split("\n"), stub.split("\n")
    for at in range(len(lines) - len(wanted) + 1):
        indent = re.match(r"\s*", lines[at])[0]  # type: ignore[index]
        if lines[at : at + len(wanted)] == [indent + line for line in wanted]:
            marker = MARKERS["solution"]
            lines[at : at + len(wanted)] = [indent + marker.usual.format(marker.begin), indent + marker.usual.format(marker.end)]
            return "\n".join(lines)
    return text


def meant_markers(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number of each line that looks like a marker and is none, and how the marker is written."""
    for number, line in enumerate(text.split("\n"), 1):
        if (found := _MEANT.match(line)) and not any(marker.begin in line or marker.end in line for marker in MARKERS.values()):
            marker = next(marker for kind, marker in MARKERS.items() if kind[0] == found[2][0].lower())
            yield number, marker.usual.format(marker.begin if found[1].lower() == "begin" else marker.end)


def faults_of_regions(text: str, kind: RegionKind) -> list[str]:
    """Return in words what is wrong with the markers of this kind."""
    marker, faults, opened = MARKERS[kind], [], 0
    for number, line in enumerate(text.split("\n"), 1):
        if marker.begin in line:
            if opened:
                faults.append(f"Line {number} begins a {kind} region within the one that began in line {opened}")
            opened = opened or number
        elif marker.end in line:
            if not opened:
                faults.append(f"Line {number} ends a {kind} region that was never begun")
            opened = 0
    if opened:
        faults.append(f"The {kind} region that begins in line {opened} is never closed")
    return faults


def crossings_of_regions(text: str) -> list[str]:
    """Return in words where regions of two kinds overlap: what is cut of the one would take a marker of the other with it."""
    spans = [(*span, kind) for kind in MARKERS if not faults_of_regions(text, kind) for span in _spans(text, kind)]
    return [
        f"The {late} region that begins in line {start} overlaps the {early} region that begins in line {first}"
        for (first, last, early), (start, end, late) in combinations(sorted(spans), 2)
        if start <= last and not (first < start and end < last)
    ]


def _spans(text: str, kind: RegionKind) -> Iterator[tuple[int, int]]:
    """Yield the first and last line of each region, markers included; all of them must be closed."""
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        if MARKERS[kind].begin in line:
            start = number
        elif MARKERS[kind].end in line:
            yield start, number
