"""The grading of one submission, from its folder to its result; carried out in a forked child of the foreman."""

from __future__ import annotations

import filecmp
import hashlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from labkit.courses.cells import read_cell
from labkit.courses.folder import Assignment
from labkit.courses.grading.containers import Engine
from labkit.courses.grading.engine import Execution, execute
from labkit.courses.grading.exports import exporter_code, names_of, take_files, take_values
from labkit.courses.grading.for_students import student_view
from labkit.courses.grading.html import notebook_page, page_bytes
from labkit.courses.grading.kernel import GradingKernel, provisioner_of
from labkit.courses.grading.places import Slot
from labkit.courses.grading.provisioners import ContainerProvisioner
from labkit.courses.grading.room import held_in, is_to_the_brim, require_room, says_full
from labkit.courses.grading.scorer import SCORE_SOCKET, ask
from labkit.courses.grading.scoring import cell_scores, check_scores, missing_scores
from labkit.courses.grading.shapes import ContainerShape, Shape
from labkit.courses.grading.steps import Step, count_cells
from labkit.courses.mending import mend
from labkit.courses.notebook import read_notebook, write_notebook
from labkit.courses.records import AssignmentSheet, CellScore, CheckResult, GradeResult, Item, Note, NotebookOutcome
from labkit.courses.submitted import check_notebook
from labkit.errors import InvalidInput, WorkerLost
from labkit.storage import write_bytes

__all__ = ["ASKS", "SCORER_S", "Submission", "grade_submission"]

_EXPORT_S = 30.0
_MOST_NOTES = 200
SCORER_S = 60.0
_MOST_FILES = 20_000
ASKS = 2
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Submission:
    """One submission, and what is needed to grade it.

    Attributes
    ----------
    id : str
    folder : Path
        Its files.
    assignment : Assignment
        As its author keeps it.
    version : int
        Of the release that it belongs to.
    out : Path
        Where the files of the result go.
    """

    id: str
    folder: Path
    assignment: Assignment
    version: int
    out: Path


@dataclass(slots=True)
class _Grading:
    """One grading under way."""

    submission: Submission
    slot: Slot
    shape: Shape
    engine: Engine | None
    scorer: Path | None
    deadline: float
    private: Path
    on_step: Callable[[Step], None] | None = None
    step: Step = field(default_factory=Step)
    notes: list[Note] = field(default_factory=list)
    scores: list[CellScore] = field(default_factory=list)
    outcomes: list[NotebookOutcome] = field(default_factory=list)

    def items(self, notebook: str) -> list[Item]:
        return [item for item in self.submission.assignment.items if item.notebook == notebook and item.how in ("cell", "hand")]

    def note(self, kind: str, where: str, text: str) -> None:
        note = Note(kind=kind, where=where, text=text[:2000])
        if len(self.notes) < _MOST_NOTES and note not in self.notes:
            self.notes.append(note)

    def tell(self, **now: int) -> None:
        """Say how far it is."""
        self.step = replace(self.step, **now)
        if self.on_step is not None:
            self.on_step(self.step)

    def require_room(self) -> None:
        """Return if the submission has the room that its sheet promises: free, or taken by itself.

        Raises
        ------
        StorageFull
            It has not: what came of it says nothing of the submission.
        """
        root = self.slot.root
        require_room(root, self.submission.assignment.sheet.limits.files_mb * _MB, held=held_in(root, _MOST_FILES)[0])


def grade_submission(
    submission: Submission,
    slot: Slot,
    shape: Shape,
    *,
    engine: Engine | None,
    scorer: Path | None,
    scratch: Path,
    on_step: Callable[[Step], None] | None = None,
) -> GradeResult:
    """Grade one submission.

    Parameters
    ----------
    engine : Engine, optional
        The Docker engine; None in the process shape.
    scorer : Path, optional
        The scorer's folder; None where the sheet has no checks.
    scratch : Path
        Where a folder for the worker alone is made.
    on_step : callable, optional
        Gets how far it is, in cells and checks.

    Raises
    ------
    WorkerLost
        Something of ours failed, not of the submission's.
    StorageFull
        There is no room for what it writes, or for its result.
    """
    began = time.monotonic()
    limits = submission.assignment.sheet.limits
    with tempfile.TemporaryDirectory(prefix="own-", dir=scratch) as private:
        grading = _Grading(submission, slot, shape, engine, scorer, began + limits.submission_s, Path(private), on_step)
        expected = {name: count_cells(notebook) for name, notebook in submission.assignment.notebooks.items()}
        grading.tell(all_cells=sum(expected.values()), all_checks=len(submission.assignment.sheet.scored))
        _lay_out(grading)
        for name in submission.assignment.notebooks:
            before, after = grading.step.cells, grading.step.all_cells - grading.step.cells - expected[name]
            _grade_notebook(grading, name, partial(_tell_cells, grading, before, after))
            grading.tell(all_cells=grading.step.cells + after)  # also where it could not be executed
        checks = _check(grading)
        slot.clear()
    results = {result.check: result for result in checks}
    scores = [*grading.scores, *check_scores((i for i in submission.assignment.items if i.how in ("assertion", "metric")), results)]
    return GradeResult(
        submission=submission.id,
        state="graded",
        scores=tuple(scores),
        notebooks=tuple(grading.outcomes),
        checks=tuple(checks),
        notes=tuple(grading.notes),
        seconds=round(time.monotonic() - began, 3),
        isolation="container" if isinstance(shape, ContainerShape) else "process",
    )


