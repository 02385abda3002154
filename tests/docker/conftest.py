"""What the tests of containers share: Docker, and its images."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from labkit.testing.leftovers import only_tests_of_containers, remove_leftovers
from labkit.testing.swarm import Swarm

BASE = "labkit/standin-base:bookworm"
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.APIClient]:
    """The Docker of this machine, asked directly, without what earlier tests have left there."""
    try:
        client = docker.APIClient(version="auto", timeout=120)
        client.ping()
    except (docker.errors.DockerException, OSError) as error:
        pytest.skip(f"no Docker engine answers: {error}")
    with only_tests_of_containers():
        remove_leftovers()
        yield client


@pytest.fixture(scope="session")
def images(engine: docker.APIClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build what is run here (what is there already costs seconds; ``LABKIT_TEST_IMAGES=keep``: nothing) and return the base's name."""
    if os.environ.get("LABKIT_TEST_IMAGES") == "keep":
        return BASE
    _build(tmp_path_factory, "hub", "socket-proxy", "student-small")
    return BASE


@pytest.fixture(scope="session")
def student_image(images: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The students' image with everything; its one large layer is built once for each lock."""
    if os.environ.get("LABKIT_TEST_IMAGES") != "keep":
        _build(tmp_path_factory, "student")
    return "labkit/student:local"


def _build(places: pytest.TempPathFactory, *names: str) -> None:
    with open(places.getbasetemp().parent / "labkit-images.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process of the tests at a time
        command = [sys.executable, str(CHECKOUT / "images" / "build.py"), "--standins=yes", *names]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="session")
def swarm(images: str) -> Iterator[Swarm]:
    """A swarm of an engine of its own, with the images of hub and students."""
    assert images
    if os.geteuid() != 0 or not all(shutil.which(program) for program in ("dockerd", "unshare", "nsenter", "setpriv", "ip")):
        pytest.skip("an engine of its own needs root, dockerd, unshare, nsenter, setpriv and ip")
    swarm = Swarm(Path(tempfile.mkdtemp(prefix="lksw-", dir="/tmp")))
    try:
        swarm.start("labkit/hub:local", "labkit/student-small:local")
        yield swarm
    finally:
        swarm.stop()
