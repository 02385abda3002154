"""Servers in containers, on one engine, a swarm or Kubernetes."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from labkit_hub.prefix import LONGEST_PREFIX, PREFIX

__all__ = ["ContainerSettings", "KubeSettings"]


def _network(text: str) -> str:
    return str(IPv4Network(text))


class ContainerSettings(BaseModel):
    """Servers in containers, in the shapes docker, swarm and kube (``LABKIT_CONTAINERS__*``).

    Attributes
    ----------
    prefix : str
        Begins the names of all containers, volumes and networks of this hub; two hubs on one engine need two.
    image : str
        The image of profiles that name none.
    hub_url, proxy_url : str
        Where containers reach hub and proxy.
    hub_url_for_proxy : str
        Where proxy and services reach the hub; empty for the same place.
    network : str
        One network for all servers; empty gives each person one of their own (docker only).
    network_pool : str
        Where the addresses of people's own networks come from.
    pids : int
        Most processes and threads of a container.
    tmp_gb : float
        Size of a container's ``/tmp``, which is memory, in GB.
    egress_proxy : str
        Address of a proxy through which servers reach the Internet; empty for no Internet.
    constraint : str
        On which nodes of a swarm servers and runs may be, such as ``node.labels.homes == true`` (swarm only); empty for any.
    grading_network : str
        The network of grading runs, on which they reach `grading_docker` (docker only). Empty: they run submissions as processes beside
        themselves.
    grading_docker : str
        ``DOCKER_HOST`` of grading runs.
    grading_slots : tuple of str
        Volumes in memory that a grading run shares with the kernels of submissions, one for each at a time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefix: Annotated[str, Field(pattern=f"^{PREFIX}$", max_length=LONGEST_PREFIX)] = "labkit"
    image: Annotated[str, Field(min_length=1, max_length=300)] = "labkit-student"
    hub_url: Annotated[str, Field(pattern=r"^https?://[^/]+$")] = "http://hub:8081"
    proxy_url: Annotated[str, Field(pattern=r"^https?://[^/]+$")] = "http://proxy:8000"
    hub_url_for_proxy: Annotated[str, Field(pattern=r"^(https?://[^/]+)?$")] = ""
    network: str = ""
    network_pool: Annotated[str, AfterValidator(_network)] = "10.214.0.0/16"
    pids: Annotated[int, Field(ge=64)] = 1024
    tmp_gb: Annotated[float, Field(gt=0)] = 1.0
    egress_proxy: Annotated[str, Field(pattern=r"^(https?://[^/]+)?$")] = ""
    constraint: Annotated[str, Field(pattern=r"^(\S+ ?[!=]= ?\S+)?$")] = ""
    grading_network: str = ""
    grading_docker: Annotated[str, Field(pattern=r"^(tcp://[^/]+)?$")] = ""
    grading_slots: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _grading(self) -> ContainerSettings:
        if self.grading_network and not (self.grading_docker and self.grading_slots):
            raise ValueError("with GRADING_NETWORK, GRADING_DOCKER and GRADING_SLOTS are needed, too")
        return self


class KubeSettings(BaseModel):
    """What only Kubernetes needs to know (``LABKIT_KUBE__*``).

    Attributes
    ----------
    home_gb : float
        Size of a new home's volume, in GB.
    storage_class : str
        The class of those volumes; empty takes the cluster's own.
    gpu_resource : str
        What the cluster calls a device.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home_gb: Annotated[float, Field(ge=1)] = 20.0
    storage_class: str = ""
    gpu_resource: Annotated[str, Field(min_length=1)] = "nvidia.com/gpu"
