"""What the annotator is measured on: a JupyterLab with a large picture and many objects, and its kernels."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jupyter_client.blocking.client import BlockingKernelClient

import labkit_lab
from bench.tiling import mirrored_picture
from labkit.annotations import Document, new_object, open_document, resolve_author, save_document
from labkit.geometry import Region
from labkit.project import Project
from labkit.testing.lab import WITHIN_S, Lab, running_lab
from labkit.tiling import import_image

__all__ = ["PICTURE", "World", "make_world"]

PICTURE = "picture.tif"
_VERTICES = 30
_RADII_PX = (15.0, 45.0)
_MARGIN_PX = 600  # nothing to jump to where the picture does not fill the canvas


@dataclass(frozen=True)
class World:
    """A running JupyterLab, and a project with one picture and one document."""

    lab: Lab
    project: Project
    image_id: str

    @property
    def document(self) -> Document:
        """The annotations as they are on the disk."""
        return open_document(self.project, self.image_id, resolve_author())

    def end_kernels(self) -> None:
        """End all sessions, and wait until there is none."""
        for session in self._request("GET", "api/sessions"):
            self._request("DELETE", f"api/sessions/{session['id']}")
        deadline = time.monotonic() + WITHIN_S
        while self._request("GET", "api/kernels"):
            if time.monotonic() > deadline:
                raise TimeoutError("a kernel did not end")
            time.sleep(0.05)

    @contextmanager
    def computing_kernel(self) -> Iterator[None]:
        """Keep the annotator's kernel in one long computation; raise if it ended early."""
        (kernel,) = self._request("GET", "api/kernels")
        client = BlockingKernelClient(connection_file=str(self.lab.home.parent / "runtime" / f"kernel-{kernel['id']}.json"))
        client.load_connection_file()
        client.start_channels()
        stop, started = self.lab.home / "stop", self.lab.home / "started"
        code = f"from pathlib import Path\nPath({str(started)!r}).touch()\nwhile not Path({str(stop)!r}).exists(): sum(range(100_000))"
        try:
            client.wait_for_ready(WITHIN_S)
            message = client.execute(code, store_history=False)
            _wait_for(started)
            yield
            stop.touch()
            reply = client.get_shell_msg(timeout=WITHIN_S)
            if reply["parent_header"]["msg_id"] != message or reply["content"]["status"] != "ok":
                raise RuntimeError("the kernel did not compute until it was told to stop")
        finally:
            stop.touch()
            client.stop_channels()
            started.unlink(missing_ok=True)

    def _request(self, method: str, path: str) -> Any:
        place = urllib.parse.urlsplit(self.lab.url)
        token = urllib.parse.parse_qs(place.query)["token"][0]
        url = urllib.parse.urljoin(self.lab.url, path)
        request = urllib.request.Request(url, method=method, headers={"Authorization": f"token {token}"})
        with urllib.request.urlopen(request, timeout=WITHIN_S) as response:
            body = response.read()
        return json.loads(body) if body else None


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not file.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{file.name} did not come")
        time.sleep(0.01)


@contextmanager
def make_world(folder: Path, size: int, count: int) -> Iterator[World]:
    """Start a JupyterLab whose project holds a picture of `size`^2 pixels with `count` polygons of 30 vertices."""
    place = folder / "lab"
    place.mkdir()
    with running_lab(place, Path(labkit_lab.__file__).parent / "labextension", labkit_lab.LABEXTENSION_NAME) as lab:
        project = Project.create(lab.projects, "bench", classes=["nucleus", "membrane", "other"])
        picture = mirrored_picture(folder / PICTURE, size)
        image_id = import_image(project, picture).id
        picture.unlink()
        _draw(project, image_id, size, count)
        yield World(lab, project, image_id)


def _draw(project: Project, image_id: str, size: int, count: int) -> None:
    """Save polygons all over the picture, in an order that jumps about."""
    rng = np.random.default_rng(4)
    author = resolve_author()
    turns = np.linspace(0, 2 * np.pi, _VERTICES, endpoint=False)
    objects = []
    for y, x in rng.uniform(_MARGIN_PX, size - _MARGIN_PX, (count, 2)):
        radii = rng.uniform(*_RADII_PX) * rng.uniform(0.85, 1.15, _VERTICES)
        ring = np.stack((y + radii * np.sin(turns), x + radii * np.cos(turns)), axis=1)
        objects.append(new_object(Region((ring,)), class_id=int(rng.integers(1, 4)), author=author))
    document = open_document(project, image_id, author)
    save_document(project, document.with_objects(objects))
