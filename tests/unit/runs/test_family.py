"""The programs of a run are ended, to the last."""

from __future__ import annotations

import subprocess
import sys

import pytest

_COMET = """
import os, sys, time
from labkit.notebooks.lineage import adopt_orphans
from labkit.runs.family import end_descendants

adopt_orphans()
until = time.time() + 20
reading, writing = os.pipe()
if os.fork() == 0:
    while time.time() < until:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.write(writing, b".")
    os._exit(0)
seen = 0
while seen < 200:
    seen += len(os.read(reading, 200))
left = end_descendants()
os.set_blocking(reading, False)
os.close(writing)
while True:
    try:
        if not os.read(reading, 65536):
            sys.exit("ended" if not left else "left")
    except BlockingIOError:
        sys.exit("it goes on")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="orphans are adopted on Linux only")
def test_program_that_is_another_each_time_one_looks_is_ended() -> None:
    """It forks and ends, in a session of its own each time: none of its ids lives long enough to be killed by a list of all programs."""
    done = subprocess.run([sys.executable, "-c", _COMET], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.strip() == "ended"
