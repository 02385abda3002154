"""The annotator's kernel is killed at any moment: what it acknowledged is on the disk, and the next kernel goes on from there."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from jupyter_client import BlockingKernelClient, KernelManager

from labkit.annotations import Document, Editor, open_document
from labkit.project import ImageRecord, Project
from labkit.testing.pictures import noise_picture, write_png
from labkit.testing.repetitions import repetitions
from labkit.tiling import import_image
from labkit_lab.widgets.desk import Desk, Message

REPEAT = repetitions(2, full=50)
SEED = int(os.environ.get("LABKIT_SEED", "0"))
DEEDS = 200
WITHIN_S = 60.0
HEIGHT_PX, WIDTH_PX = 300, 400
DRAWN = ("polygon", "box", "ellipse", "point", "brush", "eraser")
DONE = ("delete", "set_class", "move", "merge", "bring_to_front", "send_to_back", "separate", "undo", "redo", "set_task")

Deed = dict[str, Any]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project in the folder where kernels look for one."""
    monkeypatch.setenv("LABKIT_PROJECTS", str(tmp_path / "projects"))
    monkeypatch.setenv("LABKIT_AUTHOR", "Ada")
    return Project.create(tmp_path / "projects", "cells", classes=["cell", "debris"])


@pytest.fixture
def image(project: Project, tmp_path: Path) -> ImageRecord:
    return import_image(project, write_png(tmp_path / "a.png", noise_picture(HEIGHT_PX, WIDTH_PX)))


class Page:
    """What a page in the browser does: it keeps the order of the objects, and names them in what it asks for."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.answered = 0

    def hear(self, content: Mapping[str, Any]) -> None:
        """Take a message for the browsers."""
        match content["type"]:
            case "scene":
                self.ids = [item["id"] for item in content["objects"]]
            case "patch":
                gone = {*content["removed"], *(item["id"] for item in content["objects"])}
                self.ids = [item for item in self.ids if item not in gone]
                for item in sorted(content["objects"], key=lambda item: item["place"]):
                    self.ids.insert(item["place"], item["id"])
            case "ack" | "refused":
                self.answered = max(self.answered, content["number"] or 0)

    def words(self, number: int, deed: Deed) -> tuple[dict[str, Any], list[bytes]]:
        """Return the message of a deed, with the objects that stand at the places it means."""
        chosen = [self.ids[int(share * len(self.ids))] for share in deed["chosen"] if self.ids]
        content = {"client": "page", "number": number, **deed["content"]}
        content["selection" if content["type"] == "gesture" else "ids"] = chosen
        return content, [np.array(deed["rows"], dtype="<f8").tobytes()] if deed["rows"] else []


class Kernel:
    """A kernel with the annotator of one image, and a page that talks with it over the kernel's own channels."""

    def __init__(self, client: BlockingKernelClient, pid: int) -> None:
        self.page = Page()
        self.pid = pid
        self._client = client
        self._comm = ""

    def open(self, project: Project, image: ImageRecord) -> None:
        """Make the annotator, as the tab of the Projects panel does, and ask for the document."""
        code = f"from labkit_lab.widgets import open_annotator\nannotator = open_annotator({project.id!r}, {image.id!r})"
        reply = self._client.execute(code, reply=True, timeout=WITHIN_S, user_expressions={"id": "annotator.model_id"})
        assert reply["content"]["status"] == "ok", reply["content"]
        self._comm = reply["content"]["user_expressions"]["id"]["data"]["text/plain"].strip("'")
        self._send({"type": "hello", "client": "page"}, [])
        while self._hear() != "scene":
            pass

    def ask(self, number: int, deed: Deed) -> None:
        """Send a deed."""
        self._send(*self.page.words(number, deed))

    def do(self, number: int, deed: Deed) -> None:
        """Send a deed, and wait for the answer."""
        self.ask(number, deed)
        while self.page.answered < number:
            self._hear()

    def kill(self) -> None:
        """End the kernel as the kernel's memory limit would."""
        os.kill(self.pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(self.pid)] if psutil.pid_exists(self.pid) else [], timeout=WITHIN_S)

    def _send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        words = {"comm_id": self._comm, "data": {"method": "custom", "content": content}}
        message = self._client.session.msg("comm_msg", words)
        self._client.session.send(self._client.shell_channel.socket, message, buffers=buffers)

    def _hear(self) -> str:
        """Take the kernel's next message; returns its type, if it is for us."""
        message = self._client.get_iopub_msg(timeout=WITHIN_S)
        data = message["content"].get("data", {})
        if message["msg_type"] != "comm_msg" or message["content"]["comm_id"] != self._comm or data["method"] != "custom":
            return ""
        self.page.hear(data["content"])
        return str(data["content"]["type"])


