"""Review, exchange of files and quality of annotations in a real JupyterLab, by people who write no code."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

import labkit_lab
from labkit.annotations import (
    Document,
    add_comment,
    change_state,
    current_claim,
    load_review,
    new_object,
    open_document,
    save_document,
)
from labkit.geometry import Rectangle, Region
from labkit.project import ImageRecord, Project
from labkit.testing.browser import on_screen, patient_page, place_of
from labkit.testing.lab import Lab, running_lab
from labkit.testing.runs import wait_until
from labkit.tiling import import_image

pytestmark = pytest.mark.browser

LABEXTENSION = Path(labkit_lab.__file__).parent / "labextension"
SIDE_PX = 400


@pytest.fixture
def lab(tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A server of the person that the test names."""
    monkeypatch.setenv("LABKIT_AUTHOR", request.param)
    with running_lab(tmp_path, LABEXTENSION, labkit_lab.LABEXTENSION_NAME) as lab:
        yield lab


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with patient_page(browser, width=1400, height=900) as page:
        yield page


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> Project:
    """A project with two grey pictures."""
    project = Project.create(lab.projects, "cells", classes=["nucleus", "membrane"])
    for k, name in enumerate(("first", "second")):
        Image.fromarray(np.full((SIDE_PX, SIDE_PX, 3), 90 + 40 * k, np.uint8)).save(tmp_path / f"{name}.png")
        import_image(project, tmp_path / f"{name}.png")
    return project


def _open_panel(page: Page, lab: Lab) -> Locator:
    """Open JupyterLab and the list of images, and return the card of the project."""
    page.goto(lab.url)
    card = page.get_by_role("region", name="LabKit projects").get_by_role("listitem", name="cells")
    card.get_by_text("Images", exact=True).click()
    return card


def _annotator(page: Page, title: str) -> Locator:
    """Return the annotator of a tab, when it has painted and has the document: until the tab is in front another one is seen."""
    expect(page.locator("#jp-main-dock-panel").get_by_role("tab", name=title, exact=True)).to_have_attribute("aria-selected", "true")
    root = page.locator(".labkit-Annotator:visible")
    root.get_by_role("application").wait_for()
    on_screen(page)
    expect(root.get_by_role("application")).to_have_attribute("data-picture", "complete")
    expect(root).to_have_attribute("aria-busy", "false")
    expect(root.locator(".labkit-Annotator-saving").get_by_role("status")).to_have_text("Saved")
    return root


def _is_free(project: Project, image: ImageRecord) -> None:
    """Wait until nobody has claimed an image: the page shows the step before while it gives the claim back."""
    wait_until(lambda: current_claim(project, image.id) is None)


