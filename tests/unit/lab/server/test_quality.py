"""The routes of checks, exports and imports: jobs that end with a report."""

import asyncio
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labkit.annotations import AnnotationObject, Document, Editor, authors, export_annotations, new_object, open_document, save_document
from labkit.formats.labels import write_labels
from labkit.geometry import Rectangle, Region
from labkit.project import ImageRecord, Project
from labkit.testing.pictures import noise_picture, write_png
from labkit.tiling import import_image
from labkit_lab.server.incoming import LARGEST_INCOMING_BYTES
from labkit_lab.wire_exchange import IncomingItem
from labkit_lab.wire_jobs import JobItem

from .conftest import Ask

SOON_S = 120


@pytest.fixture(autouse=True)
def me(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_AUTHOR", "Ada")


@pytest.fixture
def project(projects_folder: Path) -> Project:
    return Project.create(projects_folder, "cells", classes=["cell", "debris"])


@pytest.fixture
def images(project: Project, tmp_path: Path) -> tuple[ImageRecord, ImageRecord]:
    """Two images of 40 x 50 pixels: a.png and b.png."""
    first, second = (
        import_image(project, write_png(tmp_path / f"{name}.png", noise_picture(40, 50, seed=k))) for k, name in enumerate("ab")
    )
    return first, second


def cell(y0: float, x0: float, y1: float, x1: float, class_id: int | None = 1) -> AnnotationObject:
    return new_object(Rectangle(y0, x0, y1, x1), class_id=class_id)


def _save(project: Project, image: ImageRecord, author: str, *objects: AnnotationObject) -> None:
    save_document(project, Document(image.id, author, objects=objects, completed_tasks=("finished",)))


async def _done(ask: Ask, *parts: str, **body: Any) -> JobItem:
    """Start a job, and return it when it has ended."""
    response = await ask(*parts, method="POST", body=json.dumps(body))
    assert response.code == 202, response.body
    job = JobItem.model_validate_json(response.body)
    async with asyncio.timeout(SOON_S):
        while job.state == "running":
            await asyncio.sleep(0.01)
            job = JobItem.model_validate_json((await ask("jobs", job.id)).body)
    return job


async def _sent(ask: Ask, **files: bytes) -> str:
    """Send files, the last in two pieces, and return the id of their set."""
    named = [{"name": name, "bytes": len(data)} for name, data in files.items()]
    begun = await ask("incoming", method="POST", body=json.dumps({"files": named}))
    set_id = IncomingItem.model_validate_json(begun.body).id
    for number, data in enumerate(files.values()):
        half = len(data) // 2
        for offset, piece in ((0, data[:half]), (half, data[half:])):
            assert (await ask("incoming", set_id, str(number), method="PUT", body=piece, params={"offset": str(offset)})).code == 200
    return set_id


async def test_validation_finds_faults_of_all_documents(ask: Ask, project: Project, images: tuple[ImageRecord, ImageRecord]) -> None:
    """Each with its place; a document that cannot be read is named, and does not hold up the others."""
    outside = cell(100, 100, 120, 120)
    bow = new_object(Region((np.array([(2, 2), (12, 12), (2, 12), (12, 2)], float),)), class_id=1)
    _save(project, images[0], "Ada", outside)
    _save(project, images[1], "Bo", bow)
    _save(project, images[1], "Cy")
    project.layout.annotation(images[1].id, "Cy").snapshot.write_text("{")
    report = (await _done(ask, "projects", project.id, "validation")).validation
    assert report is not None
    assert [(f.author, f.fault, f.object_id, f.y, f.x) for f in report.faults] == [
        ("Ada", "outside", outside.id, 110, 110),
        ("Bo", "self-crossing", bow.id, 7, 7),
    ]
    assert (report.documents, [problem.what for problem in report.problems]) == (2, ["b.png, Cy"])


async def test_agreement_adds_up_the_images(ask: Ask, project: Project, images: tuple[ImageRecord, ImageRecord]) -> None:
    """50 of 100 pixels in one image and all 100 in the other: IoU 150/250 over both, as counted by hand."""
    _save(project, images[0], "Ada", cell(0, 0, 10, 10))
    _save(project, images[0], "Bo", cell(0, 5, 10, 15))
    for name in ("Ada", "Bo"):
        _save(project, images[1], name, cell(0, 0, 10, 10))
    report = (await _done(ask, "projects", project.id, "agreement", first="Ada", second="Bo")).agreement
    assert report is not None
    assert [(row.name, row.iou) for row in report.classes] == [("cell", pytest.approx(150 / 250)), ("debris", None)]
    by_chance = 200 * 200 + 3800 * 3800
    assert report.kappa == pytest.approx((3900 * 4000 - by_chance) / (4000 * 4000 - by_chance))
    assert report.classes[0].kappa == pytest.approx(report.kappa)  # there is one class only
    assert [image.image for image in report.images] == ["a.png", "b.png"]


async def test_agreement_without_a_common_image_is_refused(ask: Ask, project: Project, images: tuple[ImageRecord, ImageRecord]) -> None:
    """In words, as is a comparison with oneself."""
    _save(project, images[0], "Ada")
    _save(project, images[1], "Bo")
    job = await _done(ask, "projects", project.id, "agreement", first="Ada", second="Bo")
    assert (job.state, job.message, job.agreement) == ("failed", "Ada and Bo have no image in common.", None)
    assert (await _done(ask, "projects", project.id, "agreement", first="Ada", second="Ada")).state == "failed"


async def test_a_gold_file_lies_in_the_home(
    ask: Ask, project: Project, images: tuple[ImageRecord, ImageRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is compared with; one elsewhere is refused, by a link too."""
    home = tmp_path / "own"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    _save(project, images[0], "Ada", cell(0, 0, 10, 10))
    export_annotations(project, images[0], home / "gold.geojson", author="Ada")
    export_annotations(project, images[0], tmp_path / "gold.geojson", author="Ada")
    (home / "link.geojson").symlink_to(tmp_path / "gold.geojson")
    facts = {"image": images[0].id, "author": "Ada"}
    report = (await _done(ask, "projects", project.id, "gold", path="gold.geojson", **facts)).agreement
    assert report is not None
    assert (report.second, report.kappa) == ("gold.geojson", 1)
    for path in ("../gold.geojson", str(tmp_path / "gold.geojson"), "link.geojson", "nothing.geojson", "~nobody/x", "\0"):
        job = await _done(ask, "projects", project.id, "gold", path=path, **facts)
        assert (job.state, job.agreement) == ("failed", None), path
        assert "Incident" not in job.hint + job.message


async def test_a_consensus_is_built_where_two_have_annotated(ask: Ask, project: Project, images: tuple[ImageRecord, ImageRecord]) -> None:
    """The originals stay as they are."""
    for name in ("Ada", "Bo"):
        _save(project, images[0], name, cell(0, 0, 10, 10))
    _save(project, images[1], "Ada", cell(0, 0, 10, 10))
    report = (await _done(ask, "projects", project.id, "consensus")).consensus
    assert report is not None
    assert [(made.image, made.authors, made.objects) for made in report.images] == [("a.png", ("Ada", "Bo"), 1)]
    assert authors(project, images[0].id) == ("Ada", "Bo", "consensus")
    assert open_document(project, images[0].id, "Ada").revision == 1


async def test_an_export_says_what_it_loses_and_is_the_same_again(
    ask: Ask, project: Project, images: tuple[ImageRecord, ImageRecord]
) -> None:
    """One image gives its file, several a zip; both byte for byte the same when repeated."""
    for image in images:
        _save(project, image, "Ada", cell(0, 0, 10, 10), new_object(Rectangle(0, 0, 5, 5), kind="area"))
    job = await _done(ask, "projects", project.id, "exports", format="coco", author="Ada", images=[images[0].id])
    assert job.exported is not None
    assert (job.exported.name, job.exported.files, job.exported.losses_total) == ("a.json", 1, 1)
    response = await ask("jobs", job.id, "file")
    assert "a.json" in response.headers["Content-Disposition"]
    assert len(json.loads(response.body)["annotations"]) == 1
    bundles = []
    for _ in range(2):
        job = await _done(ask, "projects", project.id, "exports", format="yolo", author="Ada")
        bundles.append((await ask("jobs", job.id, "file")).body)
    assert bundles[0] == bundles[1]
    assert zipfile.ZipFile(io.BytesIO(bundles[0])).namelist() == ["a.txt", "b.txt", "classes.txt"]
    assert job.exported is not None
    assert job.exported.losses[0].startswith("a.png: ")


@pytest.mark.parametrize("kind", ["geojson", "labels", "mask", "labeller", "coco", "yolo", "yolo-seg", "voc", "ome-zarr"])
async def test_every_format_goes_out_and_comes_in(ask: Ask, project: Project, images: tuple[ImageRecord, ImageRecord], kind: str) -> None:
    """What is exported is recognised, and its object comes into another author's document."""
    _save(project, images[0], "Ada", cell(0, 0, 10, 10))
    job = await _done(ask, "projects", project.id, "exports", format=kind, author="Ada")
    assert job.exported is not None
    file = (await ask("jobs", job.id, "file")).body
    incoming = await _sent(ask, **{job.exported.name: file})
    looked = (await _done(ask, "projects", project.id, "looks", incoming=incoming, image=images[0].id)).looked
    assert looked is not None
    (seen,) = looked.files
    class_name = "cell" if seen.needs_class else None
    job = await _done(
        ask, "projects", project.id, "annotation-imports", incoming=incoming, author="Bo", image=images[0].id, class_name=class_name
    )
    assert job.imported is not None
    assert [(one.added, one.author) for one in job.imported.files] == [(1, "Bo")]
    assert [item.class_id for item in open_document(project, images[0].id, "Bo").objects] == [1]


async def test_files_go_to_the_images_of_their_names(
    ask: Ask, project: Project, images: tuple[ImageRecord, ImageRecord], tmp_path: Path
) -> None:
    """What fits no image is named, and does not hold up the others; an import can be undone."""
    write_labels(tmp_path / "b.png", (40, 50), np.uint8, lambda box: np.ones((box.height_px, box.width_px), np.uint8))
    labels = (tmp_path / "b.png").read_bytes()
    incoming = await _sent(ask, **{"b.png": labels, "c.png": labels, "a.png": b"nonsense"})
    looked = (await _done(ask, "projects", project.id, "looks", incoming=incoming)).looked
    assert looked is not None
    assert [(one.name, one.needs_class) for one in looked.files] == [("b.png", True)]
    job = await _done(ask, "projects", project.id, "annotation-imports", incoming=incoming, author="Ada", class_name="cell")
    assert job.imported is not None
    assert [(one.image, one.added, one.finished) for one in job.imported.files] == [("b.png", 1, True)]
    assert [problem.what for problem in job.imported.problems] == ["a.png", "c.png"]
    assert not any("labkit-incoming" in problem.message for problem in job.imported.problems)
    editor = Editor(project, images[1].id, "Ada")
    editor.undo()
    assert (editor.document.objects, editor.document.finished) == ((), False)


async def test_what_is_too_large_is_said_before_it_is_sent(ask: Ask, projects_folder: Path) -> None:
    """In words, with what to do; a piece in the wrong place, and one too many, are refused."""
    response = await ask("incoming", method="POST", body=json.dumps({"files": [{"name": "a", "bytes": LARGEST_INCOMING_BYTES + 1}]}))
    assert (response.code, "in a terminal" in json.loads(response.body)["error"]["hint"]) == (400, True)
    begun = await ask("incoming", method="POST", body=json.dumps({"files": [{"name": "a.json", "bytes": 2}]}))
    set_id = IncomingItem.model_validate_json(begun.body).id
    assert (await ask("incoming", set_id, "0", method="PUT", body=b"x", params={"offset": "1"})).code == 409
    assert (await ask("incoming", set_id, "0", method="PUT", body=b"{}\n", params={"offset": "0"})).code == 400
    assert (await ask("incoming", set_id, "7", method="PUT", body=b"x", params={"offset": "0"})).code == 404


@pytest.mark.parametrize("name", ["../evil.json", "/evil.json", "a/../../evil.json", "C:\\evil.json"])
async def test_a_zip_cannot_write_elsewhere(
    ask: Ask, project: Project, images: tuple[ImageRecord, ImageRecord], name: str, tmp_path: Path
) -> None:
    """It is refused as a whole."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as bundle:
        bundle.writestr(name, "{}")
    incoming = await _sent(ask, **{"a.zip": held.getvalue()})
    job = await _done(ask, "projects", project.id, "looks", incoming=incoming)
    assert (job.state, "would lie elsewhere" in job.message) == ("failed", True)


async def test_a_job_that_nobody_wants_goes(ask: Ask, project: Project, images: tuple[ImageRecord, ImageRecord]) -> None:
    """It is forgotten with its file."""
    _save(project, images[0], "Ada", cell(0, 0, 10, 10))
    job = await _done(ask, "projects", project.id, "exports", format="voc", author="Ada")
    assert (await ask("jobs", job.id, method="DELETE")).code == 200
    assert (await ask("jobs", job.id, "file")).code == 404
