"""Pictures dropped onto the Projects panel, in a real JupyterLab and a real browser."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile
from playwright.sync_api import Browser, Locator, Page, Request, Route, expect

import labkit_lab
from labkit.project import Project
from labkit.testing.browser import patient_page
from labkit.testing.lab import Lab, running_lab
from labkit.testing.pictures import noise_picture, write_png, write_tiff
from labkit.testing.runs import wait_until
from labkit.tiling import open_image

pytestmark = pytest.mark.browser

LABEXTENSION = Path(labkit_lab.__file__).parent / "labextension"
LARGE_MB = int(os.environ.get("LABKIT_UPLOAD_MB", "200"))

# Playwright cannot drag files in from outside: the events are those of the browser, the files come through a file input.
_DROP = """
async ([selector, paths]) => {
  const data = new DataTransfer();
  for (const file of document.getElementById('labkit-test-files').files) data.items.add(file);
  const target = document.querySelector(selector);
  for (const type of ['dragenter', 'dragover', 'drop'])
    target.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
}
"""
_INPUT = """
() => {
  const input = document.createElement('input');
  input.type = 'file'; input.multiple = true; input.id = 'labkit-test-files';
  document.body.append(input);
}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab"), LABEXTENSION, labkit_lab.LABEXTENSION_NAME) as lab:
        yield lab


@pytest.fixture
def cells(lab: Lab, request: pytest.FixtureRequest) -> Project:
    """A project of its own for each test."""
    return Project.create(lab.projects, re.sub(r"\W+", "-", request.node.name))


@pytest.fixture
def page(browser: Browser, lab: Lab, cells: Project) -> Iterator[Page]:
    with patient_page(browser, height=900) as page:
        _open(page, lab)
        yield page


def _is_piece(request: Request) -> bool:
    """Whether this carries a piece of a file: JupyterLab itself puts the state of its window, too."""
    return request.method == "PUT" and "/labkit/api/uploads/" in request.url


def _open(page: Page, lab: Lab) -> None:
    page.goto(lab.url)
    page.get_by_role("region", name="LabKit projects").wait_for()


def _card(page: Page, project: Project) -> Locator:
    return page.locator(f'[data-project-id="{project.id}"]')


def _drop(page: Page, project: Project, *files: Path) -> None:
    """Drop files onto a project's card."""
    _card(page, project).wait_for()
    if page.locator("#labkit-test-files").count() == 0:
        page.evaluate(_INPUT)
    page.locator("#labkit-test-files").set_input_files([str(file) for file in files])
    page.evaluate(_DROP, [f'[data-project-id="{project.id}"]', []])


def _row(page: Page, project: Project, name: str) -> Locator:
    return _card(page, project).locator(f'[data-upload-name="{name}"]')


def _expect_state(row: Locator, state: str) -> None:
    expect(row).to_have_attribute("data-upload-state", state)


def test_a_dropped_picture_becomes_an_image(page: Page, cells: Project, tmp_path: Path) -> None:
    """The line ends with the thumbnail, the project counts one more image, and its pixels are those of the file."""
    picture = noise_picture(600, 700, channels=3)
    _drop(page, cells, write_tiff(tmp_path / "slide.tif", picture, compression="zlib"))
    row = _row(page, cells, "slide.tif")
    _expect_state(row, "done")
    expect(row.locator("img")).to_be_visible()
    expect(_card(page, cells).locator("dd").first).to_have_text("1")
    (record,) = cells.images()
    np.testing.assert_array_equal(np.moveaxis(open_image(cells, record.id).read(), 0, -1), picture)
    assert record.name == "slide.tif"


def test_a_line_that_ended_can_be_taken_out(page: Page, cells: Project, tmp_path: Path) -> None:
    """The cross removes the line, not the image."""
    _drop(page, cells, write_png(tmp_path / "a.png", noise_picture(30, 40)))
    row = _row(page, cells, "a.png")
    _expect_state(row, "done")
    row.get_by_role("button", name="Take a.png out of this list").click()
    expect(row).to_have_count(0)
    assert len(cells.images()) == 1


