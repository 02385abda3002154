"""A queue whose hub is in memory, for unit tests; its threads run only where a test says so."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from labkit.client.wire import CourseItem, HubRunItem, NewHubRun, RunReport
from labkit.storage import new_id
from labkit.testing.fakehub import FakeDoor, FakeHub, FakeMeters, FakePeople
from labkit.testing.runs import wait_until
from labkit_hub.profiles import DEFAULT_PROFILES, Profile
from labkit_hub.service.context import Identity, ServiceContext
from labkit_hub.service.database import Database
from labkit_hub.service.queue import Queue, open_queue, runs
from labkit_hub.service.queue.admit import admit
from labkit_hub.service.tables import Base, CourseRow, LeaseRow, RunRow, UsageRow
from labkit_hub.settings import DeviceSettings, QueueSettings, Settings

__all__ = ["COURSES", "PROFILES", "World"]

PROFILES = (*DEFAULT_PROFILES, Profile(slug="cpu-run", title="Run without a GPU", purposes=("run",), roles=("professor",)))
COURSES = {
    "anna": [CourseItem(id="bio", title="Biology", role="student")],
    "ben": [CourseItem(id="bio", title="Biology", role="student")],
    "prof": [CourseItem(id="bio", title="Biology", role="professor")],
}


class World:
    """One queue, its database and its hub; `open` again is a service that was started again."""

    def __init__(self, url: str, **queue: Any) -> None:
        values = {"look_s": 0.05, "reconcile_s": 0.2, "start_timeout_s": 30.0, "per_person": 1, **queue}
        self.settings = Settings(devices=DeviceSettings(nvidia=False, fake=2), queue=QueueSettings(**values))
        self.database = Database(url)
        Base.metadata.create_all(self.database.engine)
        self.hub = FakeHub()
        self.people = FakePeople(COURSES, admins=["root"])
        self.meters = FakeMeters()
        self.opened: list[Queue] = []
        self.queue = self.open()

    def open(self) -> Queue:
        """Open a queue on the same database and hub, with devices written down and no thread running."""
        context = ServiceContext(
            settings=self.settings,
            database=self.database,
            hub=self.hub,
            people=self.people,
            profiles=PROFILES,
            base_path="/services/labkit",
            door=FakeDoor(self.people),
            meters=self.meters,
        )
        self.queue = open_queue(context)
        self.opened.append(self.queue)
        self.hub.admit = lambda asked: admit(self.queue.desk, asked)
        return self.queue

    def close(self) -> None:
        """End whatever runs."""
        for queue in self.opened:
            if not queue.desk.closing.is_set():
                queue.desk.closing.set()
                queue.desk.turns.close()
        self.database.close()

    def who(self, name: str) -> Identity:
        """Return somebody as the service sees them."""
        staff = frozenset(c.id for c in self.people.courses_of(name) if c.role != "student")
        return Identity(name, is_admin=self.people.is_admin(name), is_staff_of=staff)

    def submit(self, name: str, run_id: str | None = None, **fields: Any) -> str:
        """Put a run into the line, and return its id."""
        run_id = run_id or new_id()
        new = NewHubRun(**{"kind": "train", "path": "projects/cells/runs", **fields})
        runs.submit(self.queue.desk, self.who(name), run_id, new)
        return run_id

    def report(self, run_id: str, state: Any, reason: str = "") -> HubRunItem:
        """Report as the run's own server does."""
        return runs.report(self.queue.desk, self.who(self.row(run_id).owner), run_id, RunReport(state=state, reason=reason))

    def row(self, run_id: str) -> RunRow:
        """Return a run's row."""
        with self.database.transaction() as session:
            return session.get_one(RunRow, run_id)

    def item(self, run_id: str) -> HubRunItem:
        """Return a run as an admin sees it."""
        return self.queue.views.run(run_id, Identity("root", is_admin=True))

    def state(self, run_id: str) -> str:
        """Return a run's state."""
        return self.row(run_id).state

    def leases(self) -> list[LeaseRow]:
        """Return all leases."""
        with self.database.transaction() as session:
            return list(session.scalars(select(LeaseRow).order_by(LeaseRow.id)))

    def usage(self) -> list[UsageRow]:
        """Return all leases that are over."""
        with self.database.transaction() as session:
            return list(session.scalars(select(UsageRow).order_by(UsageRow.id)))

    def reconcile(self) -> None:
        """Compare everything once, and wait until all looks are over."""
        self.queue.reconciler.reconcile()
        self.quiet()

    def attend(self, run_id: str) -> None:
        """Look at a run's server once, and wait until what follows is over."""
        row = self.row(run_id)
        self.quiet()
        self.queue.desk.attend(row.owner, row.server_name)
        self.quiet()

    def decide(self) -> int:
        """Decide once, and wait until all starts are over."""
        started = self.queue.dispatcher.decide()
        self.quiet()
        return started

    def quiet(self) -> None:
        """Wait until nothing is at work."""
        wait_until(lambda: not self.queue.desk.turns.busy)

    def add_course(self, course: str, **limits: Any) -> None:
        """Write down what a course sets."""
        with self.database.transaction() as session:
            session.add(CourseRow(id=course, title=course, created=self.queue.desk.now(), created_by="root", **limits))
