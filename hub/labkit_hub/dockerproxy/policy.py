"""What a caller's container may be: the body of ``containers/create`` is read and a new one written from what is allowed."""

from __future__ import annotations

import re
from typing import Any

from labkit_hub.dockerproxy.callers import CALLER_LABEL, GB, Caller
from labkit_hub.dockerproxy.refusal import Refused
from labkit_hub.dockerproxy.strict_json import Fields, read_object
from labkit_hub.dockerproxy.volumes import rebuild_mounts

__all__ = ["forced_labels", "prefixed", "rebuild_container"]

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,200}")
_ACCOUNT = re.compile(r"[1-9]\d{0,8}(:[1-9]\d{0,8})?")
_HOST_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,62}")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9:/._-]{0,80}")
_DNS_OPTION = re.compile(r"(timeout|attempts|ndots):\d")
_TMPFS_OPTION = re.compile(r"(rw|ro|noexec|exec|nosuid|nodev|(size=\d+[kmg]?)|(mode=0?[0-7]{3,4})|([ug]id=\d{1,9}))")
_LIMITS = ("nofile", "nproc", "core", "fsize", "memlock", "stack", "cpu")
_RESERVED = ("labkit.caller", "labkit.attach", "labkit.role", "com.docker.", "io.docker.", "desktop.docker.")
_PIDS = 1024


def rebuild_container(body: bytes, name: str, caller: Caller) -> dict[str, Any]:
    """Return the body that Docker gets for a container called `name`.

    Raises
    ------
    Refused
        Something is asked for that this caller may not have; the sentence names the field.
    """
    prefixed(name, caller, "A container")
    fields = Fields(read_object(body))
    image = fields.text("Image")
    if image not in caller.images:
        raise Refused(f"The image {image!r} is not in the list of this caller.")
    host = Fields(fields.take("HostConfig"), "HostConfig")
    devices = _device_requests(host, caller)
    rebuilt: dict[str, Any] = {
        "Image": image,
        "Labels": forced_labels(fields, caller),
        "Env": _environment(fields, has_devices=bool(devices)),
        "HostConfig": _host_config(host, caller) | ({"DeviceRequests": devices} if devices else {}),
    }
    for field in ("Cmd", "Entrypoint"):
        if words := _words(fields, field):
            rebuilt[field] = words
    if account := fields.text("User"):
        if not _ACCOUNT.fullmatch(account):
            raise Refused("User must be a number above 0, or two with a colon between.")
        rebuilt["User"] = account
    if hostname := fields.text("Hostname"):
        if not _HOST_NAME.fullmatch(hostname):
            raise Refused("Hostname is no name of a host.")
        rebuilt["Hostname"] = hostname
    if folder := fields.text("WorkingDir"):
        rebuilt["WorkingDir"] = folder
    if timeout_s := fields.number("StopTimeout", most=600):
        rebuilt["StopTimeout"] = timeout_s
    # Volumes without a name would pile up; those with one are in HostConfig. Streams and ports have no meaning here.
    fields.ignore("Volumes", "ExposedPorts", "AttachStdin", "AttachStdout", "AttachStderr")
    fields.end()
    return rebuilt


def prefixed(name: str, caller: Caller, what: str) -> str:
    """Return `name` if it is one that the caller may give.

    Raises
    ------
    Refused
        It lacks the caller's prefix, or is no name.
    """
    if not name.startswith(caller.prefix) or not _NAME.fullmatch(name):
        raise Refused(f"{what} of this caller needs a name that begins with {caller.prefix!r}.")
    return name


def forced_labels(fields: Fields, caller: Caller) -> dict[str, str]:
    """Return the labels asked for and the caller's own, which cannot be asked for."""
    labels = fields.table("Labels")
    for label in labels:
        if label.casefold().startswith(_RESERVED):
            raise Refused(f"The label {label!r} is not the caller's to set.")
    return labels | {CALLER_LABEL: caller.owner}


def _words(fields: Fields, field: str) -> list[str]:
    value = fields.take(field)
    if isinstance(value, str):
        raise Refused(f"{field} must be a list of words; a string would be read by a shell.")
    return Fields({field: value}).texts(field)


def _environment(fields: Fields, *, has_devices: bool) -> list[str]:
    """Return the variables. Where NVIDIA's runtime is the default one, NVIDIA_VISIBLE_DEVICES alone opens devices: it is ours."""
    given = fields.texts("Env")
    for line in given:
        variable, equals, _ = line.partition("=")
        if not equals or not _ENV_NAME.fullmatch(variable) or "\0" in line:
            raise Refused(f"Env has a line that is no variable: {line[:60]!r}.")
    kept = [line for line in given if not line.startswith(("NVIDIA_VISIBLE_DEVICES=", "NVIDIA_DRIVER_CAPABILITIES="))]
    return kept if has_devices else [*kept, "NVIDIA_VISIBLE_DEVICES=void"]


