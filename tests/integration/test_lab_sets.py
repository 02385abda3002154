"""Training sets in a real JupyterLab, by people who write no code: tiles, problems, a set, and what changed since."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import labkit_lab
from labkit.annotations import new_object, open_document, save_document
from labkit.datasets import list_training_sets, open_training_set
from labkit.geometry import Rectangle
from labkit.project import ImageRecord, Project
from labkit.samples import nuclei_like
from labkit.testing.browser import contrasts, patient_page, place_of
from labkit.testing.lab import Lab, reload_lab, running_lab
from labkit.testing.learning import annotated_image
from labkit.testing.pictures import write_tiff
from labkit.tiling import import_image

pytestmark = pytest.mark.browser

LABEXTENSION = Path(labkit_lab.__file__).parent / "labextension"
HEIGHT_PX, WIDTH_PX = 256, 384
TILE_PX = 64  # 4 rows of 6 tiles


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Lab]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_AUTHOR", "Ada")
        with running_lab(tmp_path_factory.mktemp("lab"), LABEXTENSION, labkit_lab.LABEXTENSION_NAME) as lab:
            yield lab


@pytest.fixture
def lab(shared_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The shared server, without projects; what the test annotates is of the same person."""
    monkeypatch.setenv("LABKIT_AUTHOR", "Ada")
    shutil.rmtree(shared_lab.projects, ignore_errors=True)
    return shared_lab


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with patient_page(browser, width=1500, height=950) as page:
        yield page


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> Project:
    """A project with two images that are annotated as a whole, and one of which only the left third is."""
    project = Project.create(lab.projects, "cells", classes=["nucleus"])
    for seed in range(2):
        annotated_image(project, tmp_path, height_px=HEIGHT_PX, width_px=WIDTH_PX, seed=seed)
    _partly_annotated(project, tmp_path)
    return project


def _partly_annotated(project: Project, folder: Path) -> ImageRecord:
    picture = nuclei_like(seed=5, height_px=HEIGHT_PX, width_px=WIDTH_PX, count=80).image
    image = import_image(project, write_tiff(folder / "partly.tif", picture, tile_px=64))
    area = new_object(Rectangle(0, 0, HEIGHT_PX, 2 * TILE_PX), kind="area")
    cell = new_object(Rectangle(20, 20, 50, 60), class_id=1)
    save_document(project, open_document(project, image.id, "Ada").with_object(area).with_object(cell))
    return image


def _open_sets(page: Page) -> Locator:
    """Open the tab by the button on the card of the project, and return it."""
    card = page.get_by_role("region", name="LabKit projects").get_by_role("listitem", name="cells")
    card.get_by_role("button", name="Training sets of cells").click()
    return page.get_by_role("region", name="Training sets of cells")


def _settled(view: Locator) -> None:
    """Wait until what is shown is the plan of the wish."""
    expect(view.locator("[data-stale]")).to_have_attribute("data-stale", "false")  # true from the moment of a change on
    expect(view.get_by_role("region", name="What comes of it")).not_to_contain_text("Working it out…")


def _count(view: Locator, image: str) -> Locator:
    return view.get_by_role("figure", name=image).locator("[data-chosen]")


