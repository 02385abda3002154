"""A server as a pod of Kubernetes: what `kubespawner.KubeSpawner` is told; it checks the manifest by its own code in the tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from labkit_hub.placement.command import device_environment
from labkit_hub.placement.docker import HOME, PORT, ContainerSite, container_command, container_environment, stop_s
from labkit_hub.placement.names import home_volume_name, label_value, server_object_name
from labkit_hub.placement.order import Placement, ServerOrder

__all__ = ["KubeSite", "place_kube"]

_ID = 1000


@dataclass(frozen=True, slots=True)
class KubeSite:
    """What all pods of a hub share.

    Attributes
    ----------
    containers : ContainerSite
    home_gb : float
        Size of a home's volume, in GB; only a new one gets it.
    storage_class : str
        The class of those volumes; empty takes the cluster's own.
    gpu_resource : str
        What the cluster calls a device.
    """

    containers: ContainerSite
    home_gb: float = 20.0
    storage_class: str = ""
    gpu_resource: str = "nvidia.com/gpu"


def place_kube(order: ServerOrder, site: KubeSite) -> Placement:
    """Return the traits of a `KubeSpawner` for this server."""
    profile, containers = order.profile, site.containers
    name, command, args = server_object_name(containers.prefix, order.user, order.server), *container_command(order)
    home = home_volume_name(containers.prefix, order.user)
    traits: dict[str, Any] = {
        "image": profile.image or containers.image,
        "pod_name_template": name,
        "pod_name": name,
        "dns_name_template": "{name}.{namespace}.svc",
        "pvc_name_template": home,
        "pvc_name": home,
        "cmd": command,
        "args": args,
        "port": PORT,
        "working_dir": HOME,
        "environment": _environment(order, containers),
        "extra_labels": {
            "labkit.hub": containers.prefix,
            "labkit.user": label_value(order.user),
            "labkit.server": order.server or "own",
            "labkit.profile": profile.slug,
        },
        "uid": _ID,
        "gid": _ID,
        "fs_gid": _ID,
        "allow_privilege_escalation": False,
        "automount_service_account_token": False,
        "container_security_context": {
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "mem_limit": int(profile.memory_gb * 1e9),
        "mem_guarantee": int(profile.memory_gb * 0.5e9),
        "cpu_limit": profile.cpu,
        "cpu_guarantee": min(profile.cpu, 0.25) if not order.devices else profile.cpu * 0.5,
        "extra_resource_limits": _device_limits(order, site),
        "storage_pvc_ensure": True,
        "storage_capacity": f"{max(1, round(site.home_gb))}G",
        "storage_class": site.storage_class or None,
        "volumes": {
            "home": {"name": "home", "persistentVolumeClaim": {"claimName": home}},
            "tmp": {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": _size(containers.tmp_gb)}},
            "shm": {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": _size(profile.shm_gb)}},
        },
        "volume_mounts": {
            "home": {"name": "home", "mountPath": HOME},
            "tmp": {"name": "tmp", "mountPath": "/tmp"},
            "shm": {"name": "shm", "mountPath": "/dev/shm"},
        },
        # "Never": a finished run would otherwise run again.
        "extra_pod_config": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": stop_s(order),
            "enableServiceLinks": False,
        },
        "delete_grace_period": stop_s(order),  # with each deletion; what the pod says is for those that others delete
        "disable_user_config": True,
        "delete_pvc": False,
        "handle_legacy_names": False,
    }
    return Placement(profile.slug, traits)


def _environment(order: ServerOrder, containers: ContainerSite) -> dict[str, str]:
    """Return the variables of a pod; which device it sees is decided by the cluster, unless it has none."""
    environment = container_environment(order, containers)
    if any(device.kind == "nvidia" for device in order.devices):
        for name in ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"):
            environment.pop(name)
    else:
        environment |= device_environment(order)
    return environment


def _device_limits(order: ServerOrder, site: KubeSite) -> dict[str, str]:
    count = sum(device.kind == "nvidia" for device in order.devices)
    return {site.gpu_resource: str(count)} if count else {}


def _size(gigabytes: float) -> str:
    return f"{max(1, round(gigabytes * 1000))}M"
