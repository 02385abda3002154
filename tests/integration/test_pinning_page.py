"""The form and the script that pin comments to pictures of a submission, in a real browser; what the hub answers is played."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import jinja2
import pytest
from playwright.sync_api import expect

import labkit_hub.service.pages
from labkit.courses.records import AnnotationTask, PinnedComment
from labkit_hub.service.courses.reading_pictures import Drawing
from labkit_hub.service.pages.pictures import Pin, Shown

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.browser

PAGES = Path(labkit_hub.service.pages.__file__).parent
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(PAGES / "templates"), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
)
SITE = "http://hub.test"
OURS = PinnedComment(text="Two nuclei, not one.", y=20, x=30, by="grace")


class Played:
    """A page with the pictures "Left" and "Right"; grace has pinned one comment to the left one."""

    def __init__(self) -> None:
        self.pins: dict[str, list[PinnedComment]] = {"left": [OURS], "right": []}
        self.asked: list[dict[str, str]] = []
        self.is_broken = False

    def answer(self, route: Route) -> None:
        """Answer as the hub does: with the page, after a change with what is pinned then."""
        if route.request.url.endswith(".js"):
            route.fulfill(path=PAGES / "static" / "pictures.js")
        elif self.is_broken and route.request.method == "POST":
            route.fulfill(status=503, content_type="text/html", body="<main>The database is locked.</main>")
        else:
            if route.request.method == "POST":
                self._change({name: values[0] for name, values in parse_qs(route.request.post_data or "").items()})
            route.fulfill(content_type="text/html", body=self._page())

    def _change(self, asked: dict[str, str]) -> None:
        self.asked.append(asked)
        pins = self.pins[asked["task"]]
        if "drop" in asked:
            pins.clear()
        else:
            pins.append(PinnedComment(text=asked["text"], y=float(asked["y"]), x=float(asked["x"]), by="prof"))

    def _page(self) -> str:
        shown = [
            Shown(AnnotationTask(id=name, image=f"{name}.png", points=1), Drawing(100, 80), _numbered(pins), "", is_whole=False)
            for name, pins in self.pins.items()
        ]
        parts = '{% import "pictures.html" as p %}{% for one in shown %}{{ p.with_form(one, "/pins", "csrf", "token") }}{% endfor %}'
        style = "<style>svg.annotated { display: block; width: 200px; height: 160px }</style>"
        return f'<!doctype html>{style}<script src="/pictures.js" defer></script><main>{TEMPLATES.from_string(parts).render(shown=shown)}'


def _numbered(pins: list[PinnedComment]) -> tuple[Pin, ...]:
    return tuple(Pin(number, pin) for number, pin in enumerate(pins, 1))


@pytest.fixture
def hub(page: Page) -> Played:
    """The page is open."""
    hub = Played()
    page.route("**/*", hub.answer)
    page.goto(f"{SITE}/submission")
    return hub


def _type(page: Page, picture: str, words: str) -> None:
    """Click in the middle of a picture, and write what is meant without pinning it."""
    page.get_by_role("region", name=picture).locator("svg.annotated").click()
    page.keyboard.type(words)


def test_enter_in_a_comment_pins_it(page: Page, hub: Played) -> None:
    """Enter pins what was typed where the picture was clicked; the comment of a colleague on the same picture stays."""
    _type(page, "left", "Three, not two.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="left").get_by_role("listitem")).to_contain_text(["Two nuclei", "Three, not two."])
    assert [(one.get("text"), one.get("drop")) for one in hub.asked] == [("Three, not two.", None)]


def test_what_is_typed_outlives_what_is_removed(page: Page, hub: Played) -> None:
    """Who takes a comment away keeps the words that are not pinned yet, and their place."""
    left = page.get_by_role("region", name="left")
    _type(page, "left", "Three, not two.")
    left.get_by_role("button", name="Remove comment 1").click()
    expect(left.get_by_role("listitem")).to_have_count(0)
    expect(left.get_by_label("Comment at this place")).to_have_value("Three, not two.")
    expect(left.get_by_label("x", exact=True)).to_have_value("50.0")
    expect(left.locator(".pin.fresh")).to_have_count(1)


def test_what_is_typed_outlives_a_pin_elsewhere(page: Page, hub: Played) -> None:
    """Words at one picture stay while a comment is pinned to another."""
    _type(page, "left", "Three, not two.")
    _type(page, "right", "Well done.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="right").get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("region", name="left").get_by_label("Comment at this place")).to_have_value("Three, not two.")


def test_what_is_typed_outlives_a_hub_that_does_not_save_it(page: Page, hub: Played) -> None:
    """Where a comment could not be pinned its words stay, and it is said why."""
    hub.is_broken = True
    _type(page, "left", "Three, not two.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("It could not be saved: The database is locked.")
    expect(page.get_by_role("region", name="left").get_by_label("Comment at this place")).to_have_value("Three, not two.")


def test_a_page_with_words_that_are_not_pinned_asks_before_it_is_left(page: Page, hub: Played) -> None:
    """The browser asks whether the page is to be left; who stays has the words still."""
    page.on("dialog", lambda dialog: dialog.dismiss())
    _type(page, "left", "Three, not two.")
    with page.expect_event("dialog") as asked:
        page.evaluate("() => { location.href = '/elsewhere'; }")
    assert asked.value.type == "beforeunload"
    expect(page.get_by_role("region", name="left").get_by_label("Comment at this place")).to_have_value("Three, not two.")
