"""What a caller's networks may be: internal, without an address of the host, small, and within its pool."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network
from typing import Any

from labkit_hub.dockerproxy.callers import Caller
from labkit_hub.dockerproxy.policy import forced_labels, prefixed
from labkit_hub.dockerproxy.refusal import Refused
from labkit_hub.dockerproxy.strict_json import Fields, read_object

__all__ = ["NO_HOST_ADDRESS", "rebuild_connect", "rebuild_disconnect", "rebuild_network"]

NO_HOST_ADDRESS = "com.docker.network.bridge.inhibit_ipv4"
"""With it the host has no address on the bridge; without it an internal network still reaches every open port of the host."""

_ALIAS = re.compile(r"[a-z][a-z0-9-]{0,62}")


def rebuild_network(body: bytes, caller: Caller) -> dict[str, Any]:
    """Return the body that Docker gets for ``networks/create``.

    Raises
    ------
    Refused
        This caller has no networks, or asks for one that is not internal or not within its pool.
    """
    if caller.pool is None:
        raise Refused("This caller has no networks.")
    fields = Fields(read_object(body))
    rebuilt = {
        "Name": prefixed(fields.text("Name"), caller, "A network"),
        "CheckDuplicate": True,
        "Driver": "bridge",
        "Internal": True,
        "EnableIPv6": False,
        "Attachable": False,
        "Options": {NO_HOST_ADDRESS: "true"},
        "IPAM": _addresses(fields, caller),
        "Labels": forced_labels(fields, caller),
    }
    if fields.text("Driver") not in ("", "bridge"):
        raise Refused("Driver must be 'bridge'.")
    if fields.table("Options") not in ({}, {NO_HOST_ADDRESS: "true"}):
        raise Refused("Options of a network are not the caller's to set.")
    fields.ignore("CheckDuplicate", "Internal")
    fields.end()
    return rebuilt


def _addresses(fields: Fields, caller: Caller) -> dict[str, Any]:
    ipam = Fields(fields.take("IPAM"), "IPAM")
    configs = ipam.take("Config")
    if ipam.text("Driver") not in ("", "default") or not isinstance(configs, list) or len(configs) != 1:
        raise Refused("IPAM.Config must name one subnet.")
    ipam.end()
    config = Fields(configs[0], "IPAM.Config[0]")
    try:
        subnet = ip_network(config.text("Subnet"))
    except ValueError:
        raise Refused("IPAM.Config[0].Subnet is no network.") from None
    if not isinstance(subnet, IPv4Network) or not caller.pool or not subnet.subnet_of(caller.pool):
        raise Refused(f"The network {subnet} does not lie in the pool of this caller.")
    if subnet.prefixlen < caller.largest_network:
        raise Refused(f"The network {subnet} is larger than /{caller.largest_network}.")
    config.end()
    return {"Driver": "default", "Config": [{"Subnet": str(subnet)}]}


def rebuild_connect(body: bytes, caller: Caller) -> tuple[str, dict[str, Any]]:
    """Return whom to connect (a name or id, to be looked up) and how.

    Raises
    ------
    Refused
        Something but aliases and an address is asked for.
    """
    fields = Fields(read_object(body))
    container = fields.text("Container")
    endpoint = Fields(fields.take("EndpointConfig"), "EndpointConfig")
    fields.end()
    aliases = endpoint.texts("Aliases")
    if not all(_ALIAS.fullmatch(alias) for alias in aliases):
        raise Refused("EndpointConfig.Aliases must be names of hosts.")
    rebuilt: dict[str, Any] = {"Aliases": aliases}
    ipam = Fields(endpoint.take("IPAMConfig"), "EndpointConfig.IPAMConfig")
    if address := ipam.text("IPv4Address"):
        rebuilt["IPAMConfig"] = {"IPv4Address": _in_pool(address, caller)}
    ipam.end()
    endpoint.end()
    return container, rebuilt


def _in_pool(address: str, caller: Caller) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        raise Refused("IPv4Address is no address.") from None
    if not isinstance(found, IPv4Address) or caller.pool is None or found not in caller.pool:
        raise Refused("IPv4Address does not lie in the pool of this caller.")
    return str(found)


def rebuild_disconnect(body: bytes) -> tuple[str, bool]:
    """Return whom to disconnect (a name or id, to be looked up), and whether by force."""
    fields = Fields(read_object(body))
    found = fields.text("Container"), fields.flag("Force")
    fields.end()
    return found
