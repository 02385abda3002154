"""A course that is linked to a learning platform, which is played."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from labkit.testing.learning_platform import PlayedPlatform, serve_platform
from labkit.testing.passback import Clock, link_course
from labkit_hub.service.passback import Passback
from labkit_hub.service.passback.keys import SigningKey
from labkit_hub.service.passback.platform import Platform
from labkit_hub.settings import PassbackSettings


@pytest.fixture(scope="session")
def key() -> SigningKey:
    """A key that is made quickly."""
    return SigningKey(generate_private_key(public_exponent=65537, key_size=2048))


@pytest.fixture
def platform(key, clock) -> Iterator[PlayedPlatform]:
    """A platform whose gradebook is empty."""
    with serve_platform(key, clock) as played:
        yield played


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def passback(database, platform, clock) -> Passback:
    """The room's door; tests look in place of its thread."""
    settings = PassbackSettings(token_url=f"{platform.url}/token", attempts=3, pause_s=60)
    return Passback(database, Platform(settings.token_url, "", platform.key), settings, clock=clock)


@pytest.fixture
def course(database, platform) -> None:
    """A linked course with four students and their grades."""
    link_course(database, platform)
