"""The whole cycle in browsers, with three people, on a real hub whose servers and grading runs are processes.

A professor tests an assignment with its own solution and releases it, in the panel of their JupyterLab; a student fetches it there, works
and hands in; an assistant lets it be graded on the queue and gives points by hand; the professor releases feedback; the student reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import expect

from labkit.testing.assignments import ASSIGNMENT, write_assignment
from labkit.testing.browser import WITHIN_S, loaded, patient_page
from labkit.testing.light_hub import PASSWORD, LightHub
from labkit_hub.homes import UserHome

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.ci]

SERVICE = "/services/labkit"
COURSE = "cells"
PEOPLE = {"professor": "paula", "assistant": "alan", "student": "zoë b"}
GRADING_MS = 4 * WITHIN_S * 1000


@pytest.fixture(scope="module")
def hub(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LightHub]:
    """Run a hub with a course; the assignment lies in the professor's home, written but not released."""
    env = {"LIGHT_HUB_SERVERS": "process", "LABKIT_DEVICES__NVIDIA": "false", "LABKIT_QUEUE__LOOK_S": "1"}
    with LightHub(tmp_path_factory.mktemp("story") / "var", env=env) as hub:
        hub.api("POST", "/users/admin", {"admin": True})
        token = hub.api("POST", "/users/admin/tokens", {}).json()["token"]
        api = httpx.Client(base_url=f"{hub.url}{SERVICE}/api/", headers={"Authorization": f"token {token}"}, trust_env=False, timeout=60)
        api.post("courses", json={"id": COURSE, "title": "Cell biology"}).raise_for_status()
        for role, name in PEOPLE.items():
            hub.api("POST", f"/users/{quote(name)}")
            api.put(f"courses/{COURSE}/members/{quote(name)}", json={"role": role}).raise_for_status()
        home = UserHome.of(hub.var / "homes", PEOPLE["professor"])
        home.prepare()
        write_assignment(home.root)
        yield hub


@contextmanager
def at(browser: Browser, hub: LightHub, role: str, path: str) -> Iterator[Page]:
    """Log somebody in, who goes to a page."""
    with patient_page(browser, width=1300, height=850) as page:
        page.goto(f"{hub.url}/hub/login?next={quote(path)}")
        page.fill("#username_input", PEOPLE[role])
        page.fill("#password_input", PASSWORD)
        page.click("#login_submit")
        yield page


@contextmanager
def lab_of(browser: Browser, hub: LightHub, role: str) -> Iterator[Page]:
    """Open somebody's own JupyterLab."""
    with at(browser, hub, role, "/hub/spawn") as page:
        page.wait_for_url("**/lab**", timeout=GRADING_MS)
        open_course_work(page)
        yield page


def open_course_work(page: Page) -> None:
    """Open the panel; a new workspace shows another one first, and would hide it again."""
    page.get_by_role("region", name="LabKit projects").wait_for(timeout=GRADING_MS)
    page.get_by_role("tab", name="LabKit course work").click()


def test_three_people_and_one_assignment(browser: Browser, hub: LightHub) -> None:
    """What the student reads in the end is what the run, the check and the assistant gave."""
    with lab_of(browser, hub, "professor") as page:
        panel, dialog = page.get_by_role("region", name="LabKit course work"), page.get_by_role("dialog")
        panel.get_by_role("button", name="New assignment in Cell biology").click()
        dialog.get_by_label("a folder that I have").check()
        dialog.get_by_role("combobox").select_option(ASSIGNMENT)
        dialog.get_by_role("button", name="Make").click()
        card = panel.get_by_role("listitem", name=ASSIGNMENT)
        card.get_by_role("button", name="Test with the solution").click()
        expect(card.get_by_role("status", name="Test with the solution")).to_contain_text("The solution earns all", timeout=GRADING_MS)
        card.get_by_role("button", name="Release…").click()
        dialog.get_by_role("button", name="Release").click()
        expect(card).to_contain_text("Release 1 is out")
        assignment = released(hub)

    with lab_of(browser, hub, "student") as page:
        card = page.get_by_role("region", name="LabKit course work").get_by_role("listitem", name=ASSIGNMENT)
        card.get_by_role("button", name="Fetch").click()
        expect(card).to_contain_text("Release 1 is in")
        card.get_by_role("button", name="Open").click()
        cells = page.locator(".jp-Notebook .jp-Cell")
        expect(cells).to_have_count(5)
        cells.nth(4).dblclick()  # the answer in words is shown rendered until then
        for place, source in ((4, "One large value pulls it up."), (2, "mean = sum(values) / len(values)")):
            text = cells.nth(place).locator(".cm-content")
            text.click()
            expect(text).to_be_focused()
            page.keyboard.press("Control+A")
            page.keyboard.insert_text(source)
            expect(text).to_have_text(source)
        card.get_by_role("button", name="Submit").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Submit").click()
        expect(dialog).to_contain_text("Handed in")
        dialog.get_by_role("button", name="Close").click()

    work = f"{SERVICE}/courses/{COURSE}/assignments/{assignment}"
    with at(browser, hub, "assistant", work) as page:
        page.get_by_role("button", name="Grade what is not graded (1)").click()
        expect(page.get_by_role("main")).to_contain_text("5 / 9", timeout=GRADING_MS)
        page.get_by_role("link", name=PEOPLE["student"]).first.click()
        loaded(page, PEOPLE["student"])
        why = page.get_by_role("group", name="why")
        why.get_by_label("Points of").fill("3")
        why.get_by_label("Comment").fill("Say which way, too.")
        why.get_by_role("button", name="Save").click()
        expect(page.locator("#part-total")).to_contain_text("8 of 9 points")

    with at(browser, hub, "professor", work) as page:
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Release feedback").click()
        expect(page.get_by_role("status")).to_contain_text("released")

    with at(browser, hub, "student", f"/user/{quote(PEOPLE['student'])}/lab?reset") as page:
        open_course_work(page)
        card = page.get_by_role("region", name="LabKit course work").get_by_role("listitem", name=ASSIGNMENT)
        expect(card).to_contain_text("8 of 9 points")
        card.get_by_role("button", name="Feedback: ").click()
        view = page.get_by_role("region", name=f"Feedback on {ASSIGNMENT}")
        expect(view).to_contain_text("Say which way, too.")
        expect(view.locator("iframe").content_frame.get_by_role("heading", name="Means")).to_be_visible()


def released(hub: LightHub) -> str:
    """Return the id of the assignment that students see."""
    token = hub.api("POST", "/users/admin/tokens", {}).json()["token"]
    url = f"{hub.url}{SERVICE}/api/courses/{COURSE}/assignments"
    answer = httpx.get(url, headers={"Authorization": f"token {token}"}, trust_env=False, timeout=60).raise_for_status()
    [found] = [str(one["id"]) for one in answer.json()["assignments"] if one["state"] == "released"]
    return found
