"""The passback room, put together: its routes, and the thread that sends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from labkit.errors import Conflict
from labkit_hub.service.context import Identity, ServiceContext
from labkit_hub.service.courses.office import Office
from labkit_hub.service.internal import Launch
from labkit_hub.service.passback import links, reading
from labkit_hub.service.passback.door import Passback
from labkit_hub.service.passback.keys import SigningKey, load_key
from labkit_hub.service.passback.platform import Platform
from labkit_hub.service.passback.wire import CourseLink, LinkAsk, PassbackState, SendAsk

__all__ = ["PassbackRoom"]


class PassbackRoom:
    """``api/courses/{c}/passback``, ``api/assignments/{a}/passback``, ``lti/keys`` for the platform, ``internal/launch`` for the hub.

    Attributes
    ----------
    office : Office
        Of the courses room: who asks for what is another's is noted there.
    passback : Passback or None
        The door; None while the hub is not told where the platform gives out tokens.
    """

    def __init__(self, office: Office) -> None:
        context = office.context
        self.office = office
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
        _add_routes(self.router, self)

    @property
    def is_configured(self) -> bool:
        """Whether the hub sends points at all."""
        return self.passback is not None

    def nudge(self) -> None:
        """Let what has changed be sent at once."""
        if self.passback is not None:
            self.passback.nudge()

    def link_of(self, session: Session, course_id: str, who: Identity) -> CourseLink:
        """Return which course of the platform gets the points of a course; raises as `links.course_link`."""
        return links.course_link(session, course_id, who, configured=self.is_configured)

    def read(self, assignment_id: str, who: Identity) -> PassbackState:
        """Return how the scores of an assignment stand; that somebody read others' points is noted, once a day.

        Raises
        ------
        NotFound
        """
        now = self.office.now()
        with self.office.reading(who) as session:
            answer = reading.state_of(session, assignment_id, who, configured=self.is_configured)
            is_noted = not answer.items or reading.is_noted(session, assignment_id, who, now)
        if not is_noted:
            with self.office.changing(who) as session:
                reading.note_reading(session, assignment_id, who, len(answer.items))
        return answer

    def send_again(self, assignment_id: str, ask: SendAsk, who: Identity) -> None:
        """Try again what failed, or send everything anew.

        Raises
        ------
        NotFound, NotWritable
        Conflict
            The hub sends nothing, or the course is archived.
        """
        with self.office.changing(who) as session:
            reading.send_again(session, assignment_id, ask, who)
            if not self.is_configured:
                raise Conflict("This hub sends no points to a learning platform.", hint="An admin can set it up; docs/hub.md says how.")
        self.nudge()

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


def _add_routes(router: APIRouter, room: PassbackRoom) -> None:
    office, person = room.office, Depends(room.office.context.door.person)

    @router.get("/api/courses/{course_id}/passback", tags=["passback"])
    def course_link(course_id: str, who: Identity = person) -> CourseLink:
        """Return which course of the platform gets the points."""
        with office.reading(who) as session:
            return room.link_of(session, course_id, who)

    @router.put("/api/courses/{course_id}/passback", tags=["passback"])
    def link(course_id: str, ask: LinkAsk, who: Identity = person) -> CourseLink:
        """Say which course of the platform gets the points."""
        with office.changing(who) as session:
            links.link_course(session, course_id, ask.context, who, office.now())
            answer = room.link_of(session, course_id, who)
        room.nudge()
        return answer

    @router.get("/api/assignments/{assignment_id}/passback", tags=["passback"])
    def state(assignment_id: str, who: Identity = person) -> PassbackState:
        """Return how the scores of an assignment stand with the platform."""
        return room.read(assignment_id, who)

    @router.post("/api/assignments/{assignment_id}/passback", tags=["passback"], status_code=202)
    def send(assignment_id: str, ask: SendAsk, who: Identity = person) -> PassbackState:
        """Try again what failed, or send everything anew."""
        room.send_again(assignment_id, ask, who)
        return room.read(assignment_id, who)
