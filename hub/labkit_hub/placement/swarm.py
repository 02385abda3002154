"""A server as a service of a Docker swarm: what `dockerspawner.SwarmSpawner` is told, and what is lost there (docs/swarm.md).

The endpoint is ``dnsrr``, since virtual addresses need kernel modules that many machines lack, and a task is never restarted:
Swarm would otherwise run a finished run again.
"""

from __future__ import annotations

from docker.types import DriverConfig, Mount, Resources

from labkit_hub.placement.docker import HOME, USER, ContainerSite, container_traits, labels, stop_s, to_bytes
from labkit_hub.placement.names import home_volume_name
from labkit_hub.placement.order import Placement, ServerOrder

__all__ = ["place_swarm"]


def place_swarm(order: ServerOrder, site: ContainerSite) -> Placement:
    """Return the traits of a `SwarmSpawner` for this server; the site's network is an overlay that all share."""
    traits = container_traits(order, site) | {
        "extra_container_spec": {
            "user": USER,
            "workdir": HOME,
            "labels": labels(order, site),
            "mounts": _mounts(order, site),
            "cap_drop": ["ALL"],
            "read_only": True,
            "init": True,
            "stop_grace_period": stop_s(order) * 1_000_000_000,
        },
        "extra_resources_spec": {},
        # A home is a volume of one node: whatever mounts it must be there, too.
        "extra_placement_spec": {"constraints": [site.constraint]} if site.constraint else {},
        "extra_task_spec": {
            "resources": _resources(order, site),
            "restart_policy": {"Condition": "none"},
            "log_driver": DriverConfig("json-file", {"max-size": "10m", "max-file": "2"}),
        },
        "extra_endpoint_spec": {"mode": "dnsrr"},
        "extra_create_kwargs": {"labels": labels(order, site)},
    }
    return Placement(order.profile.slug, traits)


def _mounts(order: ServerOrder, site: ContainerSite) -> list[Mount]:
    """Return home, ``/tmp`` and ``/dev/shm``: a service has no field for the size of shared memory."""
    return [
        Mount(HOME, home_volume_name(site.prefix, order.user), type="volume", labels={"labkit.hub": site.prefix}),
        Mount("/tmp", None, type="tmpfs", tmpfs_size=to_bytes(site.tmp_gb), tmpfs_mode=0o1777),
        Mount("/dev/shm", None, type="tmpfs", tmpfs_size=to_bytes(order.profile.shm_gb), tmpfs_mode=0o1777),
    ]


def _resources(order: ServerOrder, site: ContainerSite) -> Resources:
    profile = order.profile
    resources = Resources(cpu_limit=int(profile.cpu * 1e9), mem_limit=to_bytes(profile.memory_gb))
    resources["Limits"]["Pids"] = site.pids  # docker-py has no argument for it
    return resources
