"""The tools in a real browser: every one of them, the assistant, proposals, fingers, many objects, and what keeps work from being saved."""

import resource
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

import labkit_lab
from labkit.annotations import AnnotationObject, document_sha256, new_object, open_document, resolve_author, save_document
from labkit.geometry import Box, Mask, Rectangle, Region, rasterise, shape_area
from labkit.project import Project
from labkit.testing.annotator import Annotator, colour_at, objects_on_disk, open_annotator_of, reload_annotator
from labkit.testing.browser import patient_page, place_of
from labkit.testing.lab import Lab, running_lab
from labkit.testing.pictures import write_png, write_tiff
from labkit.tiling import import_image

pytestmark = pytest.mark.browser

LABEXTENSION = Path(labkit_lab.__file__).parent / "labextension"
WIDE = (1000, 2600)  # a shard ends at x = 2048
SQUARE = (600, 600)
OWN_ASSISTANT = """
from labkit.annotations.assistants import register_assistant

register_assistant("bright", lambda pixels, prompt: pixels.mean(axis=0) > 0.5)
"""
_UNTIL_IN_CLIPBOARD = """async () => {
  while (!(await navigator.clipboard.readText()).includes('labkit')) await new Promise(next => setTimeout(next, 50));
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One JupyterLab for all stories; each has a project, and so a kernel, of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_AUTHOR", "tester")
        patch.delenv("IPYTHONDIR", raising=False)
        with running_lab(tmp_path_factory.mktemp("lab"), LABEXTENSION, labkit_lab.LABEXTENSION_NAME) as lab:
            startup = lab.home / ".ipython" / "profile_default" / "startup"
            startup.mkdir(parents=True)
            (startup / "assistants.py").write_text(OWN_ASSISTANT)
            yield lab


def _project(lab: Lab, name: str, picture: Path) -> Project:
    project = Project.create(lab.projects, name, classes=["nucleus", "membrane"])
    import_image(project, picture)
    return project


def _square(tmp_path: Path) -> Path:
    return write_png(tmp_path / "square.png", np.full(SQUARE, 90, np.uint8))


def _put(project: Project, *objects: AnnotationObject) -> None:
    document = open_document(project, project.images()[0].id, resolve_author())
    save_document(project, document.with_objects(objects))


def _hash(project: Project) -> str:
    return document_sha256(open_document(project, project.images()[0].id, resolve_author()))


def _press_until_off(annotator: Annotator, name: str) -> None:
    """Press a button until there is nothing more that it could do."""
    button = annotator.root.get_by_role("button", name=name, exact=True)
    while button.is_enabled():
        button.click()
        annotator.is_saved()


def test_every_tool_changes_what_it_should_and_all_of_it_is_undone_and_redone(page: Page, lab: Lab, tmp_path: Path) -> None:
    """A brush across a shard's border, an eraser, a cut, a vertex, a hole, a copy; undo and redo end with the same document."""
    project = _project(lab, "tools", write_png(tmp_path / "wide.png", np.full(WIDE, 90, np.uint8)))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    annotator = open_annotator_of(page, lab, "wide.png", "tools")

    def drag(*places: tuple[float, float]) -> None:
        annotator.drag(*(annotator.over(y, x, WIDE) for y, x in places))
        annotator.is_saved()

    annotator.canvas.focus()
    page.keyboard.press("u")
    annotator.root.get_by_label("Radius").fill("60")
    annotator.canvas.focus()
    drag((200, 1800), (200, 2300))
    (stroke,) = objects_on_disk(project)
    assert isinstance(stroke.shape, Mask)
    assert stroke.shape.box.x0 < 1800 < 2048 < 2300 < stroke.shape.box.x1
    painted_px = shape_area(stroke.shape)

    page.keyboard.press("x")
    drag((50, 2048), (350, 2048))
    (rest,) = objects_on_disk(project)
    assert shape_area(rest.shape) == pytest.approx(painted_px - 120 * 120, rel=0.1)
    annotator.root.get_by_role("button", name="More").click()
    annotator.root.get_by_role("button", name="Separate parts").click()
    expect(annotator.objects).to_have_count(2)
    annotator.is_saved()
    page.keyboard.press("Escape")

    annotator.canvas.focus()
    page.keyboard.press("b")
    drag((500, 200), (900, 1000))
    page.keyboard.press("k")
    drag((450, 600), (950, 600))
    expect(annotator.objects).to_have_count(4)
    pieces = [item for item in objects_on_disk(project) if item.kind == "polygon"]
    assert [shape_area(item.shape) for item in pieces] == pytest.approx([160_000, 160_000], rel=0.05)

    page.keyboard.press("v")
    page.mouse.click(*annotator.at(*annotator.over(700, 300, WIDE)))
    expect(annotator.root.get_by_role("region", name="Object").get_by_text("polygon")).to_be_visible()
    page.keyboard.press("d")
    drag((500, 200), (420, 120))
    edited = _at(project, 700, 300)
    assert np.abs(np.array(edited.shape.rings[0]) - (420, 120)).sum(axis=1).min() < 5
    annotator.root.get_by_role("button", name="Subtract").click()
    page.keyboard.press("e")
    drag((650, 300), (750, 450))
    with_hole = _at(project, 550, 300)
    assert with_hole.id == edited.id
    assert len(with_hole.shape.rings) == 2
    annotator.root.get_by_role("button", name="New", exact=True).click()

    annotator.canvas.focus()
    expect(annotator.chosen).to_have_count(1)
    page.keyboard.press("Control+c")
    page.keyboard.press("Control+v")  # at once: what is pasted is what is being copied
    expect(annotator.objects).to_have_count(5)
    page.evaluate(_UNTIL_IN_CLIPBOARD)
    annotator.is_saved()

    finished = _hash(project)
    _press_until_off(annotator, "Undo")
    assert objects_on_disk(project) == ()
    _press_until_off(annotator, "Redo")
    assert _hash(project) == finished
    annotator = reload_annotator(page, lab, project)
    expect(annotator.objects).to_have_count(5)


