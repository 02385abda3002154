"""Where the hub is and where we are, as the hub told this process when it started it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from labkit.errors import InvalidInput

__all__ = ["SERVICE_NAME", "HubAddress", "require_bound_address"]

SERVICE_NAME = "labkit"
"""The service's name in the hub; it is part of its address and of the scope that opens it."""
_EVERYWHERE = frozenset({"", "0.0.0.0", "::", "*"})


@dataclass(frozen=True, slots=True)
class HubAddress:
    """The hub that started us.

    Attributes
    ----------
    api_url : str
        Its REST API as we reach it, such as ``http://127.0.0.1:8081/hub/api``.
    token : str
        Our own token; the hub shows it when it asks us.
    base_path : str
        Our path as people see it, such as ``/services/labkit``.
    hub_path : str
        The hub's pages as people see them, such as ``/hub``; with a host in front if we have one of our own.
    client_id, callback : str
        Who we are in the hub's OAuth, and where it sends browsers back to.
    port : int
        Where we listen.
    """

    api_url: str
    token: str
    base_path: str
    hub_path: str
    client_id: str
    callback: str
    port: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> HubAddress:
        """Read what the hub gives to a managed service.

        Raises
        ------
        InvalidInput
            A variable is missing: this process was not started by a hub.
        """
        try:
            base_path = environment["JUPYTERHUB_SERVICE_PREFIX"].rstrip("/")
            public = environment.get("JUPYTERHUB_PUBLIC_HUB_URL") or (
                environment.get("JUPYTERHUB_HOST", "") + environment.get("JUPYTERHUB_BASE_URL", "/") + "hub"
            )
            return cls(
                api_url=environment["JUPYTERHUB_API_URL"].rstrip("/"),
                token=environment["JUPYTERHUB_API_TOKEN"],
                base_path=base_path,
                hub_path=public.rstrip("/"),
                client_id=environment.get("JUPYTERHUB_CLIENT_ID", f"service-{SERVICE_NAME}"),
                callback=environment.get("JUPYTERHUB_OAUTH_CALLBACK_URL") or f"{base_path}/oauth_callback",
                port=urlsplit(environment["JUPYTERHUB_SERVICE_URL"]).port or 80,
            )
        except KeyError as error:
            raise InvalidInput(
                f"{error.args[0]} is not set, so no hub has started this service.",
                hint="It is started by the hub: labkit_hub.service.launch.service_entry makes the entry for its configuration.",
            ) from error


def require_bound_address(address: str) -> str:
    """Return `address` if the service may listen there.

    Raises
    ------
    InvalidInput
        It means all addresses: students' containers would reach the service past the proxy.
    """
    if address.strip() in _EVERYWHERE:
        raise InvalidInput(
            f"The service must not listen on all addresses ({address!r}).",
            hint="Set LABKIT_SERVICE__ADDRESS to 127.0.0.1, or to the hub's address on the network that students do not see.",
        )
    return address.strip()
