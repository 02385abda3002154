"""An import that is killed at any moment never shows a half image, and goes on to the same result."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labkit.project import Project
from labkit.testing.pictures import noise_picture, write_tiff
from labkit.testing.repetitions import repetitions
from labkit.tiling import import_image, importing, verify

REPEAT = repetitions(2, full=50)
_CHILD = """
import sys
from labkit.project import Project
from labkit.tiling import import_image
import_image(Project.open(sys.argv[1]), sys.argv[2], workers=2)
"""


@pytest.fixture(scope="module")
def large_picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of 5000 x 4100 random pixels: 9 shards at full resolution, 18 in all."""
    return write_tiff(tmp_path_factory.mktemp("picture") / "large.tif", noise_picture(5000, 4100), compression="zlib")


@pytest.fixture(scope="module")
def whole_store(large_picture: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The hash of the store that an undisturbed import of `large_picture` makes."""
    project = Project.create(tmp_path_factory.mktemp("reference"), "reference")
    return _store_hash(project.layout.image(import_image(project, large_picture).id).store)


def _store_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(f for f in folder.rglob("*") if f.is_file()):
        digest.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return digest.hexdigest()


def _lines(project: Project) -> int:
    """Count the finished shards of the import under way; -1 while it has not begun, and a great number when it is done."""
    if project.images():
        return 1000
    folders = [f for f in project.layout.images.glob(".incoming-*") if f.is_dir()]
    ledger = folders[0] / "ledger.jsonl" if folders else None
    if ledger is None:
        return -1
    try:
        return ledger.read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def _kill_when(project: Project, picture: Path, shards: int, extra_s: float) -> None:
    """Start an import in a process of its own and SIGKILL it as soon as it has finished `shards` shards."""
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(project.path), str(picture)])
    try:
        while _lines(project) < shards and child.poll() is None:
            time.sleep(0.001)
        time.sleep(extra_s)  # only so that kills do not all fall right after a line of the ledger
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()


@pytest.mark.parametrize("attempt", range(REPEAT))
def test_a_killed_import_resumes_to_the_same_store(tmp_path: Path, large_picture: Path, whole_store: str, attempt: int) -> None:
    """Killed one to three times at random points: never listed before it is whole, then bit-identical, nothing left over."""
    rng = random.Random(attempt)
    project = Project.create(tmp_path, "killed")
    for _ in range(rng.randint(1, 3)):
        _kill_when(project, large_picture, rng.randint(-1, 18), rng.uniform(0, 0.02))
        for record in project.images():
            assert _store_hash(project.layout.image(record.id).store) == whole_store
    record = import_image(project, large_picture, workers=2)
    assert _store_hash(project.layout.image(record.id).store) == whole_store
    assert [f.name for f in project.layout.images.iterdir()] == [record.id]
    assert [f.name for f in project.layout.image(record.id).root.rglob("*") if "incoming" in f.name or "scratch" in f.name] == []
    assert verify(project.path).faults == ()


def test_a_kill_between_manifest_and_rename_is_mended(
    tmp_path: Path, large_picture: Path, whole_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import that died after its manifest, before its folder got its name, is published by the next call under the same id."""
    project = Project.create(tmp_path, "killed")

    def _die(*arguments: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(importing, "publish_folder", _die)
        with pytest.raises(KeyboardInterrupt):
            import_image(project, large_picture)
    (manifest,) = project.layout.images.glob(".incoming-*/image.json")
    first = json.loads(manifest.read_text())["id"]
    assert project.images() == ()
    again = import_image(project, large_picture)
    assert again.id == first
    assert _store_hash(project.layout.image(again.id).store) == whole_store
