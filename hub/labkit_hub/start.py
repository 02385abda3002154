"""``start``: bring one hub up, say where it is and who can log in, and take everything down again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit.errors import AlreadyExists, Locked, MissingDependency, RunFailed
from labkit.storage import explain_os_errors, hold_lock, write_text
from labkit_hub.instance import MARK, end_all, instance_mark
from labkit_hub.layout import CONFIG_FILE, VarLayout
from labkit_hub.logins import valid_logins
from labkit_hub.ports import ADDRESS, require_free_port
from labkit_hub.proxy import install_proxy
from labkit_hub.settings import Settings

__all__ = ["running_address", "start", "stop"]

START_TIMEOUT_S = 180.0
_LOGS_KEPT = 3
Say = Callable[[str], None]


def start(settings: Settings, say: Say) -> int:
    """Run the hub until Ctrl-C or SIGTERM, and return the exit code.

    Parameters
    ----------
    settings : Settings
    say : callable
        Takes the lines for the person at the terminal.

    Raises
    ------
    AlreadyExists
        This hub runs already, or its port is taken.
    NotWritable, StorageFull
        ``var/`` cannot be written.
    MissingDependency
        There is no Node.js for the proxy, or this is no clone.
    RunFailed
        The hub did not come up, or ended by itself; the last lines of its log are in the message.
    """
    if not CONFIG_FILE.exists():
        raise MissingDependency(
            f"The hub starts from a clone of LabKit, and {CONFIG_FILE} is not there.", hint="Clone LabKit and type `make start` there."
        )
    os.umask(0o077)
    layout, mark = settings.layout, instance_mark(settings.var)
    with _stop_signals() as asked_to_stop:
        layout.prepare()
        with _only_one(layout):
            # Hub, proxy or servers that outlived a killed start would hold ports and the database.
            end_all(mark)
            for stale in (layout.proxy_pid, layout.hub_pid):
                stale.unlink(missing_ok=True)
            require_free_port(settings.port)
            install_proxy(settings.proxy_dir)
            write_text(layout.address, settings.url)
            try:
                return _run(settings, say, asked_to_stop)
            finally:
                end_all(mark)
                layout.address.unlink(missing_ok=True)


def stop(settings: Settings) -> int:
    """End all that belongs to this hub, also what a killed hub left behind, and return how many processes there were."""
    return end_all(instance_mark(settings.var), grace_s=2.0 * settings.server.stop_timeout_s + 10.0)


def running_address(layout: VarLayout) -> str:
    """Return the address that the running hub wrote down, or an empty text."""
    try:
        return layout.address.read_text()
    except OSError:
        return ""


@contextmanager
def _only_one(layout: VarLayout) -> Iterator[None]:
    try:
        with hold_lock(layout.lock, timeout_s=0.0):
            yield
    except Locked as error:
        if error.facts.get("path") != str(layout.lock):
            raise
        raise AlreadyExists(
            f"LabKit runs already from {layout.root}, at {running_address(layout) or 'an address it has not written down yet'}.",
            hint="Open that address, or stop it with Ctrl-C where it was started. For a second hub set LABKIT_VAR and LABKIT_PORT.",
        ) from error


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Turn Ctrl-C and SIGTERM into an event; a second one ends this program at once (the next start cleans up)."""
    asked = threading.Event()

    def ask(number: int, _frame: object) -> None:
        if asked.is_set():
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(settings: Settings, say: Say, asked_to_stop: threading.Event) -> int:
    log = settings.layout.log_file
    say("Starting LabKit ...")
    hub = _launch(settings)
    try:
        _wait_until_ready(settings, hub, asked_to_stop)
        if not asked_to_stop.is_set():
            _welcome(settings, say)
        while not asked_to_stop.wait(0.5):
            if hub.poll() is not None:
                raise RunFailed(f"The hub ended by itself (exit code {hub.returncode}).", hint=_last_lines(log))
        say("Stopping LabKit ...")
    finally:
        _end(hub, settings)
    say(f"LabKit has stopped. Accounts and homes are kept in {settings.var}.")
    return 0


