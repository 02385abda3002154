"""Routes by which files come in, piece by piece."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from labkit.errors import Conflict, InvalidInput
from labkit_lab.server.imports import ImportQueue
from labkit_lab.server.route import Route
from labkit_lab.wire import LARGEST_PIECE_BYTES, NewUpload, PieceQuery, UploadAnswers, UploadList

__all__ = ["QUEUE_SETTING", "AnswersRoute", "UploadRoute", "UploadsRoute"]

QUEUE_SETTING = "labkit_imports"


class _QueueRoute(Route):
    @property
    def queue(self) -> ImportQueue:
        """The server's one queue of imports."""
        queue: ImportQueue = self.settings[QUEUE_SETTING]
        return queue


class UploadsRoute(_QueueRoute):
    """All files on their way: list them, begin one or find it again."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with the list."""
        self.reply(UploadList(uploads=await asyncio.to_thread(self.queue.items)))

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Begin an upload, or find the one that was begun before; the answer says where to go on."""
        asked = self.parsed_body(NewUpload)
        self.reply(await asyncio.to_thread(self.queue.begin, asked), HTTPStatus.CREATED)


class UploadRoute(_QueueRoute):
    """One file on its way."""

    @web.authenticated
    @authorized
    async def get(self, upload_id: str) -> None:
        """Answer with how far it is."""
        self.reply(await asyncio.to_thread(self.queue.item, upload_id))

    @web.authenticated
    @authorized
    async def put(self, upload_id: str) -> None:
        """Append the body, which is a piece of the file; when this is answered, the bytes are on the disk."""
        at = self.parsed_query(PieceQuery)
        if len(self.request.body) > LARGEST_PIECE_BYTES:
            raise InvalidInput("The piece is too large.", hint=f"Send at most {LARGEST_PIECE_BYTES >> 20} MiB at once.")
        self.reply(await asyncio.to_thread(self.queue.append, upload_id, at.offset, self.request.body))

    @web.authenticated
    @authorized
    async def delete(self, upload_id: str) -> None:
        """Cancel it, or forget how it ended."""
        self.reply(await asyncio.to_thread(self.queue.cancel, upload_id))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say where to go on in a header when a piece came to the wrong place."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, Conflict) and "offset" in error.facts:
            self.set_header("Upload-Offset", str(error.facts["offset"]))
        super().write_error(status_code, **kwargs)


class AnswersRoute(_QueueRoute):
    """The answers to what a file leaves open."""

    @web.authenticated
    @authorized
    async def post(self, upload_id: str) -> None:
        """Take the answers; the import starts when its turn comes."""
        asked = self.parsed_body(UploadAnswers)
        self.reply(await asyncio.to_thread(self.queue.answer, upload_id, asked.answers))
