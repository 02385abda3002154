"""The scorer: holds hidden tests, labels and sheets, reads data only, and knows nothing of student code.

``python -m labkit.courses.grading.scorer ROOT`` serves the socket ``ROOT/score``. Below ``ROOT`` lie ``source/<version>/`` (the
sheet and ``hidden/``) and ``in/<name>/`` (the exports of one submission). A question is four bytes of length and JSON with
``name`` and ``version``; the answer likewise a list of `CheckResult`, before which, where ``steps`` is asked for, messages say how many
checks are ``done``. Each submission is scored in a child of its own, with limits.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import resource
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from labkit.courses.grading.checks import Checker
from labkit.courses.records import AnnotationTask, AssignmentSheet, Check, CheckResult
from labkit.errors import WorkerLost
from labkit.notebooks.lineage import die_with_parent

__all__ = ["SCORE_FAULT", "SCORE_SOCKET", "ask", "main", "serve"]

SCORE_SOCKET = "score"
SCORE_FAULT = "fault"
"""What kept the scorer from its start, in words."""
_MOST_WORDS = 300
_LONGEST = 1_000_000
_LONGEST_ANSWER = 100_000_000
_CLONE_NEWNET = 0x40000000
_MB = 1_000_000
_BASE_MB = 700
_NAME = re.compile(r"^[a-zA-Z0-9][a-zA-Z0-9_-]{0,80}$")


def serve(root: Path) -> None:
    """Answer until this program is ended."""
    _leave_network()
    try:
        checkers = _loaded(root / "source")
    except Exception as error:  # a library that this place lacks, say; whoever grades is to read it
        with contextlib.suppress(OSError):
            (root / SCORE_FAULT).write_text(f"{type(error).__name__}: {error}"[:_MOST_WORDS], encoding="utf-8")
        raise
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    (root / f"{SCORE_SOCKET}.new").unlink(missing_ok=True)  # of one that was ended in this very place
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind(str(root / f"{SCORE_SOCKET}.new"))
        door.listen(64)
        (root / f"{SCORE_SOCKET}.new").rename(root / SCORE_SOCKET)  # who sees it can ask
        while True:
            line, _ = door.accept()
            with line:
                if os.fork() == 0:
                    door.close()
                    _answer(line, root, checkers)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _loaded(sources: Path) -> dict[int, Checker]:
    """Return what carries out the checks of each version."""
    checkers: dict[int, Checker] = {}
    for folder in sorted(sources.iterdir()):
        sheet = AssignmentSheet.model_validate_json((folder / "sheet.json").read_bytes())
        checkers[int(folder.name)] = checker = Checker(sheet, folder / "hidden")
        checker.prepare()
    return checkers


def _leave_network() -> None:
    """Leave the network where the system lets us; a container has none in the first place."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).unshare(_CLONE_NEWNET)


def _answer(line: socket.socket, root: Path, checkers: dict[int, Checker]) -> None:
    """Answer one question, and end."""
    code = 1
    try:
        line.settimeout(30)
        asked = _receive(line)
        name, version = str(asked.get("name")), asked.get("version")
        if _NAME.match(name) and isinstance(version, int) and version in checkers:
            results = _score(checkers[version], root / "in" / name, _teller(line) if asked.get("steps") is True else _tell_nobody)
            _send(line, {"results": [result.model_dump() for result in results]})
            code = 0
    except (OSError, ValueError):
        pass
    finally:
        os._exit(code)


def _teller(line: socket.socket) -> Callable[[int], None]:
    return lambda done: _send(line, {"done": done})


def _tell_nobody(done: int) -> None:
    """Keep how many checks are done to oneself."""


def _score(checker: Checker, folder: Path, tell: Callable[[int], None] = _tell_nobody) -> list[CheckResult]:
    """Carry out all checks; one that takes the child along costs its own points only."""
    checks = list(checker.sheet.scored)
    results: list[CheckResult] = []
    while len(results) < len(checks):
        left = checks[len(results) :]
        found, why = _in_child(checker, left, folder, partial(_tell_more, tell, len(results)))
        results += found
        if len(results) < len(checks) and len(found) < len(left):
            results.append(CheckResult(check=checks[len(results)].id, points=0.0, note=why))
            tell(len(results))
    return results


