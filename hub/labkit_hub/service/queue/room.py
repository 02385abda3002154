"""The queue room, put together."""

from __future__ import annotations

from fastapi import APIRouter

from labkit_hub.service.context import QueueViews, ServiceContext
from labkit_hub.service.queue.attendant import Attendant
from labkit_hub.service.queue.desk import Desk
from labkit_hub.service.queue.dispatcher import Dispatcher
from labkit_hub.service.queue.reconciler import Reconciler
from labkit_hub.service.queue.routes import make_router
from labkit_hub.service.queue.starter import Starter
from labkit_hub.service.queue.views import Views

__all__ = ["Queue", "open_queue"]


class Queue:
    """Implements `labkit_hub.service.context.QueueRoom`; the database has its tables already."""

    def __init__(self, context: ServiceContext) -> None:
        self.desk = Desk(context)
        starter = Starter(self.desk)
        self.desk.attend = Attendant(self.desk, starter).attend
        self.dispatcher = Dispatcher(self.desk, starter)
        self.reconciler = Reconciler(self.desk)
        self._views = Views(self.desk)
        self._router = make_router(context, self.desk, self._views)

    @property
    def router(self) -> APIRouter:
        """The routes."""
        return self._router

    @property
    def views(self) -> QueueViews:
        """For pages and metrics."""
        return self._views

    def start(self) -> None:
        """Begin: reconcile, dispatch, look after devices."""
        self.reconciler.start()
        self.dispatcher.start()

    def stop(self) -> None:
        """End; nothing of it runs any more afterwards."""
        self.desk.closing.set()
        self.dispatcher.join()
        self.reconciler.join()
        self.desk.turns.close()


def open_queue(context: ServiceContext) -> Queue:
    """Return the queue room; nothing runs before its `start`."""
    return Queue(context)
