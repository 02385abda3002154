"""The run as a server of the hub: what it answers, and whose folder it takes."""

from __future__ import annotations

import errno
import http.client
import json
import os
import shutil
import signal
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from labkit.errors import InvalidInput, LabKitError
from labkit.runs import RunSpec, served
from labkit.runs.answering import Answerer, hub_version
from labkit.storage import save_record

PREFIX = "/user/zoe/run-abcdefghijkl"


@pytest.fixture
def port() -> int:
    """Port of an answerer of a run's server."""
    answerer = Answerer(f"http://127.0.0.1:0{PREFIX}/", "/services/labkit/runs/abcdefghijkl")
    answerer.start()
    return answerer.port


def _ask(port: int, path: str, method: str = "GET") -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def test_the_hub_sees_that_it_is_up(port: int) -> None:
    """It wants JSON and its own version at /api."""
    answer, body = _ask(port, f"{PREFIX}/api")
    assert (answer.status, json.loads(body)["version"]) == (200, hub_version())
    assert answer.headers["X-JupyterHub-Version"] == hub_version() != ""


@pytest.mark.parametrize("path", ["/", "/lab?x=1", "/../../etc/passwd"])
def test_a_person_is_sent_to_the_page_of_the_run(port: int, path: str) -> None:
    """Whatever below the server is opened; nothing that was asked for is echoed."""
    answer, body = _ask(port, PREFIX + path)
    assert (answer.status, answer.headers["Location"], body) == (302, "/services/labkit/runs/abcdefghijkl", b"")


def test_nothing_is_taken(port: int) -> None:
    """Another method than GET is refused."""
    assert _ask(port, f"{PREFIX}/api", "POST")[0].status == 501


def test_the_page_lies_at_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of the service on the same origin; on that of the hub, where servers have origins of their own."""
    monkeypatch.delenv("JUPYTERHUB_PUBLIC_HUB_URL", raising=False)
    assert served._page("http://proxy:8000/services/labkit", "abcdefghijkl") == "/services/labkit/runs/abcdefghijkl"
    monkeypatch.setenv("JUPYTERHUB_PUBLIC_HUB_URL", "https://hub.uni.example/hub/")
    assert served._page("http://proxy:8000/services/labkit", "a") == "https://hub.uni.example/services/labkit/runs/a"


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunSpec:
    """A run of the hub, whose folder lies in the home."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    spec = RunSpec(kind="train", notebook=tmp_path / "a.ipynb", config={}, where="hub")
    run_dir = tmp_path / "home" / "cells" / "runs" / spec.id
    run_dir.mkdir(parents=True)
    save_record(run_dir / "spec.json", spec)
    return spec


def _outside(home: Path, run_dir: Path, spec: RunSpec) -> None:
    shutil.move(run_dir, home.parent / "outside")
    run_dir.symlink_to(home.parent / "outside")


def _of_this_machine(home: Path, run_dir: Path, spec: RunSpec) -> None:
    save_record(run_dir / "spec.json", spec.model_copy(update={"where": "here"}))


def _another(home: Path, run_dir: Path, spec: RunSpec) -> None:
    save_record(run_dir / "spec.json", spec.model_copy(update={"id": "abcdefghijkl"}))


def _broken(home: Path, run_dir: Path, spec: RunSpec) -> None:
    (run_dir / "spec.json").write_text("{}")


def _gone(home: Path, run_dir: Path, spec: RunSpec) -> None:
    shutil.rmtree(run_dir)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_outside, "outside the home"),
        (_of_this_machine, "another run"),
        (_another, "another run"),
        (_broken, "cannot be read"),
        (_gone, "is not there"),
    ],
)
def test_a_folder_that_is_no_run_of_the_hub_is_refused(
    tmp_path: Path, spec: RunSpec, spoil: Callable[[Path, Path, RunSpec], None], words: str
) -> None:
    """Through links, by its content, or because it is not there."""
    home = tmp_path / "home"
    assert served._found("cells/runs", spec.id)[1] == spec
    spoil(home, home / "cells" / "runs" / spec.id, spec)
    with pytest.raises(LabKitError, match=words):
        served._found("cells/runs", spec.id)


@pytest.mark.parametrize(("folder", "run_id"), [("../other/runs", None), ("/etc", None), ("cells/runs", "../../../etc")])
def test_a_name_that_leads_elsewhere_is_refused(spec: RunSpec, folder: str, run_id: str | None) -> None:
    """Neither the folder nor the id reaches anything outside the home."""
    with pytest.raises(InvalidInput):
        served._found(folder, run_id or spec.id)


def test_the_folder_of_somebody_else_is_refused(spec: RunSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies in the home, but another person made it."""
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    with pytest.raises(InvalidInput, match="somebody else"):
        served._found("cells/runs", spec.id)


@pytest.mark.parametrize("is_late", [True, False])
def test_a_stop_before_the_run_is_known_is_kept(tmp_path: Path, is_late: bool) -> None:
    """SIGTERM in the first moments cancels the run as soon as there is one."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        stop = served._Stop()
        if not is_late:
            os.kill(os.getpid(), signal.SIGTERM)
        stop.lead_to(tmp_path / "cancel")
        if is_late:
            os.kill(os.getpid(), signal.SIGTERM)
        assert (tmp_path / "cancel").exists()
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def test_home_that_is_full_is_said() -> None:
    """Before there is a folder in which anything could be written down: the hub has the words all the same."""

    def prepare() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    given = Namespace(run="abcdefghijkl", folder="grading/runs", grace_s=None)
    nobody = cast("Any", None)
    state, reason = served._carry_out(given, nobody, nobody, nobody, prepare)
    assert (state, reason[:17], "Remove what is no longer needed" in reason) == ("failed", "The disk is full:", True)
