"""A real hub comes up, stops, is killed, meets a taken port, and comes up again with everything kept."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from labkit.testing.hub import RunningHub, hub_programs
from labkit.testing.hub_session import HubSession
from labkit.testing.ports import free_port
from labkit_hub.instance import MARK, members
from labkit_hub.proxy import install_proxy
from labkit_hub.settings import load_settings

pytestmark = pytest.mark.slow


def notebook(text: str) -> str:
    cell = {"cell_type": "markdown", "id": "one", "metadata": {}, "source": text}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def course_in(folder: Path) -> Path:
    course = folder / "course"
    course.mkdir()
    (course / "01-lesson.ipynb").write_text(notebook("first"))
    return course


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Make a course of one lesson."""
    return course_in(tmp_path)


def start_command(**settings: str) -> subprocess.CompletedProcess[str]:
    """Run the start command, which is expected to refuse."""
    command = [sys.executable, "-m", "labkit_hub", "start"]
    return subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, timeout=300, check=False)


def processes_of(var: Path) -> list[psutil.Process]:
    return members(str(var.resolve()))


def commands_of(var: Path) -> list[tuple[psutil.Process, str]]:
    """Return the processes of a hub with their command lines; one that has just ended is left out."""
    found = []
    for process in processes_of(var):
        with suppress(psutil.NoSuchProcess):
            found.append((process, " ".join(process.cmdline())))
    return found


def server_of(var: Path) -> psutil.Process:
    """Return the server of the one person who has one."""
    return hub_programs(var, "jupyterhub.singleuser")[0]


def start_kernel(session: HubSession, username: str) -> None:
    token = next(c.value for c in session.http.cookies.jar if c.name == "_xsrf" and c.path == f"/user/{username}/")
    answer = session.http.post(f"/user/{username}/api/kernels", json={"name": "python3"}, headers={"X-XSRFToken": token or ""})
    assert answer.status_code == 201, answer.text


def test_a_student_works_stops_and_finds_everything_again(tmp_path: Path, course: Path) -> None:
    """Ctrl-C ends hub, proxy, server and kernel; the next start has the account's new password, the home and the changed lesson."""
    var = tmp_path / "var"
    with RunningHub(var, env={"LABKIT_COURSE_DIR": str(course)}) as hub:
        with HubSession(hub.url) as student:
            student.login("student", hub.logins["student"])
            student.start_server("student")
            listing = student.http.get("/user/student/api/contents/").json()
            assert {entry["name"] for entry in listing["content"]} == {"course", "projects"}
            lesson = student.http.get("/user/student/api/contents/course/01-lesson.ipynb").json()
            assert lesson["content"]["cells"][0]["source"] == "first"
            start_kernel(student, "student")
            fields = {
                "old_password": hub.logins["student"],
                "new_password": "my-own-password",
                "new_password_confirmation": "my-own-password",
            }
            assert "changed successfully" in student.post_form("/hub/change-password", **fields).text
        home = var / "homes" / "student"
        (home / "course" / "01-lesson.ipynb").write_text(notebook("mine"))
        kinds = " ".join(command for _, command in commands_of(var))
        assert all(word in kinds for word in ("jupyterhub -f", "configurable-http-proxy", "jupyterhub.singleuser", "ipykernel"))

        (course / "01-lesson.ipynb").write_text(notebook("second"))
        (course / "02-lesson.ipynb").write_text(notebook("new"))
        assert hub.stop(signal.SIGINT) == 0
        assert processes_of(var) == []

        hub.start()
        text = "\n".join(hub.output)
        assert hub.logins["admin"] in text
        assert hub.logins["student"] not in text
        with HubSession(hub.url) as student:
            assert student.login("student", "my-own-password").status_code == 200
            student.start_server("student")
        assert "mine" in (home / "course" / "01-lesson.ipynb").read_text()
        assert "second" in (home / "course" / "01-lesson.new.ipynb").read_text()
        assert "new" in (home / "course" / "02-lesson.ipynb").read_text()
        assert hub.stop(signal.SIGTERM) == 0
        assert processes_of(var) == []


@pytest.fixture(scope="module")
def lasting_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """Make a hub that is stopped in the end; see `hub`."""
    folder = tmp_path_factory.mktemp("lasting")
    env = {"LABKIT_COURSE_DIR": str(course_in(folder)), "LABKIT_CACHE": str(folder / "cache")}
    hub = RunningHub(folder / "var", env=env)
    yield hub
    hub.stop()