def _on_canvas(root: Locator, y: float, x: float) -> tuple[float, float]:
    box = place_of(root.get_by_role("application"))
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def _drag(page: Page, root: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    first, last = _on_canvas(root, *start), _on_canvas(root, *end)
    page.mouse.move(*first)
    page.mouse.down()
    page.mouse.move(*last, steps=4)
    page.mouse.up()


def _look_again(page: Page) -> None:
    """Come back to the window: what is shown is read again."""
    page.evaluate("window.dispatchEvent(new Event('focus'))")


RED_PIXELS = """node => {
    const {data} = node.getContext('2d').getImageData(0, 0, node.width, node.height);
    let count = 0;
    for (let k = 0; k < data.length; k += 4) {
        count += data[k] === 179 && data[k + 1] === 38 && data[k + 2] === 30;
    }
    return count;
}"""  # how many of the overlay have the colour of an open pin


@pytest.mark.parametrize("lab", ["Bea"], indirect=True)
def test_a_student_sends_mends_exports_and_imports(page: Page, lab: Lab, project: Project, tmp_path: Path) -> None:
    """From the next free image to an accepted one; its COCO file comes into another author's annotations; the table shows all.

    Drawing claims an image, and closing gives it back.
    """
    image = project.images()[0]
    card = _open_panel(page, lab)
    card.get_by_role("button", name="Next free image").click()
    root = _annotator(page, "first.png")
    assert current_claim(project, image.id) is not None
    root.get_by_role("button", name="Box").click()
    _drag(page, root, (0.3, 0.3), (0.5, 0.5))
    expect(root.get_by_role("listbox").get_by_role("option")).to_have_text(["1 nucleus box"])
    review = root.get_by_role("group", name="Review")
    root.get_by_role("button", name="Finished").click()
    expect(card.get_by_role("listitem", name="first.png")).to_contain_text("1 object, finished")
    _is_free(project, image)

    review.get_by_role("button", name="Send to review").click()
    expect(review).to_contain_text("in review")
    expect(card.get_by_role("listitem", name="first.png")).to_contain_text("in review")
    expect(card.get_by_role("listitem", name="first.png")).not_to_contain_text("yours until")
    _is_free(project, image)
    canvas = root.get_by_role("application")
    assert canvas.evaluate(RED_PIXELS) == 0  # there is no pin yet
    add_comment(project, image.id, "Bea", "Too coarse here", by="Prof", place=(100.0, 100.0))
    change_state(project, image.id, "Bea", "returned", by="Prof")
    _look_again(page)
    expect(review).to_contain_text("returned")
    review.get_by_role("button", name="Show comment 1").click()
    page.wait_for_function(f"node => ({RED_PIXELS})(node) > 50", arg=canvas.element_handle())
    review.get_by_role("button", name="Resolve comment 1").click()
    expect(review).to_contain_text("resolved by Bea")
    review.get_by_role("button", name="Send to review").click()
    expect(review).to_contain_text("in review")
    change_state(project, image.id, "Bea", "accepted", by="Prof")
    _look_again(page)
    expect(card.get_by_role("listitem", name="first.png")).to_contain_text("accepted")
    expect(review).to_contain_text("accepted")
    review.get_by_role("button", name="Return").click()
    expect(review.get_by_role("alert")).to_contain_text("Ask a reviewer to return them.")

    row = card.get_by_role("listitem", name="first.png")
    row.get_by_text("Documents").click()
    row.get_by_role("button", name="Export annotations of first.png").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Format").select_option("coco")
    dialog.get_by_role("button", name="Export").click()
    with page.expect_download() as started:
        dialog.get_by_role("link", name="Download first.json").click()
    coco = tmp_path / started.value.suggested_filename
    started.value.save_as(coco)
    assert [category["name"] for category in json.loads(coco.read_text())["categories"]] == ["nucleus", "membrane"]
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)

    row.get_by_role("button", name="Import annotations into first.png").click()
    dialog.get_by_label("Into whose annotations").fill("Cy")
    dialog.get_by_label("Files").set_input_files(coco)
    expect(dialog).to_contain_text("first.json: coco, 1 object")
    dialog.get_by_role("button", name="Import").click()
    expect(dialog).to_contain_text("1 object added")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    assert len(open_document(project, image.id, "Cy").objects) == 1

    card.get_by_role("button", name="Annotate second.png").click()
    root = _annotator(page, "second.png")
    root.get_by_role("button", name="Box").click()
    _drag(page, root, (0.3, 0.3), (0.5, 0.5))
    second = card.get_by_role("listitem", name="second.png")
    expect(second).to_contain_text("yours until")
    page.get_by_role("tab", name="second.png").locator(".lm-TabBar-tabCloseIcon").click()
    expect(second).to_contain_text("1 object")
    expect(second).not_to_contain_text("yours until")
    _is_free(project, project.images()[1])

    card.get_by_role("button", name="Quality of cells").click()
    table = page.get_by_role("table", name="Progress")
    expect(table.get_by_role("row", name="Open first.png of Cy")).to_contain_text("Cy")
    table.get_by_role("button", name="Author").press("Enter")
    table.get_by_role("button", name="Author").press("Enter")
    expect(table.get_by_role("row").nth(1)).to_contain_text("Cy")
    page.get_by_role("searchbox", name="Image or author").fill("bea")
    expect(table.locator("tbody").get_by_role("row")).to_have_count(2)
    with page.expect_download() as started:
        page.get_by_role("button", name="Download as CSV").click()
    lines = started.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("Image,Author,State,Finished,nucleus,membrane")
    assert lines[1].startswith("first.png,Bea,accepted,yes,1,0")


