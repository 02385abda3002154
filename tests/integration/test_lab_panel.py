"""The Projects panel in a real JupyterLab, used by a real browser."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

import labkit_lab
from labkit.project import Project
from labkit.testing.browser import contrasts, patient_page
from labkit.testing.lab import Lab, kept_workspace, running_lab
from labkit.testing.runs import wait_until
from labkit.tiling import import_image

pytestmark = pytest.mark.browser

LABEXTENSION = Path(labkit_lab.__file__).parent / "labextension"
A_WHILE_MS = 12_000  # longer than the panel waits between two looks at the list


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab"), LABEXTENSION, labkit_lab.LABEXTENSION_NAME) as lab:
        yield lab


@pytest.fixture
def lab(shared_lab: Lab) -> Lab:
    """Empty the home of the shared server."""
    for path in shared_lab.home.iterdir():
        if not path.name.startswith("."):
            shutil.rmtree(path)
    return shared_lab


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with patient_page(browser) as page:
        yield page


def _open_lab(page: Page, lab: Lab) -> Locator:
    """Open JupyterLab in a new workspace, where the Projects panel shows by itself, and return the panel."""
    page.goto(lab.url)
    page.locator("#jp-main-dock-panel .jp-Launcher").wait_for()
    panel = page.get_by_role("region", name="LabKit projects")
    expect(panel).to_be_visible()
    return panel


def _fill_in(page: Page, name: str, classes: str = "") -> Locator:
    """Fill the open dialog in, send it, and return it."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill(name)
    dialog.get_by_label("Classes (optional)").fill(classes)
    dialog.get_by_role("button", name="Create").click()
    return dialog


def test_a_project_is_made_listed_refused_twice_and_opened(page: Page, lab: Lab) -> None:
    """The panel makes a project, lists it, says why the same name is refused, and opens its folder."""
    panel = _open_lab(page, lab)
    expect(panel.get_by_text("No projects yet")).to_be_visible()

    panel.get_by_role("button", name="New project").click()
    expect(_fill_in(page, "axons", "axon, myelin")).to_be_hidden()
    card = panel.get_by_role("listitem", name="axons")
    expect(card).to_contain_text("axon, myelin")
    assert [c.name for c in Project.open(lab.projects / "axons").classes] == ["axon", "myelin"]

    panel.get_by_role("button", name="New project").click()
    dialog = _fill_in(page, "axons")
    expect(dialog.get_by_role("alert")).to_have_text(
        "A project or folder 'axons' is there already. Choose another name, or open the one that is there."
    )
    expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()

    card.get_by_role("button", name="Open the folder of axons").click()
    files = page.get_by_role("region", name="File Browser Section")
    expect(files.get_by_role("listitem", name=re.compile("project.json"))).to_be_visible()
    expect(files.locator(".jp-BreadCrumbs")).to_contain_text("axons")


