"""`labkit run list|show|watch|cancel|retry|resume|move|log`: runs and the queue that they wait in."""

from __future__ import annotations

import re
import time
from pathlib import Path

import click

from labkit.cli.app import command, long_command, project_option
from labkit.cli.console import Answer
from labkit.cli.project_commands import open_project
from labkit.client import ProjectRunner
from labkit.errors import LabKitError
from labkit.events import CancelToken, EventSink, Log
from labkit.runs import QueueEntry, Run, RunQueue, RunStory, run_story, wake
from labkit.runs.records import Where
from labkit.storage import explain_os_errors

__all__ = ["DURATION", "run_command", "standing"]

_LOOK_EVERY_S = 0.3
_CANCEL_WAIT_S = 30.0
_EXIT_CODES = {"failed": 1, "lost": 1, "cancelled": 130}
_UNITS_S = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


class _Duration(click.ParamType):  # type: ignore[type-arg] # generic only in newer versions
    """A time: a number of seconds, or 90s, 30m, 2h, 1d."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the time in seconds."""
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", str(value).strip().lower())
        if found is None or found[2] not in _UNITS_S or float(found[1]) == 0:
            self.fail(f"{value!r} is no time; write 90s, 30m or 2h.", param, ctx)
        return float(found[1]) * _UNITS_S[found[2]]


DURATION = _Duration()


@click.group("run")
def run_command() -> None:
    """Look at runs, stop them, go on with them, and put them in order."""


@run_command.command("list")
@click.option("--queue", "only_queue", is_flag=True, help="Only what goes on or waits, of all your projects, here and at the hub.")
@project_option
@command
def list_(only_queue: bool, project_path: Path | None) -> Answer:
    """List the runs of a project, and the queues of this machine and of the hub."""
    runner = ProjectRunner(Path.cwd() if only_queue else open_project(project_path).layout.runs)
    complaints = _wake() + _sync(runner)
    queue = runner.queue()
    places = {entry.run_id: entry.place for entry in queue}
    runs = [] if only_queue else runner.runs()
    rows = [_row(run, places.get(run.id)) for run in runs]
    lines = [f"{row['run']}  {_state_words(row)}  {row['title']}" for row in rows]
    if only_queue:
        lines = [_queue_line(entry) for entry in queue]
    nothing = "Nothing goes on or waits." if only_queue else "No runs. Start one with 'labkit train'."
    return Answer({"runs": rows, "queue": [_queue_row(entry) for entry in queue]}, tuple(lines) or (nothing,), complaints)


@run_command.command("show")
@click.argument("run_id", metavar="RUN")
@project_option
@command
def show(run_id: str, project_path: Path | None) -> Answer:
    """Show how RUN stands: state, progress, latest numbers, what it made."""
    _wake()
    run = _find(run_id, project_path)
    return _told(run, run_story(run))


@run_command.command("watch")
@click.argument("run_id", metavar="RUN")
@project_option
@long_command
def watch(run_id: str, project_path: Path | None, on_event: EventSink, cancel: CancelToken) -> Answer:
    """Follow RUN until it ends; Ctrl-C stops the watching, not the run."""
    _wake()
    run = _find(run_id, project_path)
    story: RunStory | None = None
    said = ""
    while story is None or not (story.has_ended or cancel.cancelled):
        if story is not None:
            time.sleep(_LOOK_EVERY_S)
        story = run_story(run, story, on_event=on_event)
        if (line := _news(story)) != said:
            on_event(Log(line))
            said = line
    answer = _told(run, story)
    if not story.has_ended:
        return Answer(answer.data, (*answer.lines, "  It goes on without you."))
    return Answer(answer.data, answer.lines, exit_code=_EXIT_CODES.get(story.state, 0))


@run_command.command("cancel")
@click.argument("run_id", metavar="RUN")
@project_option
@command
def cancel_(run_id: str, project_path: Path | None) -> Answer:
    """Stop RUN, or take it out of the queue; what it has saved is kept."""
    lost_sight_of = [entry for entry in RunQueue().entries() if entry.run_id == run_id and entry.state == "unreachable"]
    if lost_sight_of:
        RunQueue().remove(run_id)
        return Answer(_queue_row(lost_sight_of[0]), (f"Took {run_id} out of the queue; its folder cannot be reached.",))
    run = _find(run_id, project_path)
    run.cancel()
    run.wait(timeout_s=_CANCEL_WAIT_S)
    return standing(run)


@run_command.command("retry")
@click.argument("run_id", metavar="RUN")
@project_option
@command
def retry(run_id: str, project_path: Path | None) -> Answer:
    """Submit RUN again, from the beginning, as a new run with the same settings."""
    return standing(_runner_of(run_id, project_path).retry(run_id))


@run_command.command("resume")
@click.argument("run_id", metavar="RUN")
@click.option("--time-limit", type=DURATION, default=None, help="Longest time that it may compute; default: that of RUN.")
@click.option("--on", "where", type=click.Choice(["here", "hub"]), default=None, help="Where it is carried out; default: where RUN was.")
@click.option("--course", default=None, help="For which of your courses the hub computes; default: that of RUN.")
@project_option
@command
def resume(run_id: str, time_limit: float | None, where: Where | None, course: str | None, project_path: Path | None) -> Answer:
    """Go on with the training RUN from its checkpoint, as a new run with the same settings."""
    from labkit.work import resume_training  # torch is loaded for this alone

    return standing(resume_training(open_project(project_path), run_id, time_limit, where=where, course=course))


@run_command.command("move")
@click.argument("run_id", metavar="RUN")
@click.argument("place", type=click.IntRange(min=0))
@project_option
@command
def move(run_id: str, place: int, project_path: Path | None) -> Answer:
    """Let RUN, which waits, be the one at PLACE (0: the next) among those for its device, or among your own at the hub."""
    runner = _runner_of(run_id, project_path)
    runner.move(run_id, place)
    wake()
    return standing(runner.run(run_id))


