"""Annotation documents that are handed in, drawn on the pages of a submission, and comments pinned to them."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any

import pytest
from PIL import Image

from labkit.client.course_wire import NewRelease
from labkit.courses import picture_heads
from labkit.courses.annotation_files import TASKS_FILE, write_tasks
from labkit.courses.records import AnnotationTask, FileEntry, Manifest
from labkit_hub.service.courses import reading_pictures
from labkit_hub.service.courses.store import FileStore
from labkit_hub.service.pages import pictures

TASK = {"id": "cells", "how": "metric", "max_points": 4}
EMPTY = b'{"type": "FeatureCollection", "features": []}'
EVIL = '"/></svg><script>alert(1)</script>'


@pytest.fixture
def made(school) -> str:
    """An assignment with a picture to annotate."""
    made = school.done("prof", "POST", f"/courses/{school.course}/assignments", json={"name": "Cells"})["id"]
    school.release(made, items=[TASK])
    return made


def files(school, document: bytes) -> dict[str, bytes]:
    return {"ps1.ipynb": school.notebook("x = 1"), "annotations/cells.geojson": document}


def test_a_broken_document_is_refused_in_words(school, made) -> None:
    """It is looked at like a notebook; what was handed in before stays valid."""
    school.submit("ada", made, files(school, EMPTY))
    answer = school.try_submit("ada", made, files(school, EMPTY[:-5]))
    assert answer.status_code == 400
    assert "annotations/cells.geojson is no JSON" in answer.json()["error"]["message"]
    assert school.mine("ada", made)["attempts_used"] == 1


def test_pinned_comments_come_back_with_the_feedback(school, made) -> None:
    """Those of staff carry their name, whatever they say of themselves; students read them after the release, and nobody else."""
    submission = school.submit("ada", made, files(school, EMPTY))["submission"]
    school.graded(made, submission)
    pins = [{"text": "One is missing here.", "y": 12.5, "x": 30.0, "by": "ada"}]
    school.done("tom", "PUT", f"/submissions/{submission}/scores", json={"item": "/cells", "pins": pins})
    assert school.ask("ada", "GET", f"/submissions/{submission}/grade").status_code == 404
    school.done("prof", "POST", f"/assignments/{made}/feedback", json={})
    said = school.grade(submission, "ada")["pins"]["/cells"]
    assert said[-1] == {"text": "One is missing here.", "y": 12.5, "x": 30.0, "by": "tom"}
    school.done("tom", "PUT", f"/submissions/{submission}/scores", json={"item": "/cells", "pins": []})
    assert [pin for pin in school.grade(submission, "ada")["pins"].get("/cells", []) if pin["by"]] == []


def test_a_receipt_counts_pictures_and_objects(school, made) -> None:
    """As it counts the cells of notebooks; areas that were looked at are no objects."""
    receipt = school.submit("ada", made, files(school, document(box(), box(kind="area"))))
    assert receipt["objects"] == {"annotations/cells.geojson": 1}
    assert ", 1 object, <code>" in school.house.browse("ada").get(f"/courses/{school.course}/assignments/{made}").text


def test_staff_of_one_picture_keep_what_the_other_pinned(school, made) -> None:
    """Sending one's own again takes the place of one's own."""
    submission = school.submit("ada", made, files(school, EMPTY))["submission"]
    for who, text in (("tom", "one"), ("prof", "two"), ("tom", "three")):
        pins = [{"text": text, "y": 1, "x": 1}]
        school.done(who, "PUT", f"/submissions/{submission}/scores", json={"item": "/cells", "pins": pins})
    assert [(pin["by"], pin["text"]) for pin in school.grade(submission)["pins"]["/cells"]] == [("prof", "two"), ("tom", "three")]


# On the pages


def box(name: str = "cell", kind: str = "shape", at: float = 10.0, **more: object) -> dict[str, object]:
    ring = [[at, at], [at + 20, at], [at + 20, at + 20], [at, at + 20], [at, at]]
    properties = {"classification": {"name": name}, "labkit": {"kind": kind, **more}}
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": properties}


def document(*features: object, **labkit: object) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features, "labkit": {"author": EVIL, **labkit}}).encode()


def png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height), 90).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def desk(school) -> str:
    """Where ada's annotations of a picture that was handed out are looked at; she has odd names for her classes."""
    made = school.done("prof", "POST", f"/courses/{school.course}/assignments", json={"name": "Cells"})["id"]
    task = AnnotationTask(id="cells", title="Cells & more", image="data/field.png", points=4)
    student = school.student_files | {TASKS_FILE: write_tasks([task]), "data/field.png": png(64, 48), task.thumbnail: png(16, 12)}
    school.release(made, items=[TASK], student=school.send("prof", student), source=school.send("prof", student))
    point = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [5, 6]},
        "properties": {"classification": {"name": f"{EVIL}\ud800"}},
    }
    given = document(box(), box(f"{EVIL}\ud800", at=25), box(status="proposed", at=1), point)
    school.ada = school.submit("ada", made, files(school, given))["submission"]
    school.made = made
    return f"/courses/{school.course}/assignments/{made}/submissions/{school.ada}"