def test_what_is_no_picture_is_refused_in_words(page: Page, cells: Project, tmp_path: Path) -> None:
    """The line says why and what to do, and another file of the same drop arrives."""
    bad = tmp_path / "notes.txt"
    bad.write_text("no picture")
    _drop(page, cells, bad, write_png(tmp_path / "good.png", noise_picture(30, 40)))
    expect(_row(page, cells, "notes.txt").get_by_role("alert")).to_contain_text("is not a picture")
    _expect_state(_row(page, cells, "good.png"), "done")


def test_a_question_is_asked_and_its_answer_taken(page: Page, cells: Project, tmp_path: Path) -> None:
    """A file with pages asks what they are; the default is chosen, another can be."""
    stack = tmp_path / "pages.tif"
    tifffile.imwrite(stack, noise_picture(3, 50 * 60).reshape(3, 50, 60), photometric="minisblack", metadata=None)
    _drop(page, cells, stack)
    row = _row(page, cells, "pages.tif")
    _expect_state(row, "asks")
    row.get_by_role("button", name="Answer…").click()
    dialog = page.locator(".labkit-Questions-dialog")
    expect(dialog.get_by_role("radio", name="separate pictures: an image each")).to_be_checked()
    dialog.get_by_role("radio", name="a stack in depth (z)").check()
    dialog.get_by_role("button", name="Import").click()
    _expect_state(row, "done")
    (record,) = cells.images()
    assert (record.axes, record.shape) == (("z", "y", "x"), (3, 50, 60))


def test_one_answer_goes_for_all_files_of_a_drop(page: Page, cells: Project, tmp_path: Path) -> None:
    """With the box ticked, nobody is asked again."""
    files = []
    for k in range(3):
        files.append(tmp_path / f"{k}.tif")
        tifffile.imwrite(files[-1], noise_picture(2, 50 * 60, seed=k).reshape(2, 50, 60), photometric="minisblack", metadata=None)
    _drop(page, cells, *files)
    row = _row(page, cells, "0.tif")
    _expect_state(row, "asks")
    row.get_by_role("button", name="Answer…").click()
    dialog = page.locator(".labkit-Questions-dialog")
    dialog.get_by_label("The same for all files that I dropped with it").check()
    dialog.get_by_role("radio", name="a stack in depth (z)").check()
    dialog.get_by_role("button", name="Import").click()
    for k in range(3):
        _expect_state(_row(page, cells, f"{k}.tif"), "done")
    assert [record.stack for record in cells.images()] == [(("z", 2),)] * 3