def _launch(settings: Settings) -> subprocess.Popen[bytes]:
    """Start JupyterHub in a session of its own, so that Ctrl-C reaches only us and we stop it in order."""
    layout = settings.layout
    _rotate(layout.log_file)
    environment = os.environ | {
        MARK: instance_mark(settings.var),
        "LABKIT_VAR": str(settings.var),
        "PYTHONUNBUFFERED": "1",
    }
    with explain_os_errors(layout.log_file):
        layout.log_file.touch()
    with open(layout.log_file, "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(CONFIG_FILE)],
            cwd=settings.var,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _rotate(log: Path) -> None:
    """Keep the logs of the last few starts as ``hub.log.1`` and so on."""
    names = [log, *(log.with_name(f"{log.name}.{number}") for number in range(1, _LOGS_KEPT + 1))]
    for older, newer in zip(reversed(names[1:]), reversed(names[:-1]), strict=True):
        if newer.exists():
            newer.replace(older)


def _wait_until_ready(settings: Settings, hub: subprocess.Popen[bytes], asked_to_stop: threading.Event) -> None:
    log, deadline = settings.layout.log_file, time.monotonic() + START_TIMEOUT_S
    while not asked_to_stop.wait(0.2):
        if hub.poll() is not None:
            raise RunFailed(f"The hub did not start (exit code {hub.returncode}).", hint=_last_lines(log))
        # Here, and not where people open it: that may be a name which only their machines know, or a proxy that is not up yet.
        if _answers(f"http://{ADDRESS}:{settings.port}"):
            return
        if time.monotonic() > deadline:
            raise RunFailed(f"The hub did not answer within {START_TIMEOUT_S:.0f} s.", hint=_last_lines(log))


def _answers(url: str) -> bool:
    """Say whether a hub answers behind the proxy at `url`."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/hub/api/", timeout=5) as answer:
            return "X-JupyterHub-Version" in answer.headers
    except OSError:
        return False


def _welcome(settings: Settings, say: Say) -> None:
    say(f"LabKit is ready at {settings.url}")
    for name, password in valid_logins(settings).items():
        say(f"  {name:<10} {password}" if password else f"  {name:<10} (its password was changed, or the account is closed)")
    say(_devices(settings))
    if os.geteuid() == 0:
        say("You are root, so every student's code runs as root too: do this only on a machine that you can lose.")
    say("Students are not isolated from each other in this shape: use it to try LabKit, or among people who trust each other.")
    say("Stop with Ctrl-C.")


def _devices(settings: Settings) -> str:
    """Return a sentence of the devices that the queue gives out."""
    from labkit_hub.service.queue.devices import find_devices

    found = find_devices(settings.devices)
    if found is None:
        return "NVIDIA's driver does not answer; the queue has no devices until it does."
    if not found:
        return "The queue has no devices: no GPU was found. LABKIT_DEVICES__FAKE=2 makes two that compute on the CPU, to try it."
    names = ", ".join(device.title for device in found)
    return f"The queue has {len(found)} {'device' if len(found) == 1 else 'devices'}: {names}."


def _end(hub: subprocess.Popen[bytes], settings: Settings) -> None:
    """Let the hub stop servers and proxy; what does not end in time is left to `end_all`."""
    if hub.poll() is None:
        hub.terminate()
        try:
            hub.wait(timeout=2 * settings.server.stop_timeout_s + 15)
        except subprocess.TimeoutExpired:
            hub.kill()
    hub.wait()


def _last_lines(log: Path, count: int = 15) -> str:
    """Return where the log is and its end."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    return "\n".join([f"The log is {log}; it ends with:", *(f"  | {line}" for line in lines[-count:])])