def _tell_more(tell: Callable[[int], None], before: int, done: int) -> None:
    tell(before + done)


def _in_child(
    checker: Checker, checks: Sequence[Check | AnnotationTask], folder: Path, tell: Callable[[int], None]
) -> tuple[list[CheckResult], str]:
    """Carry out checks in a limited child; return those that came to an end, and why the next did not."""
    limits = checker.sheet.limits
    reading, writing = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            die_with_parent(parent)
            _limit(limits.check_memory_mb, limits.check_s * len(checks))
            with open(writing, "w", encoding="utf-8") as pipe:
                for check in checks:
                    print(checker.carry_out(check, folder).model_dump_json(), file=pipe, flush=True)
        finally:
            os._exit(0)
    os.close(writing)
    found: list[CheckResult] = []
    text, why = b"", f"The check took longer than {limits.check_s:g} s."
    with open(reading, "rb", buffering=0) as pipe:
        deadline = time.monotonic() + limits.check_s
        while len(found) < len(checks):
            if not select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
                break
            data = pipe.read(65536)
            if not data:
                why = "The check's program was ended: it needed more memory than it may use, or crashed."
                break
            *lines, text = (text + data).split(b"\n")
            found += [CheckResult.model_validate_json(line) for line in lines]
            tell(len(found))
            deadline = time.monotonic() + limits.check_s if lines else deadline
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return found, why


def _limit(memory_mb: int, seconds: float) -> None:
    with contextlib.suppress(ValueError, OSError):
        memory = (memory_mb + _BASE_MB) * _MB
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (int(4 * seconds) + 5,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * _MB, 64 * _MB))
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


def ask(
    root: Path, name: str, version: int, sheet: AssignmentSheet, on_done: Callable[[int], None] | None = None
) -> tuple[CheckResult, ...]:
    """Ask the scorer of `root`, and believe only an answer that fits the sheet; `on_done` gets how many checks are carried out.

    Raises
    ------
    WorkerLost
        There was none.
    """
    limit_s = 30 + sheet.limits.check_s * max(1, len(sheet.scored)) * 1.5
    was_asked = False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(limit_s)
            line.connect(str(root / SCORE_SOCKET))
            was_asked = True
            _send(line, {"name": name, "version": version, "steps": on_done is not None})
            answer = _answered(line, time.monotonic() + limit_s, on_done)
        results = tuple(CheckResult.model_validate(row) for row in answer["results"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkerLost("The scorer did not answer.", hint="Grade this submission again.", was_asked=was_asked) from error
    fits = len(results) == len(sheet.scored) and all(
        r.check == c.id and r.points <= c.points for r, c in zip(results, sheet.scored, strict=True)
    )
    if not fits:
        raise WorkerLost("The scorer's answer does not fit the sheet.", hint="Grade this submission again.")
    return results


def _answered(line: socket.socket, deadline: float, on_done: Callable[[int], None] | None) -> dict[str, Any]:
    """Return the answer to a question; what comes before it says how far it is."""
    while "done" in (answer := _receive(line, _LONGEST_ANSWER)):
        if on_done is not None:
            on_done(int(answer["done"]))
        line.settimeout(max(0.1, deadline - time.monotonic()))
    return answer


def _send(line: socket.socket, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode()
    line.sendall(struct.pack(">I", len(data)) + data)


def _receive(line: socket.socket, longest: int = _LONGEST) -> dict[str, Any]:
    (length,) = struct.unpack(">I", _exactly(line, 4))
    if length > longest:
        raise ValueError("too long")
    message = json.loads(_exactly(line, length))
    if not isinstance(message, dict):
        raise ValueError("no message")  # noqa: TRY004 - as any other message that cannot be read
    return message


def _exactly(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = line.recv(size - len(data))
        if not part:
            raise ValueError("cut short")
        data += part
    return data


def main() -> None:
    """Serve."""
    serve(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
