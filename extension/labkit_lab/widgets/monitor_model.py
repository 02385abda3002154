"""What a monitor of a training knows and can do; knows nothing of widgets, and loads nothing heavy until somebody resumes."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from urllib.parse import quote

from labkit.client import ProjectRunner
from labkit.errors import LabKitError
from labkit.project import Project
from labkit.runs import Run, RunStory, run_story

__all__ = ["STATE_SIGNS", "MonitorModel", "span"]

STATE_SIGNS = {
    "queued": "◷",
    "starting": "◌",
    "running": "▶",
    "cancelling": "◼",
    "done": "✓",
    "failed": "✕",
    "cancelled": "⊘",
    "lost": "?",
}


class MonitorModel:
    """One run of a project, read from the disk: after a restart of the kernel it stands as it did.

    It takes what `TrainingMonitor` takes, and raises what that raises.
    """

    def __init__(self, project: Project, run_id: str | None = None) -> None:
        self.project = project
        self._runner = ProjectRunner(project.layout.runs)
        self._reading = threading.Lock()
        self.run: Run = self._runner.run(run_id or _newest(self._runner))
        self.story: RunStory = run_story(self.run)

    def look(self) -> bool:
        """Read what is new, and return whether there is anything."""
        with self._reading:  # a button's look and the watch's: the later one has read the more
            before = self.story
            self.story = run_story(self.run, before)
            return self.story != before

    @property
    def can_cancel(self) -> bool:
        """Whether there is anything to stop."""
        return not self.story.has_ended and self.story.state != "cancelling"

    @property
    def can_resume(self) -> bool:
        """Whether it can go on from a checkpoint."""
        return self.story.can_resume

    def cancel(self) -> None:
        """Ask the run to stop; its checkpoint stays."""
        self.run.cancel()
        self.look()

    def resume(self) -> None:
        """Go on from the last checkpoint, and look at the run that does.

        Raises
        ------
        LabKitError
            What is in the way.
        """
        from labkit.work import resume_training  # here, because it loads torch

        run = resume_training(self.project, self.run.id)
        with self._reading:
            self.run, self.story = run, run_story(run)

    @property
    def standing(self) -> str:
        """The state in words, with the place in the queue."""
        story = self.story
        word = {"cancelling": "stopping"}.get(story.state, story.state)
        if story.place is None:
            return word
        return f"{word}, next" if story.place == 0 else f"{word}, {story.place} before it"

    @property
    def progress(self) -> tuple[float, tuple[str, ...]]:
        """The part that is done (0-1), and epoch, step, rate and time to go in words, as far as they are known."""
        story = self.story
        words = []
        if story.epoch and story.epochs:
            words.append(f"epoch {story.epoch} of {story.epochs}")
        if story.steps:
            words.append(f"step {story.step} of {story.steps}")
        if not story.has_ended:
            if story.total and story.unit != "steps":
                words.append(f"{story.stage}: {story.done:g} of {story.total:g} {story.unit}")
            elif story.rate_per_s is not None:
                words.append(f"{story.rate_per_s:.3g} steps per second")
            if story.remaining_s is not None:
                words.append(f"{span(story.remaining_s)} to go")
        part = story.step / story.steps if story.steps else story.done / story.total if story.total else 0.0
        return min(1.0, part), tuple(words)

    @property
    def made(self) -> str | None:
        """The model that came out, ``name/version``; None as long as there is none."""
        if self.story.state != "done":
            return None
        try:
            model = self.run.result().get("model")
        except (LabKitError, OSError, ValueError):
            return None
        return model if isinstance(model, str) else None

    def samples(self) -> bytes | None:
        """Return the picture of the latest sample predictions as PNG, None before the first."""
        try:
            return self.run.layout.checkpoints.samples.read_bytes()
        except OSError:
            return None

    def notebook_url(self) -> str | None:
        """Return where JupyterLab shows the executed notebook; None where there is none yet, or no JupyterLab that can show it."""
        notebook = self.run.layout.notebook
        server = _server_of_this_kernel()
        if server is None or not notebook.is_file():
            return None
        base_url, root = server
        try:
            shown = notebook.resolve().relative_to(root.resolve())
        except ValueError:
            return None
        return f"{base_url}lab/tree/{quote(shown.as_posix())}"


def _newest(runner: ProjectRunner) -> str:
    runs = runner.runs()
    return runs[-1].id if runs else ""


def _server_of_this_kernel() -> tuple[str, Path] | None:
    """Return base address and root folder of the Jupyter Server that has started this kernel, as it has written them down."""
    pid = os.environ.get("JPY_PARENT_PID", "")
    if not pid.isdigit():
        return None
    from jupyter_core.paths import jupyter_runtime_dir  # where there is a kernel, there is jupyter_core

    try:
        facts = json.loads((Path(jupyter_runtime_dir()) / f"jpserver-{pid}.json").read_bytes())
        return str(facts["base_url"]), Path(facts["root_dir"])
    except (OSError, ValueError, KeyError):
        return None


def span(seconds: float) -> str:
    """Return a span of time for people: ``45 s``, ``3 min 20 s``, ``2 h 05 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    return f"{minutes} min {whole % 60} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