def _annotated(project: Project, image: ImageRecord, author: str, *rectangles: Rectangle) -> None:
    objects = tuple(new_object(shape, class_id=1) for shape in rectangles)
    save_document(project, Document(image.id, author, objects=objects, completed_tasks=("finished",)))


@pytest.mark.ci
@pytest.mark.parametrize("lab", ["Prof"], indirect=True)
def test_a_professor_reviews_and_compares(page: Page, lab: Lab, project: Project) -> None:
    """Somebody else's annotations are looked at, not drawn in; pinned comment, return, findings, agreement and consensus."""
    image = project.images()[0]
    _annotated(project, image, "Bea", Rectangle(100, 100, 200, 200))
    _annotated(project, image, "Cy", Rectangle(100, 100, 200, 180))
    bow = new_object(Region((np.array([(300, 300), (340, 340), (300, 340), (340, 300)], float),)), class_id=2)
    save_document(project, open_document(project, image.id, "Cy").with_object(bow))
    change_state(project, image.id, "Bea", "in-review", by="Bea")

    card = _open_panel(page, lab)
    card.get_by_role("button", name="Quality of cells").click()  # as the first tab of all
    view = page.get_by_role("region", name="Quality of cells")
    expect(view.get_by_role("table", name="Progress")).to_contain_text("in review")
    row = card.get_by_role("listitem", name="first.png")
    row.get_by_text("Documents").click()
    row.get_by_role("button", name="Open Bea's annotations").click()
    root = _annotator(page, "first.png (Bea)")
    review = root.get_by_role("group", name="Review")
    expect(review).to_contain_text("You can look and comment here, not draw.")
    root.get_by_role("button", name="Box").click()
    _drag(page, root, (0.6, 0.6), (0.7, 0.7))
    expect(root.get_by_role("alert")).to_contain_text("you can look and comment, not draw")
    assert len(open_document(project, image.id, "Bea").objects) == 1

    review.get_by_label("New comment").fill("Where is the edge?")
    review.get_by_label("at a place that I click").check()
    review.get_by_role("button", name="Pin").click()
    expect(review.get_by_role("status")).to_have_text("Click into the picture.")
    page.mouse.click(*_on_canvas(root, 0.5, 0.5))
    expect(review.get_by_role("list", name="Comments")).to_contain_text("Where is the edge?")
    review.get_by_role("button", name="Return").click()
    expect(review).to_contain_text("returned")
    found = load_review(project, image.id, "Bea")
    (comment,) = found.comments
    assert (comment.y, comment.x) == (pytest.approx(SIDE_PX / 2, abs=2), pytest.approx(SIDE_PX / 2, abs=2))
    assert (found.state, found.history[-1].by) == ("returned", "Prof")

    card.get_by_role("button", name="Quality of cells").click()
    view.get_by_role("button", name="Compare", exact=True).click()
    expect(view.get_by_role("table", name="Agreement by class").get_by_role("row", name="nucleus")).to_contain_text("0.800")
    view.get_by_role("button", name="Build consensus").click()
    expect(view.get_by_role("table", name="Consensus")).to_contain_text("Bea, Cy")
    expect(view.get_by_role("table", name="Progress")).to_contain_text("consensus")
    view.get_by_role("button", name="Check all annotations").click()
    view.get_by_role("button", name="crosses itself").first.click()
    opened = page.locator(".labkit-Annotator:visible")
    expect(opened.get_by_role("listbox").get_by_role("option", selected=True)).to_have_text("2 membrane polygon")
