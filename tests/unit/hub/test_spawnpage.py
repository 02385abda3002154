"""What there is to choose from on the spawn page."""

from __future__ import annotations

from labkit.client.wire import DeviceCount
from labkit_hub.profiles import DEFAULT_PROFILES, Profile
from labkit_hub.spawnpage import choices

STAFF = Profile(slug="big", title="Big", roles=("admin", "professor"))
COURSE = Profile(slug="course", title="Course", courses=("micro-1",))
ALL = (*DEFAULT_PROFILES, STAFF, COURSE)


def slugs(offered: tuple[str, ...] | None, devices: DeviceCount | None) -> list[str]:
    return [profile.slug for profile in choices(ALL, offered, devices)]


def test_only_what_is_offered_is_shown_in_the_order_of_the_settings() -> None:
    """Profiles of runs are never there, whatever is offered."""
    assert slugs(("big", "gpu", "gpu-run", "cpu"), DeviceCount(total=1)) == ["cpu", "gpu", "big"]


def test_without_devices_nothing_that_needs_one_is_shown() -> None:
    """A machine without a GPU has one profile, and so no page at all."""
    assert slugs(("cpu", "gpu"), DeviceCount(total=0)) == ["cpu"]


def test_without_an_answer_only_what_everybody_may_start_is_shown() -> None:
    """The service decides at the start anyway."""
    assert slugs(None, None) == ["cpu"]