@pytest.mark.ci
def test_a_dropped_connection_is_taken_up_again(page: Page, cells: Project, tmp_path: Path) -> None:
    """Requests that break are tried again, the line says so meanwhile, and the file is whole."""
    broken: list[str] = []
    told: list[bool] = []

    def _break_some(route: Route) -> None:
        if route.request.method == "PUT" and (len(broken) < 3 or not told):
            broken.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/labkit/api/uploads/**", _break_some)
    picture = noise_picture(2500, 2500)
    _drop(page, cells, write_tiff(tmp_path / "a.tif", picture))
    expect(_row(page, cells, "a.tif")).to_contain_text("connection is lost")
    told.append(True)
    _expect_state(_row(page, cells, "a.tif"), "done")
    assert len(broken) >= 3
    (record,) = cells.images()
    np.testing.assert_array_equal(open_image(cells, record.id).read(), picture)


@pytest.mark.ci
def test_an_upload_goes_on_after_a_reload(page: Page, lab: Lab, cells: Project, tmp_path: Path) -> None:
    """A reloaded page says how far the file is; dropped again, it goes on there and arrives whole."""
    pieces: list[str] = []
    blocked = [True]

    def _stop_after_two(route: Route) -> None:
        if _is_piece(route.request):
            pieces.append(route.request.url)
            if blocked[0] and len(pieces) > 2:
                route.abort("connectionreset")
                return
        route.continue_()

    page.route("**/labkit/api/uploads/**", _stop_after_two)
    picture = noise_picture(4000, 4000)
    path = write_tiff(tmp_path / "a.tif", picture)
    _drop(page, cells, path)
    expect(_row(page, cells, "a.tif")).to_contain_text("connection is lost")
    page.on("dialog", lambda dialog: dialog.accept())  # the browser asks whether to leave
    _open(page, lab)
    expect(_row(page, cells, "a.tif")).to_contain_text(re.compile(r"Stopped at 4\d %\. Drop the file again"))
    blocked[0] = False
    offsets: list[str] = []
    page.on("request", lambda request: offsets.append(request.url) if _is_piece(request) else None)
    _drop(page, cells, path)
    _expect_state(_row(page, cells, "a.tif"), "done")
    assert "offset=8388608&" in offsets[0]
    (record,) = cells.images()
    np.testing.assert_array_equal(open_image(cells, record.id).read(), picture)


def test_an_upload_can_be_cancelled(page: Page, cells: Project, tmp_path: Path) -> None:
    """The cross ends it, and nothing of it is left in the project."""
    page.route("**/labkit/api/uploads/*?offset=4194304&*", lambda route: None)  # the second piece hangs
    _drop(page, cells, write_tiff(tmp_path / "a.tif", noise_picture(4000, 4000)))
    row = _row(page, cells, "a.tif")
    expect(row).to_contain_text("4.2 MB of")
    row.get_by_role("button", name="Cancel a.tif").click()
    expect(row).to_have_count(0)
    wait_until(lambda: _left_of_uploads(cells) == [])  # the line goes at once, and then the server is told


def _left_of_uploads(project: Project) -> list[str]:
    return [f.name for f in project.layout.uploads.rglob("*") if f.is_file() and f.suffix != ".lock"]


@pytest.mark.ci
def test_a_large_file_takes_little_memory(page: Page, lab: Lab, cells: Project, tmp_path: Path) -> None:
    """Server and page take a small part of what passes through them."""
    side = int((LARGE_MB * 1e6) ** 0.5)
    path = tmp_path / "large.tif"
    block = noise_picture(256, 256)
    tiles = (block for _ in range((-(-side // 256)) ** 2))
    tifffile.imwrite(path, tiles, shape=(side, side), dtype=np.uint8, tile=(256, 256), photometric="minisblack", metadata=None)
    server = psutil.Process(lab.pid)
    before, peak = server.memory_info().rss, 0
    session = page.context.new_cdp_session(page)
    heap = 0
    _drop(page, cells, path)
    row = _row(page, cells, "large.tif")
    while row.get_attribute("data-upload-state") not in ("done", "failed"):
        peak = max(peak, server.memory_info().rss)
        heap = max(heap, session.send("Runtime.getHeapUsage")["usedSize"])
        page.wait_for_timeout(50)
    _expect_state(row, "done")
    assert peak - before < 150e6
    assert heap < 300e6


@pytest.mark.slow
@pytest.mark.ci
def test_a_killed_server_goes_on_with_what_it_had(browser: Browser, tmp_path: Path) -> None:
    """SIGKILL while a file arrives: the next server knows every acknowledged byte."""
    place = tmp_path / "lab"
    place.mkdir()
    picture = noise_picture(4000, 4000)
    path = write_tiff(tmp_path / "a.tif", picture)
    with running_lab(place, LABEXTENSION, labkit_lab.LABEXTENSION_NAME) as first, patient_page(browser) as page:
        project = Project.create(first.projects, "killed")
        _open(page, first)
        page.route("**/labkit/api/uploads/*?offset=8388608&*", lambda route: None)
        _drop(page, project, path)
        expect(_row(page, project, "a.tif")).to_contain_text("8.4 MB of")
        os.kill(first.pid, signal.SIGKILL)
    (received,) = project.layout.uploads.glob("*/received")
    assert received.read_text() == "8388608"
    (content,) = project.layout.uploads.glob("*/content/*")
    assert content.read_bytes()[:8388608] == path.read_bytes()[:8388608]
