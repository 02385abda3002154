"""From what was admitted to what a spawner is told: pure functions, one module for each kind of spawner."""

from labkit_hub.placement.docker import ContainerSite, place_docker
from labkit_hub.placement.grading import GraderSite, graders_prefix
from labkit_hub.placement.kube import KubeSite, place_kube
from labkit_hub.placement.names import home_volume_name, label_value, network_name, server_object_name
from labkit_hub.placement.order import GRADING_STOP_S, RUN_PREFIX, RUN_STOP_S, Placement, ServerOrder
from labkit_hub.placement.process import ProcessSite, place_process
from labkit_hub.placement.swarm import place_swarm

__all__ = [
    "GRADING_STOP_S",
    "RUN_PREFIX",
    "RUN_STOP_S",
    "ContainerSite",
    "GraderSite",
    "KubeSite",
    "Placement",
    "ProcessSite",
    "ServerOrder",
    "graders_prefix",
    "home_volume_name",
    "label_value",
    "network_name",
    "place_docker",
    "place_kube",
    "place_process",
    "place_swarm",
    "server_object_name",
]
