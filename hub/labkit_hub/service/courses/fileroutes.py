"""Files come in as streams and go out by name only to those who may read them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote

from anyio import CancelScope, to_thread
from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import FileResponse
from starlette.requests import ClientDisconnect

from labkit.client.course_wire import FilesAsk, FilesMissing
from labkit.courses.records import SHA256_PATTERN
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import feedback, grading, releases, submissions, uploads
from labkit_hub.service.courses.office import Office, hidden
from labkit_hub.service.courses.store import Incoming

__all__ = ["LARGE_BODIES", "add_file_routes", "add_grading_files"]

LARGE_BODIES = re.compile(r"/api/(files|grading/[a-z0-9]{12}/files)/[0-9a-f]{64}")
"""Addresses below the service's own at which a whole file is sent."""
_Hash = Annotated[str, Path(description="SHA-256 of the file, in 64 hexadecimal digits")]
_AT_ONCE = 1_000_000
_CLOSED = 499


def add_file_routes(router: APIRouter, office: Office) -> None:
    """Add the routes of people's files."""
    person = Depends(office.context.door.person)

    @router.put("/files/{sha256}", status_code=204)
    async def put_file(sha256: _Hash, request: Request, who: Identity = person) -> Response:
        """Take a file, which is the body of the request; sending it again does no harm."""

        def begin() -> None:
            _require_hash(sha256)
            with office.reading(who) as session:
                uploads.require_room(session, who.name, office.settings.unused_mb * 1e6)

        return await _take(office, request, sha256, who.name, begin)

    @router.post("/files/missing")
    def missing(ask: FilesAsk, who: Identity = person) -> FilesMissing:
        """Say which of these files the caller has still to send."""
        with office.reading(who) as session:
            return FilesMissing(sha256=tuple(uploads.missing_of(session, office.store, who.name, ask.sha256)))

    @router.get("/assignments/{assignment_id}/releases/{version}/files/{sha256}", response_class=FileResponse)
    def release_file(assignment_id: str, version: int, sha256: _Hash, who: Identity = person) -> Response:
        """Return a file of a release; one of its hidden part to staff only."""
        with office.reading(who) as session:
            name = releases.release_file(session, assignment_id, version, sha256, who)
        return _give(office, sha256, name)

    @router.get("/submissions/{submission_id}/files/{sha256}", response_class=FileResponse)
    def submission_file(submission_id: str, sha256: _Hash, who: Identity = person) -> Response:
        """Return a file that was handed in, to its people and to staff."""
        with office.reading(who) as session:
            name, is_anothers = submissions.submission_file(session, submission_id, sha256, who)
        if is_anothers:
            with office.changing(who) as session:
                submissions.note_download(session, submission_id, sha256, name, who)
        return _give(office, sha256, name)

    @router.get("/submissions/{submission_id}/result-files/{sha256}", response_class=FileResponse)
    def result_file(submission_id: str, sha256: _Hash, who: Identity = person) -> Response:
        """Return a file that grading left, to staff, and to its people once feedback is released."""
        with office.reading(who) as session:
            name, is_anothers = feedback.result_file(session, submission_id, sha256, who)
        if is_anothers:
            with office.changing(who) as session:
                submissions.note_download(session, submission_id, sha256, name, who)
        return _give(office, sha256, name)


def add_grading_files(router: APIRouter, office: Office) -> None:
    """Add the routes of a grading run's files."""
    person, grader = Depends(office.context.door.person), office.settings.grader

    @router.put("/grading/{run_id}/files/{sha256}", status_code=204)
    async def put_grading_file(run_id: str, sha256: _Hash, request: Request, who: Identity = person) -> Response:
        """Take a file of a result; for the run's own server only."""

        def begin() -> None:
            with office.reading(who) as session:
                grading.require_run(session, run_id, who, grader)
            _require_hash(sha256)

        return await _take(office, request, sha256, who.name, begin)

    @router.get("/grading/{run_id}/files/{sha256}", response_class=FileResponse)
    def get_grading_file(run_id: str, sha256: _Hash, who: Identity = person) -> Response:
        """Return a file of what is graded, or graded by; for the run's own server only."""
        with office.reading(who) as session:
            grading.grading_file(session, grading.require_run(session, run_id, who, grader), sha256)
        return _give(office, sha256, sha256)


async def _take(office: Office, request: Request, sha256: str, name: str, begin: Callable[[], None]) -> Response:
    """Write what comes in, piece by piece; nothing of it stays unless all of it came and is what its hash says."""
    await to_thread.run_sync(begin)
    with office.sending(name):
        opened = office.store.incoming()
        file = await to_thread.run_sync(opened.__enter__)
        try:
            await _write(file, request)
            await to_thread.run_sync(uploads.receive, office.store, office.context.database, file, sha256, name, office.now())
        except ClientDisconnect:
            return Response(status_code=_CLOSED)
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(opened.__exit__, None, None, None)
    return Response(status_code=204)


async def _write(file: Incoming, request: Request) -> None:
    waiting = bytearray()
    async for piece in request.stream():
        waiting += piece
        if len(waiting) >= _AT_ONCE:
            await to_thread.run_sync(file.add, bytes(waiting))
            waiting.clear()
    await to_thread.run_sync(file.add, bytes(waiting))


def _require_hash(sha256: str) -> None:
    if not re.fullmatch(SHA256_PATTERN, sha256):
        raise hidden("file")


def _give(office: Office, sha256: str, name: str) -> Response:
    """Return a file as something to save: a browser shows none of it."""
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return FileResponse(office.store.path(sha256), media_type="application/octet-stream", headers=headers)
