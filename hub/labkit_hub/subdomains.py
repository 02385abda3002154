"""Host names of their own for people's servers: who has one, and who keeps the hub's."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from jupyterhub.utils import subdomain_hook_idna

from labkit_hub.hooks import SERVICE
from labkit_hub.settings import Settings
from labkit_hub.shapes import service_url

__all__ = ["apply_subdomains", "host_of"]


def host_of(name: str, domain: str, kind: str) -> str:
    """Return the host name of a person's servers or of a service, below the hub's own name `domain`.

    The service `labkit` is a part of the hub and shares its name: what keeps people apart are the names of their servers, and the links
    between hub and service stay short. All others have one label more, so that a certificate for ``*.<domain>`` fits: a name that is no
    label is escaped, or cut and given a hash.
    """
    if kind == "service" and name == SERVICE:
        return domain
    return str(subdomain_hook_idna(name, domain, kind))


def apply_subdomains(c: Any, settings: Settings, service: str) -> None:
    """Give people's servers names of their own, if the settings say so.

    Parameters
    ----------
    c : Config
    settings : Settings
    service : str
        Where the service listens.
    """
    if not settings.subdomain_host:
        return
    c.JupyterHub.subdomain_host = settings.subdomain_host
    c.JupyterHub.subdomain_hook = host_of
    c.JupyterHub.cookie_host_prefix_enabled = bool(settings.cookie_prefix)
    # The proxy looks at names now. Servers call it by another one than browsers do.
    c.ConfigurableHTTPProxy.extra_routes = {f"{urlsplit(service_url(settings)).hostname}/services/{SERVICE}/": service}