@pytest.fixture
def hub(lasting_hub: RunningHub) -> RunningHub:
    """Have a hub run for tests that can do with what others left: a start takes long, and accounts outlive it."""
    if not lasting_hub.is_running:
        lasting_hub.start()
    return lasting_hub


@pytest.mark.ci
def test_the_server_lives_in_its_home(hub: RunningHub) -> None:
    """A server's environment keeps settings, data and caches of all programs in the home, and puts our Python first."""
    with HubSession(hub.url) as student:
        student.login("student", hub.logins["student"])
        student.start_server("student")
    server = server_of(hub.var)
    environment, home = server.environ(), hub.var / "homes" / "student"
    inside = [
        "HOME",
        "LABKIT_PROJECTS",
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "IPYTHONDIR",
        "XDG_CACHE_HOME",
    ]
    assert [name for name in inside if not Path(environment[name]).is_relative_to(home)] == []
    assert environment["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert environment["LABKIT_CACHE"] == str(hub.var.parent / "cache")
    assert server.cwd() == str(home)
    assert home.stat().st_mode & 0o777 == 0o700


@pytest.mark.ci
def test_a_forgotten_password_is_reset(hub: RunningHub) -> None:
    """The command gives a new password that opens the account, also while the hub runs."""
    old = hub.logins["admin"]
    command = [sys.executable, "-m", "labkit_hub", "reset-password", "admin"]
    done = subprocess.run(command, env={**os.environ, "LABKIT_VAR": str(hub.var)}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["admin", hub.logins["admin"]]
    with HubSession(hub.url) as session:
        assert session.login("admin", old).status_code == 403
        assert session.login("admin", hub.logins["admin"]).status_code == 200


@pytest.mark.ci
def test_two_hubs_run_side_by_side_but_not_from_one_folder(hub: RunningHub, tmp_path: Path) -> None:
    """Another folder is another hub; the same folder twice is refused, naming the running one."""
    with RunningHub(tmp_path / "two") as two:
        for each in (hub, two):
            with HubSession(each.url) as student:
                assert student.login("student", each.logins["student"]).status_code == 200
        again = start_command(LABKIT_VAR=str(hub.var), LABKIT_PORT=str(free_port()))
        assert again.returncode == 2
        assert hub.url in again.stderr
        with HubSession(hub.url) as student:
            assert student.login("student", hub.logins["student"]).status_code == 200


@pytest.mark.ci
def test_a_first_start_that_was_killed_half_way_is_completed(hub: RunningHub) -> None:
    """Users without passwords and without their group, as a kill may leave them, are completed by the next start."""
    hub.stop()
    with closing(sqlite3.connect(hub.var / "jupyterhub.sqlite")) as database, database:
        database.execute("DELETE FROM users_info")
        database.execute("DELETE FROM user_group_map")
    hub.start()
    with HubSession(hub.url) as admin:
        assert admin.login("admin", hub.logins["admin"]).status_code == 200
        assert [group["users"] for group in admin.http.get("/hub/api/groups").json()] == [["professor"]]
    with HubSession(hub.url) as student:
        assert student.login("student", hub.logins["student"]).status_code == 200


@pytest.mark.ci
def test_after_a_kill_the_next_start_cleans_up(hub: RunningHub) -> None:
    """Proxy and server that outlived a killed hub are ended, and the same port serves again."""
    with HubSession(hub.url) as student:
        student.login("student", hub.logins["student"])
        student.start_server("student")
    hub.kill()
    left = {process.pid for process in processes_of(hub.var)}
    assert left
    hub.start()
    assert left.isdisjoint(process.pid for process in processes_of(hub.var))
    with HubSession(hub.url) as student:
        assert student.login("student", hub.logins["student"]).status_code == 200
        student.start_server("student")


@pytest.mark.ci
def test_when_the_hub_dies_the_command_ends_with_its_log(hub: RunningHub) -> None:
    """A hub that ends by itself is told, with the log's last lines, and leaves nothing running."""
    process = psutil.Process(hub.pid)
    os.kill(hub.hub_pid, signal.SIGKILL)
    assert hub.wait() == 1
    assert not process.is_running()
    text = "\n".join(hub.output)
    assert "ended by itself" in text
    assert "hub.log" in text
    assert "Traceback" not in text
    assert processes_of(hub.var) == []


@pytest.fixture
def busy_port() -> Iterator[int]:
    """Listen on a port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        yield int(listener.getsockname()[1])


def test_a_taken_port_gets_a_sentence(tmp_path: Path, busy_port: int) -> None:
    """The user is told which port and what to type, with exit code 2 and no traceback."""
    done = start_command(LABKIT_VAR=str(tmp_path / "var"), LABKIT_PORT=str(busy_port))
    assert done.returncode == 2
    assert f"Port {busy_port}" in done.stderr
    assert "LABKIT_PORT=" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_broken_configuration_shows_the_end_of_the_log(tmp_path: Path) -> None:
    """A hub that cannot start says why, with exit code 1."""
    done = start_command(
        LABKIT_VAR=str(tmp_path / "var"), LABKIT_PORT=str(free_port()), LABKIT_DATABASE_URL="sqlite:////nowhere/at/all.sqlite"
    )
    assert done.returncode == 1
    assert "did not start" in done.stderr
    assert "Directory /nowhere/at does not exist" in done.stderr
    assert "Traceback" not in done.stdout


@pytest.fixture
def nobody_folder() -> Iterator[Path]:
    """Make a folder that the system's user "nobody" may write to."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("becoming an ordinary user needs root and setpriv; the other tests run as one already if you are not root")
    folder = Path(tempfile.mkdtemp(prefix="labkit-nobody-"))
    os.chown(folder, 65534, 65534)
    yield folder
    shutil.rmtree(folder)


# An ordinary user who may read what lies in root's home (this checkout, say), but write nothing there.
_CAPABILITIES = "-all,+dac_read_search"
AS_NOBODY = (
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    f"--inh-caps={_CAPABILITIES}",
    f"--ambient-caps={_CAPABILITIES}",
    f"--bounding-set={_CAPABILITIES}",
    "--securebits=+no_setuid_fixup",  # else access(2), and so os.access, would not count the capability
)


@pytest.mark.ci
def test_it_works_as_an_ordinary_user(nobody_folder: Path, course: Path) -> None:
    """Without root the hub starts, a server of a student runs under the same user, and root's flag is absent."""
    proxy = nobody_folder / "proxy"
    installed = install_proxy(load_settings().proxy_dir).parents[3]
    shutil.copytree(installed, proxy / installed.name, symlinks=True)
    subprocess.run(["chown", "-R", "65534:65534", proxy], check=True)
    handed = nobody_folder / "course"
    shutil.copytree(course, handed)
    env = {"HOME": str(nobody_folder), "LABKIT_PROXY_DIR": str(proxy), "LABKIT_COURSE_DIR": str(handed)}
    with RunningHub(nobody_folder / "var", env=env, prefix=AS_NOBODY) as hub, HubSession(hub.url) as student:
        assert "You are root" not in "\n".join(hub.output)
        student.login("student", hub.logins["student"])
        student.start_server("student")
        server = server_of(hub.var)
        assert server.uids().effective == 65534
        assert "--allow-root" not in server.cmdline()
        assert (hub.var / "homes" / "student" / "course" / "01-lesson.ipynb").exists()


def test_a_folder_that_cannot_be_written_gets_a_sentence(nobody_folder: Path) -> None:
    """An ordinary user who may not write LABKIT_VAR is told so, with exit code 2."""
    forbidden = nobody_folder / "forbidden"
    forbidden.mkdir(mode=0o755)
    env = {**os.environ, "LABKIT_VAR": str(forbidden / "var"), "LABKIT_PORT": str(free_port())}
    command = [*AS_NOBODY, sys.executable, "-m", "labkit_hub", "start"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_stop_ends_only_this_hub(tmp_path: Path) -> None:
    """The stop command ends the processes that carry this folder's mark, and no others."""
    sleeper = subprocess.Popen(["sleep", "600"], env={**os.environ, MARK: str(tmp_path / "another")})
    ours = subprocess.Popen(["sleep", "600"], env={**os.environ, MARK: str((tmp_path / "var").resolve())})
    try:
        command = [sys.executable, "-m", "labkit_hub", "stop"]
        done = subprocess.run(command, env={**os.environ, "LABKIT_VAR": str(tmp_path / "var")}, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "Ended 1 process."
        assert ours.wait(60) == -signal.SIGTERM
        assert sleeper.poll() is None
    finally:
        for process in (sleeper, ours):
            process.kill()
            process.wait()
