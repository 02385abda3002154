"""What of a picture the annotator shows, and how, in a real JupyterLab and a real browser: pixels of the canvas are read."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from labkit.annotations import Editor, new_object, open_document, resolve_author
from labkit.annotations.edits import put
from labkit.geometry import Rectangle
from labkit.project import Project
from labkit.testing.annotator import Annotator
from labkit.testing.browser import patient_page, place_of
from labkit.testing.lab import Lab, reload_lab
from labkit.testing.pictures import write_tiff
from labkit.tiling import import_image

pytestmark = pytest.mark.browser

SIDE_PX = 600
PLANES = 3


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A screen with two pixels for each CSS pixel."""
    with patient_page(browser, height=900, density=2) as page:
        yield page


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> Project:
    """A project with a stack of 16 bits: three planes of two channels, each flat, with a bright spot that sets the range of values."""
    project = Project.create(lab.projects, "cells", classes=["nucleus", "membrane"])
    stack = np.zeros((PLANES, 2, SIDE_PX, SIDE_PX), dtype=np.uint16)
    stack[:, 0] = np.array((500, 1000, 2000), dtype=np.uint16)[:, None, None]
    stack[:, 1] = 300
    stack[..., :40, :40] = 4000
    path = write_tiff(tmp_path / "stack.ome.tif", stack, tile_px=None, ome=True, metadata={"axes": "ZCYX"})
    record = import_image(project, path)
    box = Rectangle(100, 100, 300, 300)
    Editor(project, record.id).apply(put(new_object(box, class_id=1, z=1, author=resolve_author())))
    return project


def _open(page: Page, lab: Lab) -> Locator:
    page.goto(lab.url)
    card = page.get_by_role("region", name="LabKit projects").get_by_role("listitem", name="cells")
    card.get_by_text("Images", exact=True).click()
    card.get_by_role("button", name="Annotate stack.ome.tif").click()
    return _painted(page)


def _painted(page: Page) -> Locator:
    annotator = Annotator(page)
    annotator.is_painted()
    return annotator.root


LAYERS = "(node, [y, x]) => { const c = node.parentElement.querySelector('canvas'); const k = Math.min(c.height, c.width) * 0.96 / 600; "
PIXEL = (
    LAYERS
    + "return [...c.getContext('2d').getImageData(c.width / 2 + (x - 300) * k, c.height / 2 + (y - 300) * k, 1, 1).data].slice(0, 3); }"
)


def _shows(annotator: Locator, y: int, x: int, colour: tuple[int, int, int], tolerance: int = 6, *, other: bool = False) -> None:
    """Wait until the whole picture is seen with this colour at one of its pixels; with `other`, until it is another one."""
    canvas = annotator.get_by_role("application").element_handle()
    annotator.page.wait_for_function(
        f"([node, place, colour, most, other]) => ({PIXEL})(node, place).every((v, k) => Math.abs(v - colour[k]) <= most) !== other",
        arg=[canvas, [y, x], colour, tolerance, other],
    )


def _seen(annotator: Locator, y: int, x: int) -> list[int]:
    found: list[int] = annotator.get_by_role("application").evaluate(PIXEL, [y, x])
    return found


def test_planes_channels_and_windows(page: Page, lab: Lab, project: Project) -> None:
    """Another plane, window or channel is another picture, also after a reload; objects are seen and drawn in their plane."""
    annotator = _open(page, lab)
    view = annotator.get_by_role("region", name="View")
    for channel, colour in [("channel 1", "#ff0000"), ("channel 2", "#00ff00")]:
        view.get_by_label(f"Colour of {channel}").fill(colour)
        view.get_by_role("spinbutton", name=f"Darkest value {channel}").fill("0")
        view.get_by_role("spinbutton", name=f"Brightest value {channel}").fill("2000")
    _shows(annotator, 500, 500, (128, 38, 0))  # plane 1 of channel 1 is half of 2000

    plane = view.get_by_role("spinbutton", name="Plane z")
    expect(plane).to_have_value("1")
    expect(annotator.get_by_role("listbox").get_by_role("option")).to_have_text("1 nucleus box (z 1)")
    _shows(annotator, 200, 200, (128, 38, 0), other=True)  # there is an object on it
    annotator.get_by_role("application").focus()
    page.keyboard.press("PageUp")
    expect(plane).to_have_value("2")
    _shows(annotator, 500, 500, (255, 38, 0))
    _shows(annotator, 200, 200, (255, 38, 0))  # the object of plane 1 is not drawn
    expect(annotator.locator("[role=option][data-elsewhere]")).to_have_count(1)

    view.get_by_role("spinbutton", name="Brightest value channel 1").fill("4000")
    _shows(annotator, 500, 500, (128, 38, 0))
    view.get_by_role("checkbox", name="channel 2").uncheck()
    _shows(annotator, 500, 500, (128, 0, 0))

    view.get_by_label("Colour of channel 1").fill("#ffffff")
    _shows(annotator, 500, 500, (128, 128, 128))
    page.route("**/tiles/stream?*", lambda route: None)
    view.get_by_role("spinbutton", name="Brightest value channel 1").fill("8000")
    _shows(annotator, 500, 500, (64, 64, 64))  # at once, though no tile has come
    expect(annotator.get_by_role("application")).to_have_attribute("data-picture", "loading")
    page.unroute("**/tiles/stream?*")  # lets go of those that wait
    expect(annotator.get_by_role("application")).to_have_attribute("data-picture", "complete")
    _shows(annotator, 500, 500, (64, 64, 64))

    image_id = project.images()[0].id
    reload_lab(page, lab, tab=image_id)
    annotator = _painted(page)
    _shows(annotator, 500, 500, (64, 64, 64))
    expect(view.get_by_role("checkbox", name="channel 2")).not_to_be_checked()

    annotator.get_by_role("button", name="Box").click()
    drawn = Annotator(page)
    drawn.drag((0.6, 0.5), (0.7, 0.6))
    expect(drawn.objects).to_have_count(2)
    drawn.is_saved()
    assert [item.z for item in open_document(project, image_id, resolve_author()).objects] == [1, 2]

    view.get_by_role("button", name="Auto").click()
    expect(view.get_by_role("spinbutton", name="Darkest value channel 1")).to_have_value("2000")
    view.get_by_role("button", name="Reset").click()
    expect(view.get_by_role("checkbox", name="channel 2")).to_be_checked()