def _tell_cells(grading: _Grading, before: int, after: int, done: int, total: int) -> None:
    grading.tell(cells=before + done, all_cells=before + total + after)


def _lay_out(grading: _Grading) -> None:
    """Put the submission's files where the notebooks are executed, and over them the author's public ones."""
    grading.slot.prepare()
    assignment, folder, work = grading.submission.assignment, grading.submission.folder, grading.slot.work
    own = set(assignment.sheet.required)
    folders = {parent.as_posix() for name in assignment.public for parent in PurePosixPath(name).parents}
    room = assignment.sheet.limits.files_mb * _MB
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        name = place.as_posix()
        facts = path.lstat()
        if (
            not stat.S_ISREG(facts.st_mode)
            or (len(place.parts) == 1 and path.suffix == ".ipynb")
            or any(p.startswith(".") for p in place.parts)
        ):
            continue
        if name in folders or any(parent.as_posix() in assignment.public for parent in place.parents):
            grading.note("file-left-out", name, "A file or folder of the assignment is in its place; this one was left out.")
            continue
        original = assignment.public.get(name)
        if original is not None and name not in own:
            if not filecmp.cmp(path, original, shallow=False):
                grading.note("file-changed", name, "This file was changed; it is graded with the one that was handed out.")
            continue
        room -= facts.st_size
        if room < 0:
            grading.note("file-left-out", name, "The files together are larger than a submission may be; this one was left out.")
            continue
        _copy(path, work / place)
    for name, path in assignment.public.items():
        if not (name in own and (work / name).exists()):
            _copy(path, work / name)
    grading.slot.hand_over()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target, follow_symlinks=False)


def _grade_notebook(grading: _Grading, name: str, on_cell: Callable[[int, int], None]) -> None:
    """Execute and score one notebook; its outcome and scores are noted."""
    began = time.monotonic()
    try:
        submitted = _read(grading, name)
    except FileNotFoundError:
        like = [path.name for path in grading.submission.folder.glob("*.ipynb") if _stem(path.name) == name]
        text = f"{name}.ipynb was not handed in" + (f"; there is {like[0]}, which is another name." if like else ".")
        _without(grading, name, "missing", text)
        return
    except InvalidInput as error:
        _without(grading, name, "failed", error.message)
        return
    mended = mend(submitted, grading.submission.assignment.notebooks[name])
    for note in mended.notes:
        if len(grading.notes) < _MOST_NOTES:
            grading.notes.append(note if note.where else note.model_copy(update={"where": f"{name}.ipynb"}))
    execution = _execution(grading, name)
    execution.on_cell = on_cell
    path = grading.private / "notebook.ipynb"
    write_bytes(path, write_notebook(mended.notebook))
    parameters = _parameters(grading) if _takes_parameters(mended.notebook) else {}
    executed = execute(path, execution, parameters)
    grading.notes += execution.notes[: max(0, _MOST_NOTES - len(grading.notes))]
    failed = {index for index, story in execution.stories.items() if story.state == "error"}
    view = student_view(executed, failed, show_messages=grading.submission.assignment.sheet.show_hidden_messages)
    grading.scores += cell_scores(grading.items(name), executed, execution.stories, view.notes if view else None)
    if is_to_the_brim(grading.slot.root):  # what could not be written need not have been said
        grading.require_room()
    _take_values(grading, name)
    all_ran = all(story.ran and story.state != "died" for story in execution.stories.values())
    grading.outcomes.append(
        NotebookOutcome(
            notebook=name,
            state="done" if all_ran else "partial",
            seconds=round(time.monotonic() - began, 3),
            cells=sum(story.ran for story in execution.stories.values()),
            kernels=execution.kernels,
            executed=_keep(grading, page_bytes(executed)),
            html=_keep(grading, notebook_page(executed, name)),
            student_executed=_keep(grading, page_bytes(view.notebook)) if view else None,
            student_html=_keep(grading, notebook_page(view.notebook, name)) if view else None,
        )
    )


def _stem(file: str) -> str:
    return re.sub(r"[-_\s]*(\(\d+\)|copy\s*\d*)$", "", file.removesuffix(".ipynb"), flags=re.IGNORECASE)


