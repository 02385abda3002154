"""The annotator in a real JupyterLab, used by a real browser: what is seen, what is on the disk, what outlives a reload."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

import labkit_lab
from labkit.annotations import AnnotationObject
from labkit.project import Project
from labkit.testing.annotator import (
    Annotator,
    colour_at,
    draw_discs,
    has_colour,
    objects_on_disk,
    open_annotator_of,
    reload_annotator,
)
from labkit.testing.browser import patient_page
from labkit.testing.lab import Lab, kernels_of, running_lab
from labkit.testing.runs import wait_until
from labkit.tiling import import_image

pytestmark = pytest.mark.browser

PICTURE_PX = 1200


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One JupyterLab for all stories; each has a project, and so a kernel, of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_AUTHOR", "tester")
        patch.delenv("IPYTHONDIR", raising=False)
        labextension = Path(labkit_lab.__file__).parent / "labextension"
        with running_lab(tmp_path_factory.mktemp("lab"), labextension, labkit_lab.LABEXTENSION_NAME) as lab:
            yield lab


@pytest.fixture
def project(lab: Lab, tmp_path: Path, request: pytest.FixtureRequest) -> Project:
    """A project with one picture of bright discs."""
    project = Project.create(lab.projects, request.node.name.replace("_", "-"), classes=["nucleus", "membrane"])
    import_image(project, draw_discs(tmp_path / "discs.png", PICTURE_PX))
    return project


def _open(page: Page, lab: Lab, project: Project) -> Annotator:
    return open_annotator_of(page, lab, "discs.png", project.path.name)


def test_drawn_saved_undone_and_found_after_a_reload(page: Page, lab: Lab, project: Project) -> None:
    """A polygon and a painted mask are on the disk once "Saved" is shown, undo and redo are too, and both are there after a reload."""
    annotator = _open(page, lab, project)
    assert colour_at(annotator.canvas, 0.5, 0.5)[3] == 255  # a picture, not an empty canvas

    for place in [(0.3, 0.3), (0.3, 0.45), (0.5, 0.45)]:
        page.mouse.click(*annotator.at(*place))
    page.mouse.dblclick(*annotator.at(0.5, 0.3))
    expect(annotator.objects).to_have_text(["1 nucleus polygon"])
    annotator.is_saved()
    (polygon,) = objects_on_disk(project)
    assert polygon.kind == "polygon"

    page.keyboard.press("Control+z")
    expect(annotator.objects).to_have_count(0)
    annotator.is_saved()
    assert objects_on_disk(project) == ()
    page.keyboard.press("Control+Shift+z")
    expect(annotator.objects).to_have_count(1)

    page.keyboard.press("u")
    page.keyboard.press("2")
    annotator.drag((0.7, 0.5), (0.75, 0.6), (0.7, 0.7))
    expect(annotator.objects).to_have_text(["1 nucleus polygon", "2 membrane mask"])
    annotator.is_saved()
    assert [item.kind for item in objects_on_disk(project)] == ["polygon", "mask"]

    annotator = reload_annotator(page, lab, project)
    expect(annotator.objects).to_have_text(["1 nucleus polygon", "2 membrane mask"])
    assert objects_on_disk(project)[0].shape == polygon.shape


@pytest.mark.ci
def test_all_of_it_by_keyboard_alone(page: Page, lab: Lab, project: Project) -> None:
    """Keys open a picture, draw a polygon and a box, paint, choose from the list, move, change the class, delete and undo.

    Tab and Escape lead out of the picture, and all is there after a reload.
    """
    page.goto(lab.url)
    card = page.get_by_role("region", name="LabKit projects").get_by_role("listitem", name=project.path.name)
    card.get_by_text("Images", exact=True).press("Enter")
    card.get_by_role("button", name="Annotate discs.png").press("Enter")
    annotator = Annotator(page)
    annotator.is_painted()
    annotator.canvas.focus()
    _press(page, "ArrowUp", "Space", "ArrowRight", "ArrowRight", "Space", "ArrowDown", "ArrowDown", "Space", "Enter")
    expect(annotator.objects).to_have_text(["1 nucleus polygon"])
    _press(page, "b", "ArrowLeft", "Space", "ArrowDown", "ArrowLeft", "Space")
    expect(annotator.objects).to_have_text(["1 nucleus polygon", "2 nucleus box"])
    _press(page, "u", *["ArrowUp"] * 8, "Space", "ArrowRight", "ArrowRight", "Space")
    expect(annotator.objects).to_have_text(["1 nucleus polygon", "2 nucleus box", "3 nucleus mask"])
    annotator.is_saved()
    before = objects_on_disk(project)[0]

    page.keyboard.press("v")
    listbox = annotator.root.get_by_role("listbox")
    listbox.focus()
    page.keyboard.press("Home")
    expect(annotator.objects.first).to_have_attribute("aria-selected", "true")
    annotator.canvas.focus()
    _press(page, "Shift+ArrowRight", "ArrowDown", "2")
    expect(annotator.objects.first).to_have_text("1 membrane polygon")
    annotator.is_saved()
    moved = objects_on_disk(project)[0]
    assert moved.id == before.id
    assert _outline(moved) == pytest.approx(_outline(before) + np.array((1, 10)))

    page.keyboard.press("Delete")
    expect(annotator.objects).to_have_text(["1 nucleus box", "2 nucleus mask"])
    page.keyboard.press("Control+z")
    expect(annotator.objects).to_have_count(3)
    annotator.is_saved()

    page.keyboard.press("Control+a")
    expect(annotator.chosen).to_have_count(3)
    page.keyboard.press("Escape")
    expect(annotator.chosen).to_have_count(0)
    expect(annotator.canvas).to_be_focused()  # the first Escape let go of what was chosen
    page.keyboard.press("Escape")
    expect(annotator.root.get_by_role("toolbar").get_by_role("button").first).to_be_focused()
    annotator.canvas.focus()
    page.keyboard.press("Tab")
    expect(annotator.canvas).not_to_be_focused()

    annotator = reload_annotator(page, lab, project)
    expect(annotator.objects).to_have_text(["1 membrane polygon", "2 nucleus box", "3 nucleus mask"])


def _press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def _outline(item: AnnotationObject) -> np.ndarray:
    return np.array(item.shape.rings[0])  # type: ignore[union-attr]


def test_what_is_drawn_while_the_kernel_dies_is_saved_by_the_next_one(page: Page, lab: Lab, project: Project) -> None:
    """The kernel is killed; a box drawn before it is back is kept by the browser and saved then, once."""
    others = kernels_of(lab)
    annotator = _open(page, lab, project)
    annotator.root.get_by_role("button", name="Box", exact=True).click()
    annotator.drag((0.2, 0.4), (0.4, 0.5))
    expect(annotator.objects).to_have_count(1)
    annotator.is_saved()

    (kernel,) = [kernel for kernel in kernels_of(lab) if kernel not in others]
    kernel.kill()
    wait_until(lambda: _is_dead(kernel))  # JupyterLab looks for it only every few seconds: nobody has missed it yet
    annotator.drag((0.6, 0.4), (0.8, 0.6))
    expect(annotator.objects).to_have_text(["1 nucleus box", "2 nucleus box"])
    annotator.is_saved()
    assert [item.kind for item in objects_on_disk(project)] == ["box", "box"]


def test_a_late_answer_chooses_nothing_away(page: Page, lab: Lab, project: Project) -> None:
    """Who chooses an object while the kernel is busy with another one has still chosen it when that is saved."""
    others = kernels_of(lab)
    annotator = _open(page, lab, project)
    annotator.root.get_by_role("button", name="Box", exact=True).click()
    annotator.drag((0.2, 0.4), (0.4, 0.5))
    expect(annotator.objects).to_have_count(1)
    annotator.is_saved()
    (kernel,) = [kernel for kernel in kernels_of(lab) if kernel not in others]
    kernel.suspend()
    try:
        annotator.drag((0.6, 0.4), (0.8, 0.6))
        page.keyboard.press("Escape")
        expect(annotator.chosen).to_have_count(0)
        annotator.objects.first.click()
        expect(annotator.chosen).to_have_text(["1 nucleus box"])
    finally:
        kernel.resume()
    expect(annotator.objects).to_have_text(["1 nucleus box", "2 nucleus box"])
    annotator.is_saved()
    expect(annotator.chosen).to_have_text(["1 nucleus box"])


def _is_dead(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.ci
def test_two_browsers_see_each_other(page: Page, browser: Browser, lab: Lab, project: Project) -> None:
    """What one browser draws appears in another one that shows the same picture, which keeps its own view and selection."""
    first = _open(page, lab, project)
    with patient_page(browser, width=1000, height=700) as another:
        second = _open(another, lab, project)
        first.root.get_by_role("button", name="Box", exact=True).click()
        first.drag((0.2, 0.4), (0.4, 0.5))
        expect(second.objects).to_have_text(["1 nucleus box"])
        first.drag((0.2, 0.6), (0.4, 0.7))
        expect(second.objects).to_have_text(["1 nucleus box", "2 nucleus box"])  # so it has heard all there is of the first
        expect(first.chosen).to_have_count(1)
        expect(second.chosen).to_have_count(0)


def test_annotator_in_a_notebook(page: Page, lab: Lab, project: Project) -> None:
    """The widget shows as the result of a cell, what is drawn there is saved, and what Python draws stays in its place."""
    opened = f"annotator = Annotator(Project.open({str(project.path)!r}), 'discs.png')"
    sketch = "def square(layer):\n    layer.fill_style = '#ff0000'\n    layer.fill_rect(540, 540, 120, 120)\nannotator.sketch(square)"
    code = f"from labkit import Project\nfrom labkit_lab.widgets import Annotator\n{opened}\n{sketch}\nannotator"
    cell = {"cell_type": "code", "id": "one", "execution_count": None, "metadata": {}, "outputs": [], "source": code}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (lab.home / "draw.ipynb").write_text(json.dumps(notebook))
    page.goto(lab.url.replace("/lab?", "/lab/tree/draw.ipynb?"))
    expect(page.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible()
    page.locator(".jp-CodeCell .cm-content").click()
    page.keyboard.press("Shift+Enter")
    annotator = Annotator(page)
    annotator.is_painted()
    annotator.root.get_by_role("button", name="Ellipse").click()
    annotator.drag((0.2, 0.4), (0.4, 0.5))
    expect(annotator.objects).to_have_text(["1 nucleus ellipse"])
    annotator.is_saved()
    assert [item.kind for item in objects_on_disk(project)] == ["ellipse"]

    red = [255, 0, 0, 255]
    annotator.canvas.focus()
    has_colour(annotator.canvas, 0.5, 0.5, red)
    assert list(colour_at(annotator.canvas, 0.65, 0.5)) != red
    for _ in range(4):
        page.keyboard.press("+")
    annotator.is_painted()
    has_colour(annotator.canvas, 0.65, 0.5, red)
    page.keyboard.press("Home")
    annotator.is_painted()
    has_colour(annotator.canvas, 0.65, 0.5, red, other=True)
    has_colour(annotator.canvas, 0.5, 0.5, red)
