"""The routes by which files come in."""

import asyncio
import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jupyter_server.serverapp import ServerApp
from PIL import Image
from tornado.httpclient import HTTPResponse

from labkit.project import Project
from labkit.storage.uploads import begin_upload, list_uploads
from labkit_lab.server import imports
from labkit_lab.server.uploads import QUEUE_SETTING
from labkit_lab.wire import LARGEST_PIECE_BYTES, FileOption, FileQuestion, UploadItem, UploadList

from .conftest import Ask

WITHIN_S = 60.0
QUESTION = FileQuestion(
    key="pages",
    text="The file has 3 pages of one size. What are they?",
    options=(FileOption(value="separate", text="Three pictures"), FileOption(value="z", text="One stack in depth")),
    default="separate",
)


@pytest.fixture
def project(projects_folder: Path) -> Project:
    return Project.create(projects_folder, "cells")


@pytest.fixture
def picture() -> bytes:
    """Draw a picture of noise that no compression makes small."""
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(7).integers(0, 256, (200, 300), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


async def _begin(ask: Ask, project: Project, size: int, name: str = "cells.png") -> HTTPResponse:
    said = {"project_id": project.id, "name": name, "relative_path": f"drop/{name}", "bytes": size, "last_modified": 1_700_000_000_000}
    return await ask("uploads", method="POST", body=json.dumps(said))


async def _send(ask: Ask, upload_id: str, offset: int, piece: bytes) -> HTTPResponse:
    headers = {"Content-Type": "application/octet-stream"}
    return await ask("uploads", upload_id, method="PUT", body=piece, params={"offset": str(offset)}, headers=headers)


async def _upload(ask: Ask, project: Project, content: bytes, name: str = "cells.png") -> str:
    begun = UploadItem.model_validate_json((await _begin(ask, project, len(content), name)).body)
    assert (await _send(ask, begun.id, 0, content)).code == 200
    return begun.id


async def _until(ask: Ask, upload_id: str, is_so: Callable[[UploadItem], bool]) -> UploadItem:
    """Ask for an upload until it is as expected."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            item = UploadItem.model_validate_json((await ask("uploads", upload_id)).body)
            if is_so(item):
                return item
            await asyncio.sleep(0.02)


async def _until_state(ask: Ask, upload_id: str, state: str) -> UploadItem:
    return await _until(ask, upload_id, lambda item: item.state == state)


async def _until_gone(ask: Ask, upload_id: str) -> None:
    async with asyncio.timeout(WITHIN_S):
        while (await ask("uploads", upload_id)).code != 404:
            await asyncio.sleep(0.02)


def _error(response: HTTPResponse) -> dict[str, str]:
    error: dict[str, str] = json.loads(response.body)["error"]
    return error


async def test_file_that_comes_in_pieces_becomes_an_image(ask: Ask, project: Project, picture: bytes) -> None:
    """Pieces are acknowledged one after another; the complete file is imported under its own name, and its bytes are gone."""
    begun = await _begin(ask, project, len(picture))
    item = UploadItem.model_validate_json(begun.body)
    assert (begun.code, item.received, item.state) == (201, 0, "uploading")
    half = len(picture) // 2
    first = UploadItem.model_validate_json((await _send(ask, item.id, 0, picture[:half])).body)
    assert (first.received, first.state) == (half, "uploading")
    assert (await _send(ask, item.id, half, picture[half:])).code == 200
    done = await _until_state(ask, item.id, "done")
    (image,) = project.images()
    assert done.images == (image.id,)
    assert (image.name, image.source["file_name"]) == ("cells.png", "cells.png")
    assert list_uploads(project.layout) == ()


async def test_begun_upload_is_found_again(ask: Ask, project: Project, picture: bytes) -> None:
    """Who begins the same file again gets the same upload and the number of bytes that are safe."""
    item = UploadItem.model_validate_json((await _begin(ask, project, len(picture))).body)
    await _send(ask, item.id, 0, picture[:1000])
    again = UploadItem.model_validate_json((await _begin(ask, project, len(picture))).body)
    assert (again.id, again.received) == (item.id, 1000)


async def test_piece_at_the_wrong_place_is_told_the_right_one(ask: Ask, project: Project, picture: bytes) -> None:
    """A piece that came twice is refused with 409, and a header says where to go on."""
    item = UploadItem.model_validate_json((await _begin(ask, project, len(picture))).body)
    await _send(ask, item.id, 0, picture[:1000])
    response = await _send(ask, item.id, 0, picture[:1000])
    assert response.code == 409
    assert response.headers["Upload-Offset"] == "1000"
    assert _error(response)["type"] == "Conflict"


async def test_piece_that_is_too_large(ask: Ask, project: Project) -> None:
    """More than the largest piece is refused, so that the server's memory does not depend on who sends."""
    item = UploadItem.model_validate_json((await _begin(ask, project, 100 << 20)).body)
    response = await _send(ask, item.id, 0, bytes(LARGEST_PIECE_BYTES + 1))
    assert (response.code, _error(response)["hint"]) == (400, "Send at most 8 MiB at once.")


@pytest.mark.parametrize("offset", ["", "-1", "many"])
async def test_offset_that_is_none(ask: Ask, project: Project, offset: str) -> None:
    """A piece that does not say where it belongs is refused."""
    item = UploadItem.model_validate_json((await _begin(ask, project, 10)).body)
    response = await ask("uploads", item.id, method="PUT", body=b"x", params={"offset": offset})
    assert response.code == 400


async def test_declared_size_that_has_no_room(ask: Ask, project: Project) -> None:
    """A file that cannot fit is refused before its first byte."""
    response = await _begin(ask, project, 10**15)
    assert response.code == 507
    assert "there is room for" in _error(response)["message"]


async def test_project_that_is_not_there(ask: Ask, projects_folder: Path) -> None:
    """A file for an unknown project is refused."""
    said = {"project_id": "../..", "name": "a.png", "bytes": 1, "last_modified": 0}
    assert (await ask("uploads", method="POST", body=json.dumps(said))).code == 404


@pytest.mark.parametrize("upload_id", ["..", "%2e%2e%2f%2e%2e", "0" * 24, "x"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_upload_that_is_not_there(ask: Ask, project: Project, upload_id: str, method: str) -> None:
    """An id is looked up and never used as a path."""
    body = {"body": b"x"} if method == "PUT" else {}
    response = await ask("uploads", upload_id, method=method, params={"offset": "0"}, **body)
    assert response.code == 404
    assert project.layout.record.is_file()


async def test_file_that_is_no_picture_fails_in_words(ask: Ask, project: Project) -> None:
    """What cannot be read ends as failed with message and hint, its bytes are gone, and the next try begins anew."""
    upload_id = await _upload(ask, project, b"no picture", "notes.png")
    failed = await _until_state(ask, upload_id, "failed")
    assert "notes.png" in failed.message
    assert failed.hint
    (upload,) = list_uploads(project.layout)
    assert not upload.content.exists()
    again = UploadItem.model_validate_json((await _begin(ask, project, 10, "notes.png")).body)
    assert (again.state, again.received) == ("uploading", 0)


async def test_error_of_ours_is_logged_and_not_told(
    ask: Ask, project: Project, picture: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unforeseen error of an import is told as a number only, and the next file gets its turn."""

    def fail(*_: Any) -> Any:
        raise RuntimeError("secret detail")

    with monkeypatch.context() as patch:
        patch.setattr(imports, "import_upload", fail)
        failed = await _until_state(ask, await _upload(ask, project, picture), "failed")
    assert "secret" not in failed.message + failed.hint
    incidents = [r.getMessage().split()[1] for r in caplog.records if r.getMessage().startswith("Incident ")]
    assert [number for number in incidents if number in failed.hint]  # a queue of an earlier test may log one of its own
    await _until_state(ask, await _upload(ask, project, picture, "next.png"), "done")


async def test_questions_wait_for_an_answer(ask: Ask, project: Project, picture: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that asks is not imported before the answer, which the import is given."""
    given: list[dict[str, str]] = []
    real = imports.import_upload
    monkeypatch.setattr(imports, "questions_of", lambda *_: (QUESTION,))
    monkeypatch.setattr(imports, "import_upload", lambda *a: (given.append(dict(a[2])), real(a[0], a[1], {}, a[3], a[4]))[1])
    upload_id = await _upload(ask, project, picture)
    asking = await _until_state(ask, upload_id, "asks")
    assert asking.questions == (QUESTION,)
    assert given == []
    response = await ask("uploads", upload_id, "answers", method="POST", body=json.dumps({"answers": {"pages": "z"}}))
    assert response.code == 200
    await _until_state(ask, upload_id, "done")
    assert given == [{"pages": "z"}]


async def test_answer_that_nobody_asked_for(ask: Ask, project: Project) -> None:
    """An answer for a file that asks nothing is refused."""
    item = UploadItem.model_validate_json((await _begin(ask, project, 10)).body)
    response = await ask("uploads", item.id, "answers", method="POST", body='{"answers": {}}')
    assert response.code == 409


async def test_cancel_while_bytes_come(ask: Ask, project: Project, picture: bytes) -> None:
    """A cancelled upload leaves nothing behind, and a late piece does not bring it back."""
    item = UploadItem.model_validate_json((await _begin(ask, project, len(picture))).body)
    await _send(ask, item.id, 0, picture[:1000])
    cancelled = UploadItem.model_validate_json((await ask("uploads", item.id, method="DELETE")).body)
    assert cancelled.state == "cancelled"
    assert (await _send(ask, item.id, 1000, picture[1000:])).code == 404
    assert list(project.layout.uploads.iterdir()) == []


async def test_cancel_while_it_is_imported(ask: Ask, project: Project, picture: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A running import stops at the next tile, makes no image, and its bytes go."""

    def wait_for_cancel(*args: Any) -> tuple[str, ...]:
        while not args[4].cancelled:
            pass
        args[4].raise_if_cancelled()
        return ()

    monkeypatch.setattr(imports, "import_upload", wait_for_cancel)
    upload_id = await _upload(ask, project, picture)
    await _until_state(ask, upload_id, "importing")
    assert json.loads((await ask("uploads", upload_id, method="DELETE")).body)["state"] == "cancelling"
    await _until_gone(ask, upload_id)
    assert list(project.layout.uploads.iterdir()) == []
    assert project.images() == ()


async def test_imports_come_one_after_another(ask: Ask, project: Project, picture: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a file is imported the next one waits, and is imported afterwards."""
    go_on = asyncio.Event()
    real = imports.import_upload

    def hold(*args: Any) -> tuple[str, ...]:
        while not go_on.is_set():
            pass
        return real(*args)

    monkeypatch.setattr(imports, "import_upload", hold)
    first = await _upload(ask, project, picture, "first.png")
    await _until_state(ask, first, "importing")
    second = await _upload(ask, project, picture, "second.png")
    await _until_state(ask, second, "waiting")
    listed = UploadList.model_validate_json((await ask("uploads")).body).uploads
    assert {(u.name, u.state) for u in listed} == {("first.png", "importing"), ("second.png", "waiting")}
    go_on.set()
    await _until_state(ask, second, "done")


async def test_upload_whose_bytes_have_just_gone_is_still_known(
    ask: Ask, project: Project, picture: bytes, monkeypatch: pytest.MonkeyPatch, jp_serverapp: ServerApp
) -> None:
    """Between the end of an import and the word of it nobody is told that the upload is not there."""
    queue = jp_serverapp.web_app.settings[QUEUE_SETTING]
    told, go_on = queue._remember, threading.Event()

    def late(item: UploadItem) -> None:
        go_on.wait(WITHIN_S)
        told(item)

    monkeypatch.setattr(queue, "_remember", late)
    upload_id = await _upload(ask, project, picture)
    async with asyncio.timeout(WITHIN_S):
        while list_uploads(project.layout):
            await asyncio.sleep(0.02)
    assert UploadItem.model_validate_json((await ask("uploads", upload_id)).body).state == "importing"
    go_on.set()
    await _until_state(ask, upload_id, "done")


async def test_ended_upload_is_told_until_somebody_has_seen_it(ask: Ask, project: Project, picture: bytes) -> None:
    """What is done stays in the list until it is taken out; the image stays."""
    upload_id = await _upload(ask, project, picture)
    await _until_state(ask, upload_id, "done")
    assert [u.state for u in UploadList.model_validate_json((await ask("uploads")).body).uploads] == ["done"]
    await ask("uploads", upload_id, method="DELETE")
    assert UploadList.model_validate_json((await ask("uploads")).body).uploads == ()
    assert len(project.images()) == 1


async def test_import_that_another_server_left_goes_on(ask: Ask, project: Project, picture: bytes) -> None:
    """A complete file that an earlier server did not import is imported by this one."""
    upload = begin_upload(project.layout, project.id, name="left.png", relative_path="", size_bytes=len(picture), last_modified_ms=0)
    upload.append(0, picture)
    await ask("uploads")
    await _until_state(ask, upload.id, "done")
    assert [image.name for image in project.images()] == ["left.png"]


async def test_closing_server_leaves_the_import_to_the_next(
    ask: Ask, jp_serverapp: ServerApp, project: Project, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that ends stops its import and keeps the bytes, so that the next one goes on."""

    def wait_for_cancel(*args: Any) -> tuple[str, ...]:
        while not args[4].cancelled:
            pass
        args[4].raise_if_cancelled()
        return ()

    with monkeypatch.context() as patch:
        patch.setattr(imports, "import_upload", wait_for_cancel)
        await _until_state(ask, await _upload(ask, project, picture), "importing")
        await asyncio.to_thread(jp_serverapp.web_app.settings[QUEUE_SETTING].close)
    (upload,) = list_uploads(project.layout)
    assert upload.is_complete
    successor = imports.ImportQueue(lambda: project.path.parent, jp_serverapp.log, lambda: None)
    successor.items()
    async with asyncio.timeout(WITHIN_S):
        while successor.item(upload.id).state != "done":
            await asyncio.sleep(0.02)
    assert len(project.images()) == 1


async def test_importing_server_is_not_idle(ask: Ask, jp_serverapp: ServerApp, project: Project, picture: bytes) -> None:
    """An import counts as activity, so that no idle-culler ends the server that does it."""
    seen: list[bool] = []
    upload = begin_upload(project.layout, project.id, name="a.png", relative_path="", size_bytes=len(picture), last_modified_ms=0)
    upload.append(0, picture)
    queue = imports.ImportQueue(lambda: project.path.parent, jp_serverapp.log, lambda: seen.append(True))
    async with asyncio.timeout(WITHIN_S):
        while queue.item(upload.id).state != "done":
            await asyncio.sleep(0.02)
    assert seen
