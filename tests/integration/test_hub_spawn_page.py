"""The spawn page in a real browser: chosen by keyboard, in light and dark, and patient when many start."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from labkit.testing.browser import WITHIN_S
from labkit.testing.light_hub import PASSWORD, LightHub

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.ci]


@pytest.fixture(scope="module")
def hub(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LightHub]:
    """Run a hub with two devices that are none, where servers start one at a time and take their time."""
    env = {"LABKIT_DEVICES__FAKE": "2", "LABKIT_DEVICES__NVIDIA": "false", "LABKIT_SERVER__STARTS_AT_ONCE": "1", "LIGHT_HUB_START_S": "4"}
    with LightHub(tmp_path_factory.mktemp("page") / "var", env=env) as hub:
        yield hub


def open_spawn_page(browser: Browser, hub: LightHub, user: str, scheme: str = "light") -> Page:
    context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(WITHIN_S * 1000)
    page = context.new_page()
    page.goto(f"{hub.url}/hub/login?next=/hub/spawn")
    page.fill("#username_input", user)
    page.fill("#password_input", PASSWORD)
    page.click("#login_submit")
    page.wait_for_selector(".labkit-profiles")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_text_can_be_read_in_both_schemes(browser: Browser, hub: LightHub, scheme: str) -> None:
    """Title and background differ clearly, whichever of them is the dark one."""
    page = open_spawn_page(browser, hub, "ada", scheme)
    shade = "(value) => value.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 3"
    title = page.eval_on_selector(".labkit-profile-title", f"node => ({shade})(getComputedStyle(node).color)")
    behind = page.eval_on_selector(".labkit-profile label", f"node => ({shade})(getComputedStyle(node).backgroundColor)")
    assert abs(title - behind) > 120
    assert (behind < 128) is (scheme == "dark")
    page.context.close()


def test_a_profile_is_chosen_and_started_by_keyboard_and_waits_its_turn(browser: Browser, hub: LightHub) -> None:
    """An arrow chooses, Enter starts; while others start first the page says how many, and goes on by itself."""
    page = open_spawn_page(browser, hub, "grace")
    expect(page.locator("input[name=profile]:checked")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("input[name=profile][value=gpu]")).to_be_checked()
    with ExitStack() as sessions, ThreadPoolExecutor(2) as pool:
        others = [sessions.enter_context(hub.session(user)) for user in ("first", "second")]
        list(pool.map(lambda session: session.post_form("/hub/spawn", profile="cpu"), others))
        page.keyboard.press("Enter")  # each start takes seconds, and both are before this one
        page.wait_for_selector("text=will start before yours")
    page.wait_for_url("**/user/grace/**", timeout=2 * WITHIN_S * 1000)
    server = hub.server("grace")
    assert server is not None
    assert server["user_options"] == {"profile": "gpu"}
    page.context.close()
