"""Who is next: what holds for every line, tried on many random ones; and what people read."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from labkit_hub.service.queue.policy import CourseLimits, FreeDevice, Held, Limits, Line, Plan, Spent, Waiting, make_plan

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
PEOPLE, COURSES = "abcdef", ("bio", "physics", None)


def waiting(run_id: str, owner: str = "a", *, course: str | None = None, gpus: int = 1, minute: int = 0, **fields: object) -> Waiting:
    values = {"priority": 0, "rank": float(minute), **fields}
    return Waiting(run_id, owner, course, gpus, submitted=NOW - timedelta(hours=1) + timedelta(minutes=minute), **values)  # type: ignore[arg-type]


def free(count: int) -> tuple[FreeDevice, ...]:
    return tuple(FreeDevice(k) for k in range(count))


def line(*runs: Waiting, devices: int = 0, total: int = 2, **fields: object) -> Line:
    return Line(now=NOW, waiting=runs, free=free(devices), per_node={"": total}, **fields)  # type: ignore[arg-type]


def reasons(plan: Plan) -> dict[str, str]:
    return {run_id: standing.reason for run_id, standing in plan.standings.items()}


def random_line(seed: int) -> Line:
    """Any line of single devices: people with and without leases, priorities, courses, caps, budgets, failed starts."""
    rng = random.Random(seed)
    runs = [
        waiting(
            f"r{k}",
            rng.choice(PEOPLE),
            course=rng.choice(COURSES),
            gpus=int(rng.random() < 0.9),
            minute=rng.randrange(50),
            priority=int(rng.random() < 0.2),
            rank=float(rng.randrange(20)),
            not_before=NOW + timedelta(seconds=rng.choice([-5, 5])) if rng.random() < 0.2 else None,
        )
        for k in range(rng.randrange(25))
    ]
    held = tuple(Held(rng.choice(PEOPLE), rng.choice(COURSES), rng.choice([1, 1, 1, 0])) for _ in range(rng.randrange(4)))
    spent = Spent({p: rng.randrange(4) * 1.0 for p in PEOPLE}, {"bio": rng.random() * 4}, {("bio", p): rng.random() * 4 for p in PEOPLE})
    courses = {"bio": CourseLimits(rng.choice([None, 1, 2]), rng.choice([None, 2.0]), rng.choice([None, 2.0]))}
    limits = Limits(rng.randrange(1, 3), rng.choice([None, 2.0]), courses)
    devices = rng.randrange(5)
    return line(*runs, devices=devices, total=devices + len(held), held=held, spent=spent, limits=limits)


def after(state: Line, plan: Plan) -> Line:
    """The line when what was decided has happened."""
    started = {start.run_id: start for start in plan.starts}
    runs = {run.id: run for run in state.waiting}
    held = [Held(runs[r].owner, runs[r].course, runs[r].gpus) for r in started]
    return replace(state, waiting=tuple(r for r in state.waiting if r.id not in started), held=(*state.held, *held), free=plan.left)


LINES = [random_line(seed) for seed in range(400)]


def test_no_device_and_no_run_is_given_twice() -> None:
    """Each start has its own free devices, and as many as it needs."""
    for state in LINES:
        plan, needs = make_plan(state), {run.id: run.gpus for run in state.waiting}
        given = [device for start in plan.starts for device in start.devices]
        assert len(given) == len(set(given))
        assert set(given) <= {device.id for device in state.free}
        assert len({start.run_id for start in plan.starts}) == len(plan.starts)
        assert all(len(start.devices) == needs[start.run_id] for start in plan.starts)


def test_nobody_gets_more_than_the_caps() -> None:
    """After all starts, whoever got something is within the caps of person and course."""
    for state in LINES:
        plan, runs = make_plan(state), {run.id: run for run in state.waiting}
        held = after(state, plan).held
        by_person, by_course = Counter(), Counter()
        for one in held:
            by_person[one.owner] += one.gpus
            by_course[one.course] += one.gpus
        for start in plan.starts:
            run = runs[start.run_id]
            assert not run.gpus or by_person[run.owner] <= state.limits.per_person
            most = state.limits.of(run.course).max_running
            assert not run.gpus or most is None or by_course[run.course] <= most


def test_nobody_over_budget_starts() -> None:
    """A course's own hours hold in place of the general ones; runs without a device cost nothing."""
    for state in LINES:
        runs = {run.id: run for run in state.waiting}
        for start in make_plan(state).starts:
            run, spent, own = runs[start.run_id], state.spent, state.limits.of(runs[start.run_id].course)
            if run.gpus == 0:
                continue
            if own.hours_total is not None:
                assert spent.by_course["bio"] < own.hours_total
            if own.hours_per_person is not None:
                assert spent.by_member["bio", run.owner] < own.hours_per_person
            elif state.limits.hours_per_person is not None:
                assert spent.by_person[run.owner] < state.limits.hours_per_person