def _host_config(host: Fields, caller: Caller) -> dict[str, Any]:
    rebuilt: dict[str, Any] = {
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "IpcMode": "private",
        "NetworkMode": _network_mode(host, caller),
        "ReadonlyRootfs": host.flag("ReadonlyRootfs"),
        "Init": host.flag("Init"),
        "AutoRemove": host.flag("AutoRemove"),
        "PidsLimit": host.number("PidsLimit", least=1, most=caller.pids) or min(_PIDS, caller.pids),
        # What a container says must not fill the host's disk.
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "2"}},
    }
    rebuilt |= _sizes(host, caller)
    rebuilt |= rebuild_mounts(host, caller)
    if tmpfs := host.table("Tmpfs"):
        rebuilt["Tmpfs"] = {_inner_path(path): _tmpfs_options(options) for path, options in tmpfs.items()}
    if options := host.texts("DnsOptions"):
        if not all(_DNS_OPTION.fullmatch(option) for option in options):
            raise Refused("HostConfig.DnsOptions may only say timeout, attempts and ndots.")
        rebuilt["DnsOptions"] = options
    if limits := host.take("Ulimits"):
        rebuilt["Ulimits"] = _ulimits(limits)
    _expect(host, "CapDrop", allowed={"ALL", "all"})
    _expect(host, "SecurityOpt", allowed={"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"})
    _expect(host, "IpcMode", allowed={"private"})
    _expect(host, "Runtime", allowed={"runc", "nvidia"})
    _expect(host, "RestartPolicy", allowed={"no"})
    host.ignore("LogConfig", "PublishAllPorts", "ConsoleSize", "MaskedPaths", "ReadonlyPaths", "Isolation")
    host.end()
    return rebuilt


def _sizes(host: Fields, caller: Caller) -> dict[str, Any]:
    memory = host.number("Memory", least=6 * 2**20, most=int(caller.memory_gb * GB))
    if memory is None:
        raise Refused("HostConfig.Memory must be set: a container without a limit can take the host's.")
    rebuilt: dict[str, Any] = {"Memory": memory, "MemorySwap": memory}
    host.ignore("MemorySwap", "MemorySwappiness")
    for field in ("MemoryReservation", "ShmSize", "CpuPeriod", "CpuQuota", "CpuShares", "NanoCpus"):
        if (value := host.number(field, most=memory if field in ("MemoryReservation", "ShmSize") else 2**53)) is not None:
            rebuilt[field] = value
    if options := host.table("StorageOpt"):
        if set(options) != {"size"} or not re.fullmatch(r"\d{1,6}[kmgKMG]?", options["size"]):
            raise Refused("HostConfig.StorageOpt may only say a size.")
        rebuilt["StorageOpt"] = options
    return rebuilt


def _network_mode(host: Fields, caller: Caller) -> str:
    mode = host.text("NetworkMode")
    if caller.pool is None and mode != "none":
        raise Refused("The containers of this caller have no network: HostConfig.NetworkMode must be 'none'.")
    return mode if mode == "none" else prefixed(mode, caller, "HostConfig.NetworkMode: a network")


def _device_requests(host: Fields, caller: Caller) -> list[dict[str, Any]]:
    """Return requests that name devices; ``Count`` would give everybody the same one, or all."""
    given = host.take("DeviceRequests") or []
    if not isinstance(given, list):
        raise Refused("HostConfig.DeviceRequests must be a list.")
    if given and not caller.devices:
        raise Refused("This caller gets no devices.")
    rebuilt = []
    for number, request in enumerate(given):
        fields = Fields(request, f"HostConfig.DeviceRequests[{number}]")
        ids = fields.texts("DeviceIDs")
        if fields.text("Driver") not in ("", "nvidia"):
            raise Refused("Only devices of NVIDIA are passed on.")
        if not ids or not all(_DEVICE.fullmatch(device) and device != "all" for device in ids):
            raise Refused("Devices must be named by their ids.")
        fields.ignore("Capabilities")
        fields.end()
        rebuilt.append({"Driver": "nvidia", "DeviceIDs": ids, "Capabilities": [["gpu", "compute", "utility"]]})
    return rebuilt


def _ulimits(limits: Any) -> list[dict[str, Any]]:
    if not isinstance(limits, list):
        raise Refused("HostConfig.Ulimits must be a list.")
    rebuilt = []
    for limit in limits:
        fields = Fields(limit, "HostConfig.Ulimits")
        name = fields.text("Name")
        if name not in _LIMITS:
            raise Refused(f"The limit {name!r} is not the caller's to set.")
        rebuilt.append({"Name": name, "Soft": fields.number("Soft") or 0, "Hard": fields.number("Hard") or 0})
        fields.end()
    return rebuilt


def _inner_path(path: str) -> str:
    if not path.startswith("/") or ".." in path.split("/") or "\0" in path:
        raise Refused(f"{path[:60]!r} is no path within the container.")
    return path


def _tmpfs_options(options: str) -> str:
    for option in filter(None, options.split(",")):
        if not _TMPFS_OPTION.fullmatch(option):
            raise Refused(f"HostConfig.Tmpfs: the option {option[:40]!r} is not allowed.")
    return options


def _expect(host: Fields, field: str, *, allowed: set[str]) -> None:
    """Let a field pass that asks for what is done anyway, or for less than anybody could mind."""
    value = host.take(field)
    if isinstance(value, dict):
        value = [part for key, part in value.items() if key == "Name" or part]
    words = [value] if isinstance(value, str) else value or []
    if not isinstance(words, list) or not all(word == "" or (isinstance(word, str) and word in allowed) for word in words):
        raise Refused(f"{host.name(field)} is not allowed.")