def test_staff_see_the_picture_with_the_outlines(school, desk) -> None:
    """As numbers over the picture's own pixels; names are text, proposals are not there, and that staff looked is noted."""
    page = school.house.browse("tom").get(desk).text
    assert 'viewBox="0 0 64 48"' in page
    assert 'd="M10.0 10.0L30.0 10.0L30.0 30.0L10.0 30.0L10.0 10.0Z"' in page
    assert '<circle class="c1" cx="5.0" cy="6.0"' in page
    assert "M1.0" not in page
    assert EVIL in unescape(page)
    assert "<script>alert" not in page
    assert "3 objects" in page
    assert "annotations/cells.geojson" in {row.detail["of"] for row in school.audit("answers.view") if row.subject == school.ada}
    [address] = re.findall(r'<image href="/services/labkit([^"]+)"', page)
    assert [school.house.browse(name).get(address).status_code for name in ("tom", "ben", "eve")] == [200, 200, 404]
    picture = school.house.browse("ben").get(address)
    assert (picture.headers["content-type"], picture.headers["content-security-policy"]) == ("image/png", "sandbox; default-src 'none'")


def test_a_comment_is_pinned_by_a_form_and_read_by_the_student(school, desk) -> None:
    """Each of the staff adds to what is there, points stay whose they are; one is taken away; students pin nothing."""
    school.done("root", "PUT", f"/submissions/{school.ada}/scores", json={"item": "/cells", "points": 3})
    for name, text in (("tom", EVIL), ("prof", "Two cells, not one.")):
        answer = school.house.browse(name).post(f"{desk}/pins", data={"task": "cells", "y": "12,5", "x": "30", "text": text})
        assert answer.status_code == 303
        assert answer.headers["location"].endswith("#picture-cells")
    pins = school.grade(school.ada)["pins"]["/cells"]
    assert [(pin["by"], pin["y"], pin["x"]) for pin in pins] == [("tom", 12.5, 30.0), ("prof", 12.5, 30.0)]
    page = school.house.browse("prof").get(desk).text
    assert "set by root" in page
    assert page.count('class="pin ours"') == 2
    assert "<script>alert" not in page
    drop = re.findall(r'name="drop" value="([0-9a-f]+)"', page)
    assert school.house.browse("prof").post(f"{desk}/pins", data={"task": "cells", "drop": drop[0]}).status_code == 303
    for fields in ({"text": " ", "y": "1", "x": "1"}, {"text": "x", "y": "up", "x": "1"}, {"text": "x", "y": "inf", "x": "1"}):
        assert school.house.browse("tom").post(f"{desk}/pins", data={"task": "cells", **fields}).status_code == 400
    assert school.house.browse("tom").post(f"{desk}/pins", data={"task": "other", "text": "x"}).status_code == 404
    for name in ("ada", "ben", "eve"):
        assert school.house.browse(name).post(f"{desk}/pins", data={"task": "cells", "text": "mine"}).status_code == 404

    school.done("prof", "POST", f"/assignments/{school.made}/feedback", json={})
    page = school.house.browse("ada").get(desk).text
    assert "Two cells, not one." in page
    assert "<script>alert" not in page
    assert "data-pinning" not in page
    assert 'd="M10.0 10.0L30.0' in page


