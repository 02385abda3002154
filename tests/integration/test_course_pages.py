"""The pages of a course in a real browser: settings, grading by hand, feedback, the class.

Handing in, the line and the pages are the product's; only the grading run is played: its server answers from inside the hub, and the
results that a grading engine would bring are brought by the test, with that server's own token. With ``LABKIT_PICTURES`` naming a
folder the pages are drawn into it, for the documentation.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest
from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import expect

from labkit.courses.annotation_files import TASKS_FILE, write_tasks
from labkit.courses.records import (
    AnnotationTask,
    CellScore,
    CheckResult,
    FileEntry,
    GradeResult,
    Item,
    Note,
    NotebookOutcome,
    PinnedComment,
)
from labkit.testing.browser import WITHIN_S, contrasts, loaded, place_of
from labkit.testing.light_hub import PASSWORD, LightHub
from labkit.testing.runs import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.ci]

SERVICE = "/services/labkit"
COURSE = "image-ai"
NAME = "Übung 1 (a) [x]+b"
GRADER = "labkit-grader"
STUDENTS = {
    "ada": "Ada Lovelace",
    "grace": "Grace Hopper",
    "linus": "Linus Thorvald Maximilian von und zu Hohenstein-Wiedersheim",
    "mei": "Mei Lin",
    "zoë.b": "Zoë Brontë",
    "kofi": "",
}
ITEMS = (
    Item(id="otsu_test", notebook="ps1", how="cell", max_points=4, title="Threshold by Otsu"),
    Item(id="dice_test", notebook="ps1", how="cell", max_points=3, title="Dice of two masks"),
    Item(id="essay", notebook="ps1", how="hand", max_points=3, title="Why does the threshold fail at the rim?"),
    Item(id="nuclei", how="metric", max_points=5, title="Nuclei on hidden pictures (Dice)"),
    Item(id="field", how="metric", max_points=2, title="Nuclei in the first field"),
)
RUBRIC = [
    {"item": "ps1/essay", "text": "Names the uneven illumination.", "points": 2},
    {"item": "ps1/essay", "text": "Gives a remedy: background subtraction or a local threshold.", "points": 1},
    {"item": "ps1/essay", "text": "No picture shows it.", "points": -0.5},
]
MISSED = "An object is missing here (cell)."
ESSAY = {
    "ada": "The lamp is dimmer at the rim, so nuclei there are as dark as the ground in the middle. One threshold cannot fit both.",
    "grace": "At the rim the histogram has no valley: I subtracted a Gaussian of 80 px first, and it works.",
    "linus": "I think the picture is broken. <script>document.title = 'taken over'</script>",
    "mei": "",
    "zoë.b": "Vignettierung! Der Rand ist dunkler als die Mitte, Otsu nimmt aber eine Schwelle für alles.",
}
CODE = "from skimage.filters import threshold_otsu\n\ndef segment(image):\n    return image > threshold_otsu(image)"


def cell(kind: str, source: str, grade_id: str = "") -> dict[str, Any]:
    """Return a cell of a notebook."""
    metadata = {"nbgrader": {"grade_id": grade_id, "schema_version": 3}} if grade_id else {}
    more = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": metadata, "source": source, **more}


def notebook(code: str, essay: str) -> bytes:
    """Return the assignment's notebook with an answer in it."""
    cells = [
        cell("markdown", "# Segmenting nuclei\n\nWrite a function that finds nuclei, and say where it fails."),
        cell("code", code, "segment"),
        cell("code", "assert segment(image).mean() > 0.1", "otsu_test"),
        cell("code", "assert abs(dice(a, b) - 0.8) < 1e-6", "dice_test"),
        cell("markdown", essay, "essay"),
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def page_of(person: str, points: float) -> bytes:
    """Return what the grading engine makes of an executed notebook: a page, with a script in it that must never run."""
    essay = ESSAY.get(person, "").replace("<", "&lt;")
    return f"""<!doctype html><meta charset="utf-8"><style>body {{ font: 15px/1.5 sans-serif; margin: 2rem; max-width: 50rem }}
    pre {{ background: #f5f5f5; padding: .7rem; border-left: 3px solid #0b7a75 }} .out {{ background: none; color: #444 }}</style>
    <h1>Segmenting nuclei</h1><p>Write a function that finds nuclei, and say where it fails.</p><pre>{CODE}</pre>
    <pre>assert segment(image).mean() &gt; 0.1</pre><pre class="out">{"passed" if points > 2 else "AssertionError: 0.02"}</pre>
    <p id="essay">{essay}</p><script>top.document.title = "taken over"; document.body.id = "ran"</script>""".encode()


NUCLEI = [(60 + 104 * (n % 7) + 17 * (n % 3), 70 + 118 * (n // 7), 26 + 3 * (n % 4)) for n in range(35)]
"""Centres (x, y) and radii, in pixels."""


def field() -> bytes:
    """Return a picture of nuclei."""
    picture = Image.new("L", (800, 600), 24)
    pen = ImageDraw.Draw(picture)
    for x, y, radius in NUCLEI:
        pen.ellipse([x - radius, y - radius * 0.8, x + radius, y + radius * 0.8], fill=150 + (x + y) % 80)
    buffer = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(3)).save(buffer, "PNG")
    return buffer.getvalue()


def outlines() -> bytes:
    """Return a student's document: most nuclei, of a class whose name is markup."""
    features = []
    for number, (x, y, radius) in enumerate(NUCLEI[:-4]):
        angles = [2 * math.pi * k / 24 for k in range(24)]
        ring = [[x + radius * math.cos(angle), y + 0.8 * radius * math.sin(angle)] for angle in angles]
        properties = {"classification": {"name": "cell" if number % 5 else "<script>debris"}}
        features.append({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}, "properties": properties})
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Panel:
    """Asks the service as somebody's JupyterLab does, with a token."""

    def __init__(self, hub: LightHub, name: str = "", token: str = "") -> None:
        if not token:
            hub.api("POST", f"/users/{quote(name)}")
            token = hub.api("POST", f"/users/{quote(name)}/tokens", json={}).json()["token"]
        headers = {"Authorization": f"token {token}"}
        self._http = httpx.Client(base_url=f"{hub.url}{SERVICE}/api/", headers=headers, timeout=60, trust_env=False)

    def ask(self, method: str, path: str, **more: Any) -> Any:
        answer = self._http.request(method, path, **more)
        assert answer.is_success, answer.text
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else None

    def send(self, files: dict[str, bytes], where: str = "files") -> dict[str, Any]:
        """Send files, and return their manifest."""
        for data in files.values():
            self.ask("PUT", f"{where}/{sha256(data)}", content=data)
        entries = [FileEntry(path=path, sha256=sha256(data), size=len(data)) for path, data in files.items()]
        return {"files": [entry.model_dump(mode="json") for entry in entries]}


class School:
    """A course in which an assignment was handed out and handed in."""

    def __init__(self, hub: LightHub) -> None:
        self.hub = hub
        self.prof = Panel(hub, "prof")
        self.people = {name: Panel(hub, name) for name in STUDENTS}
        admin = Panel(hub, "admin")
        admin.ask("POST", "courses", json={"id": COURSE, "title": "Image AI"})
        roster = "".join(f"{name},student,{full}\n" for name, full in STUDENTS.items())
        admin.ask("POST", f"courses/{COURSE}/roster", content=f"username,role,name\nprof,professor,Prof. Weiß\n{roster}".encode())
        admin.ask("PUT", f"courses/{COURSE}", json={"time_zone": "Europe/Berlin"})
        self.first, self.second = self._assign(NAME, "Segmenting nuclei"), self._assign("Übung 2", "Counting cells", "field-1", "field-2")
        self.submissions: dict[str, str] = {}

    def _assign(self, name: str, title: str, *pictures: str) -> str:
        made: str = self.prof.ask("POST", f"courses/{COURSE}/assignments", json={"name": name})["id"]
        field_task = AnnotationTask(id="field", title=ITEMS[4].title, image="data/field.png", classes=("cell",), points=2)
        tasks = [AnnotationTask(id=picture, image=f"{picture}.png", points=5) for picture in pictures] or [field_task]
        given = {"ps1.ipynb": notebook("# YOUR CODE HERE", "Your answer"), TASKS_FILE: write_tasks(tasks), "data/field.png": field()}
        student = self.prof.send(given)
        source = self.prof.send({"ps1.ipynb": notebook(CODE, "Uneven light; subtract the ground."), "hidden/labels.csv": b"1,2"})
        body = {"key": f"key-{made}", "student": student, "source": source, "title": title, "rubric": RUBRIC}
        self.prof.ask("POST", f"assignments/{made}/releases", json={**body, "items": [item.model_dump() for item in ITEMS]})
        return made

    def hand_in(self) -> None:
        """Everybody but one hands in; one of them is stuck at the next assignment, with another."""
        for name, essay in ESSAY.items():
            own = self.people[name]
            own.ask("GET", f"assignments/{self.first}/releases/1")
            files = {"annotations/field.geojson": outlines()}
            files |= {"ps1.ipynb": notebook(CODE if name != "mei" else "def segment(image):\n    return image > 128", essay)}
            body = {"key": f"key-of-{sha256(name.encode())[:12]}", "release": 1, "manifest": own.send(files)}
            self.submissions[name] = own.ask("POST", f"assignments/{self.first}/submissions", json=body)["submission"]
        for name in ("linus", "zoë.b"):
            self.people[name].ask("GET", f"assignments/{self.second}/releases/1")
            for _ in range(3):
                stuck = {"cell": "ps1: watershed", "error": "ValueError: markers and image must have the same shape"}
                self.people[name].ask("POST", f"assignments/{self.second}/activity", json=stuck)
        self.people["grace"].ask("POST", f"assignments/{self.second}/activity", json={"cell": "ps1: load", "error": "", "passed": 1})
        for name, pictures, objects in (("grace", 2, 143), ("linus", 1, 12)):
            said = {"started": False, "pictures": pictures, "objects": objects}
            self.people[name].ask("POST", f"assignments/{self.second}/activity", json=said)

    def play_grading(self) -> None:
        """Bring the results of the batch that was asked for, as its server would; what it says first is on the page, live."""
        wait_until(lambda: self.prof.ask("GET", f"assignments/{self.first}/batches")["batches"])
        (batch,) = self.prof.ask("GET", f"assignments/{self.first}/batches")["batches"]
        run = batch["run"]
        wait_until(lambda: (self.hub.server(GRADER, f"run-{run}") or {}).get("ready"), timeout_s=2 * WITHIN_S)
        told = httpx.get(f"{self.hub.url}/user/{GRADER}/run-{run}/", timeout=60, trust_env=False).json()
        server = Panel(self.hub, token=told["token"])
        for place, (name, submission) in enumerate(self.submissions.items()):
            points = (4.0, 4.0, 0.0, 2.0, 3.5)[place]
            page = page_of(name, points)
            files = server.send({"ps1.html": page}, f"grading/{run}/files")["files"]
            notes = [Note(kind="cell-back", where="ps1.ipynb, dice_test", text="The cell was deleted; it was put back and run.")]
            result = GradeResult(
                submission=submission,
                state="graded",
                scores=(
                    CellScore(item=ITEMS[0], points=points, note="" if points else "AssertionError: 0.02 is not above 0.1"),
                    CellScore(item=ITEMS[1], points=3.0),
                    CellScore(item=ITEMS[2], points=None),
                    CellScore(item=ITEMS[3], points=(5.0, 4.0, 0.0, 3.0, 4.0)[place], trusted=True, note="Dice 0.87 on 6 hidden pictures"),
                    CellScore(item=ITEMS[4], points=1.0, trusted=True),
                ),
                checks=(CheckResult(check="field", points=1.0, comments=(PinnedComment(text=MISSED, y=300, x=560),)),),
                notebooks=(NotebookOutcome(notebook="ps1", state="done", seconds=4.2, cells=5, kernels=1, html=sha256(page)),),
                notes=tuple(notes) if name == "linus" else (),
                seconds=6.5,
                isolation="container",
            )
            body = {"result": result.model_dump(mode="json"), "files": files}
            server.ask("PUT", f"grading/{run}/results/{submission}", json=body)


@pytest.fixture(scope="module")
def hub(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LightHub]:
    """Run a hub."""
    with LightHub(tmp_path_factory.mktemp("courses") / "var", env={"LABKIT_DEVICES__NVIDIA": "false"}) as hub:
        yield hub


@pytest.fixture(scope="module")
def school(hub: LightHub) -> School:
    """A course in which five of six students have handed in."""
    school = School(hub)
    school.hand_in()
    return school


def log_in(browser: Browser, hub: LightHub, user: str, path: str) -> Page:
    """Log somebody in, who looks at a page."""
    context = browser.new_context(color_scheme="light", viewport={"width": 1360, "height": 900})
    context.set_default_timeout(WITHIN_S * 1000)
    page = context.new_page()
    page.goto(f"{hub.url}/hub/login?next={quote(path)}")
    page.fill("#username_input", user)
    page.fill("#password_input", PASSWORD)
    page.click("#login_submit")
    page.wait_for_url(f"**{path}")
    return page


def draw(page: Page, name: str) -> None:
    """Keep a picture of the page, where pictures are asked for."""
    if folder := os.environ.get("LABKIT_PICTURES"):
        page.evaluate("() => window.scrollTo(0, 0)")
        has_frame = page.locator("iframe").count() > 0  # of which nothing is painted beyond the window
        if has_frame:
            page.set_viewport_size({"width": 1360, "height": 1600})
        page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled", full_page=not has_frame)
        page.set_viewport_size({"width": 1360, "height": 900})


def low_contrast(page: Page) -> list[tuple[str, float]]:
    """Return the texts that cannot be read well."""
    return [(text, round(ratio, 2)) for text, ratio in contrasts(page.get_by_role("main")).items() if ratio < 4.5]


def test_from_the_settings_to_the_feedback(browser: Browser, hub: LightHub, school: School) -> None:
    """A professor sets the rules, asks for grading, gives points by hand with rubric and override, and a student reads all of it."""
    work = f"{SERVICE}/courses/{COURSE}/assignments/{school.first}"
    due = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT23:59")

    prof = log_in(browser, hub, "prof", f"{work}/settings")
    prof.get_by_label("Due").first.fill(due)
    prof.get_by_label("late submissions are accepted").check()
    prof.get_by_label("Off for each begun day").fill("10")
    prof.get_by_role("button", name="Save").click()
    expect(prof.get_by_role("status")).to_contain_text("Saved")
    expect(prof.get_by_label("Due").first).to_have_value(due)

    prof.get_by_role("link", name="Submissions").click()
    prof.get_by_role("button", name="Grade what is not graded (5)").click()
    school.play_grading()
    expect(prof.locator("[data-live] progress")).to_have_attribute("value", "5")

    prof, before = prof.context.new_page(), prof  # at the end of the batch that page loads itself once more, whenever that is
    before.close()
    prof.goto(f"{hub.url}{work}?show=hand")
    prof.get_by_role("link", name="Ada Lovelace").click()
    loaded(prof, "Ada Lovelace")
    essay, otsu = prof.get_by_role("group", name="Why does the threshold"), prof.get_by_role("group", name="Threshold by Otsu")
    prof.get_by_label("Comment on the whole").fill("Well done, Ada.")
    essay.get_by_role("button", name="Names the uneven illumination").click()
    expect(essay).to_contain_text("✓ saved")
    expect(essay.get_by_label("Points of")).to_have_value("2")
    expect(prof.get_by_label("Comment on the whole")).to_have_value("Well done, Ada.")
    otsu.get_by_label("Points of").fill("3,5")
    otsu.get_by_role("button", name="Save").click()
    expect(otsu).to_contain_text("set by prof")
    prof.get_by_role("button", name="Save all", exact=True).click()
    expect(prof.get_by_role("group", name="About the whole")).to_contain_text("✓ saved")
    expect(prof.locator("#part-state")).to_have_text("graded")
    expect(prof.locator("#part-total")).to_contain_text("14.5 of 17 points")
    picture = prof.get_by_role("region", name="Nuclei in the first field")
    expect(picture.locator("image")).to_have_attribute("width", "800")
    expect(picture.locator("svg.annotated path")).to_have_count(31)
    expect(picture.get_by_role("listitem")).to_contain_text([MISSED])
    shown = place_of(picture.locator("svg.annotated"))
    picture.locator("svg.annotated").click(position={"x": shown["width"] / 4, "y": shown["height"] / 2})
    expect(picture.get_by_label("y", exact=True)).to_have_value(re.compile(r"^(299|300|301)\."))
    expect(picture.get_by_label("x", exact=True)).to_have_value(re.compile(r"^(199|200|201)\."))
    essay.get_by_label("Comment on").fill("This is not saved yet.")
    prof.keyboard.press("Tab")
    picture.get_by_label("Comment at this place").fill("Two nuclei, not one.")
    picture.get_by_label("Comment at this place").press("Enter")
    expect(picture.locator(".pin.ours text")).to_have_text("2")
    expect(essay.get_by_label("Comment on")).to_have_value("This is not saved yet.")
    essay.get_by_label("Comment on").fill("Names the uneven illumination.")
    if folder := os.environ.get("LABKIT_PICTURES"):
        picture.screenshot(path=Path(folder) / "courses-pins.png", animations="disabled")
    frame = prof.frame_locator("iframe.paper")
    expect(frame.locator("h1")).to_have_text("Segmenting nuclei")
    expect(frame.locator("#ran")).to_have_count(0)
    assert low_contrast(prof) == []
    draw(prof, "courses-grading")

    prof.locator("h1").click()
    prof.keyboard.press("j")
    loaded(prof, "Grace Hopper")
    prof.goto(f"{hub.url}{work}")
    prof.once("dialog", lambda dialog: dialog.accept())
    prof.get_by_role("button", name="Release feedback").click()
    expect(prof.get_by_role("status")).to_contain_text("released")
    draw(prof, "courses-assignment")
    prof.context.close()

    ada = log_in(browser, hub, "ada", work)
    ada.get_by_role("link", name="Read it").click()
    expect(ada.get_by_role("main")).to_contain_text("14.5 of 17 points")
    expect(ada.get_by_role("main")).to_contain_text("Names the uneven illumination.")
    picture = ada.get_by_role("region", name="Nuclei in the first field")
    expect(picture.locator(".pin text")).to_have_text(["1", "2"])
    expect(picture.get_by_role("list")).to_contain_text("Two nuclei, not one. prof")
    expect(ada.locator(".histogram .you")).to_have_text("you")
    expect(ada.get_by_role("main")).not_to_contain_text("own kernel")
    assert low_contrast(ada) == []
    draw(ada, "courses-feedback")
    assert ada.goto(f"{hub.url}{work}/settings").status == 404  # type: ignore[union-attr]
    ada.context.close()


def test_the_class_shows_who_is_stuck_and_where(browser: Browser, hub: LightHub, school: School) -> None:
    """Those who need help stand first, and the cell at which two of them are is named once for both; by day and by night."""
    page = log_in(browser, hub, "prof", f"{SERVICE}/courses/{COURSE}/class")
    place = page.get_by_role("listitem").filter(has_text="ps1: watershed")
    expect(place).to_contain_text("2 students")
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows).to_have_count(1 + len(STUDENTS))
    expect(rows.nth(1)).to_contain_text("! ps1: watershed")
    expect(rows.filter(has_text="Grace Hopper")).to_contain_text("143 objects in 2 of 2 pictures")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert low_contrast(page) == []
        draw(page, "courses-class" if scheme == "light" else "courses-class-dark")
    page.context.close()
