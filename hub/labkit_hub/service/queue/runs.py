"""What people do with runs in the hub's line: submit, look, move, cancel; and what a run reports of itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from labkit.client.wire import HUB_END_STATES, CourseItem, HubRunItem, NewHubRun, RunReport
from labkit.errors import Conflict, InvalidInput, NotFound, NotWritable
from labkit_hub.profiles import Profile
from labkit_hub.service.audit import SERVICE, note
from labkit_hub.service.context import Identity
from labkit_hub.service.grading import is_grading
from labkit_hub.service.queue.allowed import choose_course, choose_profile
from labkit_hub.service.queue.desk import Desk
from labkit_hub.service.queue.items import as_items
from labkit_hub.service.queue.transitions import ask_to_stop, cancelled_reason, end, has_ended
from labkit_hub.service.queue.words import many
from labkit_hub.service.tables import RunRow

__all__ = ["cancel", "find", "item_of", "list_runs", "move", "report", "submit"]

_MOST_LISTED = 500


def submit(desk: Desk, who: Identity, run_id: str, new: NewHubRun) -> tuple[HubRunItem, bool]:
    """Put a run into the line; return it, and whether it is new there.

    Raises
    ------
    NotFound, InvalidInput, NotWritable
        Its course or profile cannot be had; the message says which can.
    Conflict
        The id is taken, by another run or another person's; or too many runs of this person wait.
    """
    courses = desk.context.people.courses_of(who.name)
    try:
        with desk.context.database.reading() as session:
            known = session.get(RunRow, run_id)
        if known is None:
            course = choose_course(new.course, courses)
            profile = choose_profile(desk.context.profiles, "run", new.profile, courses, who.is_admin)
            _require_possible(desk, profile)
            with desk.transaction() as session:
                known = session.get(RunRow, run_id)
                if known is None:
                    _require_room(desk, session, who.name)
                    row = _new_row(session, who, run_id, new, course, profile, desk.now())
                    session.add(row)
            if known is None:
                desk.changed()
                return item_of(desk, row), True
    except IntegrityError:  # another process was a moment faster
        with desk.transaction() as session:
            known = session.get_one(RunRow, run_id)
    _require_same(known, who, new)
    return item_of(desk, known), False


def list_runs(desk: Desk, who: Identity, *, everybody: bool = False, course: str | None = None) -> list[HubRunItem]:
    """Return runs, the newest first: the person's own, those of a course to its staff, all to an admin.

    Raises
    ------
    NotWritable
        All were asked for by somebody who is no admin.
    NotFound
        The person is not on the staff of this course.
    """
    wanted = select(RunRow).order_by(RunRow.submitted.desc(), RunRow.id).limit(_MOST_LISTED)
    if course is not None:
        if not (who.is_admin or course in who.is_staff_of):
            raise NotFound(
                f"You are not on the staff of a course called {course[:64]!r}.", hint="Leave the course out to see your own runs."
            )
        wanted = wanted.where(RunRow.course_id == course)
    elif everybody:
        if not who.is_admin:
            raise NotWritable("Only an admin sees all runs.", hint="Leave it out to see your own.")
    else:
        wanted = wanted.where(RunRow.owner == who.name)
    standings = desk.plan().standings
    with desk.context.database.reading() as session:
        return as_items(session, session.scalars(wanted).all(), standings, desk.context.base_path)


def find(session: Session, who: Identity, run_id: str) -> RunRow:
    """Return a run that a person may see.

    Raises
    ------
    NotFound
        There is none, or it is somebody else's.
    """
    row = session.get(RunRow, run_id)
    if row is None or not (row.owner == who.name or who.is_admin or row.course_id in who.is_staff_of):
        raise NotFound(f"The hub knows no run {run_id!r} of yours.", hint="Look at the list of your runs.")
    return row


def cancel(desk: Desk, who: Identity, run_id: str) -> HubRunItem:
    """End a waiting run at once, and ask the server of one that goes on to stop; again and again if you like.

    Of a grading run that has ended too early, what it has left is cancelled: the run that goes on from it, or else that there is to be one.

    Raises
    ------
    NotFound
        There is no such run that this person may see.
    """
    with desk.transaction() as session:
        row, now = _newest(session, find(session, who, run_id), desk.grading.grader), desk.now()
        if _cancel(session, row, who.name, now, desk.grading.grader):
            note(session, who.name, "run.cancel", row.id, course_id=row.course_id, owner=row.owner)
    desk.changed()
    desk.look(row.owner, row.server_name)
    return item_of(desk, row)


def _newest(session: Session, row: RunRow, grader: str) -> RunRow:
    """Return the run that has taken the place of a grading run, or else the run itself: none takes its place then until this ends."""
    while is_grading(row, grader) and has_ended(row):
        session.refresh(row, with_for_update=True)
        after = session.scalar(select(RunRow).where(RunRow.resumes == row.id, RunRow.owner == grader).limit(1))
        if after is None:
            return row
        row = after
    return row


def _cancel(session: Session, row: RunRow, by: str, now: datetime, grader: str) -> bool:
    """Cancel a run, and return whether there was anything to cancel."""
    if row.state == "waiting":
        row.asked_to_stop, row.asked_to_stop_by = now, by
        end(session, row, "cancelled", cancelled_reason(row, None), now)
    elif row.state in ("starting", "running"):
        ask_to_stop(row, by, now)
    elif is_grading(row, grader) and row.state != "done" and row.asked_to_stop_by in (None, SERVICE):
        row.asked_to_stop_by = by  # it is on its way to its end, or there: no other run is to go on from it
    else:
        return False
    return True


def move(desk: Desk, who: Identity, run_id: str, place: int) -> HubRunItem:
    """Give a waiting run another place among its owner's own.

    Raises
    ------
    NotFound
        There is no such run that this person may see, or it does not wait any more: as every runner says (`labkit.runs.Runner`).
    NotWritable
        It is somebody else's.
    """
    with desk.transaction() as session:
        row = find(session, who, run_id)
        if row.owner != who.name and not who.is_admin:
            raise NotWritable("Only its owner moves a run.", hint="It may be cancelled, though.")
        if row.state != "waiting":
            raise NotFound("This run does not wait any more.", hint="Only a run that has not started can be moved.")
        own = select(RunRow).where(RunRow.owner == row.owner, RunRow.state == "waiting").order_by(RunRow.rank, RunRow.submitted, RunRow.id)
        others = [one for one in session.scalars(own) if one.id != row.id]
        others.insert(min(place, len(others)), row)
        for rank, one in enumerate(others, start=1):
            one.rank = float(rank)
    desk.changed()
    return item_of(desk, row)


def report(desk: Desk, who: Identity, run_id: str, said: RunReport) -> HubRunItem:
    """Take what is said of a run by its own server, or by whoever looks at its folder.

    An end is the end at once, and the lease goes when the server has gone. What has ended stays as it is, whatever is
    said later, but for a run that is `lost` because nobody had said how it ended.

    Raises
    ------
    NotFound
        There is no such run, or it is not the caller's own.
    Conflict
        The run is not one that goes on: it waits, and no server should carry it out.
    """
    with desk.transaction() as session:
        row, now = session.get(RunRow, run_id), desk.now()
        if row is None or row.owner != who.name:
            raise NotFound(f"The hub knows no run {run_id!r} of yours.", hint="Only the run's own server reports of it.")
        if not has_ended(row):
            _take_report(desk, session, row, said, now)
        elif _is_late_word(row, said):
            note(session, who.name, "run.correct", run_id, course_id=row.course_id, was=row.state, state=said.state)
            row.state, row.reason, row.progress, row.reported = said.state, said.reason, said.progress or row.progress, said.state
    if has_ended(row):
        desk.changed()
        desk.look(row.owner, row.server_name)
    return item_of(desk, row)


def _is_late_word(row: RunRow, said: RunReport) -> bool:
    """Return whether a run that was taken for lost is said to have ended in order: its report did not get through in time."""
    return row.state == "lost" and row.reported not in HUB_END_STATES and said.state in HUB_END_STATES - {"lost"}


def _take_report(desk: Desk, session: Session, row: RunRow, said: RunReport, now: datetime) -> None:
    if said.state in HUB_END_STATES:
        by_limit = row.state == "cancelling" and row.asked_to_stop_by == SERVICE and said.state == "cancelled"
        reason = cancelled_reason(row, desk.profiles.get(row.profile)) if by_limit else said.reason
        row.progress = said.progress or row.progress
        end(session, row, said.state, reason, now)
    elif row.state == "waiting":
        raise Conflict("The hub has not started this run.", hint="It waits; this server should end.")
    else:
        if row.state == "starting":
            row.started = now
        if row.state != "cancelling":
            row.state = said.state
        row.progress, row.reason = said.progress or row.progress, said.reason
    row.reported = said.state


def _require_possible(desk: Desk, profile: Profile) -> None:
    if profile.gpus > desk.settings.per_person:
        raise InvalidInput(
            f"The profile {profile.slug!r} needs {many(profile.gpus, 'device')}; one person may use {desk.settings.per_person} at a time.",
            hint="Choose another profile, or ask an admin for more.",
        )


def _require_room(desk: Desk, session: Session, owner: str) -> None:
    waiting = session.scalar(select(func.count()).select_from(RunRow).where(RunRow.owner == owner, RunRow.state == "waiting")) or 0
    if waiting >= desk.settings.waiting_per_person:
        raise Conflict(
            f"{many(waiting, 'run')} of yours wait already; no more are taken.", hint="Wait until one has started, or cancel one."
        )


def _new_row(
    session: Session, who: Identity, run_id: str, new: NewHubRun, course: CourseItem | None, profile: Profile, now: datetime
) -> RunRow:
    last = session.scalar(select(func.max(RunRow.rank)).where(RunRow.owner == who.name, RunRow.state == "waiting")) or 0.0
    is_staff = who.is_admin or (course is not None and course.role in ("professor", "assistant"))
    return RunRow(
        id=run_id,
        owner=who.name,
        course_id=course.id if course else None,
        title=new.title,
        kind=new.kind,
        path=new.path,
        profile=profile.slug,
        time_limit_s=min(new.time_limit_s or profile.longest_h * 3600, profile.longest_h * 3600),
        resumes=new.resumes,
        priority=int(is_staff),
        rank=last + 1,
        state="waiting",
        reason="",
        progress="",
        server_name=f"run-{run_id}",
        attempts=0,
        submitted=now,
    )


def _require_same(known: RunRow, who: Identity, new: NewHubRun) -> None:
    asked = (new.title, new.kind, new.path, new.resumes)
    same = asked == (known.title, known.kind, known.path, known.resumes)
    same = same and new.course in (None, known.course_id) and new.profile in (None, known.profile)
    if known.owner != who.name or not same:
        raise Conflict("Another run has this id already.", hint="Submit it as a new run.")


def item_of(desk: Desk, row: RunRow) -> HubRunItem:
    """Return a run as people see it."""
    standings = desk.plan().standings if row.state == "waiting" else {}
    with desk.context.database.reading() as session:
        return as_items(session, [row], standings, desk.context.base_path)[0]
