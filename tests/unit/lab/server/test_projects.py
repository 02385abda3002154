"""The routes of the Projects panel."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jupyter_server.serverapp import ServerApp
from PIL import Image
from tornado.httpclient import HTTPResponse

from labkit.project import Project, list_projects
from labkit_lab.server import projects as routes
from labkit_lab.wire import ProjectItem, ProjectList

from .conftest import Ask


def _error(response: HTTPResponse) -> dict[str, str]:
    error: dict[str, str] = json.loads(response.body)["error"]
    return error


@pytest.fixture
def pictured_project(projects_folder: Path, tmp_path: Path) -> Project:
    """Make a project with one imported picture of 300 x 200 pixels."""
    from labkit.tiling import import_image

    project = Project.create(projects_folder, "pictured")
    source = tmp_path / "ramp.png"
    Image.fromarray(np.arange(200 * 300, dtype=np.uint32).reshape(200, 300).astype(np.uint8)).save(source)
    import_image(project, source)
    return project


async def test_a_home_without_projects(ask: Ask, projects_folder: Path) -> None:
    """A folder of projects that is not there yet is an empty list, and is not made by looking."""
    response = await ask("projects")
    assert ProjectList.model_validate_json(response.body) == ProjectList(folder=str(projects_folder), lesson=None, projects=())
    assert not projects_folder.exists()


async def test_list_says_what_is_in_each_project(ask: Ask, projects_folder: Path) -> None:
    """A project comes with its title, classes, counts and the name that the file browser has for its folder."""
    project = Project.create(projects_folder, "cells", title="Cells of the onion", classes=["nucleus", "wall"])
    reply = ProjectList.model_validate_json((await ask("projects")).body)
    (summary,) = list_projects(projects_folder)
    assert reply.projects == (
        ProjectItem(
            id=project.id,
            title="Cells of the onion",
            path=str(project.path),
            browser_path="projects/cells",
            images=0,
            annotated_images=0,
            training_sets=0,
            models=0,
            classes=("nucleus", "wall"),
            cover_image=None,
            modified=summary.modified,
        ),
    )


async def test_a_broken_project_hides_no_other(ask: Ask, projects_folder: Path) -> None:
    """A project that cannot be read is left out, and the rest is listed."""
    Project.create(projects_folder, "good")
    Project.create(projects_folder, "bad").layout.record.write_text("{")
    reply = ProjectList.model_validate_json((await ask("projects")).body)
    assert [p.title for p in reply.projects] == ["good"]


async def test_list_names_the_first_lesson(ask: Ask, jp_root_dir: Path) -> None:
    """The first lesson is offered by its name in the file browser, when it is there."""
    (jp_root_dir / "course").mkdir()
    (jp_root_dir / "course" / "01-first-project.ipynb").write_text("{}")
    assert json.loads((await ask("projects")).body)["lesson"] == "course/01-first-project.ipynb"


async def test_a_reply_is_not_kept(ask: Ask) -> None:
    """The list is true only now: no cache may keep it."""
    assert (await ask("projects")).headers["Cache-Control"] == "private, no-store"


async def test_polling_does_not_keep_a_server_alive(ask: Ask, jp_serverapp: ServerApp) -> None:
    """A request that nobody asked for is no activity, so that an idle server can still be culled."""
    before = jp_serverapp.web_app.settings.get("api_last_activity")
    await ask("projects", params={"no_track_activity": "1"})
    assert jp_serverapp.web_app.settings.get("api_last_activity") == before


async def test_new_project_is_made_and_answered(ask: Ask, projects_folder: Path) -> None:
    """A new project lies in the folder of projects, and its line of the list is the answer."""
    response = await ask("projects", method="POST", body=json.dumps({"name": "axons", "classes": ["axon", "myelin"]}))
    made = Project.open(projects_folder / "axons")
    assert response.code == 201
    assert ProjectItem.model_validate_json(response.body).id == made.id
    assert [c.name for c in made.classes] == ["axon", "myelin"]


async def test_a_name_that_is_taken(ask: Ask, projects_folder: Path) -> None:
    """A second project of the same name is refused in words, and the first stays as it is."""
    first = Project.create(projects_folder, "cells")
    response = await ask("projects", method="POST", body=json.dumps({"name": "cells", "classes": ["x"]}))
    assert response.code == 409
    assert _error(response) == {
        "type": "AlreadyExists",
        "message": "A project or folder 'cells' is there already.",
        "hint": "Choose another name, or open the one that is there.",
    }
    assert Project.open(projects_folder / "cells").record == first.record


@pytest.mark.parametrize("name", ["", " ", "..", "../outside", "a/b", "a\\b", "a\0b", "x" * 300, ".hidden"])
async def test_a_name_that_no_folder_can_have(ask: Ask, projects_folder: Path, name: str) -> None:
    """A bad name is refused with a hint, and leaves nothing behind, inside or outside."""
    before = sorted(projects_folder.parent.rglob("*"))
    response = await ask("projects", method="POST", body=json.dumps({"name": name}))
    assert response.code == 400
    assert _error(response)["type"] == "InvalidInput"
    assert _error(response)["hint"]
    assert sorted(p for p in projects_folder.parent.rglob("*") if p != projects_folder) == before


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"title": "no name"}', '{"name": 3}', '{"name": "a", "path": "/tmp"}'])
async def test_a_body_that_is_no_message(ask: Ask, projects_folder: Path, body: str) -> None:
    """A body that does not fit its schema is the asker's error, and makes nothing."""
    response = await ask("projects", method="POST", body=body)
    assert response.code == 400
    assert _error(response)["type"] == "InvalidInput"
    assert not projects_folder.exists()


