"""Training runs and models in a real JupyterLab, by people who write no code."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import labkit_lab
from labkit.events import Log, Metric, Progress
from labkit.project import Project
from labkit.runs import EventWriter, LocalRunner, RunQueue
from labkit.storage import hold_lock
from labkit.testing.browser import contrasts, patient_page
from labkit.testing.lab import Lab, running_lab
from labkit.testing.runs import submit_cells

pytestmark = pytest.mark.browser

LABEXTENSION = Path(labkit_lab.__file__).parent / "labextension"


@pytest.fixture
def lab(tmp_path: Path, browser: Browser) -> Iterator[Lab]:
    with running_lab(tmp_path, LABEXTENSION, labkit_lab.LABEXTENSION_NAME) as lab:
        yield lab


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with patient_page(browser, width=1500, height=950) as page:
        yield page


@pytest.fixture
def project(lab: Lab) -> Project:
    return Project.create(lab.projects, "cells", classes=["nucleus"])


@pytest.fixture
def _busy_device() -> Iterator[None]:
    """Somebody else computes on the device: all runs wait, and only the test writes their events."""
    queue = RunQueue().layout
    queue.root.mkdir(parents=True)
    with hold_lock(queue.device_lock("cpu", 0), what="the CPU"):
        yield


def _open_runs(page: Page, lab: Lab) -> Locator:
    """Open the tab by the button on the card of the project, and return it."""
    page.goto(lab.url)
    card = page.get_by_role("region", name="LabKit projects").get_by_role("listitem", name="cells")
    card.get_by_role("button", name="Runs of cells").click()
    return page.get_by_role("region", name="Runs of cells")


def _rows(view: Locator) -> Locator:
    return view.get_by_role("list", name="Runs").get_by_role("listitem")


@pytest.mark.usefixtures("_busy_device")
def test_a_run_is_seen_as_it_goes(page: Page, lab: Lab, project: Project) -> None:
    """The queue is walked and changed by keys; events are seen soon, also after a lost connection; texts stand out in both themes."""
    runner = LocalRunner(project.layout.runs)
    first, second = (submit_cells(runner, "1 + 1") for _ in range(2))
    view = _open_runs(page, lab)
    newest = _rows(view).first
    expect(newest).to_contain_text("queued, 1 before it")
    newest.get_by_role("button", name="up in the queue").press("Enter")
    expect(newest).to_contain_text("queued, next")
    assert (second.place(), first.place()) == (0, 1)
    newest.locator(".labkit-Runs-row").focus()
    page.keyboard.press("ArrowDown")
    expect(_rows(view).nth(1).locator(".labkit-Runs-row")).to_be_focused()
    page.keyboard.press("Enter")
    detail = view.get_by_role("region", name="Chosen run")
    expect(detail).to_contain_text(first.id)

    write = EventWriter(first.layout.events)
    for step in range(1, 41):
        write(Metric(1 + step // 20, step, "loss", 2 / step))
    write(Metric(2, 40, "val_dice", 0.75))
    write(Progress(40, 200, "steps", "training", remaining_s=95))
    write(Log("Few chips show a nucleus.", "warning"))
    expect(detail).to_contain_text("step 40 of 200")
    expect(detail.get_by_role("region", name="Warnings")).to_contain_text("Few chips show a nucleus.")
    loss = detail.get_by_role("group", name="Loss").or_(detail.get_by_role("figure", name="Loss"))
    detail.get_by_role("img", name="Loss").focus()
    page.keyboard.press("Home")
    expect(loss.get_by_role("listitem").first).to_have_text("step 1")
    expect(loss.get_by_role("listitem").nth(1)).to_contain_text("2")

    page.route("**/labkit/api/**", lambda route: route.abort())
    write(Progress(50, 200, "steps", "training"))
    expect(detail.get_by_role("alert")).to_contain_text("The server does not answer.")
    write(Progress(60, 200, "steps", "training"))
    page.unroute("**/labkit/api/**")
    expect(detail).to_contain_text("step 60 of 200")
    expect(detail.get_by_role("alert")).to_have_count(0)
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        expect(page.locator(f"body[data-jp-theme-name='{theme}']")).to_be_attached()
        found = contrasts(view)
        assert {text: ratio for text, ratio in found.items() if ratio < 4.5} == {}
        assert first.id in found
    detail.get_by_role("button", name="Cancel").click()
    expect(view.get_by_role("status").first).to_contain_text("cancelled")
    expect(detail).to_contain_text("Cancelled before it started.")
    second.cancel()
