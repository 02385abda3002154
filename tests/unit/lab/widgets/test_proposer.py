"""A small trained model looks at a picture beside the drawing."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import pytest

from labkit.annotations import open_document
from labkit.events import Progress
from labkit.project import ImageRecord, Project
from labkit.testing.learning import annotated_image, tiny_model, tiny_training_set
from labkit_lab.widgets.desk import Desk, Message

WITHIN_S = 120


@dataclass(frozen=True)
class Trained:
    """A project with a picture that nobody but a model has looked at."""

    project: Project
    image: ImageRecord
    model: str


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("trained")
    project = Project.create(folder / "projects", "cells", classes=["nucleus"])
    annotated_image(project, folder)
    model = tiny_model(project, tiny_training_set(project), folder / "run")
    return Trained(project, annotated_image(project, folder, seed=1), model.key)


class Listener:
    """Hears what a desk says, and waits for what a model comes to."""

    def __init__(self, trained: Trained, author: str) -> None:
        self.heard: list[dict[str, Any]] = []
        self.ended = threading.Event()
        self.desk = Desk(trained.project, trained.image.id, author, send=self._hear)

    def _hear(self, message: Message) -> None:
        self.heard.append(dict(message.content))
        if message.content.get("state") in ("done", "failed", "stopped"):
            self.ended.set()

    def says(self, kind: str, **content: Any) -> dict[str, Any]:
        self.desk.take({"type": kind, "client": "tab", **content})
        return self.heard[-1]

    def end(self) -> dict[str, Any]:
        assert self.ended.wait(WITHIN_S)
        return next(m for m in self.heard if m.get("state") in ("done", "failed", "stopped"))


def test_a_model_proposes(trained: Trained) -> None:
    """The models are offered, progress is told, the proposals are on the disk and can be undone; the second time nothing is new."""
    listener = Listener(trained, "Ada")
    listener.says("hello")
    assert [m["models"] for m in listener.heard if m["type"] == "options"] == [[trained.model]]
    listener.says("propose", model=trained.model)
    end = listener.end()
    objects = open_document(trained.project, trained.image.id, "Ada").objects
    assert end == {"type": "proposing", "state": "done", "model": trained.model, "count": len(objects)}
    assert {(item.status, item.source) for item in objects} == {("proposed", f"model:{trained.model}")}
    assert any(m["type"] == "patch" for m in listener.heard)
    again = Listener(trained, "Ada")
    again.says("propose", model=trained.model)
    assert again.end()["count"] == 0
    listener.says("command", name="undo", number=1, ids=[], args={})
    assert open_document(trained.project, trained.image.id, "Ada").objects == ()


def test_a_model_at_work_is_stopped_and_blocks_no_stroke(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is held up a command is acknowledged, and a second model is refused; stopped, it leaves nothing behind."""
    at_work, go_on = threading.Event(), threading.Event()

    def held_up(project: Project, image: str, model: str, *, on_event: Any, cancel: Any) -> None:
        on_event(Progress(1, 4, "tiles", "predicting"))
        at_work.set()
        assert go_on.wait(WITHIN_S)
        cancel.raise_if_cancelled()

    monkeypatch.setattr("labkit.inference.predict", held_up)
    listener = Listener(trained, "Grace")
    listener.says("propose", model=trained.model)
    assert at_work.wait(WITHIN_S)
    assert listener.says("command", name="set_task", number=1, ids=[], args={"task": "finished"})["type"] == "ack"
    assert listener.says("propose", model=trained.model)["type"] == "refused"
    listener.says("stop_proposing")
    go_on.set()
    assert listener.end()["state"] == "stopped"
    assert {"type": "proposing", "state": "running", "model": trained.model, "stage": "predicting", "done": 1, "total": 4} in listener.heard
    assert open_document(trained.project, trained.image.id, "Grace").objects == ()


def test_a_model_that_is_not_there_is_said(trained: Trained) -> None:
    """With what there is."""
    listener = Listener(trained, "Alan")
    listener.says("propose", model="nothing/1")
    failed = listener.end()
    assert failed["state"] == "failed"
    assert failed["message"]
    assert failed["hint"]