async def test_a_body_that_is_too_large(ask: Ask) -> None:
    """More than a mebibyte is not even parsed."""
    response = await ask("projects", method="POST", body=json.dumps({"name": "a" * (1 << 20)}))
    assert _error(response)["message"] == "The request is too large."


async def test_folder_of_projects_that_is_a_file(ask: Ask, projects_folder: Path) -> None:
    """Where the folder of projects cannot be made, the answer says so in words."""
    projects_folder.write_text("")
    response = await ask("projects", method="POST", body=json.dumps({"name": "cells"}))
    assert 400 <= response.code < 500
    assert _error(response)["hint"]


async def test_an_error_of_ours_is_logged_and_not_told(ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """An unforeseen error is answered with a number only; the log has the same number and the reason."""

    def fail(folder: Path) -> Any:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(routes, "list_projects", fail)
    response = await ask("projects")
    incidents = [r for r in caplog.records if r.getMessage().startswith("Incident ")]
    assert response.code == 500
    assert b"secret" not in response.body
    assert _error(response)["type"] == "InternalError"
    assert len(incidents) == 1
    assert incidents[0].getMessage().split()[1] in _error(response)["hint"]
    assert "secret detail" in str(incidents[0].exc_info)


async def test_method_that_a_route_lacks(ask: Ask) -> None:
    """A refusal by the framework comes in our form too."""
    response = await ask("projects", method="DELETE")
    assert response.code == 405
    assert _error(response)["message"] == "The server refused the request: Method Not Allowed."


async def test_thumbnail_is_a_small_picture_that_may_be_kept(ask: Ask, pictured_project: Project) -> None:
    """The cover is a PNG whose longest side is what was asked; named by its image, it may be kept by this browser only."""
    (image,) = pictured_project.images()
    response = await ask("projects", pictured_project.id, "thumbnail", params={"image": image.id, "max_px": "64"})
    picture = Image.open(io.BytesIO(response.body))
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert max(picture.size) <= 64
    assert picture.width > picture.height


async def test_thumbnail_without_a_version_is_asked_for_again(ask: Ask, pictured_project: Project) -> None:
    """The cover may change, so an address without the image's id must be checked each time."""
    response = await ask("projects", pictured_project.id, "thumbnail")
    assert response.code == 200
    assert response.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("project_id", ["nosuchproject", "..", "%2e%2e", "..%2Fsecret", "secret"])
async def test_only_projects_of_the_folder_are_reachable(ask: Ask, projects_folder: Path, project_id: str) -> None:
    """An id is looked up and never used as a path: a project beside the folder cannot be reached by it."""
    Project.create(projects_folder.parent, "secret")
    Project.create(projects_folder, "cells")
    response = await ask("projects", project_id, "thumbnail")
    assert response.code == 404


async def test_id_of_a_project_elsewhere_is_unknown(ask: Ask, projects_folder: Path, tmp_path: Path) -> None:
    """The right id of a project that lies elsewhere opens nothing."""
    elsewhere = Project.create(tmp_path / "elsewhere", "cells")
    assert (await ask("projects", elsewhere.id, "thumbnail")).code == 404


async def test_project_without_an_image_has_no_thumbnail(ask: Ask, projects_folder: Path) -> None:
    """A missing thumbnail is said in words."""
    project = Project.create(projects_folder, "cells")
    response = await ask("projects", project.id, "thumbnail")
    assert response.code == 404
    assert _error(response)["hint"] == "Import a picture first."


async def test_image_of_another_project_is_unknown(ask: Ask, projects_folder: Path) -> None:
    """The image must be one of this project; its id is looked up too."""
    project = Project.create(projects_folder, "cells")
    response = await ask("projects", project.id, "thumbnail", params={"image": "../../other"})
    assert response.code == 404


@pytest.mark.parametrize("max_px", ["0", "100000", "many", "-1"])
async def test_size_that_is_none(ask: Ask, projects_folder: Path, max_px: str) -> None:
    """A size that is no number or out of range is refused before any picture is read."""
    project = Project.create(projects_folder, "cells")
    response = await ask("projects", project.id, "thumbnail", params={"max_px": max_px})
    assert response.code == 400