def _read(grading: _Grading, name: str) -> dict[str, Any]:
    """Return the submitted notebook.

    Raises
    ------
    InvalidInput
        It is too large, or no notebook.
    """
    file = f"{name}.ipynb"
    descriptor = os.open(grading.submission.folder / file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    most = grading.submission.assignment.sheet.limits.upload_mb
    with open(descriptor, "rb") as opened:
        size = os.fstat(descriptor).st_size
        if size > most * _MB:
            raise InvalidInput(f"{file} has {size / _MB:.0f} MB; {most:g} MB may be handed in.", hint="Clear its outputs.", name=file)
        data = opened.read()
    check_notebook(data, file)
    return read_notebook(data)


def _without(grading: _Grading, name: str, state: Literal["missing", "failed"], text: str) -> None:
    grading.note(f"notebook-{state}", f"{name}.ipynb", text)
    grading.outcomes.append(NotebookOutcome(notebook=name, state=state))
    grading.scores += missing_scores(grading.items(name), text)


def _execution(grading: _Grading, name: str) -> Execution:
    sheet, slot = grading.submission.assignment.sheet, grading.slot
    wanted = names_of(sheet, name)

    def into_container(made: ContainerProvisioner) -> None:
        assert grading.engine is not None
        assert isinstance(grading.shape, ContainerShape)
        made.engine, made.shape = grading.engine, grading.shape

    provisioner = provisioner_of(
        slot, sheet.limits, task=grading.submission.id, device=sheet.device, container=into_container if grading.engine else None
    )

    def export(kernel: GradingKernel) -> None:
        kernel.execute(
            exporter_code(f"{slot.inner}/out", wanted), min(_EXPORT_S, sheet.limits.cell_s), lambda *_: None, store_history=False
        )

    start: Callable[[], GradingKernel] = lambda: GradingKernel(slot, sheet.limits, provisioner)  # noqa: E731
    return Execution(
        start,
        _is_test,
        sheet.limits,
        grading.deadline,
        lambda: _lay_out(grading),
        after=export if wanted else None,
        doubt=grading.require_room,
        name=name,
    )


def _is_test(cell: Any) -> bool:
    graded = read_cell(cell)
    return graded is not None and graded.kind == "test"


def _takes_parameters(notebook: dict[str, Any]) -> bool:
    return any("parameters" in (cell["metadata"].get("tags") or ()) for cell in notebook["cells"] if cell["cell_type"] == "code")


def _parameters(grading: _Grading) -> dict[str, Any]:
    sheet = grading.submission.assignment.sheet
    left_s = max(0.0, grading.deadline - time.monotonic())
    return {"seed": sheet.seed, "data": sheet.data, "time_s": round(min(left_s, sheet.limits.submission_s)), "device": sheet.device} | dict(
        sheet.parameters
    )


def _take_values(grading: _Grading, name: str) -> None:
    sheet = grading.submission.assignment.sheet
    wanted = names_of(sheet, name)
    (grading.private / "exports").mkdir(exist_ok=True)
    if wanted:
        notes = take_values(grading.slot.root, wanted, grading.private / "exports", sheet.limits.files_mb * _MB)
        if any(says_full(note.text) for note in notes):
            grading.require_room()
        grading.notes += notes


def _check(grading: _Grading) -> tuple[CheckResult, ...]:
    """Hand the exports to the scorer, and return what it says."""
    submission, scorer = grading.submission, grading.scorer
    sheet = submission.assignment.sheet
    if scorer is None or not sheet.scored:
        return ()
    exports = grading.private / "exports"
    exports.mkdir(exist_ok=True)
    grading.notes += take_files(grading.slot.root, sheet, exports, sheet.limits.files_mb * _MB)
    _take_annotations(grading, exports)
    name = hashlib.sha256(submission.id.encode()).hexdigest()[:20]
    theirs = scorer / "in" / name
    shutil.rmtree(theirs, ignore_errors=True)
    shutil.copytree(exports, theirs)
    for path in (theirs, *theirs.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    on_done = (lambda done: grading.tell(checks=done)) if grading.on_step is not None else None
    try:
        return _ask_scorer(scorer, name, submission.version, sheet, on_done)
    finally:
        shutil.rmtree(theirs, ignore_errors=True)


def _ask_scorer(
    scorer: Path, name: str, version: int, sheet: AssignmentSheet, on_done: Callable[[int], None] | None = None
) -> tuple[CheckResult, ...]:
    """Ask as soon as the scorer can be asked, and once more where it was ended: it loads what checks need, which takes long."""
    until = time.monotonic() + sheet.limits.start_s + SCORER_S
    asked = 0
    while True:
        if (scorer / SCORE_SOCKET).exists():
            try:
                return ask(scorer, name, version, sheet, on_done)
            except WorkerLost as error:
                asked += error.facts.get("was_asked", True)
                if asked >= ASKS:
                    raise
        if time.monotonic() > until:
            raise WorkerLost("The scorer did not start.", hint="See the log of the run.")
        time.sleep(0.2)


def _take_annotations(grading: _Grading, exports: Path) -> None:
    """Put the annotation documents with the exports, as they were handed in: no student code comes near them."""
    most = int(grading.submission.assignment.sheet.limits.upload_mb * _MB)
    for task in grading.submission.assignment.sheet.annotations:
        path = grading.submission.folder / task.path
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= most:
            _copy(path, exports / task.path)


def _keep(grading: _Grading, data: bytes) -> str:
    """Keep a file of the result under its hash."""
    sha256 = hashlib.sha256(data).hexdigest()
    grading.submission.out.mkdir(parents=True, exist_ok=True)
    write_bytes(grading.submission.out / sha256, data)
    return sha256