def _at(project: Project, y: float, x: float) -> AnnotationObject:
    """Return the topmost outline on the disk that covers a pixel."""
    here = Box(int(y), int(x), int(y) + 1, int(x) + 1)
    found = [item for item in objects_on_disk(project) if isinstance(item.shape, Region) and rasterise(item.shape, here).any()]
    return found[-1]


def test_the_assistant_and_proposals(page: Page, lab: Lab, tmp_path: Path) -> None:
    """A click outlines a disc of 16 bits, one's own assistant too; proposals are judged and corrected by keyboard."""
    y, x = np.ogrid[: SQUARE[0], : SQUARE[1]]
    disc = (y - 200) ** 2 + (x - 300) ** 2 < 60**2
    project = _project(lab, "assisted", write_tiff(tmp_path / "dim.tif", np.where(disc, 900, 300).astype(np.uint16)))
    proposals = [
        new_object(Rectangle(450, k, 500, k + 50), class_id=1, status="proposed", source="model:unet/1") for k in (50, 150, 250, 350)
    ]
    _put(project, *proposals)
    annotator = open_annotator_of(page, lab, "dim.tif", "assisted")
    judged = annotator.root.get_by_role("region", name="Proposals")
    expect(judged.get_by_role("heading")).to_have_text("4 proposals")
    expect(judged.get_by_text("labkit train")).to_be_visible()  # there is no model

    annotator.canvas.focus()
    page.keyboard.press("a")
    page.mouse.click(*annotator.at(*annotator.over(200, 300, SQUARE)))
    expect(annotator.objects).to_have_count(5)
    annotator.is_saved()
    outlined = objects_on_disk(project)[-1]
    found = rasterise(outlined.shape, Box.of_shape(*SQUARE))
    assert (found & disc).sum() / (found | disc).sum() > 0.8
    assert (outlined.source, outlined.class_id) == ("assistant:watershed", 1)
    page.keyboard.press("Control+z")
    annotator.root.get_by_role("combobox", name="Assistant").select_option("bright")  # a student's own, of a file that every kernel runs
    annotator.drag(annotator.over(130, 230, SQUARE), annotator.over(270, 370, SQUARE))
    facts = annotator.root.get_by_role("region", name="Object")
    expect(facts.get_by_text("assistant:bright")).to_be_visible()
    facts.get_by_label("Name of a new attribute").fill("stage")
    facts.get_by_label("Value of the new attribute").fill("late")
    page.keyboard.press("Enter")
    expect(facts.get_by_label("stage", exact=True)).to_have_value("late")
    annotator.is_saved()
    assert objects_on_disk(project)[-1].attributes == {"stage": "late"}

    annotator.canvas.focus()
    for key, left in (("n", "4"), ("y", "3"), ("r", "2")):
        page.keyboard.press(key)
        expect(judged.get_by_role("heading")).to_have_text(f"{left} proposals")
    expect(annotator.chosen).to_have_text("3 nucleus box (proposed)")
    page.keyboard.press("u")
    annotator.drag(annotator.over(475, 275, SQUARE), annotator.over(475, 310, SQUARE))
    expect(judged.get_by_role("heading")).to_have_text("1 proposal")
    page.keyboard.press("Shift+y")
    expect(judged.get_by_role("heading")).to_have_text("0 proposals")
    annotator.is_saved()
    states = {item.id: (item.status, item.source) for item in objects_on_disk(project)}
    expected = ["accepted", "rejected", "accepted", "accepted"]
    assert [states[item.id] for item in proposals] == [(status, "model:unet/1") for status in expected]
    assert next(item for item in objects_on_disk(project) if item.id == proposals[2].id).kind == "mask"


