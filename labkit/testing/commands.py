"""The command line as a user calls it: as a program of its own, or (faster) within this one."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.cli import main

__all__ = ["Done", "SmallDisk", "call_labkit", "end_of", "files_in", "run_labkit", "small_disk", "start_labkit"]

_OBEY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"]


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended and what it printed."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output; an error if there is anything else."""
        [line] = self.stdout.splitlines()
        found = json.loads(line, parse_constant=_refuse)
        if not isinstance(found, dict):
            raise TypeError(f"no JSON object: {line}")
        return found

    @property
    def error(self) -> dict[str, str]:
        """The error of a command that was called with ``--json``: type, message and hint, and nothing beside it."""
        [error] = self.json.values()
        if list(error) != ["type", "message", "hint"]:
            raise TypeError(f"no error: {self.stdout}")
        return dict(error)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def call_labkit(*arguments: str | Path, cwd: Path) -> Done:
    """Call a command within this program."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.chdir(cwd), contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as stop:
            return Done(int(stop.code or 0), stdout.getvalue(), stderr.getvalue())


def start_labkit(*arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None, ordinary: bool = False) -> subprocess.Popen[str]:
    """Start a command as a program, in a process group of its own: what a terminal's Ctrl-C reaches.

    Where `ordinary`, even root has to obey the rights of files.
    """
    before = _OBEY if ordinary and os.getuid() == 0 else []
    return subprocess.Popen(
        [*before, sys.executable, "-m", "labkit", *(str(argument) for argument in arguments)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def run_labkit(
    *arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None, ordinary: bool = False, timeout_s: float = 300
) -> Done:
    """Run a command as a program and wait for it."""
    return end_of(start_labkit(*arguments, cwd=cwd, env=env, ordinary=ordinary), timeout_s=timeout_s)


def end_of(program: subprocess.Popen[str], *, timeout_s: float = 300) -> Done:
    """Wait for a program that was started; it is killed when it takes too long."""
    try:
        stdout, stderr = program.communicate(timeout=timeout_s)
    except BaseException:
        program.kill()
        program.communicate()
        raise
    return Done(program.returncode, stdout, stderr)


def files_in(folder: Path) -> dict[str, str]:
    """Return every file below a folder but locks, with the hash of its content: what there was, and is still there."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


class SmallDisk:
    """A file system of a few megabytes that can be filled up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / ".filler"

    def fill(self, *, leave_bytes: int) -> None:
        """Take all room but `leave_bytes`."""
        self.empty()
        state = os.statvfs(self.folder)
        size = state.f_bavail * state.f_frsize - leave_bytes
        with open(self._filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)

    def empty(self) -> None:
        """Give the room back."""
        self._filler.unlink(missing_ok=True)

    def forbid_writing(self) -> None:
        """Make it a read-only file system."""
        subprocess.run(["mount", "-o", "remount,ro", str(self.folder)], check=True)


@contextlib.contextmanager
def small_disk(folder: Path, size_mb: int) -> Iterator[SmallDisk]:
    """Give a file system of `size_mb` in memory, mounted at `folder`.

    Raises
    ------
    PermissionError
        This machine does not let us mount one.
    """
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PermissionError(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
