"""What students do to notebooks, by mistake or not, and the table that says what becomes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.courses.records import GradeResult
from labkit.testing.grading import Notebook, assignment, replace_source, submission

__all__ = ["ABUSES", "Abuse", "abuse_batch", "compare_with_docs", "rows_of"]

_LIMITS = (
    "limits: {cell_s: 4, submission_s: 60, start_s: 60, memory_mb: 400, pids: 64, cell_output_bytes: 100000, output_bytes: 1000000,"
    " files_mb: 20, upload_mb: 20, check_s: 20}\n"
)


@dataclass(frozen=True, slots=True)
class Abuse:
    """One submission that is not as it should be.

    Attributes
    ----------
    id : str
    what : str
        In words, for the table.
    notebook : callable, optional
        Changes the notebook.
    files : callable, optional
        Changes the folder afterwards.
    shapes : tuple of str
        Where it is tried: what the process shape does not keep from happening is not tried there.
    patient : bool
        Whether it gets more time, for it takes long without being wrong.
    """

    id: str
    what: str
    notebook: Callable[[Notebook], Notebook | None] | None = None
    files: Callable[[Path], object] | None = None
    shapes: tuple[str, ...] = ("process", "container")
    patient: bool = False


def _cell(book: Notebook, grade_id: str) -> int:
    return next(k for k, cell in enumerate(book["cells"]) if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def _delete_test(book: Notebook) -> None:
    del book["cells"][_cell(book, "mean_test")]


def _delete_tests(book: Notebook) -> None:
    book["cells"] = [cell for cell in book["cells"] if not cell["metadata"].get("nbgrader", {}).get("grade_id", "").endswith("_test")]


def _duplicate(book: Notebook) -> None:
    at = _cell(book, "mean_test")
    book["cells"].insert(at, book["cells"][at] | {"source": "True", "id": "copy"})


def _move(book: Notebook) -> None:
    book["cells"].reverse()


def _rename_kernel(book: Notebook) -> None:
    book["metadata"]["kernelspec"] = {"name": "../../bin/sh", "display_name": "R", "language": "R"}


def _edit_tests(book: Notebook) -> None:
    for name in ("mean_test", "threshold_test", "table_test"):
        book["cells"][_cell(book, name)]["source"] = "pass"
    book["cells"][_cell(book, "mean")]["source"] = "def mean(values):\n    return 0"


def _mean(source: str) -> Callable[[Notebook], None]:
    """Answer the first question with `source`; the others are right."""
    return replace_source("mean", source)


def _level(source: str) -> Callable[[Notebook], None]:
    return replace_source("threshold", f"import numpy as np\nlevel = 3\nmask = np.arange(16).reshape(4, 4) > level\n{source}")


_ANYTHING = """
class Anything:
    def __eq__(self, other): return True
    def __call__(self, *args): return self
    def __getattr__(self, name): return self
    def __int__(self): return 3
mean = Anything()
"""
_FORGED = """
import zmq
from IPython import get_ipython
kernel = get_ipython().kernel
session = kernel.session
def mean(values):
    for parent in ({}, {"msg_id": "another"}, {"msg_id": 7}):
        session.send(kernel.iopub_socket, "execute_reply", {"status": "ok"}, parent={"header": parent, "msg_id": "x", "msg_type": "y"})
        session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent={"header": parent, "msg_id": "x", "msg_type": "y"})
        session.send(kernel.iopub_socket, "stream", {"name": 7, "text": ["a", 7]}, ident=b"x")
    return 0
"""
_SWALLOW = """
import time
def mean(values):
    while True:
        try:
            time.sleep(0.01)
        except BaseException:
            pass
"""
_DAEMON = """
import subprocess, sys
subprocess.Popen(["sh", "-c", "setsid sleep 4242 & "], start_new_session=True)
def mean(values):
    return sum(values) / len(values)
"""
_FORKS = """
import os, time
def mean(values):
    for _ in range(120):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
