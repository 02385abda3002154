"""A person's server as a service of a Docker swarm."""

from __future__ import annotations

from dockerspawner import SwarmSpawner
from traitlets import Unicode, default

from labkit_hub.placed import PlacedSpawner
from labkit_hub.placement import server_object_name

__all__ = ["LabKitSwarmSpawner"]


class LabKitSwarmSpawner(PlacedSpawner, SwarmSpawner):  # type: ignore[misc]
    """Starts what the placement says; a service that has ended is not running, and is never started again."""

    container_prefix_of_hub = Unicode("labkit", config=True, help="Begins the names of this hub's services.")

    @default("object_name")
    def _object_name(self) -> str:
        """Have the right name from the beginning: a spawner is asked how it stands before anything was placed."""
        return server_object_name(self.container_prefix_of_hub, self.user.name, self.name)