def test_without_the_picture_the_field_is_blank_and_says_so(school) -> None:
    """Its size is the document's word; the bounds of what is drawn hold, and what does not fit them is counted."""
    made = school.done("prof", "POST", f"/courses/{school.course}/assignments", json={"name": "Cells"})["id"]
    task = AnnotationTask(id="cells", image="field", points=4)
    student = school.student_files | {TASKS_FILE: write_tasks([task])}
    school.release(made, items=[TASK], student=school.send("prof", student), source=school.send("prof", student))
    at = f"/courses/{school.course}/assignments/{made}/submissions"
    ada = school.submit("ada", made, files(school, document(box(), shape=[300, 400])))["submission"]
    page = school.house.browse("tom").get(f"{at}/{ada}").text
    assert 'viewBox="0 0 400 300"' in page
    assert "the outlines stand on a blank field" in page
    assert "<image" not in page
    ben = school.submit("ben", made, files(school, document(box(at=180), shape=["x", 1e30])))["submission"]
    assert 'viewBox="0 0 210 210"' in school.house.browse("tom").get(f"{at}/{ben}").text
    none = school.submit("ben", made, {"ps1.ipynb": school.notebook("x = 2")})["submission"]
    assert "No annotations of this picture were handed in." in school.house.browse("tom").get(f"{at}/{none}").text


def test_outlines_lie_right_on_a_preview_of_another_size(school) -> None:
    """Their coordinates are of the full resolution, and so is the drawing, over which the preview is stretched; students fetch it not."""
    made = school.done("prof", "POST", f"/courses/{school.course}/assignments", json={"name": "Cells"})["id"]
    task = AnnotationTask(id="cells", image="data/field.tif", points=4)
    student = school.send("prof", school.student_files | {TASKS_FILE: write_tasks([task]), "data/field.tif": b"II*\0 of 6400 x 4800"})
    [drawn] = school.send("prof", {"preview": png(20, 15)})["files"]
    of = next(file["sha256"] for file in student["files"] if file["path"] == "data/field.tif")
    preview = {"task": "cells", "of": of, "sha256": drawn["sha256"], "size": drawn["size"], "height_px": 4800, "width_px": 6400}
    school.release(made, items=[TASK], student=student, source=student, previews=[preview])
    ada = school.submit("ada", made, files(school, document(box(at=3000), shape=[48, 64])))["submission"]
    school.house.browse("tom").post(
        f"/courses/{school.course}/assignments/{made}/submissions/{ada}/pins",
        data={"task": "cells", "y": "3010", "x": "3020", "text": "Here."},
    )
    page = school.house.browse("tom").get(f"/courses/{school.course}/assignments/{made}/submissions/{ada}").text
    assert 'viewBox="0 0 6400 4800"' in page
    assert 'd="M3000.0 3000.0L3020.0' in page
    assert '<circle cx="3020.0" cy="3010.0"' in page
    [address] = re.findall(r'<image href="/services/labkit([^"]+)" width="6400" height="4800" preserveAspectRatio="none"/>', page)
    assert school.house.browse("ada").get(address).content == png(20, 15)
    assert [school.ask(who, "GET", f"/assignments/{made}/releases/1/files/{drawn['sha256']}").status_code for who in ("ada", "tom")] == [
        404
    ] * 2
    school.release(made, items=[TASK], student=student, source=student, previews=[preview], message="again")


def test_of_sixteen_bits_the_small_picture_of_the_author_is_shown(tmp_path) -> None:
    """Where no preview was made: browsers would show the upper eight bits, which may be black; the size is that of the picture."""
    task, buffer = AnnotationTask(id="cells", image="field.png", points=4), io.BytesIO()
    Image.new("I;16", (64, 48), 900).save(buffer, "PNG")
    store, given, shown = FileStore(tmp_path / "files", most_bytes=10_000), [], []
    store.open()
    for path, data in ((task.image, buffer.getvalue()), (task.thumbnail, png(16, 12))):
        given.append(FileEntry(path=path, sha256=hashlib.sha256(data).hexdigest(), size=len(data)))
        with store.incoming() as file:
            file.add(data)
            store.keep(file, given[-1].sha256)
        asked = NewRelease(key="of-16-bits", student=Manifest(files=tuple(given)), source=Manifest(), items=())
        shown.append(reading_pictures.picture_of(store, asked, task))
    assert [(one.sha256, one.size, one.is_whole) for one in shown] == [
        (given[0].sha256, (48, 64), True),
        (given[1].sha256, (48, 64), False),
    ]


