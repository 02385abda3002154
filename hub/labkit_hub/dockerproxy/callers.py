"""Who may ask for what. A caller is known by where its calls come from, on a network that no student's container is on."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from labkit.storage import Record
from labkit_hub.prefix import LONGEST_PREFIX, PREFIX

__all__ = ["ATTACH_LABEL", "CALLER_LABEL", "Caller", "ProxySettings"]

CALLER_LABEL = "labkit.caller"
"""On all that a caller made: its prefix, without the hyphen. Written by the socket proxy, never by the caller."""
ATTACH_LABEL = "labkit.attach"
"""On containers of the compose file that this caller may connect to its networks (hub, proxy, store), and do nothing else with."""

GB = 1_000_000_000
_LONGEST = LONGEST_PREFIX + len("-grade-")  # the graders' prefix is made of the hub's


class Caller(Record):
    """What one caller may have.

    Attributes
    ----------
    addresses : tuple of IPv4Address
        Its calls come from one of these,
    networks : tuple of IPv4Network
        or from any address in one of these: graders come and go, and get the next that is free.
    prefix : str
        Its containers, networks and volumes begin so. It ends in a hyphen, and is never part of an id of Docker, since its first
        letter is above f.
    images : tuple of str
        Exactly these images.
    pool : IPv4Network or None
        Its networks lie in it; None means that its containers have no network at all.
    largest_network : int
        The shortest prefix length of a network that it may make.
    memory_gb, pids : float, int
        The most that a container may ask for; it must ask.
    devices : bool
        Whether it may pass NVIDIA devices, by id.
    wards : tuple of str
        Prefixes of other callers whose containers it may list and remove, and do nothing else with: the hub cleans up after graders.
    """

    addresses: tuple[IPv4Address, ...] = ()
    networks: tuple[IPv4Network, ...] = ()
    prefix: Annotated[str, Field(pattern=f"^{PREFIX}-$", max_length=_LONGEST)] = "labkit-"
    images: tuple[str, ...] = ()
    pool: IPv4Network | None = None
    largest_network: Annotated[int, Field(ge=8, le=30)] = 28
    memory_gb: Annotated[float, Field(gt=0)] = 256.0
    pids: Annotated[int, Field(ge=1)] = 4096
    devices: bool = False
    wards: tuple[Annotated[str, Field(pattern=f"^{PREFIX}-$", max_length=_LONGEST)], ...] = ()

    @property
    def ward_owners(self) -> tuple[str, ...]:
        """The values of the labels of what it may clean up."""
        return tuple(ward.removesuffix("-") for ward in self.wards)

    @property
    def owner(self) -> str:
        """The value of the labels of what is this caller's."""
        return self.prefix.removesuffix("-")

    def is_at(self, address: IPv4Address) -> bool:
        """Whether calls from `address` are this caller's."""
        return address in self.addresses or any(address in network for network in self.networks)


class ProxySettings(BaseSettings):
    """The socket proxy's settings: ``LABKIT_DOCKERPROXY_CALLERS__HUB__IMAGES='["labkit/student:1"]'`` and so on.

    Attributes
    ----------
    callers : dict of Caller, by name
    socket : str
        Docker's socket.
    port : int
    log_level : str
    """

    model_config = SettingsConfigDict(env_prefix="LABKIT_DOCKERPROXY_", env_nested_delimiter="__", extra="ignore", frozen=True)

    callers: dict[Annotated[str, Field(pattern=r"^[a-z]{1,20}$")], Caller] = {}
    socket: str = "/var/run/docker.sock"
    port: Annotated[int, Field(ge=1, le=65535)] = 2375
    log_level: str = "INFO"

    def caller_at(self, address: str | None) -> tuple[str, Caller] | None:
        """Return the name and the rights of who calls from `address`."""
        try:
            place = IPv4Address(address or "")
        except AddressValueError:
            return None
        return next(((name, caller) for name, caller in self.callers.items() if caller.is_at(place)), None)