def test_no_device_idles_while_somebody_may_have_it() -> None:
    """Deciding again at once finds nothing more to start."""
    for state in LINES:
        assert make_plan(after(state, make_plan(state))).starts == ()


def test_the_order_is_fair() -> None:
    """Of two that could start, the one that did has the higher priority, or fewer devices in use, less time, the earlier submission."""
    for state in LINES:
        state = replace(state, limits=replace(state.limits, per_person=1))
        plan, runs = make_plan(state), {run.id: run for run in state.waiting}
        in_use = Counter(dict.fromkeys(PEOPLE, 0))
        for one in state.held:
            in_use[one.owner] += max(one.gpus, 1)

        def key(run: Waiting, state: Line = state, in_use: Counter[str] = in_use) -> tuple[object, ...]:
            return (-run.priority, in_use[run.owner], state.spent.by_person[run.owner], run.submitted)

        started = [runs[start.run_id] for start in plan.starts if runs[start.run_id].gpus]
        rest = after(state, plan)
        could = {start.run_id for start in make_plan(replace(rest, free=(*rest.free, FreeDevice(99)))).starts}
        heads = {run.owner: run for run in sorted(state.waiting, key=lambda run: (run.rank, run.submitted, run.id), reverse=True)}
        for late in (heads[runs[r].owner] for r in could if runs[r].gpus and heads[runs[r].owner].id == r):
            assert all(key(early) <= key(late) for early in started if heads[early.owner].id == early.id)


def test_own_runs_keep_their_order() -> None:
    """Of one person's runs that nothing keeps back, the first by rank start first."""
    for state in LINES:
        plan, runs = make_plan(state), {run.id: run for run in state.waiting}
        order = list(plan.standings)
        for person in PEOPLE:
            free_ones = [
                runs[r] for r in order if runs[r].owner == person and reasons(plan)[r].endswith(("before it.", "is free.", "next."))
            ]
            assert free_ones == sorted(free_ones, key=lambda run: (run.rank, run.submitted, run.id))


def test_every_run_has_one_place_and_a_sentence() -> None:
    """Places count from 0 without gaps; a reason is a sentence; the order in which the database gives rows does not matter."""
    for seed, state in enumerate(LINES):
        plan = make_plan(state)
        assert [standing.place for standing in plan.standings.values()] == list(range(len(state.waiting)))
        assert not any(standing.reason[0].islower() for standing in plan.standings.values())
        shuffled = random.Random(seed).sample(state.waiting, len(state.waiting))
        assert make_plan(replace(state, waiting=tuple(shuffled))) == plan


def test_a_long_day_is_shared_out_evenly() -> None:
    """Five people with ten runs each on two devices: at no moment has anybody started two more than another who waits."""
    runs = [waiting(f"{p}{k}", p, minute=10 * i + k) for i, p in enumerate("abcde") for k in range(10)]
    left, counts, hours = list(runs), Counter(dict.fromkeys("abcde", 0)), dict.fromkeys("abcde", 0.0)
    while left:
        plan = make_plan(line(*left, devices=2, spent=Spent(by_person=hours)))
        for start in plan.starts:
            run = next(run for run in left if run.id == start.run_id)
            left.remove(run)
            counts[run.owner] += 1
            hours[run.owner] += 0.5
        assert max(counts.values()) - min(counts.values()) <= 1
    assert set(counts.values()) == {10}


