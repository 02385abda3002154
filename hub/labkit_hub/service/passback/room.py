"""The passback room, put together: its routes, and the thread that sends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.errors import Conflict
from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity, ServiceContext
from labkit_hub.service.courses.access import seat_at
from labkit_hub.service.internal import Launch
from labkit_hub.service.passback import links, outbox
from labkit_hub.service.passback.door import Passback
from labkit_hub.service.passback.keys import SigningKey, load_key
from labkit_hub.service.passback.platform import Platform
from labkit_hub.service.passback.tables import LinkRow, SendRow
from labkit_hub.service.passback.wire import CourseLink, LinkAsk, PassbackItem, PassbackState, PlatformCourse, SendAsk

__all__ = ["PassbackRoom"]

_ORDER = {"failed": 0, "waiting": 1, "sent": 2}


class PassbackRoom:
    """``api/courses/{c}/passback``, ``api/assignments/{a}/passback``, ``lti/keys`` for the platform, ``internal/launch`` for the hub.

    Attributes
    ----------
    passback : Passback or None
        The door; None while the hub is not told where the platform gives out tokens.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self.passback: Passback | None = None
        key: SigningKey | None = None
        settings = context.settings
        if settings.passes_back:
            key, own = load_key(settings.passback_key), settings.lti.passback
            platform = Platform(own.token_url, own.audience, key, timeout_s=own.timeout_s)
            self.passback = Passback(context.database, platform, own)
        self.router = APIRouter()
        _add_keys(self.router, key)
        _add_launch(self.router, context)
        _add_routes(self.router, context, self.passback)

    def start(self) -> None:
        """Begin to send."""
        if self.passback is not None:
            self.passback.start()

    def stop(self) -> None:
        """End."""
        if self.passback is not None:
            self.passback.stop()


def _add_keys(router: APIRouter, key: SigningKey | None) -> None:
    @router.get("/lti/keys", include_in_schema=False)
    def keys() -> dict[str, Any]:
        """Return the public key, to anybody: the platform looks here whether it is us."""
        return {"keys": [] if key is None else [key.public]}


def _add_launch(router: APIRouter, context: ServiceContext) -> None:
    @router.post("/internal/launch", dependencies=[Depends(context.door.hub)], include_in_schema=False, status_code=204)
    def launch(launched: Launch) -> None:
        """Keep where somebody came from."""
        with context.database.transaction() as session:
            links.keep_launch(session, launched, datetime.now(UTC))


def _add_routes(router: APIRouter, context: ServiceContext, passback: Passback | None) -> None:
    person = Depends(context.door.person)

    @router.get("/api/courses/{course_id}/passback", tags=["passback"])
    def course_link(course_id: str, who: Identity = person) -> CourseLink:
        """Return which course of the platform gets the points."""
        with context.database.reading() as session:
            return links.course_link(session, course_id, who, configured=passback is not None)

    @router.put("/api/courses/{course_id}/passback", tags=["passback"])
    def link(course_id: str, ask: LinkAsk, who: Identity = person) -> CourseLink:
        """Say which course of the platform gets the points."""
        with context.database.transaction() as session:
            links.link_course(session, course_id, ask.context, who, datetime.now(UTC))
            answer = links.course_link(session, course_id, who, configured=passback is not None)
        if passback is not None:
            passback.nudge()
        return answer

    @router.get("/api/assignments/{assignment_id}/passback", tags=["passback"])
    def state(assignment_id: str, who: Identity = person) -> PassbackState:
        """Return how the scores of an assignment stand with the platform."""
        with context.database.reading() as session:
            return _state(session, assignment_id, who, configured=passback is not None)

    @router.post("/api/assignments/{assignment_id}/passback", tags=["passback"], status_code=202)
    def send(assignment_id: str, ask: SendAsk, who: Identity = person) -> PassbackState:
        """Try again what failed, or send everything anew."""
        if passback is None:
            raise Conflict("This hub sends no points to a learning platform.", hint="An admin can set it up; docs/hub.md says how.")
        with context.database.transaction() as session:
            row, seat = seat_at(session, assignment_id, who)
            seat.require_professor()
            count = outbox.ask_again(session, row.id, everything=ask.everything)
            note(session, who.name, "grade.send", row.id, course_id=row.course_id, scores=count, everything=ask.everything)
            answer = _state(session, assignment_id, who, configured=True)
        passback.nudge()
        return answer


def _state(session: Session, assignment_id: str, who: Identity, *, configured: bool) -> PassbackState:
    row, seat = seat_at(session, assignment_id, who)
    seat.require_staff(changes=False)
    link = session.get(LinkRow, row.course_id)
    rows = list(session.scalars(select(SendRow).where(SendRow.assignment_id == row.id)))
    rows.sort(key=lambda one: (_ORDER.get(one.state, 9), one.username))
    return PassbackState(
        configured=configured,
        linked=None if link is None else PlatformCourse(context=link.context, title=link.title),
        items=tuple(_item(one) for one in rows),
    )


def _item(row: SendRow) -> PassbackItem:
    return PassbackItem(
        person=row.username,
        state=row.state,
        points=row.points,
        sent_points=row.sent_points,
        sent=row.sent,
        attempts=row.attempts,
        message=row.message,
    )
