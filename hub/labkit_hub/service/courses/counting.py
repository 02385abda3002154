"""Which submission counts, and what it is worth: everything about the submissions of one assignment, read once.

The late rule is applied here, when points are read, and stored nowhere: an extension mends a late grade by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Text, cast, or_, select
from sqlalchemy.orm import Session

from labkit_hub.service.courses.batchstate import queued_submissions
from labkit_hub.service.courses.deadlines import Deadline, Leave
from labkit_hub.service.courses.rules import deadline_for, leaves_of
from labkit_hub.service.courses.tables import AssignmentRow, GradeRow, SubmissionRow
from labkit_hub.service.tables import MemberRow

__all__ = ["Ledger", "Worth", "open_ledger", "students_of"]

State = Literal["submitted", "queued", "graded", "failed"]


@dataclass(frozen=True, slots=True)
class Worth:
    """What a submission is worth.

    Attributes
    ----------
    earned : float or None
        The sum of its items; None while it is not graded.
    kept : float
        Which part of that the late rule leaves.
    """

    state: State
    earned: float | None
    max_points: float | None
    needs_hand: int
    kept: float
    late_s: float

    @property
    def points(self) -> float | None:
        """What counts: late rule applied."""
        return None if self.earned is None else round(self.earned * self.kept, 6)

    @property
    def penalty(self) -> float:
        """What the late rule takes."""
        return 0.0 if self.earned is None else round(self.earned - self.earned * self.kept, 6)


class Ledger:
    """The submissions of an assignment with what they are worth.

    Attributes
    ----------
    rows : sequence of SubmissionRow
        The oldest first.
    """

    def __init__(
        self,
        assignment: AssignmentRow,
        rows: Sequence[SubmissionRow],
        grades: Mapping[str, GradeRow],
        leaves: Mapping[str, Leave],
        queued: frozenset[str],
        *,
        for_people: bool = False,
    ) -> None:
        self.assignment = assignment
        self.rows = rows
        self.leaves = leaves
        self._grades = grades
        self._queued = queued
        self._for_people = for_people
        self._by_person: dict[str, list[SubmissionRow]] = {}
        for row in rows:
            for name in row.members:
                self._by_person.setdefault(name, []).append(row)
        self._counts = {name: self._choose(own) for name, own in self._by_person.items()}
        self._counting = {row.id for row in self._counts.values()}

    def deadline(self, people: Iterable[str]) -> Deadline:
        """Return what holds for these people together."""
        return deadline_for(self.assignment, self.leaves, people)

    def worth(self, row: SubmissionRow) -> Worth:
        """Return what a submission is worth now."""
        grade, deadline = self._grades.get(row.id), self.deadline(row.members)
        kept, late_s = deadline.kept(row.submitted), deadline.late_s(row.submitted)
        if grade is None:
            return Worth("queued" if row.id in self._queued else "submitted", None, None, 0, kept, late_s)
        is_graded = grade.state == "graded"
        state: State = (
            "queued" if row.id in self._queued else "graded" if is_graded else "failed" if grade.state == "failed" else "submitted"
        )
        return Worth(state, grade.points if is_graded else None, grade.max_points, grade.needs_hand, kept, late_s)

    def is_graded(self, row: SubmissionRow) -> bool:
        """Whether a submission has points, even if it is being graded again."""
        return self.worth(row).earned is not None

    def of(self, name: str) -> Sequence[SubmissionRow]:
        """Return what somebody handed in, alone or with others, the oldest first."""
        return self._by_person.get(name, [])

    def counting(self, name: str) -> SubmissionRow | None:
        """Return the submission that counts for somebody; None without any."""
        return self._counts.get(name)

    def counts(self, row: SubmissionRow) -> bool:
        """Whether a submission counts for anybody."""
        return row.id in self._counting

    def all_counting(self) -> list[SubmissionRow]:
        """Return the submissions that count for somebody, the oldest first."""
        return [row for row in self.rows if row.id in self._counting]

    def counting_for(self, names: Iterable[str]) -> list[SubmissionRow]:
        """Return the submissions that count for one of these people, the oldest first."""
        wanted = {row.id for name in names if (row := self.counting(name)) is not None}
        return [row for row in self.rows if row.id in wanted]

    def to_grade(self) -> list[SubmissionRow]:
        """Return what has to be graded before everybody has their points: what counts, and all of it where the best one does."""
        wanted = self.rows if self.assignment.counts == "best" else self.all_counting()
        return [row for row in wanted if self.worth(row).state in ("submitted", "failed")]

    def attempts_used(self, people: Iterable[str]) -> int:
        """Return how often the busiest of these people has handed in: changing the group gives no new attempts."""
        return max((len(self.of(name)) for name in people), default=0)

    def _choose(self, own: Sequence[SubmissionRow]) -> SubmissionRow:
        """Return the last one; or the best by its points, the later of equals, which one without points never is.

        To its people, which one is the best says something of points: only what they may read is compared.
        """
        if self.assignment.counts == "best":
            known = [(place, row) for place, row in enumerate(own) if not self._for_people or row.feedback is not None]
            graded = [(points, place) for place, row in known if (points := self.worth(row).points) is not None]
            if graded:
                return own[max(graded)[1]]
        return own[-1]


def open_ledger(session: Session, assignment: AssignmentRow, *, only: str | None = None, people: Iterable[str] | None = None) -> Ledger:
    """Read the submissions of an assignment with their sums; four queries, however many there are.

    With `only` one submission is read: what it is worth does not hang on the others, whether it counts does. With `people` those that
    one of them had a part in, as these people may see it.
    """
    chosen = [SubmissionRow.assignment_id == assignment.id]
    if only is not None:
        chosen.append(SubmissionRow.id == only)
    if people is not None:
        chosen.append(or_(*(cast(SubmissionRow.members, Text).contains(json.dumps(name), autoescape=True) for name in people)))
    order = (SubmissionRow.submitted, SubmissionRow.attempt, SubmissionRow.id)
    rows = session.scalars(select(SubmissionRow).where(*chosen).order_by(*order)).all()
    sums = select(GradeRow).join(SubmissionRow, SubmissionRow.id == GradeRow.submission_id).where(*chosen)
    grades = {row.submission_id: row for row in session.scalars(sums)}
    queued = queued_submissions(session, assignment.id)
    return Ledger(assignment, rows, grades, leaves_of(session, assignment.id), queued, for_people=people is not None)


def students_of(session: Session, course_id: str) -> frozenset[str]:
    """Return who is a student of a course: numbers of a class are about them, and not about what staff try out."""
    query = select(MemberRow.username).where(MemberRow.course_id == course_id, MemberRow.role == "student")
    return frozenset(session.scalars(query))
