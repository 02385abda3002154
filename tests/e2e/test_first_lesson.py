"""What a newcomer does on the first day, in a real browser: log in, open the first lesson, run it, see the result."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from labkit.testing.browser import open_browser, patient_page
from labkit.testing.hub import RunningHub

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.ci]

START_MS = 120_000  # a server that starts on a machine under load
LESSON_MS = 300_000  # the fast lesson takes half a minute on two free cores

# Cells get their heights only when they are near the view, so what is scrolled to moves away again for a while.
_SCROLL_UNTIL_STILL = """image => {
  const before = image.topWas;
  image.scrollIntoView({ block: 'center' });
  image.topWas = image.getBoundingClientRect().top;
  return image.topWas === before;
}"""


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Open a browser, before the hub: without Chromium nothing needs to start."""
    with open_browser() as opened:
        yield opened


@pytest.fixture
def hub(browser: Browser, tmp_path: Path) -> Iterator[RunningHub]:
    """Run the hub as `make start` does."""
    with RunningHub(tmp_path / "var") as running:
        yield running


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Return the folder for screenshots: ``$LABKIT_SCREENSHOTS``, else a temporary one."""
    folder = Path(os.environ.get("LABKIT_SCREENSHOTS") or tmp_path / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def page(browser: Browser, screenshots: Path) -> Iterator[Page]:
    """Open a page; how it looked in the end is kept, also after a failure."""
    with patient_page(browser, width=1400, height=900) as opened:
        opened.set_default_timeout(START_MS)
        yield opened
        opened.screenshot(path=screenshots / "end.png")


def test_a_student_runs_the_first_lesson(hub: RunningHub, page: Page, screenshots: Path) -> None:
    """From the login page to the overlay of a model trained a minute ago, and its project in the panel, by mouse and keyboard."""
    _log_in(hub, page, screenshots)
    panel = _panel(page)
    panel.get_by_role("button", name="Open the first lesson").click()
    page.get_by_role("tab", name="01-first-project.ipynb").wait_for()
    _choose_the_fast_setting(page)
    _run_all_cells(page)

    overlay = _cell(page, "imshow(overlay(pixels, predicted, truth)").locator("img")
    fault = page.locator(".jp-OutputArea [data-mime-type='application/vnd.jupyter.stderr']", has_text="Traceback")
    overlay.or_(fault).first.wait_for(timeout=LESSON_MS)
    assert fault.all_text_contents() == []
    page.get_by_text("files checked, no faults").wait_for(timeout=LESSON_MS)

    card = panel.get_by_role("listitem", name="My first project")
    for name in ("image", "annotated", "model"):
        row = card.locator("dl > div").filter(has=page.get_by_text(name, exact=True))
        expect(row.get_by_role("definition")).to_have_text("1", timeout=START_MS)
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=card.locator("img").element_handle())
    _bring_into_view(page, overlay)
    page.screenshot(path=screenshots / "lesson-overlay.png")


def _log_in(hub: RunningHub, page: Page, screenshots: Path) -> None:
    page.goto(hub.url)
    page.get_by_label("User name").fill("student")
    page.screenshot(path=screenshots / "login.png")
    page.get_by_label("Password").fill(hub.logins["student"])
    page.get_by_role("button", name="Sign in").click()
    page.locator(".jp-Launcher").wait_for()


def _panel(page: Page) -> Locator:
    """Return the Projects panel, which shows by itself at the first login."""
    panel = page.get_by_role("region", name="LabKit projects")
    panel.get_by_text("No projects yet").wait_for()
    return panel


def _choose_the_fast_setting(page: Page) -> None:
    """Change ``fast = False`` to True as a person does: by a double click on the word."""
    line = page.locator(".jp-Notebook .cm-line", has_text="fast = False")
    line.get_by_text("False", exact=True).dblclick()
    page.keyboard.type("True")
    page.locator(".jp-Notebook .cm-line", has_text="fast = True  # True").wait_for()


def _run_all_cells(page: Page) -> None:
    page.locator("#jp-main-statusbar").get_by_text("Idle").wait_for()  # the kernel has started
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def _cell(page: Page, source: str) -> Locator:
    return page.locator(".jp-CodeCell", has=page.locator(".jp-InputArea", has_text=source))


def _bring_into_view(page: Page, picture: Locator) -> None:
    page.wait_for_function(_SCROLL_UNTIL_STILL, arg=picture.element_handle(), polling=300)
    expect(picture).to_be_in_viewport(ratio=0.95)