def test_a_huge_document_is_drawn_in_part(school, desk, monkeypatch) -> None:
    """No more than a browser draws, over a thumbnail if the picture is huge, too; what nobody could see of an outline is left out."""
    monkeypatch.setattr(reading_pictures, "MOST_OBJECTS", 1)
    monkeypatch.setattr(picture_heads, "MOST_PICTURE_PX", 64 * 48 - 1)
    page = school.house.browse("tom").get(desk).text
    assert "2 more are not drawn" in page
    assert "Behind the outlines is a preview of the picture." in page
    [address] = re.findall(r'<image href="/services/labkit([^"]+)"', page)
    assert school.house.browse("tom").get(address).content == png(16, 12)
    ring = [[x / 100, 10.0] for x in range(4000)] + [[0.0, 10.0]]
    line = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {}}
    fine = school.submit("ada", school.made, files(school, document(line)))["submission"]
    path = re.search(r' d="([^"]+)"', school.house.browse("tom").get(desk.replace(school.ada, fine)).text)
    assert path is not None
    assert path[1].count("L") < 1000
    monkeypatch.setattr(reading_pictures, "MOST_BYTES", 10)
    assert "too large to be drawn here" in school.house.browse("tom").get(desk).text


def test_a_single_object_too_large_to_be_drawn_is_left_out(school, desk, monkeypatch) -> None:
    """The bound holds for each object, not only between them: one of a million places would be a page that no browser shows."""
    monkeypatch.setattr(reading_pictures, "MOST_VERTICES", 30)
    many = {"type": "Feature", "geometry": {"type": "MultiPoint", "coordinates": [[n, n] for n in range(31)]}, "properties": {}}
    sent = school.submit("ada", school.made, files(school, document(many, box())))["submission"]
    page = school.house.browse("tom").get(desk.replace(school.ada, sent)).text
    assert "<circle class=" not in page
    assert 'd="M10.0 10.0L30.0' in page
    assert "2 objects" in page
    assert "1 more is not drawn" in page


def test_what_cannot_be_read_is_not_told_as_nothing(school, desk, monkeypatch) -> None:
    """A document that is too large to be drawn has objects."""
    monkeypatch.setattr(reading_pictures, "MOST_BYTES", 10)
    page = school.house.browse("tom").get(desk).text
    assert "too large to be drawn here" in page
    assert "0 objects" not in page


def test_enter_in_the_comment_takes_no_other_away(school, desk) -> None:
    """Browsers press the first button of a form then: that of this one pins."""
    school.house.browse("prof").post(f"{desk}/pins", data={"task": "cells", "y": "1", "x": "1", "text": "Look here."})
    page = school.house.browse("tom").get(desk).text
    [form] = [one for one in re.findall(r"<form.*?</form>", page, re.DOTALL) if f'{desk}/pins"' in one and 'name="text"' in one]
    assert re.findall(r"<button[^>]*>([^<]*)<", form) == ["Pin"]
    assert page.count('name="drop"') == 1


def test_pins_alone_leave_points_to_who_gave_them(school, desk) -> None:
    """However they are sent: by the page, or with ``labkit course annotations pin``."""
    school.done("root", "PUT", f"/submissions/{school.ada}/scores", json={"item": "/cells", "points": 3})
    school.done("tom", "PUT", f"/submissions/{school.ada}/scores", json={"item": "/cells", "pins": [{"text": "Here."}]})
    assert "set by root" in school.house.browse("prof").get(desk).text


def test_that_staff_look_at_many_pictures_is_written_at_once(school, monkeypatch) -> None:
    """One transaction for a page, not one for each picture: on SQLite all others wait meanwhile."""
    made = school.done("prof", "POST", f"/courses/{school.course}/assignments", json={"name": "Cells"})["id"]
    tasks = [AnnotationTask(id=name, image="field", points=4) for name in ("cells", "nuclei", "axons")]
    student = school.student_files | {TASKS_FILE: write_tasks(tasks)}
    school.release(made, items=[TASK], student=school.send("prof", student), source=school.send("prof", student))
    given = files(school, document(box())) | {"annotations/nuclei.geojson": document(box())}
    sent = school.submit("ada", made, given)["submission"]
    noted = []
    monkeypatch.setattr(pictures, "note_reading", lambda session, *_, of, **__: noted.append((session, of)))
    assert school.house.browse("tom").get(f"/courses/{school.course}/assignments/{made}/submissions/{sent}").status_code == 200
    assert [of for _, of in noted] == ["annotations/cells.geojson", "annotations/nuclei.geojson"]
    assert len({id(session) for session, _ in noted}) == 1