@pytest.mark.ci
def test_keys_and_buttons_in_a_narrow_window(page: Page, lab: Lab, tmp_path: Path) -> None:
    """At 800 pixels every button can be reached; the help lists what the keys do, and closes again."""
    _project(lab, "narrow", _square(tmp_path))
    page.set_viewport_size({"width": 800, "height": 600})
    annotator = open_annotator_of(page, lab, "square.png", "narrow")
    annotator.root.get_by_role("button", name="More").click()
    toolbar = annotator.root.get_by_role("toolbar")
    expect(toolbar.get_by_role("button", name="Copy")).to_be_visible()
    for button in toolbar.get_by_role("button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 800
    page.keyboard.press("Escape")
    expect(toolbar.get_by_role("button", name="Copy")).to_have_count(0)
    annotator.canvas.focus()
    page.keyboard.press("?")
    help_ = page.get_by_role("dialog")
    expect(help_.get_by_text("Accept all proposals")).to_be_visible()
    help_.get_by_role("button", name="Close").click()
    expect(help_).to_have_count(0)


@pytest.mark.ci
def test_fingers(browser: Browser, lab: Lab, tmp_path: Path) -> None:
    """One draws, two zoom and leave no object behind; a stroke that is broken off is kept; after a pen a finger moves the picture."""
    project = _project(lab, "fingers", _square(tmp_path))
    with patient_page(browser, touch=True) as page:
        annotator = open_annotator_of(page, lab, "square.png", "fingers")
        send = _touching(page)

        def at(y: float, x: float) -> dict[str, float]:
            left, top = annotator.at(y, x)
            return {"x": left, "y": top}

        ring = [at(0.5 + 0.2 * np.sin(t), 0.5 + 0.2 * np.cos(t)) for t in np.linspace(0, 6, 20)]
        send("touchStart", ring[0])
        for place in ring[1:]:
            send("touchMove", place)
        send("touchEnd")
        expect(annotator.objects).to_have_text(["1 nucleus polygon"])

        box = place_of(annotator.canvas)
        whole = 96 * min(box["height"] / SQUARE[0], box["width"] / SQUARE[1])  # percent: the picture is seen as a whole
        send("touchStart", at(0.45, 0.5))
        send("touchStart", at(0.45, 0.5), at(0.55, 0.5))
        for k in range(1, 6):
            send("touchMove", at(0.45 - 0.03 * k, 0.5), at(0.55 + 0.03 * k, 0.5))
        send("touchEnd")
        four_times = "([node, zoom]) => Math.abs(parseFloat(document.querySelector(node).textContent) / zoom - 4) < 0.2"
        page.wait_for_function(four_times, arg=[".labkit-Annotator-zoom", whole])
        annotator.is_painted()
        expect(annotator.objects).to_have_count(1)

        annotator.root.get_by_role("button", name="Brush").click()
        page.keyboard.press("Escape")
        send("touchStart", at(0.9, 0.2))
        send("touchMove", at(0.9, 0.3))
        send("touchMove", at(0.9, 0.4))
        send("touchCancel")
        expect(annotator.objects).to_have_text(["1 nucleus polygon", "2 nucleus mask"])
        annotator.is_saved()

        _draw_with_pen(page, at(0.1, 0.8), at(0.2, 0.8))
        annotator.is_painted()
        drawn = objects_on_disk(project)
        assert len(drawn) == 3  # away from the chosen mask it is one of its own
        before = colour_at(annotator.canvas, 0.15, 0.6)
        send("touchStart", at(0.5, 0.5))
        send("touchMove", at(0.5, 0.3))
        send("touchEnd")
        page.wait_for_function(ANOTHER_COLOUR, arg=[0.15, 0.6, list(before)])  # what the pen has drawn is here now
        annotator.is_saved()
        assert objects_on_disk(project) == drawn


ANOTHER_COLOUR = """([y, x, before]) => {
    const canvas = document.querySelector('.labkit-Annotator-stage canvas');
    const {data} = canvas.getContext('2d').getImageData(x * canvas.width, y * canvas.height, 1, 1);
    return before.some((value, k) => Math.abs(data[k] - value) > 8);
}"""


def _draw_with_pen(page: Page, *places: dict[str, float]) -> None:
    session = page.context.new_cdp_session(page)
    for kind, place in (("mousePressed", places[0]), *(("mouseMoved", one) for one in places[1:]), ("mouseReleased", places[-1])):
        event = {"type": kind, **place, "button": "left", "buttons": 1, "clickCount": 1, "pointerType": "pen"}
        session.send("Input.dispatchMouseEvent", event)


def _touching(page: Page) -> Callable[..., None]:
    """Return what sends fingers to a page, as a screen would."""
    session = page.context.new_cdp_session(page)

    def send(kind: str, *places: dict[str, float]) -> None:
        points = [{**place, "id": k} for k, place in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    return send


@pytest.mark.ci
def test_ten_thousand_objects(page: Page, lab: Lab, tmp_path: Path) -> None:
    """The list holds few rows at a time, a click on the canvas chooses one of them all, and the list shows it."""
    project = _project(lab, "many", _square(tmp_path))
    objects = [new_object(Rectangle(6 * k, 6 * j, 6 * k + 4, 6 * j + 4), class_id=1) for k in range(100) for j in range(100)]
    _put(project, *objects)
    annotator = open_annotator_of(page, lab, "square.png", "many")
    expect(annotator.root.get_by_role("heading", name="10000 objects")).to_be_visible()
    expect(annotator.objects.first).to_be_visible()
    assert annotator.objects.count() < 200
    annotator.root.get_by_role("button", name="Select and move").click()
    page.mouse.click(*annotator.at(*annotator.over(6 * 70 + 2, 6 * 20 + 2, SQUARE)))
    expect(annotator.chosen).to_have_text("7021 nucleus box")
    expect(annotator.chosen).to_be_in_viewport()


@pytest.mark.ci
def test_what_cannot_be_saved_is_said_and_saved_later(page: Page, lab: Lab, tmp_path: Path) -> None:
    """The journal may not grow: the box is kept with words, a second one waits behind it, and both are saved when there is room."""
    project = _project(lab, "full", _square(tmp_path))
    refused: list[bytes | str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: b'"refused"' in _bytes(frame) and refused.append(frame)))
    annotator = open_annotator_of(page, lab, "square.png", "full")
    annotator.canvas.focus()
    page.keyboard.press("b")
    annotator.drag((0.2, 0.4), (0.3, 0.5))
    expect(annotator.objects).to_have_count(1)
    annotator.is_saved()
    journal = project.layout.annotation(project.images()[0].id, resolve_author()).journal
    kernel = _kernel_that_holds(lab, journal)
    limits = resource.prlimit(kernel.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(kernel.pid, resource.RLIMIT_FSIZE, (journal.stat().st_size, limits[1]))
    annotator.drag((0.4, 0.4), (0.5, 0.5))
    expect(annotator.root.get_by_role("alert")).to_contain_text("may not grow any further")
    annotator.drag((0.6, 0.4), (0.7, 0.5))
    while len(refused) < 3:  # the second one brings the first along
        page.wait_for_timeout(20)
    expect(annotator.root.get_by_role("alert")).to_contain_text("may not grow any further")
    expect(annotator.objects).to_have_count(1)
    resource.prlimit(kernel.pid, resource.RLIMIT_FSIZE, limits)
    annotator.root.get_by_role("button", name="Try again").click()
    expect(annotator.objects).to_have_count(3)
    annotator.is_saved()
    assert len(objects_on_disk(project)) == 3


def _bytes(frame: bytes | str) -> bytes:
    return frame if isinstance(frame, bytes) else frame.encode()


def _kernel_that_holds(lab: Lab, file: Path) -> psutil.Process:
    for child in psutil.Process(lab.pid).children(recursive=True):
        with suppress(psutil.Error):  # it has just ended
            if str(file) in {opened.path for opened in child.open_files()}:
                return child
    pytest.fail(f"no kernel holds {file}")


WITHOUT_TOKEN = """
    document.addEventListener('readystatechange', () => {
        const node = document.getElementById('jupyter-config-data');
        if (node !== null) {
            node.textContent = JSON.stringify({...JSON.parse(node.textContent), token: ''});
        }
    }, {once: true});
"""  # as under a hub, where a cookie alone says who somebody is


@pytest.mark.ci
def test_an_expired_login_costs_no_stroke(page: Page, lab: Lab, tmp_path: Path) -> None:
    """The cookie is gone and the connection ends: a link leads to the login, and what is drawn meanwhile is saved afterwards."""
    project = _project(lab, "expired", _square(tmp_path))
    sockets = list[WebSocketRoute]()

    def on_socket(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket("**/api/kernels/**", on_socket)
    page.add_init_script(WITHOUT_TOKEN)
    annotator = open_annotator_of(page, lab, "square.png", "expired")
    cookies = page.context.cookies()
    page.context.clear_cookies()
    for socket in sockets:
        socket.close(code=1011)
    link = annotator.root.get_by_role("link", name="Log in")
    expect(link).to_be_visible()
    assert (link.get_attribute("href") or "").endswith("/login")
    annotator.canvas.focus()
    page.keyboard.press("b")
    annotator.drag((0.2, 0.4), (0.4, 0.5))
    expect(annotator.root).to_have_attribute("aria-busy", "false")  # it is kept here, and nothing is under way
    assert objects_on_disk(project) == ()
    page.context.add_cookies([{"name": c["name"], "value": c["value"], "url": lab.url} for c in cookies])
    expect(annotator.objects).to_have_text(["1 nucleus box"])
    annotator.is_saved()
    assert [item.kind for item in objects_on_disk(project)] == ["box"]
