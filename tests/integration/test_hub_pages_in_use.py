"""The pages of a hub that is in use, in a real browser: what may be started, the waiting line, and what an admin sees.

With ``LABKIT_PICTURES`` naming a folder they are drawn into it, for the documentation.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from labkit.storage import new_id
from labkit.testing.browser import WITHIN_S, contrasts
from labkit.testing.light_hub import PASSWORD, LightHub
from labkit.testing.runs import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.ci]

SERVICE = "/services/labkit"
RUNS = (
    ("ada", "U-Net on nuclei"),
    ("grace", "Myelin, 40 epochs"),
    ("linus", "Nuclei with borders"),
    ("mei", "First try"),
    ("ada", "U-Net, wider"),
)


@pytest.fixture(scope="module")
def hub(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LightHub]:
    """Run a hub whose two devices compute for ada and grace; three runs wait, all in one course."""
    with LightHub(tmp_path_factory.mktemp("use") / "var", env={"LABKIT_DEVICES__FAKE": "2", "LABKIT_DEVICES__NVIDIA": "false"}) as hub:
        admin = Panel(hub, "admin")
        admin.ask("POST", "courses", json={"id": "cells", "title": "Cell biology"})
        people = {name: Panel(hub, name) for name, _ in RUNS}
        for name in people:
            admin.ask("PUT", f"courses/cells/members/{name}", json={"role": "student"})
        for count, (name, title) in enumerate(RUNS, start=1):
            run_id = new_id()
            people[name].ask("PUT", f"runs/{run_id}", json={"kind": "train", "path": "projects/cells/runs", "title": title})
            if count <= 2:
                admin.wait_for_server(name, f"run-{run_id}")
        yield hub


class Panel:
    """Asks the service as somebody's JupyterLab does, with a token."""

    def __init__(self, hub: LightHub, name: str) -> None:
        self._hub = hub
        with hub.session(name) as session:
            session.http.get("/hub/home")
        token = hub.api("POST", f"/users/{name}/tokens", json={}).json()["token"]
        self._headers = {"Authorization": f"token {token}"}

    def ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        import httpx

        answer = httpx.request(method, f"{self._hub.url}{SERVICE}/api/{path}", headers=self._headers, timeout=60, trust_env=False, **more)
        assert answer.is_success, answer.text
        return dict(answer.json())

    def wait_for_server(self, name: str, server: str) -> None:
        """Wait until somebody has a device in hands, and the server runs that has it."""
        wait_until(lambda: name in [device["holder"] for device in self.ask("GET", "devices")["devices"]], timeout_s=2 * WITHIN_S)
        wait_until(lambda: (self._hub.server(name, server) or {}).get("ready"), timeout_s=2 * WITHIN_S)


def open_page(browser: Browser, hub: LightHub, user: str, path: str, scheme: str = "light") -> Page:
    """Log somebody in, who looks at a page."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 760})  # type: ignore[arg-type]
    context.set_default_timeout(WITHIN_S * 1000)
    page = context.new_page()
    page.goto(f"{hub.url}/hub/login?next={path}")
    page.fill("#username_input", user)
    page.fill("#password_input", PASSWORD)
    page.click("#login_submit")
    page.wait_for_url(f"**{path}")
    return page


def draw(page: Page, name: str) -> None:
    """Keep a picture of the whole page, where pictures are asked for."""
    if folder := os.environ.get("LABKIT_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled", full_page=True)


def test_the_spawn_page_tells_the_free_devices_and_the_line(browser: Browser, hub: LightHub) -> None:
    """Before anybody chooses a GPU they read that none is free and how many wait."""
    page = open_page(browser, hub, "linus", "/hub/spawn")
    devices = page.locator(".labkit-profile-devices")
    expect(devices).to_have_attribute("data-free", "0")
    expect(devices).to_have_attribute("data-waiting", "3")
    draw(page, "hub-spawn")
    page.context.close()


def test_a_student_sees_their_own_place_and_nobodys_name(browser: Browser, hub: LightHub) -> None:
    """The line is whole, so that a place can be believed; who the others are is their own affair."""
    page = open_page(browser, hub, "linus", f"{SERVICE}/")
    line = page.get_by_role("region", name="The line").get_by_role("row")
    expect(line).to_have_count(1 + len(RUNS))
    expect(line.nth(3)).to_contain_text("you")
    expect(page.get_by_role("main")).not_to_contain_text("grace")
    draw(page, "hub-line")
    page.context.close()


def test_an_admin_sees_who_holds_what(browser: Browser, hub: LightHub) -> None:
    """Each device with its holder, each run of the line with its owner and course, the servers that run."""
    page = open_page(browser, hub, "admin", f"{SERVICE}/admin")
    devices = page.get_by_role("region", name="Devices").get_by_role("row")
    expect(devices.nth(1)).to_contain_text("ada")
    expect(devices.nth(2)).to_contain_text("grace")
    expect(page.get_by_role("region", name="The line")).to_contain_text("cells")
    expect(page.get_by_role("region", name="Running servers").get_by_role("row")).to_have_count(3)
    page.reload()  # sizes are measured beside the first look
    draw(page, "hub-admin")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [f"{SERVICE}/", f"{SERVICE}/admin"])
def test_the_text_can_be_read_in_both_schemes(browser: Browser, hub: LightHub, path: str, scheme: str) -> None:
    """Each text of the line and of the admin's page differs from what lies behind it as WCAG asks."""
    page = open_page(browser, hub, "admin", path, scheme)
    low = [(text, round(ratio, 2)) for text, ratio in contrasts(page.get_by_role("main")).items() if ratio < 4.5]
    assert low == []
    page.context.close()
