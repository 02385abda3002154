"""The route that answers with many tiles at once."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import labkit.tiling.rendering
from labkit.project import ImageRecord, Project
from labkit.testing.pictures import noise_picture, write_png
from labkit.tiling import import_image, open_image
from labkit.tiling.rendering import parse_view, render_tile
from labkit_lab.wire import MOST_TILES

from .conftest import Ask

WITHIN_S = 60


@pytest.fixture
def project(projects_folder: Path) -> Project:
    return Project.create(projects_folder, "cells")


@pytest.fixture
def image(project: Project, tmp_path: Path) -> ImageRecord:
    """Import a colour picture of 700 x 900 pixels."""
    return import_image(project, write_png(tmp_path / "a.png", noise_picture(700, 900)))


def _tiles(body: bytes) -> Iterator[bytes]:
    while body:
        length = int.from_bytes(body[:4], "big")
        yield body[4 : 4 + length]
        body = body[4 + length :]


async def test_tiles_come_in_the_order_asked_for(ask: Ask, project: Project, image: ImageRecord) -> None:
    """They are those that the route of single tiles gives; nobody keeps the answer, which no second one equals."""
    names = ["0/1/1", "1/0/0", "0/0/0", "0/0/1"]
    response = await ask("projects", project.id, "images", image.id, "tiles", "stream", params={"tiles": ",".join(names)})
    assert (response.code, response.headers["Content-Type"]) == (200, "application/octet-stream")
    assert response.headers["Cache-Control"] == "private, no-store"
    opened = open_image(project, image.id)
    assert list(_tiles(response.body)) == [render_tile(opened, *map(int, name.split("/"))) for name in names]


async def test_a_view_holds_for_all_tiles(ask: Ask, project: Project, image: ImageRecord) -> None:
    """Another window, in green."""
    params = {"tiles": "0/0/0,0/1/0", "view": "0:10:200:00FF00", "z": "0", "t": "0", "ahead": "true"}
    response = await ask("projects", project.id, "images", image.id, "tiles", "stream", params=params)
    opened = open_image(project, image.id)
    view = parse_view("0:10:200:00FF00", opened)
    assert list(_tiles(response.body)) == [render_tile(opened, 0, row, 0, view=view) for row in (0, 1)]


@pytest.mark.parametrize(
    "changed",
    [
        {"tiles": ""},
        {"tiles": "0/0"},
        {"tiles": "0/0/0,"},
        {"tiles": "0/0/0,0/0/-1"},
        {"tiles": "0/0/0,0/7/0"},
        {"tiles": "99/0/0"},
        {"tiles": ",".join(["0/0/0"] * (MOST_TILES + 1))},
        {"view": "nonsense"},
        {"z": "1"},
        {"t": "-1"},
    ],
)
async def test_a_wrong_request_is_said_to_be_one(ask: Ask, project: Project, image: ImageRecord, changed: dict[str, str]) -> None:
    """In words, before the first tile."""
    params = {"tiles": "0/0/0", **changed}
    response = await ask("projects", project.id, "images", image.id, "tiles", "stream", params=params)
    assert response.code == 400
    assert json.loads(response.body)["error"]["hint"]


async def test_an_image_that_is_not_there(ask: Ask, project: Project, image: ImageRecord) -> None:
    """Ids are compared, never made into paths."""
    for ids in [(project.id, "nothing"), ("nothing", image.id)]:
        response = await ask("projects", ids[0], "images", ids[1], "tiles", "stream", params={"tiles": "0/0/0"})
        assert response.code == 404


async def test_the_tiles_beside_a_damaged_one_come(ask: Ask, project: Project, image: ImageRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no bytes itself."""

    def render(image: object, level: int, row: int, column: int, **how: object) -> bytes:
        if row == 1:
            raise OSError("damaged")
        return b"tile"

    monkeypatch.setattr(labkit.tiling.rendering, "render_tile", render)
    response = await ask("projects", project.id, "images", image.id, "tiles", "stream", params={"tiles": "0/0/0,0/1/0,0/0/1"})
    assert list(_tiles(response.body)) == [b"tile", b"", b"tile"]


class _Work:
    """Tiles that are made when they are let go on."""

    def __init__(self) -> None:
        self.begun = 0
        self.go_on = threading.Event()

    def render(self, image: object, level: int, row: int, column: int, **how: object) -> bytes:
        self.begun += 1
        if self.begun > 1:
            assert self.go_on.wait(WITHIN_S)
        return bytes(100_000)


async def test_nothing_is_made_for_a_client_that_has_gone(
    ask: Ask,
    project: Project,
    image: ImageRecord,
    monkeypatch: pytest.MonkeyPatch,
    jp_http_port: int,
    jp_auth_header: dict[str, str],
    jp_base_url: str,
) -> None:
    """It takes the first of many tiles and hangs up; what was not begun by then stays undone."""
    work = _Work()
    monkeypatch.setattr(labkit.tiling.rendering, "render_tile", work.render)
    path = f"{jp_base_url}labkit/api/projects/{project.id}/images/{image.id}/tiles/stream?tiles=" + ",".join(["0/0/0"] * MOST_TILES)
    head = "".join(f"{name}: {value}\r\n" for name, value in jp_auth_header.items())
    reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode())
    assert b"200" in await asyncio.wait_for(reader.readline(), WITHIN_S)
    await asyncio.wait_for(reader.readexactly(100_000), WITHIN_S)
    writer.transport.abort()
    work.go_on.set()
    for _ in range(3):  # whole requests of somebody else, so that the server has had its turn
        response = await ask("projects", project.id, "images", image.id, "tiles", "stream", params={"tiles": ",".join(["0/0/0"] * 10)})
        assert response.code == 200
    assert work.begun - 3 * 10 < MOST_TILES / 2
