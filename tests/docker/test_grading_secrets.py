"""A submission that looks for what it must not see finds nothing; the same code, where those things are in reach, finds each."""

from __future__ import annotations

import json
import os
from pathlib import Path

import docker
import numpy as np
import pytest

from labkit.courses.grading import Batch, ContainerShape, grade_batch
from labkit.testing.grading import assignment, replace_source, submission

pytestmark = pytest.mark.docker
IMAGE = os.environ.get("LABKIT_TEST_GRADING_IMAGE", "labkit/student-small:local")
TOKEN = "f00dfeed0123456789"

# Standard library only; no packet is sent: interfaces and routes say whether one could be.
SNOOP = r"""
def snoop():
    import json, os, pathlib
    found = {name: [] for name in ("labels", "submissions", "database", "network", "token", "docker")}
    names = {"picture-hidden-4711.npy": "labels", "tests.py": "labels"}
    names |= {"own-work-of-another.txt": "submissions", "labkit.sqlite": "database"}
    for folder, folders, files in os.walk("/", onerror=lambda error: None):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys", "/opt/labkit/lib", "/usr/share")]
        for name in files:
            if name in names and "site-packages" not in folder and "/lib/python" not in folder:
                found[names[name]].append(os.path.join(folder, name))
    for line in pathlib.Path("/proc/net/dev").read_text().splitlines()[2:]:
        if line.split(":")[0].strip() != "lo":
            found["network"].append(line.split(":")[0].strip())
    found["network"] += [line.split()[0] for line in pathlib.Path("/proc/net/route").read_text().splitlines()[1:]]
    for program in pathlib.Path("/proc").glob("[0-9]*"):
        for name in ("environ", "cmdline"):
            try:
                text = (program / name).read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
            if "TOKEN" in text or "f00dfeed" in text.replace("TOKEN_IN_CODE", ""):
                found["token"].append(str(program / name))
    for path in ("/var/run/docker.sock", "/run/docker.sock"):
        if os.path.exists(path):
            found["docker"].append(path)
    if "DOCKER_HOST" in os.environ:
        found["docker"].append(os.environ["DOCKER_HOST"])
    return found
"""


def _found(text: str) -> dict[str, list[str]]:
    (line,) = [line for line in text.splitlines() if line.startswith("FOUND ")]
    found: dict[str, list[str]] = json.loads(line.removeprefix("FOUND "))
    return found


def test_submission_that_looks_for_secrets_finds_none(images: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hidden labels and tests, others' submissions, the database, the network, the grader's token, Docker: none of them is there."""
    assert images
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", TOKEN)
    source = assignment(tmp_path / "ps1")
    np.save(source / "hidden" / "labels" / "picture-hidden-4711.npy", np.zeros((4, 4), np.uint8))
    (tmp_path / "labkit.sqlite").write_bytes(b"database")
    other = submission(source, tmp_path / "submissions" / "other")
    (other / "own-work-of-another.txt").write_text("mine")
    code = SNOOP.replace("f00dfeed", TOKEN[:8]) + '\nimport json\nprint("FOUND", json.dumps(snoop()))\n'
    nosy = submission(source, tmp_path / "submissions" / "nosy", replace_source("mean", code))
    batch = Batch({1: source}, {"other": (other, 1), "nosy": (nosy, 1)}, tmp_path / "out")
    results = {result.submission: result for result in grade_batch(batch, shape=ContainerShape(image=IMAGE), workers=2)}
    executed = json.loads((tmp_path / "out" / "nosy" / str(results["nosy"].notebooks[0].executed)).read_text())
    (shown,) = [
        output["text"] for cell in executed["cells"] for output in cell.get("outputs", []) if "FOUND" in "".join(output.get("text", ""))
    ]
    assert _found("".join(shown)) == {name: [] for name in ("labels", "submissions", "database", "network", "token", "docker")}


def test_the_same_code_finds_each_of_them_where_they_are(images: str, engine: docker.APIClient, tmp_path: Path) -> None:
    """The positive control: a container that has them all."""
    assert images
    for name in ("picture-hidden-4711.npy", "own-work-of-another.txt", "labkit.sqlite"):
        (tmp_path / name).write_text("x")
    tmp_path.chmod(0o755)
    host = engine.create_host_config(
        binds={str(tmp_path): {"bind": "/secrets", "mode": "ro"}, "/var/run/docker.sock": {"bind": "/var/run/docker.sock", "mode": "ro"}}
    )
    command = ["python", "-c", SNOOP + '\nimport json\nprint("FOUND", json.dumps(snoop()))']
    container = engine.create_container(IMAGE, command, environment={"JUPYTERHUB_API_TOKEN": TOKEN}, host_config=host)["Id"]
    try:
        engine.start(container)
        engine.wait(container)
        found = _found(engine.logs(container).decode())
    finally:
        engine.remove_container(container, force=True)
    assert all(found.values()), found
