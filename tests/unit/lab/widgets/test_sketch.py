"""What Python draws over the picture, without a kernel."""

from __future__ import annotations

from pathlib import Path

import pytest
from ipycanvas import Canvas, hold_canvas
from ipycanvas.canvas import _CANVAS_MANAGER, COMMANDS

from labkit.project import Project
from labkit.testing.pictures import noise_picture, write_png
from labkit.tiling import import_image
from labkit_lab.widgets.annotator import Annotator


@pytest.fixture
def annotator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Annotator:
    monkeypatch.setenv("LABKIT_AUTHOR", "Ada")
    project = Project.create(tmp_path, "cells")
    return Annotator(project, import_image(project, write_png(tmp_path / "a.png", noise_picture(40, 60))))


def test_a_sketch_is_drawn_again_for_each_page_and_view(annotator: Annotator) -> None:
    """It is drawn at once, when a page opens, and when a view has settled; taken away, it is not."""
    layers: list[Canvas] = []
    annotator.sketch(layers.append)
    for kind in ("hello", "sketch"):
        annotator._take(annotator, {"type": kind, "client": "tab"}, [])
    assert layers == [annotator.canvas[4]] * 3
    assert annotator.sketches
    annotator.sketch(None)
    annotator._take(annotator, {"type": "sketch", "client": "tab"}, [])
    assert len(layers) == 3
    assert not annotator.sketches


def test_a_sketch_that_fails_is_told_once_and_holds_up_nothing(annotator: Annotator) -> None:
    """The error reaches whoever draws; other canvases of the process go on, and the next page does not fail again."""

    def fails(layer: Canvas) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        annotator.sketch(fails)
    assert not _CANVAS_MANAGER._caching
    annotator._take(annotator, {"type": "sketch", "client": "tab"}, [])


def test_a_page_that_comes_later_is_told_the_canvas(annotator: Annotator) -> None:
    """Each sketch begins by naming its layer: a reloaded page does not know it (ipycanvas issue 322)."""
    annotator.sketch(lambda layer: None)
    first: list[list[object]] = []
    annotator.sketch(lambda layer: first.extend(_CANVAS_MANAGER._commands_cache[:1]))
    assert first == [[COMMANDS["switchCanvas"], [f"IPY_MODEL_{annotator.canvas[4].model_id}"]]]


def test_two_canvases_share_one_queue() -> None:
    """What the lock is for; if ipycanvas gives each canvas a queue of its own, it can go."""
    with hold_canvas():
        assert Canvas()._canvas_manager is Canvas()._canvas_manager is _CANVAS_MANAGER
