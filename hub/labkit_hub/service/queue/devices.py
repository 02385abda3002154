"""Which devices there are: NVIDIA's through NVML, and fake ones from the settings."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit_hub.service.tables import DeviceRow
from labkit_hub.settings import DeviceSettings

__all__ = ["Found", "find_devices", "write_devices"]

log = logging.getLogger(__name__)

_MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """A device that is there; ``key`` names it for good: NVIDIA's UUID, or ``fake-0``."""

    kind: Literal["nvidia", "fake"]
    key: str
    title: str
    node: str = ""
    memory_mb: int | None = None


def find_devices(settings: DeviceSettings) -> Sequence[Found] | None:
    """Return the devices of this machine; None if the driver is there but did not answer, which says nothing about them.

    A machine without NVIDIA's driver has none of its devices; that is no error.
    """
    fakes = [Found("fake", f"fake-{k}", f"Fake device {k}") for k in range(settings.fake)]
    fakes += [Found("nvidia", f"cluster-{k}", f"Device {k} of the cluster") for k in range(settings.cluster)]
    if not settings.nvidia:
        return fakes
    nvidia = _nvidia()
    return None if nvidia is None else [*nvidia, *fakes]


def write_devices(session: Session, found: Sequence[Found], now: datetime) -> None:
    """Bring the table up to date.

    A device that is not there any more is stopped and stays in the table, since somebody may hold it; its ``seen`` is empty. So a
    device that comes back is told from one that an admin has stopped, and is ready again.
    """
    known = {row.key: row for row in session.scalars(select(DeviceRow))}
    for one in found:
        row = known.pop(one.key, None)
        if row is None:
            session.add(
                DeviceRow(kind=one.kind, key=one.key, node=one.node, title=one.title, memory_mb=one.memory_mb, state="ready", seen=now)
            )
            continue
        if row.seen is None:
            row.state = "ready"
        row.seen, row.node, row.title, row.memory_mb = now, one.node, one.title, one.memory_mb
    for row in known.values():
        if row.state != "stopped":
            log.warning("Device %s (%s) is not there any more.", row.key, row.title)
            row.state, row.seen = "stopped", None


def _nvidia() -> Sequence[Found] | None:
    try:
        import pynvml
    except ImportError:
        return ()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        absent = {pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_DRIVER_NOT_LOADED}
        if error.value in absent:
            return ()
        log.warning("NVML does not answer: %s", error)
        return None
    try:
        return [_describe(pynvml, pynvml.nvmlDeviceGetHandleByIndex(k)) for k in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError as error:
        log.warning("NVML does not answer: %s", error)
        return None
    finally:
        pynvml.nvmlShutdown()


def _describe(nvml: Any, handle: Any) -> Found:
    uuid, title = (_text(value) for value in (nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle)))
    return Found("nvidia", uuid, title[:120], socket.gethostname(), int(nvml.nvmlDeviceGetMemoryInfo(handle).total) // _MB)


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
