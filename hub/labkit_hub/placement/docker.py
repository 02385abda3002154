"""A server as a container of one Docker engine, hardened: what `dockerspawner.DockerSpawner` is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from labkit_hub.placement.command import LAB_ARGS, run_command, shared_environment, thread_environment
from labkit_hub.placement.grading import GraderSite, graders_traits
from labkit_hub.placement.names import home_volume_name, label_value, network_name, server_object_name
from labkit_hub.placement.order import GRADING_STOP_S, RUN_STOP_S, Placement, ServerOrder

__all__ = [
    "HOME",
    "PORT",
    "USER",
    "ContainerSite",
    "container_command",
    "container_environment",
    "container_traits",
    "labels",
    "place_docker",
    "stop_s",
    "to_bytes",
]

HOME = "/home/student"
"""Where the home volume lies in a container; the image makes the folder, so that a new volume takes over its owner."""
USER = "1000:1000"
PORT = 8888
_STOP_S = 10


@dataclass(frozen=True, slots=True)
class ContainerSite:
    """What all containers of a hub share.

    Attributes
    ----------
    prefix : str
        Begins the names of all containers, volumes and networks of this hub.
    image : str
        The image of profiles that name none.
    service_url : str
        Address of the service as containers reach it, without a slash at the end.
    pids : int
        Most processes and threads of a container.
    tmp_gb : float
        Size of ``/tmp`` (memory), in GB.
    egress_proxy : str
        Address of a proxy through which containers reach the Internet; empty for none.
    direct_hosts : tuple of str
        Hosts that are reached without that proxy.
    network : str
        One network for all; empty takes a network for each person.
    constraint : str
        On which nodes of a swarm servers may be; empty for any.
    grader : GraderSite, optional
        Where grading runs get containers for kernels; None lets them use processes beside themselves.
    """

    prefix: str
    image: str
    service_url: str
    pids: int = 1024
    tmp_gb: float = 1.0
    egress_proxy: str = ""
    direct_hosts: tuple[str, ...] = ("hub", "proxy", "store")
    network: str = ""
    constraint: str = ""
    grader: GraderSite | None = None

    def network_of(self, user: str) -> str:
        """Return the name of the network in which this person's servers are."""
        return self.network or network_name(self.prefix, user)


def place_docker(order: ServerOrder, site: ContainerSite) -> Placement:
    """Return the traits of a `DockerSpawner` for this server."""
    traits = container_traits(order, site) | {
        "volumes": {home_volume_name(site.prefix, order.user): HOME},
        "remove": True,
        "extra_create_kwargs": {
            "labels": labels(order, site),
            "user": USER,
            "working_dir": HOME,
            "hostname": "run" if order.run else "lab",
            "stop_timeout": stop_s(order),
        },
        "extra_host_config": _host_config(order, site),
    }
    if site.grader is not None and order.run is not None and order.run.grades:
        traits = graders_traits(traits, site.grader)
    return Placement(order.profile.slug, traits)


def container_traits(order: ServerOrder, site: ContainerSite) -> dict[str, Any]:
    """Return the traits that a container of one engine and a service of a swarm have in common."""
    name, command, args = server_object_name(site.prefix, order.user, order.server), *container_command(order)
    return {
        "image": order.profile.image or site.image,
        "name_template": name,
        "object_name": name,
        "cmd": command,
        "args": args,
        "port": PORT,
        "environment": container_environment(order, site),
        "network_name": site.network_of(order.user),
        "use_internal_ip": True,
        "mem_limit": to_bytes(order.profile.memory_gb),
        "cpu_limit": order.profile.cpu,
        "disable_user_config": True,
    }


def stop_s(order: ServerOrder) -> int:
    """Return how many seconds a container has from SIGTERM to its end by force."""
    if order.run is None:
        return _STOP_S
    return GRADING_STOP_S if order.run.grades else RUN_STOP_S


def container_command(order: ServerOrder) -> tuple[list[str], list[str]]:
    """Return command and arguments inside a container, which prepares the home first."""
    if order.run:
        return run_command("python", order), []
    return ["python", "-m", "labkit_hub.entry"], list(LAB_ARGS)


def container_environment(order: ServerOrder, site: ContainerSite) -> dict[str, str]:
    """Return the variables of a server in a container."""
    environment = {
        **shared_environment(order, site.service_url),
        **thread_environment(order.profile.cpu),
        "HOME": HOME,
        "LABKIT_PROJECTS": f"{HOME}/projects",
        "JUPYTERHUB_ROOT_DIR": HOME,
    }
    if site.egress_proxy:
        direct = ",".join(("localhost", "127.0.0.1", *site.direct_hosts))
        for name, value in (("http_proxy", site.egress_proxy), ("https_proxy", site.egress_proxy), ("no_proxy", direct)):
            environment |= {name: value, name.upper(): value}
    return environment


def labels(order: ServerOrder, site: ContainerSite) -> dict[str, str]:
    """Return the labels by which containers of this hub are found: their names say little."""
    return {
        "labkit.hub": site.prefix,
        "labkit.user": label_value(order.user),
        "labkit.server": order.server,
        "labkit.profile": order.profile.slug,
    }


def _host_config(order: ServerOrder, site: ContainerSite) -> dict[str, Any]:
    memory, devices = to_bytes(order.profile.memory_gb), [device.key for device in order.devices if device.kind == "nvidia"]
    config: dict[str, Any] = {
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "read_only": True,
        "init": True,
        "privileged": False,
        "pids_limit": site.pids,
        "memswap_limit": memory,  # the same as the limit of memory: no swap
        "shm_size": to_bytes(order.profile.shm_gb),
        # Names of the world have no answer on an internal network: say so in 2 s, not in 10.
        "dns_opt": ["timeout:1", "attempts:2"],
        # Not Docker's own choice of noexec: compilers of torch and of notebooks put what they build here.
        "tmpfs": {"/tmp": f"rw,exec,nosuid,nodev,mode=1777,size={to_bytes(site.tmp_gb)}"},
        "log_config": {"type": "json-file", "config": {"max-size": "10m", "max-file": "2"}},
    }
    if devices:
        # By id: with a count, everybody would get the same device.
        config["device_requests"] = [{"Driver": "nvidia", "DeviceIDs": devices, "Capabilities": [["gpu"]]}]
    return config


def to_bytes(gigabytes: float) -> int:
    """Return gigabytes (of 10^9 bytes) in bytes."""
    return int(gigabytes * 1e9)
