"""Runs of the grader's in the line: bounded among themselves, beside everybody else."""

from __future__ import annotations

from labkit.testing.queueworld import World
from labkit_hub.service.internal import Admission, Admitted
from labkit_hub.service.queue.admit import admit
from labkit_hub.service.tables import RunRow

GRADER = "labkit-grader"


def add_grading(world: World, run_id: str) -> str:
    """Put a grading run into the line, as the courses room does."""
    with world.database.transaction() as session:
        session.add(
            RunRow(
                id=run_id,
                owner=GRADER,
                course_id="bio",
                kind="grade",
                path="grading/runs",
                profile="grade",
                rank=world.queue.desk.now().timestamp(),
                state="waiting",
                server_name=f"run-{run_id}",
                attempts=0,
                submitted=world.queue.desk.now(),
            )
        )
    return run_id


def test_only_their_own_bound_holds_for_grading_runs(world: World) -> None:
    """Two go on, the third waits and says why; the devices are for people."""
    for number in range(3):
        add_grading(world, f"grading{number}aaaa")
    runs = [world.submit(name) for name in ("anna", "ben")]
    assert world.decide() == 4
    assert {world.state(run) for run in runs} <= {"starting", "running"}
    waiting = world.item("grading2aaaa")
    assert (waiting.state, waiting.reason) == ("waiting", "Two grading runs go on; this one comes after.")


def test_a_grading_run_holds_no_device_and_nobody_up(world: World) -> None:
    """Staff of its course see it and may stop it; a student does not know of it."""
    run = add_grading(world, "gradingaaaaa")
    assert (world.decide(), world.leases()) == (1, [])
    assert world.queue.views.run(run, world.who("prof")).owner == GRADER
    assert world.queue.views.cancel(run, world.who("prof")).state == "cancelling"


def test_the_hub_is_told_that_it_is_a_grading_run(world: World) -> None:
    """By whose it is: a run of this kind that a student submits is one of the student's own."""
    told: dict[str, Admitted] = {}

    def take(asked: Admission) -> Admitted:
        told[asked.user] = admit(world.queue.desk, asked)
        return told[asked.user]

    world.hub.admit = take
    add_grading(world, "gradingaaaaa")
    world.submit("anna", kind="grade", path="grading/runs")
    world.decide()
    assert {name: admitted.run.grades for name, admitted in told.items() if admitted.run} == {GRADER: True, "anna": False}
