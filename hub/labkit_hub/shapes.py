"""The four shapes: which spawner, what it is told, and from where its servers reach the service."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from labkit_hub.hooks import SERVICE
from labkit_hub.placement import (
    ContainerSite,
    GraderSite,
    KubeSite,
    Placement,
    ProcessSite,
    ServerOrder,
    graders_prefix,
    place_docker,
    place_kube,
    place_process,
    place_swarm,
)
from labkit_hub.ports import ADDRESS
from labkit_hub.settings import ContainerSettings, Settings

__all__ = ["SPAWNERS", "placer", "service_url"]

SPAWNERS = {
    "process": "labkit_hub.spawner.LabKitProcessSpawner",
    "docker": "labkit_hub.dockerspawner.LabKitDockerSpawner",
    "swarm": "labkit_hub.swarmspawner.LabKitSwarmSpawner",
    "kube": "labkit_hub.kubespawner.LabKitKubeSpawner",
}


def service_url(settings: Settings) -> str:
    """Return the address of the service as people's servers reach it, through the proxy."""
    proxy = f"http://{ADDRESS}:{settings.port}" if settings.spawner == "process" else settings.containers.proxy_url
    return f"{proxy}/services/{SERVICE}"


def _grader(containers: ContainerSettings) -> GraderSite | None:
    if not containers.grading_network:
        return None
    return GraderSite(
        network=containers.grading_network,
        docker_host=containers.grading_docker,
        image=containers.image,
        prefix=graders_prefix(containers.prefix),
        slots=containers.grading_slots,
    )


def placer(settings: Settings, lab_args: tuple[str, ...]) -> Callable[[ServerOrder], Placement]:
    """Return the function that places servers in this shape."""
    if settings.spawner == "process":
        return partial(place_process, site=ProcessSite(service_url(settings), lab_args))
    containers = settings.containers
    site = ContainerSite(
        prefix=containers.prefix,
        image=containers.image,
        service_url=service_url(settings),
        pids=containers.pids,
        tmp_gb=containers.tmp_gb,
        egress_proxy=containers.egress_proxy,
        network=containers.network,
        constraint=containers.constraint,
        grader=_grader(containers),
    )
    if settings.spawner == "docker":
        return partial(place_docker, site=site)
    if settings.spawner == "swarm":
        return partial(place_swarm, site=site)
    kube = settings.kube
    return partial(place_kube, site=KubeSite(site, kube.home_gb, kube.storage_class, kube.gpu_resource))
