"""The first thing that runs in a person's container: prepare the home, hand out the course, and become JupyterLab.

``python -m labkit_hub.entry ARGUMENTS...``; the arguments go to ``jupyterhub.singleuser``. In the shape of local processes the hub
does this itself; into a container's volume it cannot reach.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from labkit.errors import LabKitError
from labkit_hub.handout import hand_out
from labkit_hub.homes import UserHome

__all__ = ["main", "prepare_home"]


def prepare_home(root: Path, course: Path | None) -> None:
    """Prepare the home in `root`; whatever goes wrong is said on stderr and keeps nobody from coming in and making room."""
    home = UserHome(root)
    try:
        home.prepare()
        if course is not None:
            hand_out(course, home.course, home.handed_out)
    except (LabKitError, OSError) as error:
        print(f"The home could not be prepared: {error}", file=sys.stderr)  # noqa: T201


def main() -> None:
    """Prepare the home and replace this process by the server."""
    os.umask(0o077)
    root = Path(os.environ["HOME"])
    course = os.environ.get("LABKIT_COURSE_DIR")
    prepare_home(root, Path(course) if course else None)
    environment = os.environ | UserHome(root).environment()
    os.chdir(root)
    os.execve(sys.executable, [sys.executable, "-m", "jupyterhub.singleuser", *sys.argv[1:]], environment)


if __name__ == "__main__":
    main()
