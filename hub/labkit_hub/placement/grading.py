"""The server of a grading run in a container: on a network of its own, with Docker for kernels and slots that it shares with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["GraderSite", "graders_prefix", "graders_traits"]


@dataclass(frozen=True, slots=True)
class GraderSite:
    """Where submissions are run.

    Attributes
    ----------
    network : str
        The network of graders, with hub, proxy and socket proxy on it.
    docker_host : str
        Docker as graders reach it: the socket proxy, which lets them make containers without a network and nothing else.
    image : str
        Of the kernels.
    prefix : str
        Begins the names of the kernels' containers.
    slots : tuple of str
        Volumes in memory, one for each kernel at a time and one for what scores.
    """

    network: str
    docker_host: str
    image: str
    prefix: str
    slots: tuple[str, ...]


def graders_prefix(prefix: str) -> str:
    """Return what the names of kernels' containers begin with, at the hub of this prefix."""
    return f"{prefix}-grade-"


def graders_traits(traits: Mapping[str, Any], site: GraderSite) -> dict[str, Any]:
    """Return the traits of a grader's server, made of those that any other server would have."""
    places = {volume: f"/slots/{number}" for number, volume in enumerate(site.slots)}
    kernels = {  # labkit.courses.grading.config reads it
        "DOCKER_HOST": site.docker_host,
        "LABKIT_GRADING_SHAPE": "container",
        "LABKIT_GRADING_IMAGE": site.image,
        "LABKIT_GRADING_PREFIX": site.prefix,
        "LABKIT_GRADING_SLOTS": json.dumps(places),
    }
    return {
        **traits,
        "network_name": site.network,
        "volumes": {**traits["volumes"], **places},
        "environment": {**traits["environment"], **kernels},
    }
