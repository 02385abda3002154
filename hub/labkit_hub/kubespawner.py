"""A person's server as a pod of Kubernetes."""

from __future__ import annotations

from kubespawner import KubeSpawner
from traitlets import default

from labkit_hub.placed import PlacedSpawner
from labkit_hub.placement import GRADING_STOP_S, Placement

__all__ = ["LabKitKubeSpawner"]


class LabKitKubeSpawner(PlacedSpawner, KubeSpawner):  # type: ignore[misc]
    """Starts what the placement says."""

    @default("delete_grace_period")
    def _delete_grace_period_default(self) -> int:
        return GRADING_STOP_S  # of a server that a hub before this one has started: no placement is known, and a second is too short

    def apply(self, placement: Placement) -> None:
        """Take over what this server is started with, and the host name that follows from it."""
        super().apply(placement)
        self.dns_name = self.dns_name_template.format(namespace=self.namespace, name=self.pod_name)

    async def load_user_options(self) -> None:
        """Do nothing: options have been checked, and the placement says what holds."""
