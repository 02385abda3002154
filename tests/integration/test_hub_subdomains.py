"""A host name for each person's server: what works across names, and what a student's page cannot do with somebody else's browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import expect

from labkit.testing.browser import patient_page
from labkit.testing.light_hub import PASSWORD, LightHub
from labkit_hub.subdomains import host_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.ci]

NAME, STUDENT = "lab.localhost", "zoë b"
HOST = host_of(STUDENT, NAME, "user")
# What a page asks for with the cookies of whoever has it open: the answer's status and text, or the name of the error.
ASK = """async ([hub, path, options]) => {
  try {
    const own = hub ? {} : { headers: { 'X-XSRFToken': /_xsrf=([^;]*)/.exec(document.cookie)?.[1] ?? '' } };
    const answer = await fetch(hub + path, { credentials: 'include', ...own, ...options });
    return `${answer.status} ${await answer.text()}`;
  } catch (error) {
    return error.name;
  }
}"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LightHub]:
    """Run a hub whose servers are the product's own."""
    with LightHub(tmp_path_factory.mktemp("names") / "var", name=NAME, env={"LIGHT_HUB_SERVERS": "process"}) as hub:
        yield hub


@pytest.fixture(scope="module")
def student(hub: LightHub, browser: Browser) -> Iterator[Page]:
    """Open the student's JupyterLab."""
    with patient_page(browser) as page:
        sign_in(page, hub, STUDENT, "/hub/spawn")
        page.wait_for_selector(".jp-Launcher")
        yield page


@pytest.fixture
def admin(hub: LightHub, browser: Browser) -> Iterator[Page]:
    """Open a browser in which the admin is logged in to hub and service."""
    with patient_page(browser) as page:
        sign_in(page, hub, "admin", "/services/labkit/courses")
        page.wait_for_selector("text=New course")
        yield page


def sign_in(page: Page, hub: LightHub, name: str, path: str) -> None:
    page.goto(f"{hub.public_url}/hub/login?next={path}")
    page.fill("#username_input", name)
    page.fill("#password_input", PASSWORD)
    page.click("#login_submit")


def test_a_server_has_a_name_of_its_own_and_computes_there(student: Page) -> None:
    """An odd user name too; the kernel's answers come through a WebSocket of that name."""
    assert urlsplit(student.url).hostname == HOST
    student.locator('.jp-LauncherCard[data-category="Notebook"]').first.click()
    expect(student.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible()
    student.locator(".jp-CodeCell .cm-content").click()
    student.keyboard.insert_text("print(6 * 7)")
    student.keyboard.press("Shift+Enter")
    expect(student.locator(".jp-OutputArea-output").first).to_have_text("42\n")


def test_the_server_asks_the_service_and_its_pages_lead_back(hub: LightHub, student: Page) -> None:
    """The panel's own question is answered; from the service's page, at the hub's name, it is two clicks into the server."""
    told = student.evaluate(ASK, ["", f"/user/{quote(STUDENT)}/labkit/api/courses", {}])
    assert '"hub":true,"problem":""' in told
    with patient_page(student.context.browser) as page:  # type: ignore[arg-type]
        sign_in(page, hub, STUDENT, "/services/labkit/")
        page.click("text=Home")
        page.click("#start")
        page.wait_for_url(f"http://{HOST}:{hub.port}/user/**")


def test_a_students_page_cannot_act_as_whoever_opens_it(hub: LightHub, student: Page, admin: Page) -> None:
    """Its script reads nothing of hub and service with the admin's cookies, and changes nothing; the service's own page does."""
    questions = ["/services/labkit/api/courses", "/hub/api/user", "/hub/home"]
    assert admin.evaluate(ASK, ["", questions[0], {}]).startswith("200 ")
    admin.goto(f"http://{HOST}:{hub.port}/user/{quote(STUDENT)}/api")  # in the student's hands
    assert [admin.evaluate(ASK, [hub.public_url, path, {}]) for path in questions] == ["TypeError"] * 3
    blind = {"method": "POST", "mode": "no-cors"}
    admin.evaluate(ASK, [hub.public_url, "/services/labkit/api/courses", {**blind, "body": '{"id": "taken", "title": "Taken"}'}])
    admin.evaluate(ASK, [hub.public_url, "/hub/api/users/taken", blind])
    assert hub.api("GET", "/users/taken").status_code == 404
    admin.goto(f"{hub.public_url}/services/labkit/courses")
    expect(admin.locator("main")).to_contain_text("New course")
    expect(admin.locator("main")).not_to_contain_text("taken")


def test_a_students_server_is_sent_no_cookie_that_opens_anything(hub: LightHub, admin: Page) -> None:
    """What logs the admin in stays with the hub's own name."""
    sent = {cookie["name"] for cookie in admin.context.cookies(f"http://{HOST}:{hub.port}/user/{quote(STUDENT)}/")}
    assert sent == {"jupyterhub-session-id"}