@run_command.command("log")
@click.argument("run_id", metavar="RUN")
@click.option("--lines", type=click.IntRange(min=1), default=100, show_default=True, help="How many of the last ones.")
@project_option
@command
def log(run_id: str, lines: int, project_path: Path | None) -> Answer:
    """Print the last lines of what the programs of RUN printed."""
    run = _find(run_id, project_path)
    with explain_os_errors(run.layout.log):
        text = run.layout.log.read_text(encoding="utf-8", errors="replace") if run.layout.log.exists() else ""
    last = text.splitlines()[-lines:]
    return Answer({"run": run.id, "path": str(run.layout.log), "lines": last}, tuple(last))


def standing(run: Run, *, reused: bool | None = None) -> Answer:
    """Return how a run stands, in short: what a command that changes it answers."""
    row = _row(run, run.place())
    lines = [f"Run {run.id} {_state_words(row)}"]
    if reused is not None:
        row["reused"] = reused
    if reused:
        lines.append("  It has done the same already; nothing was started.")
    if words := row["reason"] or (run.waiting_words() if run.spec.where == "hub" else ""):
        lines.append(f"  {words}")
    if row["state"] in ("queued", "starting", "running"):
        lines.append(f"  Follow it with: labkit run watch {run.id}")
    return Answer(row, tuple(lines))


def _wake() -> tuple[str, ...]:
    """See to it that the queue goes on; return what stands in the way, which keeps nobody from looking."""
    try:
        wake()
    except LabKitError as error:
        return (f"The queue does not go on: {error.message} {error.hint}",)
    return ()


def _sync(runner: ProjectRunner) -> tuple[str, ...]:
    """Bring folders and hub in step; return what keeps the hub from answering, which keeps nobody from looking."""
    trouble = runner.sync()
    return () if trouble is None else (f"Runs of the hub are shown as they were last seen: {trouble.message} {trouble.hint}".rstrip(),)


def _runner_of(run_id: str, project_path: Path | None) -> ProjectRunner:
    """Return the runner of a run: of the given project, or of the one that it waits in."""
    if project_path is None:
        for entry in ProjectRunner(Path.cwd()).queue():
            if entry.run_id == run_id:
                return ProjectRunner(entry.folder)
    return ProjectRunner(open_project(project_path).layout.runs)


def _find(run_id: str, project_path: Path | None) -> Run:
    runner = _runner_of(run_id, project_path)
    runner.sync()
    return runner.run(run_id)


def _row(run: Run, place: int | None) -> dict[str, object]:
    record = run.record()
    return {
        "run": run.id,
        "title": run.spec.title or run.spec.kind,
        "kind": run.spec.kind,
        "state": record.state,
        "reason": record.reason,
        "place": place if record.state == "queued" else None,
        "where": run.spec.where,
        "device": run.shown_device,
        "created": record.created.isoformat(),
        "resumes": record.resumes,
        "folder": str(run.layout.root),
    }


def _queue_row(entry: QueueEntry) -> dict[str, object]:
    return {
        "run": entry.run_id,
        "title": entry.title,
        "state": entry.state,
        "place": entry.place,
        "where": entry.where,
        "device": entry.device,
        "since": entry.since.isoformat(),
        "folder": str(entry.folder / entry.run_id),
    }


def _queue_line(entry: QueueEntry) -> str:
    return f"{entry.run_id}  {_state_words(_queue_row(entry))}  {entry.device}  {entry.title}  {entry.folder.parent}"


def _state_words(row: dict[str, object]) -> str:
    place = row["place"]
    return str(row["state"]) if place is None else "is next" if place == 0 else f"waits, {place} before it"


def _news(story: RunStory) -> str:
    """Return one line on what has changed: the state, or the numbers of the last epoch."""
    words = [story.state if story.place is None else "is next" if story.place == 0 else f"waits, {story.place} before it"]
    if story.silent:
        words = ["does not answer: its supervisor was stopped, or the machine has no time for it"]
    ends = [curve.points[-1] for name, curve in story.curves.items() if name == "train_loss" and curve.points]
    if ends:
        words.append(f"epoch {ends[0].epoch} of {story.epochs}" if story.epochs else f"epoch {ends[0].epoch}")
        words += [f"{name} {curve.points[-1].value:.3g}" for name, curve in sorted(story.curves.items()) if name != "loss" and curve.points]
    return f"{story.run_id}: {', '.join(words)}"


def _told(run: Run, story: RunStory) -> Answer:
    lines = [f"{story.title or story.kind} ({run.id}): {'does not answer' if story.silent else story.state}"]
    if story.reason:
        lines.append(f"  {story.reason}")
    if run.spec.where == "hub" and story.state == "queued":
        lines.append(f"  {run.waiting_words() or 'waits for the hub'}")
    elif story.place is not None:
        lines.append(f"  {story.place} run(s) before it for {story.device}")
    if story.steps:
        left = "" if story.remaining_s is None else f", {story.remaining_s:.0f} s left"
        lines.append(f"  epoch {story.epoch} of {story.epochs}, step {story.step} of {story.steps}{left}")
    lines += [f"  {name} {curve.points[-1].value:.4g}" for name, curve in sorted(story.curves.items()) if curve.points]
    lines += [f"  warning: {text}" for text in story.warnings]
    if story.can_resume:
        lines.append(f"  Go on with: labkit run resume {run.id}")
    lines.append(f"  {run.layout.root}")
    return Answer(
        story.as_record() | {"where": run.spec.where, "folder": str(run.layout.root), "notebook": str(run.layout.notebook)}, tuple(lines)
    )
