"""The route that answers with many tiles at once: far from the server, one request for each would wait for the others."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from functools import cache, partial
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from tornado import web
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from labkit.config import projects_dir
from labkit.errors import InvalidInput, LabKitError
from labkit_lab.server.images import opened_image
from labkit_lab.server.route import Route
from labkit_lab.wire import MOST_TILES, TilesQuery

__all__ = ["TileStreamRoute"]

_LENGTH_BYTES = 4
_MOST_READERS = 4
_TYPE = "application/octet-stream"

ReadTile = Callable[[], bytes]


class TileStreamRoute(Route):
    """Several tiles of one image, each sent as soon as it is made."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str, image_id: str) -> None:
        """Answer with the length of each tile (4 bytes, the high one first) and its JPEG, in the order asked for.

        A length of 0 stands for a tile that cannot be read. What is wrong with the request itself is said before the first byte.
        """
        asked = self.parsed_query(TilesQuery)
        tiles = await asyncio.to_thread(_prepared, projects_dir(), project_id, image_id, asked)
        self.set_header("Content-Type", _TYPE)
        self.set_header("Cache-Control", "private, no-store")
        self.set_header("X-Accel-Buffering", "no")  # or a proxy in between may keep it all until the last one
        self._send_at_once()
        try:
            async with aclosing(_in_order(tiles, 1 if asked.ahead else _reader_count())) as made:
                async for future in made:
                    jpeg = await self._jpeg(future)
                    self.write(len(jpeg).to_bytes(_LENGTH_BYTES, "big") + jpeg)
                    await self.flush()  # not before the socket has taken it: the client sets the pace
        except StreamClosedError:
            return  # nobody looks any more; what was not begun is not made
        self.finish(set_content_type=_TYPE)

    async def _jpeg(self, future: Future[bytes]) -> bytes:
        """Return a tile, or nothing for one that cannot be read: the others are still worth having."""
        try:
            return await asyncio.wrap_future(future)
        except LabKitError as error:
            self.log.warning("A tile in %s cannot be read: %s", self.request.path, error)
        except Exception:
            self.log.exception("A tile in %s cannot be read.", self.request.path)
        return b""

    def _send_at_once(self) -> None:
        """Do not let the end of a tile wait until its beginning is acknowledged."""
        connection = self.request.connection
        if isinstance(connection, HTTP1Connection) and connection.stream is not None:
            connection.stream.set_nodelay(True)


def _prepared(folder: Path, project_id: str, image_id: str, asked: TilesQuery) -> list[ReadTile]:
    """Return what reads each tile.

    Raises
    ------
    InvalidInput
        One of them is not in the picture, there are too many, or the view or plane is none of the image.
    NotFound
        There is no such image.
    """
    from labkit.tiling.rendering import check_plane, parse_view, render_tile, tile_box  # here, because most servers never need it

    places = [tuple(int(part) for part in name.split("/")) for name in asked.tiles.split(",")]
    if len(places) > MOST_TILES:
        raise InvalidInput(f"{len(places)} tiles are too many for one answer.", hint=f"Ask for at most {MOST_TILES}.")
    image = opened_image(folder, project_id, image_id)
    view = None if asked.view is None else parse_view(asked.view, image)
    check_plane(image, asked.z, asked.t)
    for level, row, column in places:
        tile_box(image, level, row, column)
    return [partial(render_tile, image, *place, view=view, z=asked.z, t=asked.t) for place in places]


async def _in_order(tiles: Iterable[ReadTile], most: int) -> AsyncGenerator[Future[bytes], None]:
    """Yield tiles in their order, while up to `most` of the next ones are being made."""
    pending: deque[Future[bytes]] = deque()
    try:
        for read in tiles:
            pending.append(_readers().submit(read))
            if len(pending) == most:
                yield pending.popleft()
        while pending:
            yield pending.popleft()
    finally:
        for future in pending:
            future.cancel()


@cache
def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_reader_count(), thread_name_prefix="labkit-tiles")


def _reader_count() -> int:
    return min(_MOST_READERS, (os.cpu_count() or 1) + 1)
