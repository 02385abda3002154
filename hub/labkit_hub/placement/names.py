"""Names of containers, volumes, networks and pods: readable, never the same for two servers, and fit for every engine.

A name is ``<prefix>-<what it is>-<some letters of the user>-<hash>``. The letters are for people; what tells two servers apart is
the hash, over the kind of thing and the exact names of user and server, each with its length in front, so that ``a-b`` with server
``c`` and ``a`` with server ``b-c`` differ. All names are lower-case letters, digits and single hyphens, begin with a letter, end
with a letter or digit and have at most 63 characters: what a DNS label, a Docker object and a Kubernetes object may be.
"""

from __future__ import annotations

import base64
import hashlib
import re

from labkit.errors import InvalidInput
from labkit_hub.homes import home_name
from labkit_hub.prefix import LONGEST_PREFIX, PREFIX

__all__ = ["LONGEST_USER", "check_user_name", "home_volume_name", "label_value", "network_name", "server_object_name"]

LONGEST_USER = 255
"""Characters of a user name: what the hub's database keeps."""

_PREFIX = re.compile(PREFIX)
_READABLE = 12
_HASH = 20  # of base32: 100 bits


def check_user_name(user: str) -> str:
    """Return `user` if servers can be started for it.

    Raises
    ------
    InvalidInput
        It is empty, longer than the hub's database keeps, or holds characters that nobody can see.
    """
    if not user:
        raise InvalidInput("A user without a name has no server.", hint="Give the user a name.")
    if len(user) > LONGEST_USER:
        raise InvalidInput(
            f"The user name has {len(user)} characters; {LONGEST_USER} are the most.",
            hint="Ask an admin for an account with a shorter name.",
        )
    if not user.isprintable():
        raise InvalidInput("The user name holds characters that cannot be printed.", hint="Ask an admin for an account with another name.")
    return user


def server_object_name(prefix: str, user: str, server: str) -> str:
    """Return the name of a server's container, Swarm service or pod.

    Examples
    --------
    >>> server_object_name("labkit", "zoë b", "")
    'labkit-server-zo-b-l3imgnwmp7igjuziqx5m'
    >>> server_object_name("labkit", "a-b", "c") == server_object_name("labkit", "a", "b-c")
    False
    """
    kind = "run" if server else "server"
    return _name(prefix, kind, user, user, server)


def home_volume_name(prefix: str, user: str) -> str:
    """Return the name of the volume that is this user's home, in all servers of this user."""
    return _name(prefix, "home", user, user)


def network_name(prefix: str, user: str) -> str:
    """Return the name of the network that all servers of this user share, with hub and proxy and nobody else."""
    return _name(prefix, "net", user, user)


def label_value(user: str) -> str:
    """Return `user` as it is written into labels, different for different users: Kubernetes takes 63 characters of plain ASCII.

    Examples
    --------
    >>> label_value("anna.b"), label_value("Zoë")
    ('u-anna.b-u', 'u-_5ao_c3_ab-u')
    """
    text = home_name(check_user_name(user))
    if len(text) > 59:
        text = f"{text[:24]}_h{_hash('label', user)}"
    return f"u-{text}-u"  # begins and ends with a letter, whatever the name does


def _name(prefix: str, kind: str, user: str, *exact: str) -> str:
    check_user_name(user)
    if not _PREFIX.fullmatch(prefix) or len(prefix) > LONGEST_PREFIX:
        raise InvalidInput(
            f"{prefix!r} cannot begin the names of containers.",
            hint="Take 1 to 20 lower-case letters, digits and single hyphens, first a letter above f.",
        )
    words = [prefix, kind, _readable(user), _hash(kind, *exact)]
    return "-".join(word for word in words if word)


def _readable(user: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", user[:60].lower()).strip("-")
    return plain[:_READABLE].strip("-")


def _hash(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return base64.b32encode(digest.digest()).decode("ascii").lower()[:_HASH]
