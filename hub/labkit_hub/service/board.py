"""``api/announcement``: what an admin tells everybody."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from labkit.client.wire import Announcement, Ask
from labkit_hub.service import notices
from labkit_hub.service.context import Identity, ServiceContext

__all__ = ["BoardRoom"]


class NewAnnouncement(Ask):
    """``PUT api/announcement``."""

    text: Annotated[str, Field(max_length=5000)]


class BoardRoom:
    """Everybody reads the announcement in ``api/me``; admins set and remove it here."""

    def __init__(self, context: ServiceContext) -> None:
        self.router = _routes(context)

    def start(self) -> None:
        """Do nothing: no work beside the routes."""

    def stop(self) -> None:
        """Do nothing."""


def _routes(context: ServiceContext) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["announcement"])
    admin = Depends(context.door.admin)

    @router.put("/announcement")
    def announce(ask: NewAnnouncement, who: Identity = admin) -> Announcement:
        """Announce something; it takes the place of what was announced before."""
        with context.database.transaction() as session:
            return notices.announce(session, ask.text, who.name)

    @router.delete("/announcement", status_code=204)
    def clear(who: Identity = admin) -> None:
        """Announce nothing any more."""
        with context.database.transaction() as session:
            notices.clear_announcement(session, who.name)

    return router
