"""``internal/offer`` and ``internal/notice``: what the hub's own pages show; nothing is decided by them."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from labkit_hub.service import notices
from labkit_hub.service.context import Identity, QueueViews, ServiceContext
from labkit_hub.service.internal import Notice, Offer, Offered
from labkit_hub.service.queue.allowed import usable

__all__ = ["OffersRoom"]


class OffersRoom:
    """The hub asks here before it shows the page on which a person chooses what to start."""

    def __init__(self, context: ServiceContext, views: QueueViews) -> None:
        self.router = _routes(context, views)

    def start(self) -> None:
        """Do nothing: no work beside the routes."""

    def stop(self) -> None:
        """Do nothing."""


def _routes(context: ServiceContext, views: QueueViews) -> APIRouter:
    router = APIRouter(prefix="/internal", include_in_schema=False, dependencies=[Depends(context.door.hub)])

    @router.post("/offer")
    def offer(asked: Offer) -> Offered:
        """Return what somebody may start, and how busy the devices are."""
        courses = context.people.courses_of(asked.user)
        found = usable(context.profiles, "server", courses, asked.is_admin)
        standing = views.standing(Identity(name=asked.user, is_admin=asked.is_admin))
        return Offered(profiles=tuple(profile.slug for profile in found), devices=standing.devices)

    @router.get("/notice")
    def notice() -> Notice:
        """Return what is announced."""
        with context.database.reading() as session:
            return Notice(announcement=notices.announcement(session))

    return router
