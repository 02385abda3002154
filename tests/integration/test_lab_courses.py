"""Course work in the panel of a real JupyterLab, on the real service: of who hands in, and of who hands out.

Both are zoë b, in two courses, so that one JupyterLab serves both tests. With ``LABKIT_PICTURES`` naming a folder the panel, a receipt and
feedback are drawn into it on the way, for the documentation.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Route, expect

import labkit_lab
from labkit.annotations import new_object, open_document, save_document
from labkit.client.course_wire import AssignmentChange, AssignmentItem, FeedbackAsk, HandScore, LateRule
from labkit.client.fetching import fetch_assignment
from labkit.client.handing_in import hand_in
from labkit.courses.records import PinnedComment
from labkit.geometry import Rectangle
from labkit.storage import file_sha256
from labkit.testing.assignments import write_assignment
from labkit.testing.browser import contrasts, patient_page
from labkit.testing.course_service import COURSE, CourseService, course_service
from labkit.testing.coursework import ASSIGNMENT, hand_out, write_author_folder
from labkit.testing.lab import Lab, running_lab
from labkit.testing.recorded import recorded_project
from labkit.testing.runs import wait_until

pytestmark = pytest.mark.browser

AUTHORED = "Means (ö) [1]+2"
LABEXTENSION = Path(labkit_lab.__file__).parent / "labextension"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SOLVED = "def mean_area(lines):\n    return sum(map(area, lines)) / len(lines)  # größer"
TRIANGLE = {"type": "Polygon", "coordinates": [[[1, 1], [9, 1], [9, 9], [1, 1]]]}
OBJECTS = json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": TRIANGLE}]})
ASKED = re.compile(r"/assignments/[^/]+/annotations(\?|$)")
HURRY = "const every = setInterval; window.setInterval = (call, ms, ...more) => every(call, ms === 60_000 ? 500 : ms, ...more);"
"""What is looked at once a minute is looked at twice a second."""
EXECUTED = (
    "<!doctype html><title>ps1</title><h1>Areas of cells</h1><pre>In [2]: mean_area(lines)\nOut[2]: 30.0</pre>"
    "<script>document.body.textContent = 'ran'</script>"
)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CourseService]:
    """The hub of zoë b, whose home the server shows."""
    with course_service(tmp_path_factory.mktemp("service")) as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment("zoë b").items():
            patch.setenv(name, value)
        patch.setenv("LABKIT_AUTHOR", "zoë b")  # as a hub's server has it by JUPYTERHUB_USER: what is drawn is one's own
        yield running


@pytest.fixture
def service(hub: CourseService) -> CourseService:
    """The same, there again."""
    hub.is_away = False
    return hub


@pytest.fixture
def item(service: CourseService, tmp_path: Path) -> AssignmentItem:
    """An assignment that is due in years."""
    prof = service.client("prof")
    picture = io.BytesIO()
    Image.new("L", (100, 60), 90).save(picture, "PNG")
    item = hand_out(prof, write_author_folder(tmp_path / "author", picture=picture.getvalue()))
    rule = LateRule(accept=True, percent_per_day=10, floor_percent=50)
    return prof.change_assignment(item.id, AssignmentChange(due="2031-10-26T02:30", attempts=3, late=rule, grace_min=15))


@pytest.fixture(scope="module")
def lab(hub: CourseService, tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab"), LABEXTENSION, labkit_lab.LABEXTENSION_NAME) as lab:
        yield lab


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with patient_page(browser, width=1300, height=850) as page:
        yield page


def _open(page: Page, lab: Lab, name: str = ASSIGNMENT) -> tuple[Locator, Locator]:
    """Open the panel, and return it and the card of an assignment."""
    page.add_init_script(HURRY)
    page.goto(lab.url)
    page.get_by_role("region", name="LabKit projects").wait_for()  # a new workspace begins with it
    page.get_by_role("tab", name="LabKit course work").click()
    panel = page.get_by_role("region", name="LabKit course work")
    return panel, panel.get_by_role("listitem", name=name)


def _type(page: Page, source: str, cell: int = 1) -> None:
    """Write into a cell of the notebook in front; it is not saved yet."""
    write = "([source, cell]) => jupyterapp.shell.currentWidget.content.widgets[cell].model.sharedModel.setSource(source)"
    page.evaluate(write, [source, cell])


def _cell(lab: Lab) -> str:
    """Return the second cell as it is on the disk."""
    file = lab.home / "courses" / COURSE / ASSIGNMENT / "ps1.ipynb"
    return "".join(json.loads(file.read_text())["cells"][1]["source"])


def _annotate(lab: Lab) -> str:
    """Import the picture of the assignment, and draw two objects in it; return what the annotator calls the document."""
    picture = lab.home / "courses" / COURSE / ASSIGNMENT / "data" / "field.png"
    project = recorded_project(lab.projects, "nuclei", name="field.png", sha256=file_sha256(picture))
    boxes = (Rectangle(5, 5, 20, 20), Rectangle(30, 30, 50, 60))
    save_document(project, open_document(project, "image1", "zoë b").with_objects([new_object(box, class_id=1) for box in boxes]))
    return f"{project.id}/image1/zoë b"


_STROKE = """([scope, isKept]) => new Promise((done, failed) => {
    const asked = indexedDB.open('labkit-annotator', 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore('outbox', {keyPath: ['client', 'number']});
    asked.onerror = failed;
    asked.onsuccess = () => {
        const change = asked.result.transaction('outbox', 'readwrite');
        const store = change.objectStore('outbox');
        isKept ? store.put({scope, client: 'a page', number: 1, deed: {}, bytes: null}) : store.delete(['a page', 1]);
        change.oncomplete = () => { asked.result.close(); done(); };
    };
})"""
"""Puts a stroke that no kernel has acknowledged where the annotator keeps such, or takes it away."""


def _no_save(route: Route) -> None:
    """Say that a file was saved which was not: what a proxy that has lost the server, or a dead session, comes to."""
    if route.request.method != "PUT":
        route.continue_()
        return
    known = route.fetch(method="GET", url=f"{route.request.url}?content=0", post_data="")
    route.fulfill(json=known.json())


def _save_first(route: Route, page: Page, scope: str) -> None:
    """Let the kernel acknowledge the stroke, and only then tell which documents an assignment asks for."""
    page.evaluate(_STROKE, [scope, False])
    route.continue_()


def _in_both_themes(page: Page, part: Locator, name: str) -> None:
    """Look whether every text of a part stands out in both themes, and draw it."""
    for short, theme in THEMES.items():
        page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        expect(page.locator(f"body[data-jp-theme-name='{theme}']")).to_be_attached()
        found = contrasts(part)
        assert {text: ratio for text, ratio in found.items() if ratio < 4.5} == {}
        if folder := os.environ.get("LABKIT_PICTURES"):
            page.screenshot(path=Path(folder) / f"{name}-{short}.png")
    page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", THEMES["light"])


def test_course_work(page: Page, lab: Lab, service: CourseService, item: AssignmentItem, tmp_path: Path) -> None:
    """Fetched, tried, handed in with an unsaved edit and what is annotated; older files are refused; what came back is read."""
    prof = service.client("prof")
    panel, card = _open(page, lab)
    expect(card).to_contain_text("3 of 3 attempts left")
    expect(card).to_contain_text("Late work loses 10 % a day, down to 50 %, after 15 min of grace.")
    card.get_by_role("button", name="Fetch").press("Enter")
    expect(card).to_contain_text("Release 1 is in")

    card.get_by_role("button", name="Validate").click()
    result = card.get_by_role("status", name="Validation")
    expect(result).to_contain_text("ps1.ipynb: 0 of 1 tests pass.")
    expect(result).to_contain_text("Nuclei in the field: none of your projects has the picture data/field.png.")
    scope = _annotate(lab)
    result.get_by_role("button", name="Cell 3 (mean_test)").click()
    page.wait_for_function("jupyterapp.shell.currentWidget?.content?.activeCellIndex === 2")
    expect(page.get_by_role("region", name="File Browser Section")).to_be_hidden()

    page.wait_for_function("jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'")
    page.evaluate("() => { void jupyterapp.commands.execute('notebook:run-all-cells'); }")  # it stops at the test
    wait_until(lambda: _stuck(service, item) == "ps1/mean_test", timeout_s=60)

    _type(page, SOLVED)
    dialog = page.get_by_role("dialog")
    page.evaluate(_STROKE, [scope, True])
    card.get_by_role("button", name="Submit").click()
    expect(dialog).to_contain_text("The annotator holds strokes on field.png that are not saved yet")
    dialog.get_by_role("button").last.click()
    page.route(ASKED, lambda route: _save_first(route, page, scope))  # while it is waited for
    card.get_by_role("button", name="Submit").click()
    expect(dialog.get_by_role("row", name="annotations/field.geojson")).to_contain_text("2")
    page.unroute(ASKED)
    expect(dialog.get_by_role("row", name="ps1.ipynb")).to_contain_text("4")
    expect(dialog).to_contain_text("You have 3 attempts left.")
    assert _cell(lab) == SOLVED
    dialog.get_by_role("button", name="Submit").click()
    expect(dialog).to_contain_text("Handed in")
    expect(dialog).to_contain_text("1 with 2 objects")
    [handed_in] = service.client("zoë b").submissions(item.id)
    expect(dialog.locator("code")).to_have_text(handed_in.sha256)
    _in_both_themes(page, dialog, "courses-receipt")
    dialog.get_by_role("button", name="Close").click()
    expect(card).to_contain_text("2 of 3 attempts left")

    page.route("**/api/contents/**", _no_save)
    _type(page, SOLVED + " and later")
    card.get_by_role("button", name="Submit").click()
    expect(dialog).to_contain_text("The file ps1.ipynb on the disk is not what you see")
    dialog.get_by_role("button").last.click()
    page.unroute("**/api/contents/**")
    assert len(service.client("zoë b").submissions(item.id)) == 1

    for name in ("ada", "ben"):  # of fewer than three nobody is told how the class did
        others = service.client(name)
        hand_in(others, fetch_assignment(others, others.assignment(item.id), base=tmp_path / name).folder)
    service.grade(item.id, {"ps1/mean_test": 4, "/field": 1}, page=EXECUTED)
    prof.score(handed_in.id, HandScore(item="ps1/why", points=1, comment="One large cell moves the mean: say how far."))
    prof.score(handed_in.id, HandScore(item="", comment="Well done."))
    prof.score(handed_in.id, HandScore(item="/field", pins=(PinnedComment(text="Two cells, not one.", y=40, x=45),)))
    prof.release_feedback(item.id, FeedbackAsk())
    panel.get_by_role("button", name="Look again").click()
    expect(card).to_contain_text("6 of 7 points")
    card.get_by_role("button", name="History").click()
    expect(card.get_by_role("list", name="What has been handed in")).to_contain_text("Attempt 1")
    _in_both_themes(page, panel, "courses-panel")

    page.route("**/services/labkit/**", lambda route: _from_the_service(route, service))
    card.get_by_role("button", name="Feedback: ").click()
    view = page.get_by_role("region", name=f"Feedback on {ASSIGNMENT}")
    expect(view).to_contain_text("say how far")
    expect(view.get_by_role("list", name="Pinned to the picture")).to_contain_text("Two cells, not one.")
    expect(view.get_by_role("figure", name="The class").get_by_role("listitem", name="you among them")).to_contain_text("1")
    frame = view.locator("iframe")
    expect(frame).to_have_attribute("sandbox", "")
    expect(frame.content_frame.get_by_text("Out[2]: 30.0")).to_be_visible()
    _in_both_themes(page, view, "courses-feedback")

    drawing = hand_out(prof, _with_a_picture(tmp_path / "drawing"), "Drawing")
    panel.get_by_role("button", name="Look again").click()
    panel.get_by_role("listitem", name="Drawing").get_by_role("button", name="Fetch").click()
    annotations = lab.home / "courses" / COURSE / "Drawing" / "annotations"
    wait_until((annotations / "tasks.json").is_file)
    (annotations / "cells.geojson").write_text(OBJECTS)
    wait_until(lambda: _drawn(service, drawing) == (1, 1))

    service.is_away = True
    panel.get_by_role("button", name="Look again").click()
    expect(panel.get_by_role("alert")).to_contain_text("The hub does not answer just now.")
    expect(card).to_be_visible()


def _stuck(service: CourseService, item: AssignmentItem) -> str:
    rows = {row.person: row for row in service.client("tom").class_view(COURSE).students}
    return next((cell.stuck_cell for cell in rows["zoë b"].cells if cell.assignment == item.id), "")


def _drawn(service: CourseService, item: AssignmentItem) -> tuple[int | None, int | None]:
    rows = {row.person: row for row in service.client("tom").class_view(COURSE).students}
    return next((cell.pictures, cell.objects) for cell in rows["zoë b"].cells if cell.assignment == item.id)


def _with_a_picture(place: Path) -> Path:
    """Write the folder of an assignment in which people annotate."""
    folder = write_author_folder(place)
    (folder / "hidden").mkdir()
    (folder / "hidden" / "gold.geojson").write_text(OBJECTS)
    task = "{id: cells, image: cells.png, points: 4, gold: gold.geojson, shape: [60, 100]}"
    (folder / "assignment.yaml").write_text(f"annotations:\n  - {task}\n")
    return folder


def _from_the_service(route: Route, service: CourseService) -> None:
    """Stand in for the hub's proxy, which leads to JupyterLab and to the service under one address."""
    path = "/services/labkit" + route.request.url.partition("/services/labkit")[2]
    answer = httpx.get(service.url.removesuffix("/services/labkit") + path, trust_env=False)
    route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.content)


