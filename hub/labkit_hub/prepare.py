"""What is done with Docker, or with a swarm, when the configuration is loaded: that is before the hub looks at its servers."""

from __future__ import annotations

from functools import partial

from labkit_hub.dockerspawner import keep_attached
from labkit_hub.networks import docker_client, student_networks
from labkit_hub.settings import Settings
from labkit_hub.strangers import end_strangers, hub_lives, remove_strangers
from labkit_hub.swarmtasks import remove_strange_services

__all__ = ["prepare_engine"]


def prepare_engine(settings: Settings, hub_port: int) -> None:
    """Remove the servers that the hub cannot know of, and join people's networks again.

    Raises
    ------
    StorageUnreachable
        Docker does not answer.
    """
    if hub_lives(hub_port):
        return  # some command of JupyterHub's, beside the hub
    prefix, database_url = settings.containers.prefix, settings.resolved_database_url
    if settings.spawner == "swarm":
        end_strangers(partial(remove_strange_services, docker_client(), prefix), prefix, database_url)
        return
    networks = student_networks(settings.containers.network_pool, prefix)
    end_strangers(partial(remove_strangers, networks.client, prefix), prefix, database_url)
    keep_attached(networks, has_own=not settings.containers.network)
