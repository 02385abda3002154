"""A user's home: which folder it is, and what lies in it at first."""

from __future__ import annotations

import hashlib
import json
import string
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import InvalidInput
from labkit.storage import explain_os_errors, write_text

__all__ = ["UserHome", "home_name"]

_PLAIN = frozenset(string.ascii_lowercase + string.digits + "-.")
_LONGEST = 120
# Lab asks every new user whether it may fetch news from the internet; in a course the answer is no, and theirs to change.
_FIRST_SETTINGS = {"@jupyterlab/apputils-extension/notification.jupyterlab-settings": {"fetchNews": "false", "checkForUpdates": False}}


def home_name(username: str) -> str:
    """Return the folder name of a user: readable, safe as a path, and different for different users.

    Lower-case ASCII letters, digits, ``-`` and ``.`` (not in front) stay; each other byte of the UTF-8 text becomes ``_`` and two
    hexadecimal digits. What would be too long ends in ``_h`` and a hash, which no escape can produce.

    Raises
    ------
    InvalidInput
        `username` is empty.

    Examples
    --------
    >>> home_name("anna.b"), home_name("A/B"), home_name("..")
    ('anna.b', '_41_2f_42', '_2e.')
    """
    if not username:
        raise InvalidInput("A user without a name has no home.", hint="Give the user a name.")
    data = username.encode("utf-8", "surrogatepass")
    text = "".join(
        chr(byte) if chr(byte) in _PLAIN and not (index == 0 and byte == ord(".")) else f"_{byte:02x}" for index, byte in enumerate(data)
    )
    if len(text) <= _LONGEST:
        return text
    return f"{text[:60].rstrip('_')}_h{hashlib.sha256(data).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class UserHome:
    """The folder of one user and the places in it that the hub knows of."""

    root: Path

    @classmethod
    def of(cls, homes: Path, username: str) -> UserHome:
        """Return the home of `username` below `homes`."""
        return cls(homes / home_name(username))

    @property
    def course(self) -> Path:
        """The user's own copy of the course."""
        return self.root / "course"

    @property
    def projects(self) -> Path:
        """The user's projects."""
        return self.root / "projects"

    @property
    def handed_out(self) -> Path:
        """What was handed out into `course`, by hash."""
        return self.root / ".labkit" / "course.json"

    def prepare(self) -> None:
        """Make what is missing; what is there stays as it is.

        Raises
        ------
        NotWritable, StorageFull, InvalidInput
            With the folder's name and what to do.
        """
        for folder in (self.root, self.projects):
            if folder.exists() and not folder.is_dir():
                raise InvalidInput(f"{folder.name} is a file, and a folder is needed there.", hint="Ask an admin to move it away.")
            with explain_os_errors(folder):
                folder.mkdir(mode=0o700, exist_ok=True)
        for name, content in _FIRST_SETTINGS.items():
            path = self.root / ".jupyter" / "lab" / "user-settings" / name
            if not path.exists():
                write_text(path, json.dumps(content, indent=2))

    def environment(self) -> dict[str, str]:
        """Return the variables that make programs keep their files in this home."""
        root = self.root
        return {
            "HOME": str(root),
            "LABKIT_PROJECTS": str(self.projects),
            "JUPYTER_CONFIG_DIR": str(root / ".jupyter"),
            "JUPYTER_DATA_DIR": str(root / ".local" / "share" / "jupyter"),
            "JUPYTER_RUNTIME_DIR": str(root / ".local" / "share" / "jupyter" / "runtime"),
            "IPYTHONDIR": str(root / ".ipython"),
            "XDG_CONFIG_HOME": str(root / ".config"),
            "XDG_CACHE_HOME": str(root / ".cache"),
            "XDG_DATA_HOME": str(root / ".local" / "share"),
            "XDG_STATE_HOME": str(root / ".local" / "state"),
        }
