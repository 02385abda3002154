"""The environment of the peers: made when it is first needed, from a lock of its own."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

__all__ = ["peers_python"]

_HERE = Path(__file__).parent
_LOCK = _HERE / "peers.lock"
_FOLDER = _HERE.parent / ".venv-peers"


def peers_python() -> Path:
    """Return the Python of the peers' environment, made anew when its lock has changed.

    Raises
    ------
    subprocess.CalledProcessError
        It cannot be made (no package registry is reached, say).
    """
    python, stamp = _FOLDER / "bin" / "python", _FOLDER / ".lock-hash"
    wanted = hashlib.sha256(_LOCK.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(_FOLDER)], check=True)
    install = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--require-hashes", "--no-deps", "-r", str(_LOCK)]
    subprocess.run(install, check=True, stdout=sys.stderr)
    stamp.write_text(wanted)
    return python
