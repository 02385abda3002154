"""All rooms put together: settings and the hub's address become the application."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import httpx
from fastapi import FastAPI

from labkit_hub.profiles import load_profiles
from labkit_hub.service.address import HubAddress
from labkit_hub.service.app import create_app
from labkit_hub.service.board import BoardRoom
from labkit_hub.service.context import QueueRoom, ServiceContext
from labkit_hub.service.courses.room import CoursesRoom
from labkit_hub.service.database import Database
from labkit_hub.service.hubapi import HubClient
from labkit_hub.service.hubhttp import HubHttp
from labkit_hub.service.identity import HubDoor, Witness
from labkit_hub.service.metrics import MetricsRoom, PrometheusMeters
from labkit_hub.service.offers import OffersRoom
from labkit_hub.service.pages import PagesRoom
from labkit_hub.service.pages.networks import network_room
from labkit_hub.service.pages.storage import Sizes, measurer
from labkit_hub.service.passback import PassbackRoom
from labkit_hub.service.people import Directory, Mirror, PeopleRoom
from labkit_hub.service.queue import open_queue
from labkit_hub.service.sessions import SessionRoom
from labkit_hub.settings import Settings

__all__ = ["open_house"]

_LOGIN_TIMEOUT_S = 12.0


def open_house(
    settings: Settings,
    address: HubAddress,
    fail: Callable[[BaseException], None],
    *,
    open_queue: Callable[[ServiceContext], QueueRoom] = open_queue,
    measure: Callable[[], Mapping[str, int]] | None = None,
    transport: httpx.BaseTransport | None = None,
) -> FastAPI:
    """Return the service's application.

    Parameters
    ----------
    fail : callable
        Called with an error that keeps the service from opening for good.
    open_queue : callable
        Makes the queue room.
    measure : callable, optional
        Returns the bytes that each person keeps; by default those of the homes that lie on this machine, or in its Docker.
    transport : httpx.BaseTransport, optional
        What carries requests to the hub; the network by default.

    Raises
    ------
    InvalidInput
        The file of profiles cannot be used.
    """
    database = Database(settings.resolved_service_database_url)
    meters = PrometheusMeters()
    http = HubHttp(address.api_url, address.token, meters, transport=transport)
    hub = HubClient(http, meters)
    people = Directory(database, hub)
    opened = threading.Event()
    witness = Witness(HubHttp(address.api_url, address.token, meters, timeout_s=_LOGIN_TIMEOUT_S, transport=transport))
    door = HubDoor(witness, people, address.token, opened.is_set)
    context = ServiceContext(
        settings=settings,
        database=database,
        hub=hub,
        people=people,
        profiles=load_profiles(settings.profiles),
        base_path=address.base_path,
        door=door,
        meters=meters,
        opened=opened,
    )
    queue = open_queue(context)
    mirror = Mirror(database, hub)
    sessions = SessionRoom(address, http)
    sizes = Sizes(measure or measurer(settings, lambda: hub.user_names() or ()))
    courses = CoursesRoom(context)
    passback = PassbackRoom(courses.office)
    pages = PagesRoom(context, queue.views, mirror, address.hub_path, sizes, network_room(settings), courses, passback)
    numbers = MetricsRoom(meters, queue.views, door)
    offers = OffersRoom(context, queue.views)
    rooms = (sessions, PeopleRoom(context, queue.views, mirror), courses, BoardRoom(context), passback, queue, offers, numbers, pages)
    return create_app(
        context,
        rooms,
        login_path=sessions.login_path,
        render_error=pages.render_error,
        fail=fail,
        hub_path=address.hub_path,
        limit_of=courses.limit_of,
    )
