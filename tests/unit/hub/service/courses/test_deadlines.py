"""Due times, clocks that are changed, grace, extensions and what late costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from labkit.client.course_wire import LateRule
from labkit.errors import InvalidInput
from labkit_hub.service.courses.deadlines import Deadline, Leave, check_time_zone, local_moment, read_moment

BERLIN = "Europe/Berlin"
DUE = datetime(2026, 10, 25, 22, 59, tzinfo=UTC)
RULE = LateRule(accept=True, percent_per_day=10, floor_percent=50)


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2026-07-01T23:59", BERLIN, "2026-07-01T21:59"),
        ("2026-12-01T23:59", BERLIN, "2026-12-01T22:59"),
        ("2026-10-25T02:30", BERLIN, "2026-10-25T01:30"),  # comes twice: the later
        ("2026-11-01T01:30", "America/New_York", "2026-11-01T06:30"),
        ("2026-10-25 23:59:30", BERLIN, "2026-10-25T22:59:30"),
        ("2026-06-01T12:00", "Asia/Kathmandu", "2026-06-01T06:15"),
    ],
)
def test_a_local_time_is_a_moment(text: str, zone: str, moment: str) -> None:
    """Summer and winter, the hour that comes twice, other parts of the world."""
    assert read_moment(text, zone) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "instead"),
    [("2026-03-29T02:30", BERLIN, "2026-03-29T03:30"), ("2026-10-04T02:10", "Australia/Lord_Howe", "2026-10-04T02:40")],
)
def test_a_time_that_the_clocks_skip_is_refused(text: str, zone: str, instead: str) -> None:
    """With one that there is."""
    with pytest.raises(InvalidInput, match="clocks skip") as caught:
        read_moment(text, zone)
    assert instead in caught.value.hint
    read_moment(instead, zone)


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-10-25", "2026-10-25T23:59Z", "2026-10-25T23:59+02:00", "2026-02-30T10:00", "0001-01-01T00:00"]
)
def test_what_is_no_local_time_is_refused(text: str) -> None:
    """Distances from UTC, too: they would be wrong after the clocks are changed."""
    with pytest.raises(InvalidInput):
        read_moment(text, BERLIN)


def test_a_moment_is_told_as_the_clocks_show_it() -> None:
    """And read back as the same."""
    assert read_moment(local_moment(DUE, BERLIN), BERLIN) == DUE


@pytest.mark.parametrize("name", ["", "Europe/Nowhere", "../../etc/passwd", "CET+1"])
def test_a_time_zone_must_be_one(name: str) -> None:
    """No path, no abbreviation."""
    with pytest.raises(InvalidInput):
        check_time_zone(name)


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        (timedelta(0), 1.0),
        (timedelta(minutes=15), 1.0),  # the last moment of the grace
        (timedelta(minutes=15, seconds=1), 0.9),
        (timedelta(days=1, minutes=15), 0.9),
        (timedelta(days=1, minutes=16), 0.8),
        (timedelta(days=40), 0.5),
    ],
)
def test_each_begun_day_costs(after: timedelta, kept: float) -> None:
    """From the end of the grace on, down to the floor."""
    deadline = Deadline(due=DUE, grace=timedelta(minutes=15), late=RULE)
    assert deadline.kept(DUE + after) == pytest.approx(kept)


def test_a_day_has_24_hours_when_the_clocks_are_changed() -> None:
    """Due on the Saturday before: 25 hours by the clock are two begun days only after 24 hours have gone by."""
    due = read_moment("2026-10-24T12:00", BERLIN)
    deadline = Deadline(due=due, late=RULE)
    assert deadline.kept(read_moment("2026-10-25T11:00", BERLIN)) == pytest.approx(0.9)
    assert deadline.kept(read_moment("2026-10-25T12:00", BERLIN)) == pytest.approx(0.8)


def test_late_is_refused_where_it_is_not_accepted() -> None:
    """But not in the grace."""
    deadline = Deadline(due=DUE, grace=timedelta(minutes=10))
    assert deadline.refusal(DUE + timedelta(minutes=10), BERLIN) == ("", "")
    refusal, hint = deadline.refusal(DUE + timedelta(minutes=11), BERLIN)
    assert ("2026-10-25 23:59 (Europe/Berlin)" in refusal, "extension" in hint) == (True, True)


def test_nothing_is_accepted_after_it_has_closed() -> None:
    """Late or not."""
    deadline = Deadline(due=DUE, closes=DUE + timedelta(days=2), late=RULE)
    assert deadline.refusal(DUE + timedelta(days=2), BERLIN) == ("", "")
    assert "since" in deadline.refusal(DUE + timedelta(days=2, seconds=1), BERLIN)[0]


def test_an_extension_moves_the_closing_with_it() -> None:
    """Else it would be worth nothing."""
    deadline = Deadline(due=DUE, closes=DUE, grace=timedelta(minutes=5), late=RULE, attempts=1)
    longer = deadline.with_leaves([Leave(due=DUE + timedelta(days=3)), Leave(attempts=4)])
    assert (longer.due, longer.closes) == (DUE + timedelta(days=3), DUE + timedelta(days=3, minutes=5))
    assert (longer.attempts, longer.extended, longer.kept(DUE + timedelta(days=2))) == (4, True, 1.0)


def test_an_extension_makes_nothing_worse() -> None:
    """An earlier time or fewer attempts change nothing; nor do attempts where there is no bound."""
    deadline = Deadline(due=DUE, attempts=3)
    assert deadline.with_leaves([Leave(due=DUE - timedelta(days=1), attempts=2)]) == deadline
    assert Deadline(due=DUE).with_leaves([Leave(attempts=2)]) == Deadline(due=DUE)
