"""Which devices there are."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from labkit.testing.queueworld import World
from labkit_hub.service.queue import devices
from labkit_hub.service.queue.devices import Found, find_devices, write_devices
from labkit_hub.service.tables import DeviceRow
from labkit_hub.settings import DeviceSettings

pynvml = pytest.importorskip("pynvml")


class FakeNvml:
    """Two devices, as NVML describes them; stands in for a driver that most machines lack."""

    NVMLError = pynvml.NVMLError
    NVML_ERROR_LIBRARY_NOT_FOUND = pynvml.NVML_ERROR_LIBRARY_NOT_FOUND
    NVML_ERROR_DRIVER_NOT_LOADED = pynvml.NVML_ERROR_DRIVER_NOT_LOADED

    def __init__(self, error: int | None = None) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        if self.error is not None and name in ("nvmlInit", "nvmlDeviceGetCount"):
            raise pynvml.NVMLError(self.error)
        memory = type("Memory", (), {"total": 24 << 30})
        answers: dict[str, Any] = {
            "nvmlDeviceGetCount": lambda: 2,
            "nvmlDeviceGetHandleByIndex": lambda k: k,
            "nvmlDeviceGetUUID": lambda k: f"GPU-{k}",
            "nvmlDeviceGetName": lambda _: b"NVIDIA A10",
            "nvmlDeviceGetMemoryInfo": lambda _: memory,
        }
        return answers.get(name, lambda: None)


def states(world: World) -> dict[str, str]:
    with world.database.transaction() as session:
        return {row.key: row.state for row in session.scalars(select(DeviceRow))}


def test_nvidia_devices_are_found_by_uuid(monkeypatch: pytest.MonkeyPatch) -> None:
    """With name and memory; fake ones come after them."""
    monkeypatch.setitem(__import__("sys").modules, "pynvml", FakeNvml())
    found = find_devices(DeviceSettings(fake=1))
    assert found is not None
    assert [(one.kind, one.key, one.title, one.memory_mb) for one in found] == [
        ("nvidia", "GPU-0", "NVIDIA A10", 24576),
        ("nvidia", "GPU-1", "NVIDIA A10", 24576),
        ("fake", "fake-0", "Fake device 0", None),
    ]


@pytest.mark.parametrize(
    ("error", "found"),
    [(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, []), (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, []), (pynvml.NVML_ERROR_UNKNOWN, None)],
)
def test_no_driver_is_no_error(monkeypatch: pytest.MonkeyPatch, error: int, found: list[Found] | None) -> None:
    """A machine without a driver has no device; one whose driver fails says nothing about its devices."""
    monkeypatch.setitem(__import__("sys").modules, "pynvml", FakeNvml(error))
    assert find_devices(DeviceSettings()) == found


def test_a_driver_that_fails_stops_no_device(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was known stays."""
    monkeypatch.setattr("labkit_hub.service.queue.reconciler.find_devices", lambda _settings: None)
    world.reconcile()
    assert states(world) == {"fake-0": "ready", "fake-1": "ready"}


def test_a_device_that_vanishes_is_stopped_and_its_lease_stays(world: World) -> None:
    """Its server is let be; when the device is back, it is ready again."""
    run = world.submit("anna")
    world.decide()
    world.report(run, "running")
    one, two = (Found("fake", f"fake-{k}", f"Fake device {k}") for k in range(2))
    with world.database.transaction() as session:
        write_devices(session, [two], world.queue.desk.now())
    world.attend(run)
    assert (states(world), len(world.leases()), world.state(run)) == ({"fake-0": "stopped", "fake-1": "ready"}, 1, "running")
    with world.database.transaction() as session:
        write_devices(session, [one, two], world.queue.desk.now())
    assert states(world)["fake-0"] == "ready"


def test_what_an_admin_has_stopped_stays_stopped(world: World) -> None:
    """Finding it again does not start it."""
    world.queue.views.stop_device(1, world.who("root"))
    world.reconcile()
    assert states(world)["fake-0"] == "stopped"
    world.queue.views.start_device(1, world.who("root"))
    assert states(world)["fake-0"] == "ready"


def test_without_nvidia_nothing_of_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting keeps NVML out."""
    monkeypatch.setattr(devices, "_nvidia", lambda: pytest.fail("NVML was asked"))
    assert find_devices(DeviceSettings(nvidia=False)) == []
