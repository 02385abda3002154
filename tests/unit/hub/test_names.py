"""Names of containers, volumes and networks never collide, whatever users are called."""

from __future__ import annotations

import random
import re
import string

import pytest

from labkit.errors import InvalidInput
from labkit_hub.placement.names import home_volume_name, label_value, network_name, server_object_name

ODD_USERS = [
    "a",
    "a-b",
    "A-B",
    "a_b",
    "A.B",
    "a.b",
    "ab",
    "zoë b",
    "zoe b",
    "zoë-b",
    "-",
    "--",
    "x" * 255,
    "x" * 254 + "y",
    "ß",
    "ss",
    "名前",
]
DNS_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
KUBE_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def all_names(user: str, server: str) -> list[str]:
    return [server_object_name("labkit", user, server), home_volume_name("labkit", user), network_name("labkit", user)]


def random_name(chance: random.Random, alphabet: str, longest: int) -> str:
    return "".join(chance.choice(alphabet) for _ in range(chance.randint(1, longest)))


def test_user_and_server_cannot_be_shifted_into_one_another() -> None:
    """The users ``a-b`` and ``a`` have different containers for their servers ``c`` and ``b-c``."""
    assert server_object_name("labkit", "a-b", "c") != server_object_name("labkit", "a", "b-c")


def test_odd_users_have_names_of_their_own() -> None:
    """Case, accents, hyphens, dots and the last of 255 letters all count."""
    for names in zip(*(all_names(user, "run-x") for user in ODD_USERS), strict=True):
        assert len(set(names)) == len(ODD_USERS)
    assert len({label_value(user) for user in ODD_USERS}) == len(ODD_USERS)


def test_a_persons_things_have_different_names() -> None:
    """Container, run, volume and network of one person differ, also for somebody called like a part of them."""
    names = [*all_names("ada", ""), *all_names("ada", "run-ada"), *all_names("home-ada", ""), *all_names("server-ada", "")]
    assert len(set(names)) == 10  # volume and network of ada are named twice


@pytest.mark.parametrize("alphabet", ["ab-", "ab-._", "aAbB-", string.ascii_letters + string.digits + "-_.@+ äöüß"])
def test_many_random_pairs_never_collide(alphabet: str) -> None:
    """Thousands of pairs from few letters, where a careless join collides at once."""
    chance = random.Random(alphabet)
    pairs = {(random_name(chance, alphabet, 6), random_name(chance, "ab-", 4)) for _ in range(4000)}
    assert len({server_object_name("labkit", *pair) for pair in pairs}) == len(pairs)
    users = {user for user, _ in pairs}
    assert len({home_volume_name("labkit", user) for user in users}) == len(users)
    assert len({network_name("labkit", user) for user in users}) == len(users)


@pytest.mark.parametrize("user", ODD_USERS)
def test_every_engine_takes_the_names(user: str) -> None:
    """They are DNS labels, the strictest of what Docker, Swarm and Kubernetes ask; label values are what Kubernetes asks."""
    for name in all_names(user, "run-" + "z" * 26):
        assert DNS_LABEL.fullmatch(name), name
        assert "--" not in name
    assert KUBE_LABEL.fullmatch(label_value(user))


@pytest.mark.parametrize("user", ["", "a" * 256, "a" * 10_000_000, "a\0b", "a\nb", "a\u202eb"])
def test_what_cannot_be_a_user_is_refused_in_words(user: str) -> None:
    """Nothing of ten megabytes is repeated in the message."""
    with pytest.raises(InvalidInput) as caught:
        server_object_name("labkit", user, "")
    assert len(caught.value.message) < 200
    assert caught.value.hint


@pytest.mark.parametrize("prefix", ["", "Lab", "lab_", "-lab", "lab-", "k--b", "k" * 21, "alab"])
def test_a_prefix_that_fits_no_engine_is_refused(prefix: str) -> None:
    """A name must begin with a letter and stay below 63 characters."""
    with pytest.raises(InvalidInput):
        home_volume_name(prefix, "ada")
