"""The widgets of learning in a notebook of a real JupyterLab: a set built by clicks, a run watched, also after a reload."""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from labkit.datasets import list_training_sets
from labkit.project import Project
from labkit.testing.browser import contrasts, on_screen, patient_page, place_of
from labkit.testing.lab import WITHIN_S, Lab
from labkit.testing.learning import annotated_image
from labkit.training import TrainConfig
from labkit.work import start_training

pytestmark = [pytest.mark.browser, pytest.mark.ci]

RUN_MS = 4 * WITHIN_S * 1000  # a whole run on a machine under load
OPENED = """from labkit.datasets import SetSpec, TileRule
from labkit.project import Project
from labkit_lab.widgets import TrainingMonitor, TrainingSetBuilder
project = Project.open('projects/cells')
"""
BUILDER = """builder = TrainingSetBuilder(project, SetSpec(name='cells', chip_px=32, tiles=TileRule(tile_px=64)))
builder"""
CELLS = (OPENED + BUILDER, "print('built', builder.training_set.key)", OPENED + "TrainingMonitor(project)")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with patient_page(browser, width=1500, height=1100) as page:
        yield page


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> Project:
    project = Project.create(lab.projects, "cells", classes=["nucleus"])
    annotated_image(project, tmp_path, height_px=256, width_px=256)
    return project


def _open_notebook(page: Page, lab: Lab) -> None:
    """Write the notebook and open it."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, lab.home / "work.ipynb")
    _go(page, lab)


def _go(page: Page, lab: Lab) -> None:
    """Open the notebook, and wait for its kernel."""
    page.goto(_address(lab))
    expect(page.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible()


def _address(lab: Lab) -> str:
    return lab.url.replace("/lab?", "/lab/tree/work.ipynb?")


def _output(page: Page, number: int) -> Locator:
    """Execute a cell, and return what it shows."""
    cell = page.locator(".jp-Notebook .jp-CodeCell").nth(number)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    return cell.locator(".jp-Cell-outputArea")


def _is_readable(page: Page, part: Locator) -> None:
    """Look at the texts of a part in both themes."""
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        expect(page.locator(f"body[data-jp-theme-name='{theme}']")).to_be_attached()
        on_screen(page)
        found = contrasts(part)
        assert {text: ratio for text, ratio in found.items() if ratio < 4.5} == {}
        assert found


def test_a_set_is_built_and_a_run_watched_in_a_notebook(page: Page, lab: Lab, project: Project) -> None:
    """A click leaves a tile out, Build makes the set; the monitor follows a run, cancels it, and shows it again after a reload."""
    _open_notebook(page, lab)
    builder = _output(page, 0)
    canvas = builder.locator("canvas")
    expect(canvas).to_have_js_property("width", 520)
    box = place_of(canvas)
    canvas.click(position={"x": box["width"] * 7 / 8, "y": box["height"] / 8})
    expect(builder).to_contain_text(re.compile(r"Row 1, column 4: 100 % annotated, \w+, not chosen"))
    expect(builder.get_by_label("Which tiles").locator("option:checked")).to_have_text("chosen by hand")
    build = builder.get_by_role("button", name="Build cells")
    expect(build).to_be_enabled()
    _is_readable(page, builder)
    build.click()
    expect(builder).to_contain_text("is built, version 1.")
    [made] = list_training_sets(project)
    assert made.record.spec is not None
    assert len(made.record.spec.tiles.tiles) == 15
    expect(_output(page, 1)).to_have_text(re.compile(made.key))

    size = {"epochs": 500, "steps_per_epoch": 5, "crop_px": 32, "device": "cpu", "batch_size": 4}
    wish = {"project": str(project.path), "training_set": made.key, "model": "m", **size}
    run = start_training(project, TrainConfig.model_validate(wish))
    try:
        monitor = _output(page, 2)
        expect(monitor.get_by_role("img", name="Score: val dice")).to_be_visible(timeout=RUN_MS)
        expect(monitor.get_by_role("img", name="Sample predictions")).to_have_js_property("complete", True)
        _is_readable(page, monitor)
        monitor.get_by_role("button", name="Cancel").click()
        expect(monitor.get_by_role("status")).to_contain_text("cancelled")
    finally:
        run.cancel()
        run.wait()
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    _go(page, lab)
    monitor = _output(page, 2)
    expect(monitor.get_by_role("status")).to_contain_text("cancelled")
    expect(monitor.get_by_role("img", name="Score: val dice")).to_be_visible()
    expect(monitor.get_by_role("button", name="Resume")).to_be_enabled()