"""
_DEEP = """
from IPython.display import display
nested = []
for _ in range(500): nested = [nested]
display({"application/json": nested, "text/plain": "deep"}, raw=True)
display({"application/json": {"a": float("nan"), "b": float("inf")}, "text/plain": "nan"}, raw=True)
def mean(values):
    return sum(values) / len(values)
"""
_ESCAPES = r"""
from IPython.display import HTML, display
print("\x1b[31mred\x1b]0;title\x07 \x00 \ud800 end")
display(HTML("<script>top.location='http://example.org'</script><img src=x onerror=alert(1)><b>kept</b>"))
def mean(values):
    return sum(values) / len(values)
"""
_FLOOD = 'def mean(values):\n    for _ in range(300_000):\n        print("x" * 99)\n    return sum(values) / len(values)\n'
_FILES = (
    "def mean(values):\n    import time\n    for k in range(60):\n"
    "        with open(f'{k}.bin', 'wb') as file:\n            file.write(bytes(10**6))\n"
    "    time.sleep(30)\n"
)
_OUT = "import os, pathlib\nout = pathlib.Path.cwd().parent / 'out'\n"

ABUSES: tuple[Abuse, ...] = (
    Abuse("right", "Nothing: the solution"),
    Abuse("test-deleted", "A test cell deleted", _delete_test),
    Abuse("tests-deleted", "All test cells deleted", _delete_tests),
    Abuse("test-twice", "A test cell duplicated, the copy made easy", _duplicate),
    Abuse("moved", "All cells in reverse order", _move),
    Abuse("tests-edited", "Tests replaced by `pass`, the first answer wrong", _edit_tests),
    Abuse("kernel", "The kernel renamed, to another language", _rename_kernel),
    Abuse("input", "`input()` in an answer", _mean("def mean(values):\n    return float(input())")),
    Abuse("loop", "An endless loop", _mean("def mean(values):\n    while True: pass")),
    Abuse("swallow", "An endless loop that swallows interrupts", _mean(_SWALLOW)),
    Abuse("exit", "`os._exit(0)`", _mean("import os\ndef mean(values): os._exit(0)")),
    Abuse("sys-exit", "`sys.exit(0)`", _mean("import sys\ndef mean(values): sys.exit(0)")),
    Abuse("kill", "`kill -9` of its own kernel", _mean("import os\ndef mean(values): os.kill(os.getpid(), 9)")),
    Abuse("memory", "A memory bomb", _mean("def mean(values):\n    held = []\n    while True: held.append(bytearray(10**7))")),
    Abuse("forks", "120 programs forked, 64 are allowed", _mean(_FORKS)),
    Abuse("daemon", "A program left behind in a session of its own", _mean(_DAEMON)),
    Abuse("flood", "300,000 lines of 100 characters", _mean(_FLOOD), patient=True),
    Abuse(
        "line",
        "One line of 20 million characters",
        _mean("def mean(values):\n    print('x' * 20_000_000)\n    return 2 if len(values) > 1 else 4"),
        patient=True,
    ),
    Abuse(
        "display",
        "20 MB of HTML displayed",
        _mean(
            "from IPython.display import HTML, display\ndef mean(values):\n    display(HTML('<b>x</b>' * 2_500_000))\n"
            "    return 2 if len(values) > 1 else 4"
        ),
        patient=True,
    ),
    Abuse("deep", "JSON displayed that is nested 500 deep, and with NaN", _mean(_DEEP)),
    Abuse("escapes", "Escape codes, half a surrogate, a script", _mean(_ESCAPES)),
    Abuse(
        "anything",
        "Objects that are equal to everything",
        replace_source("threshold", f"{_ANYTHING}\nmask = mean\nlevel = mean\nclass M:\n    def sum(self): return mean\nmask = M()"),
    ),
    Abuse("forged", "Messages forged: replies to other requests, wrong types", _mean(_FORGED)),
    Abuse("files", "60 MB written, 20 are allowed", _mean(_FILES)),
    Abuse("root", "Writing into `/` and `/etc`", _mean("def mean(values):\n    open('/abuse', 'w')"), shapes=("container",)),
    Abuse("link", "An export that is a link", _level(f"{_OUT}os.symlink('/proc/version', out / 'level.json')")),
    Abuse("fifo", "An export that is a named pipe", _level(f"{_OUT}os.mkfifo(out / 'level.json')")),
    Abuse("folder", "An export that is a folder", _level(f"{_OUT}(out / 'level.json').mkdir()")),
    Abuse(
        "helper", "A helper file changed", None, lambda folder: (folder / "helper.py").write_text("def rule(): return 'mine'\n") and None
    ),
    Abuse("cut", "A notebook cut short", None, lambda folder: _cut(folder / "ps1.ipynb")),
    Abuse("large", "A notebook of 50 MB", None, lambda folder: _enlarge(folder / "ps1.ipynb")),
    Abuse(
        "large-file",
        "A file of 50 MB beside the notebook",
        None,
        lambda folder: (folder / "big.bin").write_bytes(bytes(50_000_000)) and None,
    ),
    Abuse("name", "Only `ps1 (1).ipynb` handed in", None, lambda folder: (folder / "ps1.ipynb").rename(folder / "ps1 (1).ipynb")),
)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:900])


def _enlarge(path: Path) -> None:
    book = json.loads(path.read_text())
    book["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 50_000_000}]
    path.write_text(json.dumps(book))


def abuse_batch(folder: Path, shape: str) -> tuple[dict[int, Path], dict[str, tuple[Path, int]]]:
    """Make the assignment and the submissions that are tried in a shape."""
    source = assignment(folder / "quick" / "ps1", limits=_LIMITS)
    patient = assignment(folder / "patient" / "ps1", limits=_LIMITS.replace("cell_s: 4", "cell_s: 60"))
    made = {}
    for abuse in ABUSES:
        if shape in abuse.shapes:
            made[abuse.id] = (submission(source, folder / "submissions" / abuse.id, abuse.notebook), 2 if abuse.patient else 1)
            if abuse.files is not None:
                abuse.files(made[abuse.id][0])
    return {1: source, 2: patient}, made


def rows_of(results: Sequence[GradeResult]) -> list[tuple[str, str, str, float]]:
    """Return what the table says of each: what was handed in, score, note, seconds."""
    by_id = {result.submission: result for result in results}
    return [(abuse.what, *_told(by_id[abuse.id])) for abuse in ABUSES if abuse.id in by_id]


def _told(result: GradeResult) -> tuple[str, str, float]:
    most = sum(score.item.max_points for score in result.scores if score.points is not None)
    texts = [f"{note.where}: {note.text}".removeprefix(": ") for note in result.notes]
    texts = texts or [f"{score.item.id}: {score.note}" for score in result.scores if score.note]
    return f"{result.points:g} of {most:g}", _plain("; ".join(texts[:2])), result.seconds


def _plain(text: str) -> str:
    text = re.sub(r"\s+", " ", text).replace("|", "\\|")
    return text if len(text) <= 260 else text[:260] + "..."


def compare_with_docs(path: Path, shape: str, rows: list[tuple[str, str, str, float]], *, write: bool) -> list[Any]:
    """Return what differs from the table of a shape in the docs, seconds apart; or write it there."""
    begin, end = f"<!-- {shape} -->\n", f"<!-- end of {shape} -->"
    text = path.read_text()
    before, _, rest = text.partition(begin)
    told, _, after = rest.partition(end)
    lines = ["| handed in | score | note for the staff | seconds |", "| --- | --- | --- | ---: |"]
    lines += [f"| {what} | {score} | {note} | {seconds:.1f} |" for what, score, note, seconds in rows]
    if write:
        path.write_text(f"{before}{begin}" + "\n".join(lines) + f"\n{end}{after}")
        return []
    known = [line.rpartition(" | ")[0] for line in told.splitlines()[2:] if line.startswith("|")]
    now = [line.rpartition(" | ")[0] for line in lines[2:]]
    return [pair for pair in zip(known + [""] * len(now), now, strict=False) if pair[0] != pair[1]] + (
        [] if len(known) == len(now) else ["length"]
    )


def grade_ids(results: Sequence[GradeResult]) -> set[str]:
    """Return the ids of the submissions that have a result."""
    return {result.submission for result in results}
