"""When something is due, how late it came and what that costs: plain functions of times, without a clock and without a database.

docs/courses.md says the same in words; change both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from labkit.client.course_wire import LateRule
from labkit.errors import InvalidInput

__all__ = ["Deadline", "Leave", "check_time_zone", "local_moment", "plain_local", "read_moment"]

_SHAPE = "%Y-%m-%dT%H:%M"


def check_time_zone(name: str) -> str:
    """Return the name of a time zone if there is one.

    Raises
    ------
    InvalidInput
        There is none of this name.
    """
    if name != "UTC" and name not in available_timezones():
        raise InvalidInput(f"There is no time zone {name[:60]!r}.", hint="They are called like Europe/Berlin or UTC.")
    return name


def read_moment(text: str, time_zone: str) -> datetime:
    """Return the moment, in UTC, that a local time means: of one that comes twice the later.

    Raises
    ------
    InvalidInput
        It is no local time, or one that a change of the clocks skips there; the hint names the next that there is.

    Examples
    --------
    >>> read_moment("2026-10-25T02:30", "Europe/Berlin").isoformat()
    '2026-10-25T01:30:00+00:00'
    """
    try:
        local = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInput(f"{text[:40]!r} is no time.", hint="Write it like 2026-10-25T23:59.") from error
    if local.tzinfo is not None:
        raise InvalidInput(
            f"{text[:40]!r} names a distance from UTC.", hint=f"Write the local time of the course ({time_zone}), like 2026-10-25T23:59."
        )
    if len(text.strip()) <= 10:
        raise InvalidInput(f"{text[:40]!r} is a day without a time.", hint="Write it like 2026-10-25T23:59.")
    if not 2000 <= local.year <= 2200:
        raise InvalidInput(f"The year {local.year} is none that could be meant.", hint="Write the time like 2026-10-25T23:59.")
    zone = _zone(time_zone)
    moment = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local:
        # With fold=0 a skipped time counts on with the offset from before the gap: what the clocks show then.
        later = local.replace(tzinfo=zone, fold=0).astimezone(UTC).astimezone(zone)
        raise InvalidInput(
            f"There is no {local.strftime(_SHAPE)} in {time_zone}: the clocks skip it.", hint=f"Take {later.strftime(_SHAPE)}, for example."
        )
    return moment


def _zone(name: str) -> tzinfo:
    """Return a time zone; UTC also on a machine that has no table of them."""
    return UTC if name == "UTC" else ZoneInfo(name)


def plain_local(text: str) -> str:
    """Return a local time that `read_moment` reads as browsers write it: in another shape their fields stay empty, and take it away.

    Examples
    --------
    >>> plain_local("2026-10-25 23:59"), plain_local("20261025T2359"), plain_local("2026-10-25T23:59:30")
    ('2026-10-25T23:59', '2026-10-25T23:59', '2026-10-25T23:59:30')
    """
    local = datetime.fromisoformat(text.strip())
    return local.isoformat(timespec="seconds" if local.second else "minutes")


def local_moment(moment: datetime, time_zone: str) -> str:
    """Return a moment as the clocks of a place show it, as `read_moment` reads it."""
    return moment.astimezone(_zone(time_zone)).strftime(_SHAPE)


@dataclass(frozen=True, slots=True)
class Leave:
    """What one person may beyond the others: a later due time, more attempts."""

    due: datetime | None = None
    attempts: int | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """What holds for one person or group.

    Attributes
    ----------
    due : datetime or None
        None is never late.
    closes : datetime or None
        Afterwards nothing is accepted.
    grace : timedelta
        After `due`; what comes in it is in time.
    attempts : int or None
        None sets no bound.
    """

    due: datetime | None = None
    closes: datetime | None = None
    grace: timedelta = timedelta(0)
    late: LateRule = field(default_factory=LateRule)
    attempts: int | None = None
    extended: bool = False

    def with_leaves(self, leaves: Iterable[Leave]) -> Deadline:
        """Return what holds with extensions: of a group's, the most generous counts for all of it.

        An extension never makes anything worse, and what is due later is also accepted later.
        """
        leaves = tuple(leaves)
        dues = [leave.due for leave in leaves if leave.due is not None]
        attempts = [leave.attempts for leave in leaves if leave.attempts is not None]
        changed = self
        if dues and self.due is not None:
            due = max(self.due, *dues)
            closes = None if self.closes is None else max(self.closes, due + self.grace)
            changed = replace(changed, due=due, closes=closes, extended=due > self.due)
        elif dues and self.closes is not None:
            changed = replace(changed, closes=max(self.closes, *dues), extended=True)
        if attempts and self.attempts is not None and max(attempts) > self.attempts:
            changed = replace(changed, attempts=max(attempts), extended=True)
        return changed

    def late_s(self, moment: datetime) -> float:
        """Return how many seconds after due time and grace a moment is; 0 in time."""
        if self.due is None:
            return 0.0
        return max(0.0, (moment - self.due - self.grace).total_seconds())

    def kept(self, moment: datetime) -> float:
        """Return which part of the points somebody keeps who hands in then: 1 in time, less for each begun day of 24 hours."""
        late_s = self.late_s(moment)
        if not late_s:
            return 1.0
        days = math.ceil(late_s / 86_400)
        return min(1.0, max(self.late.floor_percent, 100.0 - self.late.percent_per_day * days, 0.0) / 100.0)

    def refusal(self, moment: datetime, time_zone: str) -> tuple[str, str]:
        """Return why nothing is accepted at a moment, and what to do; empty if it is."""
        ask = "Ask your professor for an extension."
        if self.closes is not None and moment > self.closes:
            return f"Nothing is accepted since {_told(self.closes, time_zone)}.", ask
        if self.late_s(moment) and not self.late.accept and self.due is not None:
            return f"It was due at {_told(self.due, time_zone)}, and nothing is accepted after that.", ask
        return "", ""


def _told(moment: datetime, time_zone: str) -> str:
    return f"{moment.astimezone(_zone(time_zone)).strftime('%Y-%m-%d %H:%M')} ({time_zone})"
