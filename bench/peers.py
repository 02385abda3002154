"""The environments of the peers: each is made when it is first needed, from a lock of its own."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

__all__ = ["peers_python"]

_HERE = Path(__file__).parent


def peers_python(name: str = "peers") -> Path:
    """Return the Python of an environment of peers, made anew when its lock has changed.

    Parameters
    ----------
    name : str
        Of the lock, without its ending; the environment is ``.venv-`` and the name.

    Raises
    ------
    subprocess.CalledProcessError
        It cannot be made (no package registry is reached, say).
    """
    lock, folder = _HERE / f"{name}.lock", _HERE.parent / f".venv-{name.replace('_', '-')}"
    python, stamp = folder / "bin" / "python", folder / ".lock-hash"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    uv = Path(sys.executable).with_name("uv")  # of an environment that `make setup` made
    tool = [str(uv), "pip", "install", "--python", str(python)] if uv.exists() else [str(python), "-m", "pip", "install"]
    install = [*tool, "-qq", "--require-hashes", "--no-deps", "-r", str(lock)]
    subprocess.run(install, check=True, stdout=sys.stderr)
    stamp.write_text(wanted)
    return python
