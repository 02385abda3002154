"""The walk of a lesson in a real JupyterLab: from annotated pictures to two models, without a line of code."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from labkit.project import Project
from labkit.runs import LocalRunner, run_story
from labkit.testing.browser import patient_page
from labkit.testing.lab import WITHIN_S, Lab, reload_lab
from labkit.testing.learning import annotated_image
from labkit.training import list_models

pytestmark = [pytest.mark.browser, pytest.mark.ci]

RUN_MS = 4 * WITHIN_S * 1000  # a whole run on a machine under load
TILE_PX = "64"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with patient_page(browser, width=1500, height=950) as page:
        yield page


def _tab(page: Page, name: str) -> Locator:
    """Open one of the tabs of the project by the button on its card."""
    card = page.get_by_role("region", name="LabKit projects").get_by_role("listitem", name="cells")
    card.get_by_role("button", name=name).click()
    return page.get_by_role("region", name=name)


def _start(dialog: Locator, **fields: str) -> None:
    for label, text in fields.items():
        dialog.get_by_label(label.replace("_", " ")).fill(text)
    expect(dialog.get_by_role("region", name="Plan")).to_contain_text("in each epoch")
    dialog.get_by_role("button", name="Start").click()
    expect(dialog).to_be_hidden()


def _state(detail: Locator) -> Locator:
    return detail.locator(".labkit-RunState")


def test_from_annotated_pictures_to_two_compared_models(page: Page, lab: Lab, tmp_path: Path) -> None:
    """A set is built in the panel, a run started, watched, cancelled, resumed, finished after a reload, and compared with a second one."""
    project = Project.create(lab.projects, "cells", classes=["nucleus"])
    for seed in range(2):
        annotated_image(project, tmp_path, height_px=128, width_px=192, seed=seed)
    page.goto(lab.url)
    sets = _tab(page, "Training sets of cells")
    sets.get_by_label("Side of a tile (px)").fill(TILE_PX)
    sets.get_by_label("Name", exact=True).fill("nuclei")
    sets.get_by_role("button", name="Build nuclei").click()
    facts = sets.get_by_role("region", name="Facts of nuclei@")
    expect(facts).to_contain_text("nuclei, version 1")

    runs = _tab(page, "Runs of cells")
    runs.get_by_role("button", name="New run").click()
    _start(page.get_by_role("dialog"), Epochs="10", Name_of_the_model="slow")
    detail = runs.get_by_role("region", name="Chosen run")
    expect(detail).to_contain_text("Epoch 2 of 10", timeout=RUN_MS)
    expect(detail.get_by_role("img", name="Loss")).to_have_accessible_name(re.compile("loss, training"))
    detail.get_by_role("button", name="Cancel").click()
    expect(_state(detail)).to_contain_text("cancelled")
    detail.get_by_role("button", name="Resume").click()
    expect(detail.get_by_role("term").filter(has_text="Follows")).to_be_visible()
    reload_lab(page, lab, tab=f"labkit-runs:{project.id}", noted=LocalRunner(project.layout.runs).runs()[-1].id)
    expect(_state(detail)).to_contain_text("done", timeout=RUN_MS)
    expect(detail).to_contain_text("Epoch 10 of 10")
    expect(detail.get_by_role("img", name="Sample predictions")).to_have_js_property("complete", True)
    curve = run_story(LocalRunner(project.layout.runs).runs()[-1]).curves["val_dice"]
    assert {point.epoch for point in curve.points} == set(range(1, 11))

    runs.get_by_role("button", name="New run").click()
    _start(page.get_by_role("dialog"), Epochs="2", Name_of_the_model="quick")
    expect(detail.get_by_role("button", name="Use model quick/1")).to_be_visible(timeout=RUN_MS)
    expect(_state(detail)).to_contain_text("done")
    rows = runs.get_by_role("list", name="Runs").get_by_role("listitem")
    for made in ("slow/1", "quick/1"):
        rows.filter(has_text=made).get_by_role("checkbox").check()
    runs.get_by_role("button", name="Compare (2)").click()
    table = runs.get_by_role("table", name="Comparison")
    expect(table.get_by_role("row", name="epochs")).to_contain_text("10")
    expect(table.get_by_role("row", name="mean Dice on val")).to_contain_text("best")
    with page.expect_download() as started:
        runs.get_by_role("button", name="Download as CSV").click()
    assert "epochs," in started.value.path().read_text(encoding="utf-8-sig")
    assert [model.key for model in list_models(project)] == ["quick/1", "slow/1"]
    assert [run.state for run in LocalRunner(project.layout.runs).runs()] == ["cancelled", "done", "done"]

    rows.filter(has_text="slow/1").get_by_role("button").click()
    detail.get_by_role("button", name="Use model slow/1").click()
    card = runs.get_by_role("region", name="slow/1")
    card.get_by_role("button", name="Promote").click()
    expect(runs.get_by_role("table", name="Models").get_by_role("row", name="slow/1")).to_contain_text("promoted")
    expect(card).to_contain_text("What it learned from")
    runs.get_by_role("tab", name="Runs").click()
    detail.get_by_role("button", name="Open notebook").click()
    expect(page.get_by_role("tab", name="output.ipynb")).to_be_visible()