@pytest.mark.ci
def test_objects_mask_map_and_pixels_of_the_screen(page: Page, lab: Lab, project: Project) -> None:
    """The canvas is as sharp as the screen; objects change colour and go away, the mask lies over the picture, the map moves it."""
    annotator = _open(page, lab)
    canvas = annotator.get_by_role("application")
    wide = canvas.evaluate("node => node.clientWidth")
    expect(canvas).to_have_attribute("width", str(2 * wide))
    screen = page.context.new_cdp_session(page)
    for density in (1, 2):  # to another monitor and back: the size in CSS pixels stays
        facts = {"width": 1280, "height": 900, "deviceScaleFactor": density, "mobile": False}
        screen.send("Emulation.setDeviceMetricsOverride", facts)
        x, y = _middle(canvas)
        page.mouse.move(x, y + density)
        expect(canvas).to_have_attribute("width", str(density * wide))
    view = annotator.get_by_role("region", name="View")
    for channel in ("channel 1", "channel 2"):
        view.get_by_role("checkbox", name=channel).uncheck()
    _shows(annotator, 500, 500, (0, 0, 0))

    view.get_by_label("Show as").select_option("fill")
    view.get_by_label("Colours").select_option("okabe-ito")
    _shows(annotator, 200, 200, (138, 95, 0))  # their orange, at the strength of a fill
    page.keyboard.press("h")
    _shows(annotator, 200, 200, (0, 0, 0))
    canvas.focus()
    page.keyboard.press("h")
    _shows(annotator, 200, 200, (138, 95, 0))

    view.get_by_label("Show as").select_option("outline")
    _shows(annotator, 200, 200, (0, 0, 0))
    view.get_by_role("checkbox", name="What training sees").press("Space")
    expect(canvas).to_have_attribute("data-mask", "complete")
    _shows(annotator, 200, 200, (144, 99, 0), 8)  # the class of the object
    grey = _seen(annotator, 500, 500)
    assert 20 < grey[0] < 110  # nobody has looked there: hatched
    assert max(grey) - min(grey) < 4

    frame = annotator.locator(".labkit-Annotator-overview canvas")
    _frames(frame, 300, 300, 1 / 0.96)
    zoom = annotator.get_by_role("group", name="Zoom")
    zoom.get_by_role("button", name="Zoom in").click()
    zoom.get_by_role("button", name="Zoom in").click()
    frame.click(position={"x": 40, "y": 40})
    _frames(frame, 150, 150, 1 / 0.96 / 1.5**2)
    annotator.page.mouse.move(*_middle(canvas))
    expect(annotator.locator(".labkit-Annotator-place")).to_contain_text("x 150, y 150 px")
    annotator.get_by_role("button", name="Hide the overview map").click()
    expect(frame).to_be_hidden()


def _frames(map_: Locator, y: int, x: int, share: float) -> None:
    """Wait until the map's frame is around a pixel of the picture, and its shorter side is that share of the picture's."""
    map_.page.wait_for_function(
        """([node, y, x, share]) => {
            const [left, top, wide, tall] = node.dataset.frame.split(' ').map(part => Number(part) / node.width);
            const off = [600 * (left + wide / 2) - x, 600 * (top + tall / 2) - y, 600 * (Math.min(wide, tall) - share)];
            return off.every(one => Math.abs(one) < 8);
        }""",
        arg=[map_.element_handle(), y, x, share],
    )


def _middle(node: Locator) -> tuple[float, float]:
    box = place_of(node)
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
