"""A PostgreSQL server of one's own for tests: in a folder that goes away, on a port of this machine."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from labkit.errors import MissingDependency, RunFailed
from labkit.testing.ports import free_port

__all__ = ["RunningPostgres", "find_postgres"]

_DEBIAN = Path("/usr/lib/postgresql")


def find_postgres() -> Path | None:
    """Return the folder of PostgreSQL's programs: from PATH, else the newest that Debian has installed; None if there is none."""
    found = shutil.which("pg_ctl")
    if found and Path(found).with_name("initdb").exists():
        return Path(found).parent
    places = [folder / "bin" for folder in _DEBIAN.glob("*") if (folder / "bin" / "initdb").is_file()]
    return max(places, key=lambda folder: float(folder.parent.name), default=None)


class RunningPostgres:
    """Runs a server as a context manager; `stop` and `start` keep its data, leaving removes everything.

    PostgreSQL refuses to run as root: there it runs as ``postgres`` or ``nobody``.

    Parameters
    ----------
    port : int, optional
        A free one if not given.

    Attributes
    ----------
    url : str
        SQLAlchemy's address of an empty database.

    Examples
    --------
    >>> with RunningPostgres() as server:  # doctest: +SKIP
    ...     database = Database(server.url)
    """

    def __init__(self, port: int | None = None) -> None:
        programs = find_postgres()
        if programs is None:
            raise MissingDependency("PostgreSQL is not installed.", hint="On Debian: apt install postgresql")
        self.port = port or free_port()
        self.url = self._address("postgres")
        self._programs = programs
        self._user = _other_user() if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="labkit-postgres-"))
        self._data = self._folder / "data"

    def __enter__(self) -> RunningPostgres:
        try:
            if self._user is not None:
                os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
            # Not the durability of a real one: data that a test leaves are worth nothing.
            self._do("initdb", "-D", str(self._data), "-U", "labkit", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync")
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if (self._data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def another(self, name: str) -> str:
        """Make one more database and return its address; `name` is a plain word."""
        from sqlalchemy import create_engine, text

        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        engine.dispose()
        return self._address(name)

    def _address(self, name: str) -> str:
        return f"postgresql+psycopg://labkit@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises
        ------
        RunFailed
            It does not; its log is in the message.
        """
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder} -c fsync=off"
        self._do("pg_ctl", "-D", str(self._data), "-l", str(self._folder / "log"), "-o", options, "-w", "-t", "60", "start")

    def stop(self) -> None:
        """Stop it at once, as when the machine loses it; connections break."""
        self._do("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "-t", "60", "stop")

    def _do(self, program: str, *arguments: str) -> None:
        # What it says goes to a file: the server would hold a pipe open, and we would wait for its end.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [self._programs / program, *arguments],
                cwd=self._folder,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": str(self._folder)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=self._user.pw_uid if self._user else None,
                group=self._user.pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
                check=False,
            )
            output.seek(0)
            said = output.read()
        if done.returncode != 0:
            log = self._folder / "log"
            raise RunFailed(f"{program} failed: {said.strip()}", hint=log.read_text(errors="replace")[-2000:] if log.exists() else "")


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise MissingDependency("PostgreSQL does not run as root, and there is no other user.", hint="Make a user called postgres.")
