"""Where the hub's own files lie; only this module spells their names."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import InvalidInput, StorageFull
from labkit.storage import explain_os_errors, write_bytes

__all__ = ["CHECKOUT", "CONFIG_FILE", "PROXY_LOCK_DIR", "TEMPLATES_DIR", "VarLayout"]

LEAST_FREE_BYTES = 50_000_000
_PACKAGE = Path(__file__).resolve().parent
CHECKOUT = _PACKAGE.parent.parent
"""The folder of the clone: the parent of ``hub/``."""
TEMPLATES_DIR = CHECKOUT / "hub" / "templates"
PROXY_LOCK_DIR = CHECKOUT / "hub" / "proxy"
CONFIG_FILE = CHECKOUT / "jupyterhub_config.py"


@dataclass(frozen=True, slots=True)
class VarLayout:
    """``var/``: everything that one hub writes. Only its owner may look inside."""

    root: Path

    @property
    def database(self) -> Path:
        """Users, groups, tokens and passwords (hashed)."""
        return self.root / "jupyterhub.sqlite"

    @property
    def service_database(self) -> Path:
        """Courses, the line of runs, leases, usage."""
        return self.root / "labkit.sqlite"

    @property
    def course_files(self) -> Path:
        """What was released and handed in, by the hash of each file."""
        return self.root / "course-files"

    @property
    def passback_key(self) -> Path:
        """Proves to a learning platform that it is this hub that sends scores."""
        return self.root / "lti_key.pem"

    @property
    def cookie_secret(self) -> Path:
        """Signs the login cookies; without it everybody must log in again."""
        return self.root / "cookie_secret"

    @property
    def logins(self) -> Path:
        """The generated passwords of the first accounts."""
        return self.root / "logins.json"

    @property
    def homes(self) -> Path:
        """One folder for each user."""
        return self.root / "homes"

    @property
    def cache(self) -> Path:
        """Sample data, fetched once for all."""
        return self.root / "cache"

    @property
    def log_file(self) -> Path:
        """What hub, proxy and servers say."""
        return self.root / "log" / "hub.log"

    @property
    def run_dir(self) -> Path:
        """What is only true while the hub runs: pids and the lock."""
        return self.root / "run"

    @property
    def lock(self) -> Path:
        """Held while a hub runs from this folder."""
        return self.run_dir / "lock"

    @property
    def hub_pid(self) -> Path:
        """The hub's process id."""
        return self.run_dir / "hub.pid"

    @property
    def proxy_pid(self) -> Path:
        """The proxy's process id."""
        return self.run_dir / "proxy.pid"

    @property
    def address(self) -> Path:
        """The address at which the running hub answers."""
        return self.run_dir / "address"

    def prepare(self) -> None:
        """Make the folders (mode 0700) and prove that they can be written.

        Raises
        ------
        NotWritable, StorageFull, NotFound, InvalidInput
            With the folder's name and what to do.
        """
        for folder in (self.root, self.homes, self.cache, self.log_file.parent, self.run_dir):
            if folder.exists() and not folder.is_dir():
                raise InvalidInput(f"{folder} is a file, and the hub needs a folder there.", hint="Name another folder in LABKIT_VAR.")
            with explain_os_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
                if folder == self.root:
                    folder.chmod(0o700)
        free = shutil.disk_usage(self.root).free
        if free < LEAST_FREE_BYTES:
            raise StorageFull(
                f"Only {free / 1e6:.1f} MB are free where {self.root} lies; the hub needs {LEAST_FREE_BYTES / 1e6:.0f} MB to start.",
                hint="Remove what is no longer needed, or name a folder on another disk in LABKIT_VAR.",
            )
        probe = self.run_dir / "probe"
        write_bytes(probe, b"x" * 65536)
        probe.unlink()
