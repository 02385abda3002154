"""The trusted program that grades: papermill is imported once, and each submission is graded in a forked child.

``python -m labkit.courses.grading.foreman`` reads an `Order` as one line of its standard input and each submission as one more, when its
files are there; an empty line follows the last. It says in lines of its output what has begun and ended. When its input closes, it ends
everything.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import shutil
import signal
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field

import psutil

from labkit.courses.folder import Assignment, load_assignment
from labkit.courses.grading.containers import Container, Engine
from labkit.courses.grading.html import PAGE_S, prepare_pages
from labkit.courses.grading.order import AWAY, FULL, OUTCOME, Order, OrderTask, Outcome
from labkit.courses.grading.places import INNER, Slot, make_slots
from labkit.courses.grading.room import RESULT_BYTES, is_full, is_to_the_brim, require_room, require_writable
from labkit.courses.grading.scorer import SCORE_FAULT, SCORE_SOCKET, serve
from labkit.courses.grading.shapes import ContainerShape
from labkit.courses.grading.steps import Step, StepBoard
from labkit.courses.grading.worker import ASKS, SCORER_S, Submission, grade_submission
from labkit.courses.records import Limits
from labkit.errors import StorageFull, WorkerLost
from labkit.notebooks.lineage import adopt_orphans, die_with_parent
from labkit.runs.family import end_children, end_descendants
from labkit.storage import write_text

__all__ = ["main"]

_LOOK_S = 0.05
_SLACK_S = 120.0
_BLOCKED_S = 300.0
_SCORER_EVERY_S = 2.0
_SCORER_STARTS = 3
_CHECKS_HINT = "Test the assignment with its solution, and see that what hidden/ needs is installed where it is graded."
_WORKER_MB = 1500
_SCORER_MB = 700
_MOST_MB = 4_000_000  # that limits may say


@dataclass(slots=True)
class _Child:
    """A worker at work."""

    task: OrderTask
    slot: Slot
    until: float
    board: StepBoard | None = None
    step: Step = field(default_factory=Step)


class Foreman:
    """Keeps as many workers at work as may be, and says how they end."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.assignments = {version: load_assignment(path) for version, path in order.sources.items()}
        with_checks = any(assignment.sheet.scored for assignment in self.assignments.values())
        shape = order.shape
        self.engine = Engine(shape, order.batch) if isinstance(shape, ContainerShape) else None
        self.slots = make_slots(shape, order.workers, order.scratch, with_scorer=with_checks)
        if self.engine is not None and not self.engine.sweep_left([slot.source for slot in self.slots]):
            raise WorkerLost("Containers of an earlier batch cannot be removed.", hint="See Docker's log.")
        self.scorer_slot = self.slots.pop() if with_checks else None
        self.scorer_pid = 0
        self.scorer_started = 0.0
        self.scorer_faults = 0
        """How often it ended, one time after another, before it could be asked."""
        self.scorer_container: Container | None = None
        self.children: dict[int, _Child] = {}
        self.blocked: list[_Child] = []
        """What has ended, and whose containers could not be removed yet: its slot is not for the next."""
        self.waiting: list[OrderTask] = []
        self.hears_more = True
        """Whether more tasks may come."""
        self._heard = b""

    def run(self) -> None:
        """Grade all, or until nobody listens any more."""
        try:
            if self.scorer_slot is not None:
                self._lay_out_scorer(self.scorer_slot)
                self._start_scorer()
            while self.hears_more or self.waiting or self.children:
                while self.waiting and self.slots:
                    self._begin(self.waiting.pop(0), self.slots.pop())
                self._collect()
                if select.select([0], [], [], _LOOK_S)[0] and not self._hear():
                    return
                self._look_after()
        finally:
            self._end()

    def _hear(self) -> bool:
        """Take in what is said, and return whether anybody is there still."""
        data = os.read(0, 1 << 16)
        self.hear(data)
        return bool(data)

    def hear(self, data: bytes) -> None:
        """Take in tasks: a line for each, and an empty one after the last."""
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            if not line:
                self.hears_more = False
            elif self.hears_more:
                self.waiting.append(OrderTask.model_validate_json(line))

    def _begin(self, task: OrderTask, slot: Slot) -> None:
        sys.stdout.flush()
        parent, board = os.getpid(), StepBoard() if self.order.steps else None
        pid = os.fork()
        if pid == 0:
            _work(self, task, slot, parent, board)
        self.children[pid] = _Child(task, slot, time.monotonic() + longest_s(self.assignments[task.version]), board)
        _say(began=task.id)

    def _collect(self) -> None:
        """Take in what has ended; what has no worker any more is ended, too."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.scorer_pid:
                self.scorer_pid = 0
            child = self.children.pop(pid, None)
            if child is None:
                continue  # an orphan that we adopted
            self._end_orphans()
            _say_step(child)
            self._free(child)
            code = os.waitstatus_to_exitcode(status)
            short = self._shortage(child) if code == FULL else None
            if code == AWAY or short is not None:
                self.waiting.clear()  # they are not to fail one by one: whoever started us starts another when Docker is back
                self.hears_more = False
            if short is not None:
                _say(full=short.message, hint=short.hint)
            else:
                _say(ended=child.task.id, status=code)

    def _shortage(self, child: _Child) -> StorageFull | None:
        """Return what there is no room for, now that all of a submission is removed; None where it was the submission's own doing."""
        promised = self.assignments[child.task.version].sheet.limits.files_mb * 1_000_000
        places = [(self.order.scratch, promised), (self.order.out, RESULT_BYTES)]
        places += [] if child in self.blocked else [(child.slot.root, promised)]
        try:
            for folder, wanted in places:
                require_room(folder, wanted)
                require_writable(folder)
        except StorageFull as error:
            return error
        return None

    def _free(self, child: _Child) -> None:
        """Give a slot to the next, when no container of the last can write into it any more."""
        if self.engine is not None and not self.engine.sweep(child.task.id):
            child.until = time.monotonic() + _BLOCKED_S
            self.blocked.append(child)
            return
        with contextlib.suppress(OSError):
            child.slot.clear()
        self.slots.append(child.slot)

    def _look_after(self) -> None:
        now = time.monotonic()
        for pid, child in self.children.items():
            _say_step(child)
            memory = 0
            with contextlib.suppress(psutil.Error):
                memory = psutil.Process(pid).memory_info().rss
            if now > child.until or memory > _WORKER_MB * 1_000_000:
                os.kill(pid, signal.SIGKILL)
        blocked, self.blocked = self.blocked, []
        for child in blocked:
            if now > child.until:
                raise WorkerLost("A container cannot be removed.", hint="See Docker's log.")
            until = child.until
            self._free(child)
            child.until = until
        if self.scorer_slot is not None:
            gone = self.scorer_container.exit_code is not None if self.scorer_container else not self.scorer_pid
            self._refuse_scorer(self.scorer_slot, now, gone=gone)
            if gone and now > self.scorer_started + _SCORER_EVERY_S:
                self.scorer_faults += 1
                self._start_scorer()

    def _refuse_scorer(self, slot: Slot, now: float, *, gone: bool) -> None:
        """Raise where the scorer cannot be asked, and will not be: each submission would wait for it in vain, and nobody know why."""
        if (slot.root / SCORE_SOCKET).exists():
            self.scorer_faults = 0
            return
        longest = SCORER_S + 2 * max(assignment.sheet.limits.start_s for assignment in self.assignments.values())
        if not gone and now > self.scorer_started + longest:
            raise WorkerLost(f"The checks were not loaded in {longest:.0f} s.", hint=_CHECKS_HINT, told=True)
        if gone and self.scorer_faults >= _SCORER_STARTS - 1:
            why = ""
            with contextlib.suppress(OSError):
                why = (slot.root / SCORE_FAULT).read_text(encoding="utf-8")[:1000]
            text = f"The checks cannot be loaded: {why or 'the program that loads them ends before its time'}."
            raise WorkerLost(text, hint=_CHECKS_HINT, told=True)

    def _end_orphans(self) -> None:
        """End what came to us because its parent died: the programs of a kernel whose worker was killed."""
        end_children(spare={*self.children, self.scorer_pid})  # what they started comes to us as they end

    def _lay_out_scorer(self, slot: Slot) -> None:
        slot.clear()
        (slot.root / "in").mkdir()
        (slot.root / "work").mkdir()
        for version, assignment in self.assignments.items():
            folder = slot.root / "source" / str(version)
            folder.mkdir(parents=True)
            write_text(folder / "sheet.json", assignment.sheet.model_dump_json())
            hidden = assignment.root / "hidden"
            if hidden.is_dir():
                shutil.copytree(hidden, folder / "hidden")
            else:
                (folder / "hidden").mkdir()
        slot.hand_over()

    def _start_scorer(self) -> None:
        slot = self.scorer_slot
        assert slot is not None
        self.scorer_started = time.monotonic()
        for name in (SCORE_SOCKET, SCORE_FAULT):
            (slot.root / name).unlink(missing_ok=True)
        if self.engine is None:
            parent = os.getpid()
            pid = os.fork()
            if pid == 0:
                _score(slot, parent)
            self.scorer_pid = pid
            return
        if self.scorer_container is not None:
            self.scorer_container.remove()
        shape = self.engine.shape
        limits = max((assignment.sheet.limits for assignment in self.assignments.values()), key=lambda limits: limits.check_memory_mb)
        # Each worker may ask at the same time: no submission is to fail for what the checks of the others take.
        held = Limits(
            memory_mb=min((limits.check_memory_mb + _SCORER_MB) * self.order.workers, _MOST_MB),
            pids=1024,
            submission_s=7 * 24 * 3600,
            cpu=min(limits.cpu * self.order.workers, max(limits.cpu, os.cpu_count() or 1)),
        )
        self.scorer_container = self.engine.start(
            ["python", "-P", "-m", "labkit.courses.grading.scorer", INNER],
            slot,
            held,
            task="scorer",
            image=shape.scorer_image or shape.image,
            environment={"HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        )

    def _end(self) -> None:
        """Leave nothing behind."""
        end_descendants()
        if self.engine is not None:
            self.engine.sweep_to_the_end() if self.children else self.engine.sweep()
        used = (child.slot for child in (*self.children.values(), *self.blocked))
        for slot in (*self.slots, *used, *([self.scorer_slot] if self.scorer_slot else [])):
            with contextlib.suppress(OSError):
                slot.clear()


def longest_s(assignment: Assignment) -> float:
    """Return the time in which a worker ends by itself, whatever a submission does: all that it waits for has an end."""
    limits = assignment.sheet.limits
    starts = (limits.start_s + 10) * 5  # kernels', and the scorer's
    checks = ASKS * (30 + 1.5 * limits.check_s * len(assignment.sheet.scored))
    pages = 2 * PAGE_S * len(assignment.notebooks)
    return limits.submission_s + starts + checks + pages + _SLACK_S


def _say_step(child: _Child) -> None:
    """Say how far the only submission is, if that has changed."""
    if child.board is not None and (step := child.board.read()) != child.step:
        child.step = step
        _say(step=asdict(step))


def _work(foreman: Foreman, task: OrderTask, slot: Slot, parent: int, board: StepBoard | None) -> None:
    """Grade one submission, and end: the child's whole life."""
    code = 1
    engine: Engine | None = None
    try:
        die_with_parent(parent)
        adopt_orphans()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.dup2(2, 1)  # nothing of a submission may speak with the foreman's voice
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        assignment: Assignment = foreman.assignments[task.version]
        engine = Engine(foreman.engine.shape, foreman.order.batch) if foreman.engine is not None else None
        out = foreman.order.out / task.id
        scorer = foreman.scorer_slot.root if foreman.scorer_slot is not None else None
        submission = Submission(task.id, task.folder, assignment, task.version, out)
        result = grade_submission(
            submission,
            slot,
            foreman.order.shape,
            engine=engine,
            scorer=scorer,
            scratch=foreman.order.scratch,
            on_step=board.write if board is not None else None,
        )
        out.mkdir(parents=True, exist_ok=True)
        worker_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        write_text(out / OUTCOME, Outcome(result=result, worker_mb=worker_mb).model_dump_json())
        code = 0
    except BaseException as error:
        traceback.print_exception(error)
        # Also what failed while Docker was going: the scorer that does not answer was ended by it.
        away = (isinstance(error, WorkerLost) and error.facts.get("away")) or (engine is not None and not engine.stays())
        code = AWAY if away else FULL if is_full(error) or any(map(is_to_the_brim, (slot.root, foreman.order.scratch))) else 1
    finally:
        with contextlib.suppress(Exception):
            end_descendants()
        sys.stderr.flush()
        os._exit(code)


def _score(slot: Slot, parent: int) -> None:
    """Be the scorer: the child's whole life."""
    try:
        die_with_parent(parent)
        os.dup2(2, 1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for name in [name for name in os.environ if name.startswith(("JUPYTERHUB_", "LABKIT_")) or "TOKEN" in name]:
            del os.environ[name]
        serve(slot.root)
    except BaseException as error:
        traceback.print_exception(error)
    finally:
        sys.stderr.flush()
        os._exit(1)


def _say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)  # noqa: T201 - our output is read by who started us


def main() -> None:
    """Grade what is ordered."""
    adopt_orphans()
    prepare_pages()  # heavy: once here, and not in each child
    line, rest = _first_line()
    try:
        foreman = Foreman(Order.model_validate_json(line))
        foreman.hear(rest)
        foreman.run()
    except WorkerLost as error:
        traceback.print_exception(error)
        if error.facts.get("told"):
            _say(broken=error.message, hint=error.hint)
        sys.exit(AWAY if error.facts.get("away") else 1)
    except OSError as error:
        traceback.print_exception(error)
        if is_full(error):
            _say(full=f"There is no room to grade: {str(error)[:200]}", hint="Free space there, then let the rest be graded.")
        sys.exit(FULL if is_full(error) else 1)


def _first_line() -> tuple[bytes, bytes]:
    """Read one line past any buffer, since whether more comes is asked of the descriptor itself; return it and what came with it."""
    read = b""
    while b"\n" not in read and (data := os.read(0, 1 << 16)):
        read += data
    line, _, rest = read.partition(b"\n")
    return line, rest


if __name__ == "__main__":
    main()