def test_the_pictures_of_a_page_are_drawn_for_so_long_only(school, monkeypatch) -> None:
    """The one that is asked for always; of the others the page says how many are left, and where each is drawn."""
    made = school.done("prof", "POST", f"/courses/{school.course}/assignments", json={"name": "Cells"})["id"]
    tasks = [AnnotationTask(id=name, image="field", points=4) for name in ("cells", "nuclei", "axons")]
    student = school.student_files | {TASKS_FILE: write_tasks(tasks)}
    school.release(made, items=[TASK], student=school.send("prof", student), source=school.send("prof", student))
    sent = school.submit("ada", made, files(school, document(box())) | {"annotations/nuclei.geojson": document(box())})["submission"]
    monkeypatch.setattr(pictures, "_DRAWING_S", 1e-9)
    at = f"/courses/{school.course}/assignments/{made}/submissions/{sent}"
    page = school.house.browse("tom").get(f"{at}?only=hand").text
    first, second, third = page.split('<section class="picture')[1:4]
    assert "of 1 of 3 pictures are not drawn" in page
    assert 'd="M10.0' in first
    assert 'd="M10.0' not in second
    assert f'{at}?picture=nuclei&amp;only=hand#picture-nuclei">Draw nuclei' in second
    assert "No annotations of this picture were handed in." in third
    asked = school.house.browse("tom").get(f"{at}?picture=nuclei").text.split('<section class="picture')[1:4]
    assert [part.count('d="M10.0') for part in asked] == [0, 1, 0]


def test_pictures_of_the_class_stand_below_each_other(school, desk, monkeypatch) -> None:
    """Grading by cell shows those of an item about one, with what is pinned there; what is not drawn any more has its own page."""
    school.submit("ben", school.made, files(school, document(box())))
    school.house.browse("tom").post(f"{desk}/pins", data={"task": "cells", "y": "40", "x": "60", "text": "Look here."})
    monkeypatch.setattr(pictures, "_DRAWING_S", 1e-9)
    page = school.house.browse("tom").get(f"/courses/{school.course}/assignments/{school.made}/items?item=/cells").text
    ben, ada = page.split('<article class="answer')[1:]
    assert 'd="M10.0 10.0' in ben
    assert "Draw Cells" not in ben
    assert 'viewBox="0 0 64 48"' in ada
    assert 'd="M10.0 10.0' not in ada
    assert f'{desk}?picture=cells#picture-cells">Draw Cells &amp; more' in ada
    assert "Look here." in ada
    assert "static/pictures.css" in page


def test_a_class_that_looks_at_once_keeps_nobody_from_handing_in(school, desk, monkeypatch) -> None:
    """A page that would have to wait for long is shown without outlines, and says so; comments are there."""
    school.house.browse("tom").post(f"{desk}/pins", data={"task": "cells", "y": "40", "x": "60", "text": "Look here."})
    begun, end, draw = threading.Barrier(3), threading.Event(), pictures.draw_document

    def draw_slowly(*given: Any) -> Any:
        begun.wait(60)
        end.wait(60)
        return draw(*given)

    monkeypatch.setattr(pictures, "draw_document", draw_slowly)
    monkeypatch.setattr(pictures, "_PATIENCE_S", 0.0)
    with ThreadPoolExecutor(2) as others:
        waiting = [others.submit(school.house.browse("prof").get, desk) for _ in range(2)]
        try:
            begun.wait(60)
            page = school.house.browse("tom").get(desk).text
            school.submit("ben", school.made, files(school, EMPTY))
        finally:
            end.set()
    assert "load the page again to see the outlines" in page
    assert 'd="M10.0' not in page
    assert "Look here." in page
    assert 'viewBox="0 0 64 48"' in page
    assert all('d="M10.0 10.0' in one.result().text for one in waiting)


def test_a_release_keeps_clear_of_where_feedback_lies(school) -> None:
    """What lies there would never be handed in."""
    made = school.done("prof", "POST", f"/courses/{school.course}/assignments", json={"name": "Cells"})["id"]
    student = school.send("prof", school.student_files | {"Feedback/read me.txt": b"x"})
    body = {"key": school.key(), "student": student, "source": student, "items": [TASK]}
    answer = school.ask("prof", "POST", f"/assignments/{made}/releases", json=body)
    assert answer.status_code == 400
    assert "Feedback/read me.txt lies where students find what came back" in answer.json()["error"]["message"]
