"""A training as a widget in a notebook: how far it is, its curves and samples, cancel and resume."""

from __future__ import annotations

import threading
from base64 import b64encode
from html import escape
from typing import Any

from ipywidgets import HTML, Button, Checkbox, FloatProgress, HBox, Layout, VBox

from labkit.errors import LabKitError
from labkit.project import Project
from labkit_lab.widgets.monitor_drawing import charts_of
from labkit_lab.widgets.monitor_model import STATE_SIGNS, MonitorModel
from labkit_lab.widgets.monitor_watch import MonitorWatch

__all__ = ["TrainingMonitor"]

_BAR_STYLES = {"done": "success", "failed": "danger", "lost": "danger", "cancelled": "warning"}


class TrainingMonitor(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Shows a run of a project while it goes on, also while a cell computes, and how it ended.

    It reads what the run writes, so it shows the same after the kernel was restarted and the cell was executed again. The run goes on
    without it.

    Parameters
    ----------
    project : Project
        An open project.
    run_id : str, optional
        One of its runs; by default the newest.

    Raises
    ------
    NotFound
        There is no such run.

    Examples
    --------
    >>> from labkit import Project, TrainConfig, start_training
    >>> from labkit_lab.widgets import TrainingMonitor
    >>> project = Project.open("projects/cells")  # doctest: +SKIP
    >>> run = start_training(project, TrainConfig(project=str(project.path), training_set="cells"))  # doctest: +SKIP
    >>> TrainingMonitor(project, run.id)  # doctest: +SKIP
    """

    def __init__(self, project: Project, run_id: str | None = None, **kwargs: Any) -> None:
        self.model = MonitorModel(project, run_id)
        self._drawing = threading.RLock()
        self._state = HTML()
        self._bar = FloatProgress(min=0, max=1, layout=Layout(width="100%"))
        self._words = HTML()
        self._reason = HTML()
        self._cancel = Button(description="Cancel", tooltip="Stop the run; what it has learned is kept")
        self._resume = Button(description="Resume", tooltip="Go on from the last checkpoint", button_style="primary")
        self._link = HTML()
        self._is_log = Checkbox(description="Logarithmic loss", indent=False)
        self._curves = HTML()
        self._samples = HTML(layout=Layout(display="none"))  # an Image of ipywidgets cannot say in words what it shows
        self._has_log = Checkbox(description="Last lines of the log", indent=False)
        self._log = HTML(layout=Layout(display="none"))
        self._shown_samples: bytes | None = None
        self._cancel.on_click(lambda _: self._do(self.model.cancel))
        self._resume.on_click(lambda _: self._do(self._go_on))
        self._is_log.observe(lambda _: self.show(), "value")
        self._has_log.observe(lambda _: self._show_log(), "value")
        super().__init__(
            children=[
                self._state,
                self._bar,
                self._words,
                self._reason,
                HBox([self._cancel, self._resume, self._link, self._is_log]),
                self._curves,
                self._samples,
                self._has_log,
                self._log,
            ],
            **kwargs,
        )
        self.show()
        self._watch = MonitorWatch(self)
        self._watch.start()

    @property
    def is_watching(self) -> bool:
        """Whether its thread looks for news: until the run has ended, or the widget was closed."""
        return self._watch.is_alive

    def close(self) -> None:
        """Take the widget off the page and stop to look; the run goes on."""
        self._watch.stop()
        super().close()

    def show(self) -> None:
        """Show what the model knows."""
        with self._drawing:  # a button and the watch's thread may both draw: what was known earlier must not come last
            self._show()

    def _show(self) -> None:
        model, story = self.model, self.model.story
        part, words = model.progress
        sign = STATE_SIGNS[story.state]
        title = f"<b>{escape(story.title)}</b> &nbsp; <span aria-hidden='true'>{sign}</span> {escape(model.standing)}"
        made = model.made
        self._state.value = f"<div role='status'>{title}{f' &nbsp; model <b>{escape(made)}</b>' if made else ''}</div>"
        self._bar.value, self._bar.bar_style = part, _BAR_STYLES.get(story.state, "info")
        self._words.value = escape(" · ".join((*words, f"on {story.device}")))
        self._reason.value = "".join(f"<div>{escape(text)}</div>" for text in (story.reason, *story.warnings) if text)
        self._cancel.disabled, self._resume.disabled = not model.can_cancel, not model.can_resume
        url = model.notebook_url()
        self._link.value = "" if url is None else f"<a href='{escape(url)}' target='_blank' rel='noopener'>Open notebook</a>"
        self._curves.value = "".join(charts_of({name: curve.points for name, curve in story.curves.items()}, is_log=self._is_log.value))
        self._log.value = f"<pre>{escape(chr(10).join(story.log_lines))}</pre>"
        self._show_samples()

    def _show_log(self) -> None:
        self._log.layout.display = None if self._has_log.value else "none"

    def _show_samples(self) -> None:
        png = self.model.samples()
        if png is not None and png != self._shown_samples:
            self._shown_samples = png
            words = f"Sample predictions after epoch {self.model.story.epoch}: picture, annotation, answer"
            data = b64encode(png).decode()
            self._samples.value = f"<img alt='{words}' src='data:image/png;base64,{data}' style='max-width:100%'>"
            self._samples.layout.display = None

    def _do(self, action: Any) -> None:
        """Do what a button says, and show what came of it, or what is in the way."""
        try:
            action()
        except LabKitError as error:
            self._reason.value = f"<div role='alert'><b>{escape(error.message)}</b> {escape(error.hint)}</div>"
            return
        self.show()

    def _go_on(self) -> None:
        self.model.resume()
        self._shown_samples = None
        self._watch.stop()
        self._watch = MonitorWatch(self)
        self._watch.start()
