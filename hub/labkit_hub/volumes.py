"""How much is in people's homes where these are volumes of Docker's."""

from __future__ import annotations

from collections.abc import Iterable

import requests

from labkit.errors import StorageUnreachable
from labkit_hub.networks import docker_client
from labkit_hub.placement import home_volume_name

__all__ = ["measure_volumes"]

_TIMEOUT_S = 900.0  # Docker goes through every folder


def measure_volumes(prefix: str, names: Iterable[str]) -> dict[str, int]:
    """Return the bytes of each home; volumes of nobody in `names` go by their own name.

    Docker's client library asks for images and containers, too, which takes longer and which the socket proxy does not tell.

    Raises
    ------
    StorageUnreachable
        Docker does not answer, or not with sizes.
    """
    client, owners = docker_client(_TIMEOUT_S), {home_volume_name(prefix, name): name for name in names}
    try:
        answer = client.get(f"{client.base_url}/v{client.api_version}/system/df", params={"type": "volume"}, timeout=_TIMEOUT_S)
        answer.raise_for_status()
        sizes = {str(volume["Name"]): int((volume.get("UsageData") or {}).get("Size", -1)) for volume in answer.json()["Volumes"] or ()}
    except (requests.RequestException, ValueError, KeyError) as error:
        raise StorageUnreachable(f"Docker does not say how large its volumes are: {error}", hint="Look at docker system df -v.") from error
    homes = f"{prefix}-home-"
    return {owners.get(name, name): size for name, size in sizes.items() if name.startswith(homes) and size >= 0}
