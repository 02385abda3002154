"""Which volumes a container gets: named ones of the caller, never a folder of the host."""

from __future__ import annotations

import re
from typing import Any

from labkit_hub.dockerproxy.callers import Caller
from labkit_hub.dockerproxy.refusal import Refused
from labkit_hub.dockerproxy.strict_json import Fields

__all__ = ["rebuild_mounts"]

_VOLUME = re.compile(r"[a-z][a-z0-9_.-]{1,200}")
# What the runtime itself puts there decides what a container can do; a volume over it could change that.
_TAKEN = ("/", "/proc", "/sys", "/dev")


def rebuild_mounts(host: Fields, caller: Caller) -> dict[str, Any]:
    """Return ``Mounts`` of what ``Binds`` and ``Mounts`` ask for; nothing if they ask for nothing.

    Raises
    ------
    Refused
        A folder of the host, a volume without the caller's prefix, a driver, a place that belongs to the system.
    """
    wanted = [_from_bind(bind) for bind in host.texts("Binds")]
    mounts = host.take("Mounts") or []
    if not isinstance(mounts, list):
        raise Refused("HostConfig.Mounts must be a list.")
    wanted += [_from_mount(mount) for mount in mounts]
    rebuilt = []
    for name, target, read_only in wanted:
        if not name.startswith(caller.prefix) or not _VOLUME.fullmatch(name):
            raise Refused(
                f"{name[:80]!r} is no volume of this caller: its volumes begin with {caller.prefix!r}, and folders are not mounted."
            )
        rebuilt.append({"Type": "volume", "Source": name, "Target": _free_place(target), "ReadOnly": read_only})
    return {"Mounts": rebuilt} if rebuilt else {}


def _from_bind(bind: str) -> tuple[str, str, bool]:
    parts = bind.split(":")
    if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2] not in ("rw", "ro")):
        raise Refused(f"HostConfig.Binds: {bind[:80]!r} is not NAME:PATH or NAME:PATH:ro.")
    return parts[0], parts[1], parts[2:] == ["ro"]


def _from_mount(mount: Any) -> tuple[str, str, bool]:
    fields = Fields(mount, "HostConfig.Mounts")
    if fields.text("Type") != "volume":
        raise Refused("HostConfig.Mounts: only volumes are mounted.")
    found = fields.text("Source"), fields.text("Target"), fields.flag("ReadOnly")
    fields.end()
    return found


def _free_place(target: str) -> str:
    parts = target.split("/")
    tidy = "/" + "/".join(part for part in parts if part)
    if not target.startswith("/") or {".", ".."} & set(parts) or "\0" in target:
        raise Refused(f"{target[:80]!r} is no path within the container.")
    if tidy in _TAKEN or tidy.startswith(("/proc/", "/sys/", "/dev/")):
        raise Refused(f"Nothing is mounted at {tidy}.")
    return tidy