def test_a_large_run_is_not_overtaken_for_ever() -> None:
    """While it waits for two devices, one that is free is kept for it."""
    state = line(waiting("big", "a", gpus=2), waiting("small", "b", minute=5), devices=1, limits=Limits(per_person=2))
    plan = make_plan(state)
    assert (plan.starts, plan.left) == ((), ())
    assert reasons(plan) == {"big": "It is the next, as soon as 2 devices are free.", "small": "One run comes before it."}


def test_devices_of_one_run_are_of_one_node() -> None:
    """Two devices on two machines are not two devices for one run."""
    state = Line(
        now=NOW,
        waiting=(waiting("big", gpus=2),),
        free=(FreeDevice(1, "x"), FreeDevice(2, "y"), FreeDevice(3, "y")),
        per_node={"x": 1, "y": 2},
        limits=Limits(per_person=2),
    )
    assert make_plan(state).starts[0].devices == (2, 3)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (line(waiting("x"), devices=1), "It is the next."),
        (line(waiting("x"), devices=0), "It is the next, as soon as a device is free."),
        (line(waiting("x", "a", minute=9), waiting("y", "b"), waiting("z", "c")), "Two runs come before it."),
        (line(waiting("x"), held=(Held("a", None),)), "You use 1 device; more than 1 at a time is not allowed."),
        (
            line(waiting("x", course="bio"), held=(Held("b", "bio"), Held("c", "bio")), limits=Limits(courses={"bio": CourseLimits(2)})),
            "Your course uses 2 devices; more than 2 at a time are not allowed.",
        ),
        (
            line(
                waiting("x", course="bio"), spent=Spent(by_course={"bio": 20}), limits=Limits(courses={"bio": CourseLimits(hours_total=20)})
            ),
            "Your course has used its 20 device-hours of these seven days.",
        ),
        (
            line(waiting("x"), spent=Spent(by_person={"a": 1.5}), limits=Limits(hours_per_person=1)),
            "You have used your 1 device-hour of these seven days.",
        ),
        (line(waiting("x"), devices=1, pause="The power is cut at six."), "The line is paused: The power is cut at six."),
        (line(waiting("x"), total=0), "No device is ready just now; an admin can start one."),
        (line(waiting("x", gpus=3)), "It needs 3 devices at a time; 2 devices are ready."),
        (
            line(waiting("x", not_before=NOW + timedelta(seconds=9), trouble="No room."), devices=1),
            "Its server could not be started and is tried again soon: No room.",
        ),
        (line(waiting("x", gpus=0), held=(Held("a", None, 0),)), "One run of yours without a device goes on; this one comes after."),
    ],
)
def test_why_it_waits(state: Line, reason: str) -> None:
    """Each reason is a sentence that says what would have to change."""
    assert reasons(make_plan(state))["x"] == reason


def test_paused_nothing_starts() -> None:
    """Not even with free devices."""
    assert make_plan(line(waiting("x"), devices=2, pause="Maintenance.")).starts == ()


def test_who_is_blocked_holds_nobody_up() -> None:
    """A run whose owner is at the cap comes last, and the others' places do not count it."""
    plan = make_plan(line(waiting("mine", "a"), waiting("other", "b", minute=5), held=(Held("a", None),), devices=1))
    assert [start.run_id for start in plan.starts] == ["other"]
    assert (plan.standings["other"].place, plan.standings["mine"].place) == (0, 1)


def test_staff_come_first() -> None:
    """A higher priority goes before fewer devices and earlier submission."""
    plan = make_plan(line(waiting("early", "a"), waiting("staff", "b", minute=9, priority=1), devices=1))
    assert [start.run_id for start in plan.starts] == ["staff"]
