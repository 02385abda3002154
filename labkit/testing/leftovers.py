"""What killed tests have left on the machine's Docker engine, removed before the next ones begin.

A stack of a test run that ended in the middle keeps its addresses, and comes up again with the engine.
"""

from __future__ import annotations

import fcntl
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit.testing.stack import docker

__all__ = ["only_tests_of_containers", "remove_leftovers"]

_OURS = re.compile(r"lk(?:stack|one|test)[0-9a-f]{6,8}(?:[-_].*)?")
"""Names that tests give to what they make, on every engine."""


@contextmanager
def only_tests_of_containers() -> Iterator[None]:
    """Be the only test run of this machine that uses Docker: another one waits. Then all that bears a test's name is a leftover."""
    with open(Path(tempfile.gettempdir()) / "labkit-docker-tests.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove_leftovers() -> list[str]:
    """Remove containers, networks and volumes that bear a test's name, and return their names; see `only_tests_of_containers`."""
    removed = []
    for remove, *listing in (
        ("rm -f -v", "ps", "-a", "--format", "{{.Names}}"),
        ("network rm", "network", "ls", "--format", "{{.Name}}"),
        ("volume rm", "volume", "ls", "--format", "{{.Name}}"),
    ):
        ours = [name for name in docker(*listing).splitlines() if _OURS.fullmatch(name)]
        if ours:
            docker(*remove.split(), *ours)
        removed += ours
    return removed