def _drag(page: Page, grid: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw a box from tile to tile, given as row and column."""
    box = place_of(grid)
    side = box["width"] * TILE_PX / WIDTH_PX

    def at(cell: tuple[float, float]) -> tuple[float, float]:
        return box["x"] + (cell[1] + 0.5) * side, box["y"] + (cell[0] + 0.5) * side

    page.mouse.move(*at(start))
    page.mouse.down()
    page.mouse.move(*at(end), steps=4)
    page.mouse.up()


def test_a_set_is_chosen_built_and_looked_back_at(page: Page, lab: Lab, project: Project) -> None:
    """By rule and by hand, mouse and keyboard; a problem is named; the set is that of the tiles; a reload keeps tab and wish."""
    page.goto(lab.url)
    view = _open_sets(page)
    _settled(view)
    view.get_by_label("Side of a chip (px)").fill("32")
    view.get_by_label("Side of a tile (px)").fill(str(TILE_PX))
    expect(_count(view, "partly.tif")).to_have_text("8 of 24 tiles")
    view.get_by_label("Which").select_option("annotated")
    view.get_by_label("Annotated at least (%)").fill("90")
    expect(_count(view, "partly.tif")).to_have_text("8 of 24 tiles")
    expect(_count(view, "nuclei-0.tif")).to_have_text("24 of 24 tiles")

    for name in ("nuclei-0.tif", "nuclei-1.tif", "partly.tif"):
        view.get_by_role("button", name=f"Choose no tile of {name}").click()
    problems = view.get_by_role("list", name="Problems")
    _settled(view)  # problems of another wish may be others, and move the pictures
    expect(problems.get_by_text("Error", exact=True).first).to_be_visible()
    build = view.get_by_role("button", name="Build training")
    expect(build).to_be_disabled()
    expect(build).to_have_accessible_description("Not yet: " + problems.locator("li").first.inner_text().removeprefix("Error "))

    for name in ("nuclei-0.tif", "nuclei-1.tif"):
        _drag(page, view.get_by_role("application", name=f"Tiles of {name}"), (0, 0), (3, 3))
        expect(_count(view, name)).to_have_text("16 of 24 tiles")
        _settled(view)
    grid = view.get_by_role("application", name="Tiles of partly.tif")
    grid.focus()
    for key in ("Control+Home", "Shift+ArrowDown", "Shift+ArrowRight", " "):
        grid.press(key)
    expect(_count(view, "partly.tif")).to_have_text("4 of 24 tiles")
    expect(view.get_by_label("Which")).to_have_value("hand")
    expect(grid).to_have_accessible_description(re.compile("Row 2, column 2 · 100 % annotated · no object · .* · chosen"))
    view.get_by_label("Name").fill("nuclei")
    expect(view.get_by_role("button", name="Build nuclei")).to_be_enabled()
    view.get_by_role("button", name="Build nuclei").click()

    facts = view.get_by_role("region", name="Facts of nuclei@")
    expect(facts).to_contain_text("nuclei, version 1")
    expect(view.get_by_role("status").get_by_text("is built.")).to_be_visible()
    (built,) = list_training_sets(project)
    assert built.record.spec is not None
    chosen = [(tile.row, tile.column) for tile in built.record.spec.tiles.tiles if tile.image == project.image("partly.tif").id]
    assert chosen == [(0, 0), (0, 1), (1, 0), (1, 1)]
    expect(view.get_by_role("table", name="Training sets")).to_contain_text(built.record.hash)
    chips = facts.locator("[data-chips]").evaluate_all("nodes => nodes.map(node => Number(node.dataset.chips))")
    assert chips == [built.record.parts[part].chips for part in ("train", "val", "test")]

    image = project.image("nuclei-0.tif")
    save_document(project, open_document(project, image.id, "Ada").with_object(new_object(Rectangle(0, 0, 120, 120), class_id=1)))
    facts.get_by_role("button", name="What changed since").click()
    changes = view.get_by_role("region", name=f"Changes since {built.key} was built")
    expect(changes.get_by_role("status")).to_contain_text("nuclei-0.tif")
    expect(changes.get_by_role("table", name="Pixels before and after")).to_contain_text("nucleus")
    facts.get_by_role("button", name="Use these wishes again").click()
    expect(_count(view, "partly.tif")).to_have_text("4 of 24 tiles")
    _settled(view)
    view.get_by_role("button", name="Build nuclei").click()
    expect(view.get_by_role("region", name="Facts of nuclei@")).to_contain_text("nuclei, version 2")
    compare = view.get_by_role("region", name="Compare two sets")
    compare.get_by_role("button", name="Compare").click()
    expect(compare.get_by_role("status")).to_contain_text("nuclei-0.tif")
    assert open_training_set(project, "nuclei").record.version == 2

    reload_lab(page, lab, tab=f"labkit-training-sets:{project.id}")
    view = page.get_by_role("region", name="Training sets of cells")
    expect(view.get_by_role("tab", name="Sets (2)")).to_have_attribute("aria-selected", "true")
    view.get_by_role("tab", name="Build a set").click()
    expect(_count(view, "partly.tif")).to_have_text("4 of 24 tiles")


@pytest.mark.ci
def test_examples_and_texts_can_be_seen(page: Page, lab: Lab, project: Project) -> None:
    """Chips are shown beside their variants, and others on demand; every text stands out in light and dark themes."""
    page.goto(lab.url)
    view = _open_sets(page)
    view.get_by_label("Side of a tile (px)").fill(str(TILE_PX))
    _settled(view)
    examples = view.get_by_role("region", name="Augmentation")
    examples.get_by_role("button", name="Show examples").click()
    picture = examples.get_by_role("img")
    expect(picture).to_have_js_property("complete", True)
    first = picture.get_attribute("src")
    examples.get_by_role("button", name="Others").click()
    expect(picture).not_to_have_attribute("src", first or "")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        expect(page.locator(f"body[data-jp-theme-name='{theme}']")).to_be_attached()
        _settled(view)
        found = contrasts(view)
        assert {text: ratio for text, ratio in found.items() if ratio < 4.5} == {}
        assert "nuclei-0.tif" in found