def test_an_author_releases_from_the_panel(page: Page, lab: Lab, service: CourseService) -> None:
    """A folder becomes a draft; an error is led to and mended; previewed, graded with its own solution, released; a student sees it."""
    service.add_course("methods", "Methods of imaging", {"zoë b": "professor", "ada": "student"})
    notebook = write_assignment(lab.home, AUTHORED) / "ps1.ipynb"
    notebook.write_text(notebook.read_text().replace("\\n### END HIDDEN TESTS", ""))
    panel, card = _open(page, lab, AUTHORED)
    dialog = page.get_by_role("dialog")

    panel.get_by_role("button", name="New assignment in Methods of imaging").press("Enter")
    dialog.get_by_label("a folder that I have").check()
    dialog.get_by_role("combobox").select_option(AUTHORED)
    dialog.get_by_role("button", name="Make").click()
    expect(card).to_contain_text("draft")
    page.wait_for_function("jupyterapp.shell.currentWidget?.content?.widgets?.length === 5")

    card.get_by_role("button", name="Release…").click()
    expect(dialog).to_contain_text("1 error has to be mended first")
    dialog.get_by_role("button", name="Close").click()
    card.get_by_role("button", name="Check").click()
    check = card.get_by_role("status", name="Check")
    expect(check).to_contain_text("1 error keeps it from being released.")
    check.get_by_role("button", name="ps1.ipynb, cell 4 (test)").click()
    page.wait_for_function("jupyterapp.shell.currentWidget?.content?.activeCellIndex === 3")
    _type(page, "assert mean > 0\n### BEGIN HIDDEN TESTS\nassert mean == 5\n### END HIDDEN TESTS", cell=3)

    card.get_by_role("button", name="Preview as student").click()
    expect(card).to_contain_text("as students get it): 2 files.")
    page.wait_for_function("jupyterapp.shell.currentWidget?.context?.path.includes('as students get it')")
    shown = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(shown).to_contain_text("YOUR CODE HERE")
    expect(shown).not_to_contain_text("HIDDEN")

    card.get_by_role("button", name="Test with the solution").click()
    expect(card).to_contain_text(re.compile(r"Grading its own solution: \d+ of \d+ cells"))
    expect(card.get_by_role("progressbar")).to_have_attribute("max", re.compile(r"[1-9]"))
    result = card.get_by_role("status", name="Test with the solution")
    expect(result).to_contain_text("The solution earns all that is scored without a person.")
    expect(result.get_by_role("row", name="The mean of the data")).to_contain_text("3 of 3")
    card.get_by_text("As a student").scroll_into_view_if_needed()
    _in_both_themes(page, panel, "courses-author")

    card.get_by_role("button", name="Release…").click()
    expect(dialog).to_contain_text("Students get 2 files")
    dialog.get_by_label("Due (UTC)").fill("2021-10-25T23:59")
    expect(dialog).to_contain_text("The due time has passed, and late work is not accepted: students cannot hand in.")
    expect(dialog.get_by_label("Due (UTC)")).to_have_accessible_description("This time has passed.")
    dialog.get_by_label("Due (UTC)").fill("2031-10-25T23:59")
    dialog.get_by_label("Attempts").fill("3")
    if folder := os.environ.get("LABKIT_PICTURES"):
        page.screenshot(path=Path(folder) / "courses-release-light.png")
    dialog.get_by_role("button", name="Release").click()
    expect(card).to_contain_text("Release 1 is out: 2 files, 9 points.")
    expect(card).to_contain_text("3 of 3 attempts left")
    ada = service.client("ada")
    [item] = ada.assignments("methods")
    assert (item.due, item.attempts) == (datetime(2031, 10, 25, 23, 59, tzinfo=UTC), 3)
    assert [file.path for file in ada.release(item.id, 1).manifest.files] == ["data/my data.csv", "ps1.ipynb"]


@pytest.mark.ci
def test_without_a_hub(page: Page, tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The panel says that there is none."""
    monkeypatch.delenv("LABKIT_SERVICE_URL", raising=False)
    with running_lab(tmp_path, LABEXTENSION, labkit_lab.LABEXTENSION_NAME) as lab:
        panel, _ = _open(page, lab)
        expect(panel).to_contain_text("Course work is handed out and handed in by a hub, and this JupyterLab belongs to none.")