def test_all_by_keyboard(page: Page, lab: Lab) -> None:
    """The palette shows the panel, and Enter and typing alone make a project."""
    page.goto(lab.url)
    expect(page.get_by_role("region", name="LabKit projects")).to_be_visible()
    expect(page.get_by_role("button", name="LabKit")).to_be_visible()  # the launcher's card: it takes the focus, and the palette closes
    page.evaluate("jupyterapp.restored.then(() => true)")
    page.wait_for_function("jupyterapp.commands.keyBindings.some(({command}) => command === 'apputils:activate-command-palette')")
    page.keyboard.press("Control+Shift+C")
    expect(page.locator(".lm-CommandPalette-input")).to_be_focused()
    page.keyboard.type("Show Projects")
    expect(page.locator(".lm-CommandPalette-item.lm-mod-active")).to_contain_text("Show Projects")
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="New project")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("typed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("listitem", name="typed")).to_be_visible()
    expect(button).to_be_focused()


@pytest.mark.ci
def test_launcher_card_reveals_the_panel(page: Page, lab: Lab) -> None:
    """The card "LabKit" of the launcher reveals the panel."""
    panel = _open_lab(page, lab)
    page.get_by_role("tab", name="File Browser").click()
    expect(panel).to_be_hidden()
    page.locator(".jp-LauncherCard[title^='Your image projects']").click()
    expect(panel).to_be_visible()


@pytest.mark.ci
def test_a_workspace_that_is_not_new_stays_as_it_was_left(page: Page, lab: Lab) -> None:
    """Who put the file browser in front finds it there after a reload."""
    panel = _open_lab(page, lab)
    page.get_by_role("tab", name="File Browser").click()
    wait_until(lambda: _kept_left(page, lab) == "filebrowser")
    page.goto(lab.url.replace("reset&", ""))
    expect(page.get_by_role("region", name="File Browser Section")).to_be_visible()
    page.locator("#jp-main-dock-panel .jp-Launcher").wait_for()
    page.evaluate("jupyterapp.restored.then(() => true)")  # then the panel would show itself
    expect(panel).to_be_hidden()


def _kept_left(page: Page, lab: Lab) -> str | None:
    """Return what JupyterLab has kept as the front of its left area."""
    layout = kept_workspace(page, lab).get("layout-restorer:data") or {}
    return (layout.get("left") or {}).get("current")


def test_change_from_outside_is_seen(page: Page, lab: Lab) -> None:
    """A project that a terminal makes appears without a click, and one that is removed goes."""
    page.clock.install()
    panel = _open_lab(page, lab)
    expect(panel.get_by_text("No projects yet")).to_be_visible()
    project = Project.create(lab.projects, "from-a-terminal")
    page.clock.run_for(A_WHILE_MS)
    expect(panel.get_by_role("listitem", name="from-a-terminal")).to_be_visible()
    shutil.rmtree(project.path)
    page.clock.run_for(A_WHILE_MS)
    expect(panel.get_by_text("No projects yet")).to_be_visible()


@pytest.mark.ci
def test_panel_that_nobody_sees_asks_nothing(page: Page, lab: Lab) -> None:
    """The list is read while the panel is seen, not while another is in front of it, and at once when it comes back."""
    page.clock.install()
    panel = _open_lab(page, lab)
    expect(panel.get_by_text("No projects yet")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "labkit/api/projects" in request.url else None)
    with page.expect_request("**/labkit/api/projects*"):
        page.clock.run_for(A_WHILE_MS)
    assert all("no_track_activity=1" in url for url in asked)
    assert asked

    page.get_by_role("tab", name="File Browser").click()
    expect(panel).to_be_hidden()
    _hear_all(page)
    asked.clear()
    page.clock.run_for(10 * A_WHILE_MS)
    _hear_all(page)
    assert asked == []

    Project.create(lab.projects, "made-meanwhile")
    page.get_by_role("tab", name="LabKit projects").click()
    expect(panel.get_by_role("listitem", name="made-meanwhile")).to_be_visible()


def _hear_all(page: Page) -> None:
    """Wait until each request that the page has made is told: one of our own is told after them."""
    with page.expect_response("**/?last-of-all"):
        page.evaluate("fetch('/?last-of-all').catch(() => null).then(() => true)")


@pytest.mark.ci
def test_first_lesson_is_offered(page: Page, lab: Lab) -> None:
    """Where the course is in the home, the empty panel opens its first lesson."""
    (lab.home / "course").mkdir()
    (lab.home / "course" / "01-first-project.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    panel = _open_lab(page, lab)
    panel.get_by_role("button", name="Open the first lesson").click()
    expect(page.get_by_role("tab", name="01-first-project.ipynb")).to_be_visible()


def test_server_that_is_away_is_said_and_mended(page: Page, lab: Lab) -> None:
    """A server that does not answer is said in words beside the old list; "Try again" brings the new one."""
    Project.create(lab.projects, "old")
    panel = _open_lab(page, lab)
    expect(panel.get_by_role("listitem", name="old")).to_be_visible()
    page.route("**/labkit/api/projects*", lambda route: route.abort())
    panel.get_by_role("button", name="Refresh the list of projects").click()
    expect(panel.get_by_role("alert")).to_contain_text("The server does not answer.")
    expect(panel.get_by_role("listitem", name="old")).to_be_visible()
    page.unroute("**/labkit/api/projects*")
    panel.get_by_role("button", name="Try again").click()
    expect(panel.get_by_role("alert")).to_be_hidden()


def test_refusal_in_the_words_of_the_server_is_shown(page: Page, lab: Lab) -> None:
    """A refusal in the server's words reaches the panel as it is."""
    error = {"type": "NotWritable", "message": "The folder cannot be read.", "hint": "Ask its owner."}
    page.route("**/labkit/api/projects*", lambda route: route.fulfill(status=403, json={"error": error}))
    panel = _open_lab(page, lab)
    expect(panel.get_by_role("alert")).to_contain_text("The folder cannot be read. Ask its owner.")


def _draw_discs(path: Path) -> None:
    """Write a picture of bright discs on a dark ground."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:320, :420]
    picture = np.full(y.shape, 20.0)
    for cy, cx, r in zip(rng.uniform(0, 320, 40), rng.uniform(0, 420, 40), rng.uniform(10, 24, 40), strict=True):
        picture += 150 * np.exp(-((((y - cy) ** 2 + (x - cx) ** 2) / r**2) ** 2))
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path)


@pytest.mark.ci
def test_cover_picture_is_shown(page: Page, lab: Lab, tmp_path: Path) -> None:
    """A project with a picture shows it, and counts it."""
    project = Project.create(lab.projects, "nuclei", classes=["nucleus"])
    _draw_discs(tmp_path / "discs.png")
    import_image(project, tmp_path / "discs.png")
    card = _open_lab(page, lab).get_by_role("listitem", name="nuclei")
    cover = card.locator("img").element_handle()
    page.wait_for_function("node => node.complete && node.naturalWidth > 0", arg=cover)
    expect(card.get_by_role("definition").first).to_have_text("1")


@pytest.mark.ci
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"])
def test_texts_can_be_read(page: Page, lab: Lab, theme: str) -> None:
    """Every text of the panel stands out from its ground by 4.5 to 1, as WCAG asks."""
    Project.create(lab.projects, "axons", classes=["axon", "myelin"])
    panel = _open_lab(page, lab)
    page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    expect(page.locator(f"body[data-jp-theme-name='{theme}']")).to_be_attached()
    expect(panel.get_by_role("listitem", name="axons")).to_be_visible()
    found = contrasts(panel)
    assert {text: ratio for text, ratio in found.items() if ratio < 4.5} == {}
    assert "axons" in found


@pytest.mark.ci
def test_server_part_that_is_missing_is_said(page: Page, browser: Browser, tmp_path: Path) -> None:
    """Without the server extension JupyterLab works, and the panel says what is missing and how to switch it on."""
    with running_lab(tmp_path, LABEXTENSION, labkit_lab.LABEXTENSION_NAME, server_part=False) as lab:
        panel = _open_lab(page, lab)
        expect(panel.get_by_role("alert")).to_contain_text("LabKit's part of the Jupyter server is not running.")
        expect(panel.get_by_role("button", name="New project")).to_be_disabled()
