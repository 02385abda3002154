"""Grading batches: each is one run of the grader's in the hub's line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session, undefer

from labkit.client.course_wire import BatchItem, BatchList, GradeAsk
from labkit.client.wire import HUB_END_STATES, HubRunState
from labkit.errors import Conflict, InvalidInput
from labkit.storage import new_id
from labkit_hub.profiles import Profile
from labkit_hub.service.audit import SERVICE, note
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import releases
from labkit_hub.service.courses.access import lock_assignment, seat_at
from labkit_hub.service.courses.batchstate import goes_on
from labkit_hub.service.courses.counting import Ledger, open_ledger
from labkit_hub.service.courses.history import noting_finals
from labkit_hub.service.courses.scores import drop_marks
from labkit_hub.service.courses.submissions import manifest_of
from labkit_hub.service.courses.tables import AssignmentRow, BatchRow, BatchTaskRow, SubmissionRow
from labkit_hub.service.grading import GRADING_KIND, GRADING_PATH
from labkit_hub.service.tables import RunRow

__all__ = ["ask_batch", "grading_profile", "grading_run", "list_batches"]

_NO_PROFILE = (
    "the hub has no profile for grading any more. When an admin has added one with the purpose grade, the batch goes on by itself; "
    "staff of the course may cancel it."
)


def ask_batch(
    session: Session, assignment_id: str, ask: GradeAsk, who: Identity, *, grader: str, profiles: Sequence[Profile], now: datetime
) -> BatchItem:
    """Put a grading run into the line.

    Raises
    ------
    NotFound, NotWritable
    InvalidInput
        The hub has no profile for it, or a submission that was named is not one of this assignment.
    Conflict
        There is nothing to grade, or what was named is being graded already.
    """
    _, seat = seat_at(session, assignment_id, who)
    seat.require_staff()
    row = lock_assignment(session, assignment_id)
    profile = grading_profile(profiles)
    if profile is None:
        raise InvalidInput("The hub has no profile for grading.", hint="An admin adds one with the purpose grade.")
    chosen = _choose(open_ledger(session, row), ask)
    if ask.drop_hand:
        with noting_finals(session, row, who.name, "Points by hand were dropped.", now):
            drop_marks(session, chosen, who.name, now)
    newest = _renewable(session, row, chosen) if ask.newest else frozenset()
    number = (session.scalar(select(func.max(BatchRow.number)).where(BatchRow.assignment_id == row.id)) or 0) + 1
    run = grading_run(row, grader, profile, len(chosen), now)
    batch = BatchRow(id=new_id(), assignment_id=row.id, number=number, run_id=run.id, asked=now, asked_by=who.name)
    session.add_all((run, batch))
    session.flush()
    session.add_all(
        BatchTaskRow(batch_id=batch.id, submission_id=one.id, state="waiting", release=row.version if one.id in newest else one.release)
        for one in chosen
    )
    note(
        session,
        who.name,
        "batch.create",
        batch.id,
        course_id=row.course_id,
        assignment=row.id,
        run=run.id,
        submissions=len(chosen),
        drop_hand=ask.drop_hand,
        to_newest=len(newest),
    )
    session.flush()
    return _items(session, [batch], profiles, now)[0]


def grading_profile(profiles: Sequence[Profile]) -> Profile | None:
    """Return the profile of grading runs, if the hub has one."""
    return next((profile for profile in profiles if "grade" in profile.purposes), None)


def list_batches(session: Session, assignment_id: str, who: Identity, profiles: Sequence[Profile], now: datetime) -> BatchList:
    """Return the batches of an assignment to staff, the newest first.

    Raises
    ------
    NotFound
    """
    row, seat = seat_at(session, assignment_id, who)
    seat.require_staff(changes=False)
    found = session.scalars(select(BatchRow).where(BatchRow.assignment_id == row.id).order_by(BatchRow.number.desc()))
    return BatchList(batches=_items(session, found.all(), profiles, now))


def _items(session: Session, batches: Sequence[BatchRow], profiles: Sequence[Profile], now: datetime) -> tuple[BatchItem, ...]:
    """Return batches of one assignment as people see them: two queries, however many there are, and a few for one that has just broken."""
    assignments = {batch.assignment_id for batch in batches}
    of_them = BatchRow.assignment_id.in_(assignments)
    runs = {run.id: run for run in session.scalars(select(RunRow).join(BatchRow, BatchRow.run_id == RunRow.id).where(of_them))}
    query = select(BatchTaskRow.batch_id, BatchTaskRow.state, func.count()).join(BatchRow, BatchRow.id == BatchTaskRow.batch_id)
    counts: dict[str, dict[str, int]] = {}
    for batch_id, state, count in session.execute(query.where(of_them).group_by(BatchTaskRow.batch_id, BatchTaskRow.state)):
        counts.setdefault(batch_id, {})[state] = count
    going = {b.id for b in batches if (run := runs.get(b.run_id)) and counts.get(b.id, {}).get("waiting") and goes_on(session, b, run, now)}
    can = grading_profile(profiles) is not None
    return tuple(_item(one, runs.get(one.run_id), counts.get(one.id, {}), goes_on=one.id in going, can=can) for one in batches)


def _item(batch: BatchRow, run: RunRow | None, counts: Mapping[str, int], *, goes_on: bool, can: bool) -> BatchItem:
    """Return a batch; `goes_on` says that it is to have another run, `can` that the hub has a profile for one."""
    total, state = sum(counts.values()), run.state if run else "lost"
    if goes_on:  # another run is put into the line in a moment; without a profile nobody should wait for it
        state = "waiting" if can else "failed"
    return BatchItem(
        id=batch.id,
        run=batch.run_id,
        assignment=batch.assignment_id,
        asked_by=batch.asked_by,
        asked=batch.asked,
        state=cast("HubRunState", state),
        reason=_reason(run, counts.get("waiting", 0), goes_on=goes_on, can=can),
        progress=run.progress if run and run.state not in HUB_END_STATES else "",  # what has ended is told by its reason
        goes_on=goes_on or state not in HUB_END_STATES,
        total=total,
        graded=counts.get("graded", 0),
        failed=counts.get("failed", 0),
    )


def _choose(ledger: Ledger, ask: GradeAsk) -> list[SubmissionRow]:
    if ask.which == "these":
        wanted = set(ask.submissions)
        chosen = [row for row in ledger.rows if row.id in wanted]
        if missing := wanted - {row.id for row in chosen}:
            raise InvalidInput(f"{min(missing)[:20]!r} is no submission of this assignment.", hint="Reload the list.")
        if busy := [row for row in chosen if ledger.worth(row).state == "queued"]:
            raise Conflict(f"What {busy[0].person} handed in is being graded already.", hint="Wait for that batch, or cancel its run.")
    else:
        among = ledger.to_grade() if ask.which == "ungraded" else ledger.all_counting()
        chosen = [row for row in among if ledger.worth(row).state != "queued"]
    if not chosen:
        raise Conflict("There is nothing to grade.", hint="All that counts is graded, or is being graded just now.")
    return chosen


def _renewable(session: Session, row: AssignmentRow, chosen: Sequence[SubmissionRow]) -> frozenset[str]:
    """Return what was handed in for an older release and has all that the newest expects: by that it is graded.

    It belongs to the newest when the result is there, and its points stay until then. Receipts stay as they are.
    """
    older = [one.id for one in chosen if one.release != row.version]
    if not older:
        return frozenset()
    expected = set(releases.expected_of(releases.asked_of(releases.release_of(session, row.id, row.version))))
    rows = session.scalars(select(SubmissionRow).where(SubmissionRow.id.in_(older)).options(undefer(SubmissionRow.receipt)))
    return frozenset(one.id for one in rows if expected <= {file.path for file in manifest_of(one).files})


def grading_run(row: AssignmentRow, grader: str, profile: Profile, count: int, now: datetime, *, resumes: str | None = None) -> RunRow:
    """Return a run for the line; `resumes` is the one that it goes on from."""
    run_id = new_id()
    return RunRow(
        id=run_id,
        owner=grader,
        course_id=row.course_id,
        title=f"{row.name}: {count} submission{'' if count == 1 else 's'}"[:300],
        kind=GRADING_KIND,
        path=GRADING_PATH,
        profile=profile.slug,
        time_limit_s=profile.longest_h * 3600,
        resumes=resumes,
        priority=0,
        rank=now.timestamp(),
        state="waiting",
        reason="",
        progress="",
        server_name=f"run-{run_id}",
        attempts=0,
        submitted=now,
    )


def _reason(run: RunRow | None, left: int, *, goes_on: bool, can: bool) -> str:
    if run is None or run.state not in HUB_END_STATES or not left:
        return run.reason if run else ""
    by = run.asked_to_stop_by if run.state != "cancelled" else None
    ended = f"{run.reason} {by} cancelled what it left." if by not in (None, SERVICE) else run.reason
    number = f"{left} of its submissions {'is' if left == 1 else 'are'}"
    if goes_on and not can:
        return f"{ended} {number} not graded: {_NO_PROFILE}".strip()
    return f"{ended} {number} {'left to another run' if goes_on else 'not graded: ask for a new batch'}.".strip()