@contextmanager
def _kernel() -> Iterator[Kernel]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=WITHIN_S)
        yield Kernel(client, manager.provisioner.pid)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _random_deeds(seed: int) -> list[Deed]:
    rng = random.Random(seed)
    return [_random_gesture(rng) if rng.random() < 0.6 else _random_command(rng) for _ in range(DEEDS)]


def _random_gesture(rng: random.Random) -> Deed:
    tool = rng.choice(DRAWN)
    y, x = rng.uniform(20, HEIGHT_PX - 60), rng.uniform(20, WIDTH_PX - 60)
    path = [(y, x), (y + rng.uniform(5, 40), x + 3), (y + rng.uniform(5, 40), x + rng.uniform(10, 40)), (y - 5, x + 30)]
    rows: list[tuple[float, float, float, int]] = []
    keys: list[str] = []
    if tool == "polygon":
        rows = [row for at in path for row in ((0, *at, 0), (2, *at, 0))] + [(4, *path[-1], 0)]
        keys = ["Enter"]
    else:
        rows = [(0, *path[0], 0), *((1, *at, 0) for at in path[1:]), (2, *path[2], 0)]
    mode = rng.choice(["new", "new", "new", "add", "subtract"])
    facts = {"tool": tool, "mode": mode, "kind": "object", "class_id": rng.choice([1, 2]), "radius_px": 4.0, "z": None, "reach_px": 2.0}
    return {"content": {"type": "gesture", **facts, "keys": keys}, "rows": rows, "chosen": _some(rng)}


def _random_command(rng: random.Random) -> Deed:
    name = rng.choice(DONE)
    every = {"move": {"dy": rng.uniform(-9, 9), "dx": rng.uniform(-9, 9)}, "set_class": {"class_id": rng.choice([1, 2])}}
    args = {**every, "set_task": {"task": "finished", "completed": rng.random() < 0.5}}.get(name, {})
    return {"content": {"type": "command", "name": name, "args": args}, "rows": [], "chosen": _some(rng)}


def _some(rng: random.Random) -> list[float]:
    return sorted({rng.random() for _ in range(rng.randint(1, 3))})


def _without_a_kernel(project: Project, image: ImageRecord, deeds: list[Deed]) -> list[Any]:
    """Return what the document is after none, one, two... of the deeds."""
    page = Page()

    def hear(message: Message) -> None:
        page.hear(message.content)

    desk = Desk(project, image.id, "Grace", send=hear)
    desk.take({"type": "hello", "client": "page"})
    states = [_facts(desk.editor.document)]
    for number, deed in enumerate(deeds, 1):
        desk.take(*page.words(number, deed))
        states.append(_facts(desk.editor.document))
    desk.close()
    return states


def _facts(document: Document) -> Any:
    """Return what is drawn, without the names and times that differ from one drawing to the next."""
    objects = [(item.kind, item.shape, item.class_id, item.status, item.z) for item in document.objects]
    return objects, document.completed_tasks


@pytest.mark.parametrize("attempt", range(REPEAT))
def test_what_a_killed_kernel_acknowledged_is_there(project: Project, image: ImageRecord, attempt: int) -> None:
    """Killed after any of 200 gestures and commands: all that was acknowledged is there, and what was on its way is taken once.

    Undo of everything and redo of as much give the same document.
    """
    seed = SEED + attempt
    deeds = _random_deeds(seed)
    states = _without_a_kernel(project, image, deeds)
    last = random.Random(seed).randrange(DEEDS)
    with _kernel() as kernel:
        kernel.open(project, image)
        for number, deed in enumerate(deeds[:last], 1):
            kernel.do(number, deed)
        kernel.ask(last + 1, deeds[last])
        kernel.kill()
        seen = kernel.page.ids
    on_disk = _facts(open_document(project, image.id, "Ada"))
    assert on_disk in (states[last], states[last + 1]), f"seed {seed}, killed after {last}"
    assert len(seen) == len(states[last][0])

    with _kernel() as kernel:
        kernel.open(project, image)
        kernel.page.ids = seen  # the page knows what it meant
        kernel.do(last + 1, deeds[last])
    whole = open_document(project, image.id, "Ada")
    assert _facts(whole) == states[last + 1]
    editor = Editor(project, image.id, "Ada")
    undone = 0
    while editor.undo().changed:
        undone += 1
    assert _facts(editor.document) == ([], ())
    for _ in range(undone):  # not all: what the page itself had undone stays so
        editor.redo()
    assert (editor.document.objects, editor.document.completed_tasks) == (whole.objects, whole.completed_tasks)
