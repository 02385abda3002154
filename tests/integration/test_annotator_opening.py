"""How the annotator's tabs open, in a real JupyterLab and a real browser: several at once, after a reload, and against odds."""

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import labkit_lab
from labkit.project import Project
from labkit.testing.browser import on_screen, patient_page, place_of
from labkit.testing.lab import WITHIN_S, Lab, kept_workspace, kernels_of, running_lab
from labkit.testing.pictures import noise_picture, write_png
from labkit.testing.runs import wait_until
from labkit.tiling import import_image

pytestmark = pytest.mark.browser

LABEXTENSION = Path(labkit_lab.__file__).parent / "labextension"
ANNOTATOR = ".labkit-Annotator"


@pytest.fixture
def lab(tmp_path: Path, browser: Browser) -> Iterator[Lab]:
    """A JupyterLab whose one project holds two pictures."""
    with running_lab(tmp_path, LABEXTENSION, labkit_lab.LABEXTENSION_NAME) as lab:
        project = Project.create(lab.projects, "cells", classes=["nucleus"])
        for name, width_px in (("a.png", 800), ("b.png", 700)):
            import_image(project, write_png(tmp_path / name, noise_picture(600, width_px)))
        yield lab


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with patient_page(browser, width=1400) as page:
        yield page


def _annotate(page: Page, *names: str) -> None:
    """Click on Annotate of images, one right after the other."""
    card = page.get_by_role("region", name="LabKit projects").get_by_role("listitem", name="cells")
    card.get_by_text("Images", exact=True).click()
    for name in names:
        card.get_by_role("button", name=f"Annotate {name}").click()


def _tab(page: Page, title: str) -> Locator:
    return page.locator(".labkit-AnnotatorTab-title").filter(has_text=title)


def _painted(annotator: Locator) -> Locator:
    """Wait until picture and document are there, in their place."""
    annotator.get_by_role("application").wait_for()
    on_screen(annotator.page)
    expect(annotator.get_by_role("application")).to_have_attribute("data-picture", "complete")
    expect(annotator.get_by_role("status")).to_have_text("Saved")
    return annotator


def _draw_box(page: Page, annotator: Locator) -> None:
    annotator.get_by_role("button", name="Box").click()
    box = place_of(annotator.get_by_role("application"))
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.4 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.6 * box["height"], steps=4)
    page.mouse.up()


def _ask(lab: Lab, method: str, path: str) -> Any:
    token = urllib.parse.parse_qs(urllib.parse.urlsplit(lab.url).query)["token"][0]
    headers = {"Authorization": f"token {token}"}
    request = urllib.request.Request(urllib.parse.urljoin(lab.url, path), method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=WITHIN_S) as response:
        body = response.read()
    return json.loads(body) if body else None


def _kept_tabs(page: Page, lab: Lab) -> set[str]:
    """Return the annotators' tabs that JupyterLab would restore, by image and view."""
    layout = json.dumps(kept_workspace(page, lab).get("layout-restorer:data"))
    return {name.partition("-")[2] for name in re.findall(r'labkit-annotator:([^"]+)', layout)}


def _is_whole(view: Locator) -> None:
    """Wait until a view of a.png says that it shows the picture as a whole."""
    view.page.wait_for_function(
        """([node, shown]) => {
            const percent = 96 * Math.min(node.clientHeight / 600, node.clientWidth / 800);
            return Math.abs(parseFloat(shown.textContent) - percent) < 1;
        }""",
        arg=[view.get_by_role("application").element_handle(), view.locator(".labkit-Annotator-zoom").element_handle()],
    )


def test_views_share_a_kernel_and_a_document_until_the_last_is_closed(page: Page, lab: Lab) -> None:
    """Each has its own zoom and choice.

    Two images opened at once have one kernel; another view shows what is drawn in the first; both are there after a reload; closing
    one tab leaves the kernel to the others, closing the last ends it.
    """
    a = next(image for image in Project.open(lab.projects / "cells").images() if image.name == "a.png")
    page.goto(lab.url)
    _annotate(page, "a.png", "b.png")
    _painted(page.locator(f"{ANNOTATOR}:visible"))
    _tab(page, "a.png").click(button="right")
    page.get_by_role("menuitem", name="Open Another View").click()
    expect(page.locator(f"{ANNOTATOR}:visible")).to_have_count(2)
    expect(_tab(page, "a.png (view 2)")).to_be_visible()
    assert len(_ask(lab, "GET", "api/sessions")) == len(_ask(lab, "GET", "api/kernels")) == 1

    _tab(page, "b.png").locator(".lm-TabBar-tabCloseIcon").click()
    _tab(page, "a.png").first.click()
    views = page.locator(f"{ANNOTATOR}:visible")
    first, second = _painted(views.nth(0)), _painted(views.nth(1))
    _draw_box(page, first)
    expect(second.get_by_role("listbox").get_by_role("option")).to_have_text(["1 nucleus box"])
    expect(first.get_by_role("listbox").get_by_role("option", selected=True)).to_have_count(1)
    expect(second.get_by_role("listbox").get_by_role("option", selected=True)).to_have_count(0)
    _is_whole(second)
    first.get_by_role("application").press("0")
    expect(first.locator(".labkit-Annotator-zoom")).to_have_text("100 %")
    on_screen(page)
    _is_whole(second)

    wait_until(lambda: _kept_tabs(page, lab) == {a.id, f"{a.id}-2"})
    page.goto(lab.url.replace("reset&", ""))
    for k in range(2):
        expect(_painted(page.locator(f"{ANNOTATOR}:visible").nth(k)).get_by_role("listbox").get_by_role("option")).to_have_text(
            ["1 nucleus box"]
        )
    assert len(_ask(lab, "GET", "api/kernels")) == 1
    _tab(page, "a.png (view 2)").locator(".lm-TabBar-tabCloseIcon").click()
    expect(page.locator(ANNOTATOR)).to_have_count(1)
    _draw_box(page, _painted(page.locator(f"{ANNOTATOR}:visible")))
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(2)
    _tab(page, "a.png").locator(".lm-TabBar-tabCloseIcon").click()
    wait_until(lambda: _ask(lab, "GET", "api/kernels") == [])


@pytest.mark.ci
def test_opening_says_what_is_wrong_and_tries_again(page: Page, lab: Lab) -> None:
    """A server that does not answer and a kernel that was ended are told in words, with a button that works.

    A kernel that dies while it starts is started again without one.
    """
    page.goto(lab.url)
    # not what JupyterLab itself asks now and then: it would put a dialog over everything
    page.route("**/api/sessions*", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    _annotate(page, "a.png")
    alert = page.locator(".labkit-AnnotatorTab").get_by_role("alert")
    expect(alert).to_contain_text("The server does not answer")
    page.unroute("**/api/sessions*")

    alert.get_by_role("button", name="Try again").click()
    wait_until(lambda: kernels_of(lab))
    for kernel in kernels_of(lab):
        kernel.kill()
    annotator = _painted(page.locator(ANNOTATOR))
    expect(alert).to_have_count(0)

    (session,) = _ask(lab, "GET", "api/sessions")
    _ask(lab, "DELETE", f"api/sessions/{session['id']}")
    expect(alert).to_contain_text("The kernel has ended")
    _draw_box(page, annotator)
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)
    expect(_painted(page.locator(ANNOTATOR)).get_by_role("listbox").get_by_role("option")).to_have_text(["1 nucleus box"])
