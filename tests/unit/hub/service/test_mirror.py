"""Hub groups follow the roster, on a played hub; tests/integration does it on a real one."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from labkit_hub.service.hubapi import HubClient
from labkit_hub.service.hubhttp import HubHttp
from labkit_hub.service.metrics import PrometheusMeters
from labkit_hub.service.people.mirror import GroupChange, Mirror, plan_groups
from labkit_hub.service.tables import CourseRow, MemberRow


@pytest.fixture
def mirror(database, hub, address) -> Mirror:
    """A mirror that does a round when it is told to; its course has a student with an account and one without."""
    now = datetime.now(UTC)
    with database.transaction() as session:
        session.add(CourseRow(id="a", title="A", created=now, created_by="prof"))
        session.flush()
        for name, role in (("prof", "professor"), ("ada", "student"), ("zoë", "student")):
            session.add(MemberRow(course_id="a", username=name, role=role, added=now, added_by="prof"))
    hub.add("prof")
    hub.add("ada")
    meters = PrometheusMeters()
    return Mirror(database, HubClient(HubHttp(address.api_url, address.token, meters, transport=httpx.MockTransport(hub.answer)), meters))


def test_groups_hold_those_whom_the_hub_knows(mirror, hub) -> None:
    """Somebody without an account yet is put in when there is one."""
    assert mirror.round()
    assert hub.groups == {"course-a-professors": {"prof"}, "course-a-assistants": set(), "course-a-students": {"ada"}}
    hub.add("zoë")
    mirror.round()
    assert hub.groups["course-a-students"] == {"ada", "zoë"}


def test_what_was_changed_by_hand_is_put_right(mirror, hub) -> None:
    """The roster is the truth; groups of other names are nobody's business."""
    hub.add("eve", groups=("course-a-professors", "professors", "course-gone-students"))
    mirror.round()
    assert [hub.groups[group] for group in ("course-a-professors", "professors", "course-gone-students")] == [{"prof"}, {"eve"}, {"eve"}]


def test_an_archived_courses_groups_are_empty(mirror, hub, database) -> None:
    """They stay, for the day when it is opened again."""
    mirror.round()
    with database.transaction() as session:
        session.get(CourseRow, "a").archived = datetime.now(UTC)
    mirror.round()
    assert set(hub.groups) == {"course-a-professors", "course-a-assistants", "course-a-students"}
    assert not any(hub.groups.values())


@pytest.mark.parametrize("mood", ["database away", "broken", "silent"])
def test_while_the_hub_is_away_nothing_changes(mirror, hub, mood) -> None:
    """It is done in a later round."""
    hub.mood = mood
    assert not mirror.round()
    hub.mood = "well"
    assert mirror.round()
    assert hub.groups["course-a-students"] == {"ada"}


def test_nothing_to_do_asks_little(mirror, hub) -> None:
    """A minute in which nothing changed costs the hub its list of groups, and people only while some are missing."""
    hub.add("zoë")
    mirror.round()
    hub.asked.clear()
    mirror.round()
    assert set(hub.asked) == {"GET /groups"}


def test_a_plan_names_only_differences() -> None:
    """Add, remove and make, each where it is needed."""
    wanted = {"g": {"a", "b", "unknown"}, "same": {"a"}, "new": set()}
    groups = {"g": {"b", "c"}, "same": {"a"}, "other": {"x"}}
    assert plan_groups(wanted, groups, {"a", "b", "c"}) == [
        GroupChange("g", add=frozenset({"a"}), remove=frozenset({"c"})),
        GroupChange("new", create=True),
    ]
