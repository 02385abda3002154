"""The hub's pages in a real browser: log in, sign up, approve, change a password, reach JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from labkit.testing.browser import patient_page
from labkit.testing.hub import RunningHub

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def hub(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """Run a hub."""
    with RunningHub(tmp_path_factory.mktemp("browser") / "var") as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open a page with cookies of its own."""
    with patient_page(browser, height=860) as page:
        yield page


def sign_in(page: Page, hub: RunningHub, name: str, password: str, path: str = "/hub/home") -> None:
    page.goto(f"{hub.url}/hub/login?next={path}")
    page.fill("#username_input", name)
    page.fill("#password_input", password)
    page.click("#login_submit")


def test_the_first_page_is_the_login_with_its_warning(hub: RunningHub, page: Page) -> None:
    """Whoever opens the address sees what this is, and that students are not isolated; a wrong password is told."""
    page.goto(hub.url)
    expect(page).to_have_title("LabKit")
    expect(page.locator("#isolation-note")).to_be_visible()
    expect(page.locator("#insecure-login-warning")).to_be_hidden()
    sign_in(page, hub, "student", "wrong")
    expect(page.locator("#login_error")).to_contain_text("Invalid username or password")


def test_ask_for_an_account_get_it_approved_and_reach_jupyterlab(hub: RunningHub, browser: Browser, page: Page) -> None:
    """The whole way of a new person: sign up, be refused, be approved by the admin, and work in JupyterLab."""
    page.goto(hub.url)
    page.click("text=Ask for one")
    page.fill("#username_input", "zoë")
    page.fill("#password_input", "a-long-password")
    page.fill("#password_confirmation_input", "a-long-password")
    page.click("#signup_submit")
    page.wait_for_selector("text=has been asked for")
    sign_in(page, hub, "zoë", "a-long-password")
    page.wait_for_selector("text=waiting for an admin")

    with patient_page(browser) as admin:
        sign_in(admin, hub, "admin", hub.logins["admin"])
        admin.click("text=Accounts")
        row = admin.locator('tr[data-user="zoë"]')
        row.get_by_text("Approve", exact=True).click()
        row.get_by_text("Withdraw approval").wait_for()

    sign_in(page, hub, "zoë", "a-long-password", path="")
    page.wait_for_selector(".jp-Launcher", timeout=120_000)
    expect(page.locator('.jp-DirListing-item[title*="projects"]')).to_have_count(1)


@pytest.mark.ci
def test_change_a_password(hub: RunningHub, page: Page) -> None:
    """The professor's new password opens from now on."""
    sign_in(page, hub, "professor", hub.logins["professor"], path="/hub/change-password")
    page.fill("#old_password_input", hub.logins["professor"])
    page.fill("#new_password_input", "my-own-password")
    page.fill("#new_password_confirmation_input", "my-own-password")
    page.click("#signup_submit")
    page.wait_for_selector("text=changed successfully")
    page.click("#logout")
    page.wait_for_selector("#login_submit")
    sign_in(page, hub, "professor", "my-own-password")
    page.wait_for_selector("#logout")
    expect(page.locator("#login_widget")).to_contain_text("professor")
