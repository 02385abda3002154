"""A run on the hub's device, whole: from the panel in a student's container to the model in the project, and stopped by an admin.

With ``LABKIT_PICTURES`` naming a folder the pages are drawn into it on the way, for the documentation.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from labkit.testing.browser import WITHIN_S, patient_page
from labkit.testing.quiet_network import open_quiet_browser
from labkit.testing.stack import Stack, docker, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from labkit.testing.hub_session import HubSession

pytestmark = [pytest.mark.docker, pytest.mark.ci, pytest.mark.browser]
CHECKOUT = Path(__file__).resolve().parents[2]
PEOPLE = ("student", "admin")
RUN_MS = 4 * WITHIN_S * 1000

# Runs in the student's own container, as a notebook of theirs would: a project with a training set.
PREPARE = """
from pathlib import Path
from labkit.project import Project
from labkit.testing.learning import annotated_image, tiny_training_set
project = Project.create(Path.home() / "projects", "cells", classes=["nucleus"])
Path("/tmp/made").mkdir()
annotated_image(project, Path("/tmp/made"))
tiny_training_set(project)
"""


@pytest.fixture(scope="module")
def stack(student_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack with the whole image of the students and one fake device."""
    devices = {"LABKIT_DEVICES__FAKE": "1", "LABKIT_DEVICES__NVIDIA": "false"}
    files = [CHECKOUT / "tests" / "docker" / "story-hub.yml"]
    stack = Stack(CHECKOUT, tmp_path_factory.mktemp("story"), files=files, student_image=student_image, subnet="10.231", extra=devices)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


@pytest.fixture(scope="module")
def sessions(stack: Stack) -> Iterator[dict[str, HubSession]]:
    """People over HTTP; the student's server runs, with a project in the home."""
    passwords = stack.passwords()
    opened = {name: stack.session() for name in PEOPLE}
    for name, session in opened.items():
        assert session.login(name, passwords[name]).status_code == 200
        assert session.http.get("/services/labkit/").status_code == 200
    opened["student"].post_form("/hub/spawn/student", profile="cpu")
    wait_for(lambda: stack.servers().get("u-student-u/"), "the student's container")
    opened["student"].start_server("student")
    prepared = docker("exec", stack.servers()["u-student-u/"]["Id"], "python", "-c", PREPARE)
    assert "Error" not in prepared
    yield opened
    for session in opened.values():
        session.http.close()


@pytest.fixture(scope="module")
def browser(stack: Stack, sessions: dict[str, HubSession]) -> Iterator[Browser]:
    """A browser that takes Caddy's own certificate; that it is the right one is tested elsewhere."""
    with open_quiet_browser(stack.port, "--ignore-certificate-errors") as opened:
        yield opened


@pytest.fixture(scope="module")
def student(browser: Browser, stack: Stack) -> Iterator[Page]:
    """The student's JupyterLab."""
    with signed_in(browser, stack, "student") as page:
        yield page


@pytest.fixture(scope="module")
def admin(browser: Browser, stack: Stack) -> Iterator[Page]:
    """The admin, in a browser of their own."""
    with signed_in(browser, stack, "admin") as page:
        yield page


@contextmanager
def signed_in(browser: Browser, stack: Stack, name: str) -> Iterator[Page]:
    """Log somebody in through Caddy."""
    with patient_page(browser, height=860) as page:
        page.goto(f"{stack.url}/hub/login?next=/hub/home")
        page.fill("#username_input", name)
        page.fill("#password_input", stack.passwords()[name])
        page.click("#login_submit")
        page.wait_for_selector("#logout")
        yield page


def draw(page: Page, name: str) -> None:
    """Keep a picture of the page, where pictures are asked for."""
    if folder := os.environ.get("LABKIT_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")


def runs_view(page: Page, stack: Stack) -> Locator:
    """Open JupyterLab and the runs of the project."""
    page.goto(f"{stack.url}/user/student/lab?reset")
    card = page.get_by_role("region", name="LabKit projects").get_by_role("listitem", name="cells")
    card.get_by_role("button", name="Runs of cells").click()
    return page.get_by_role("region", name="Runs of cells")


def start_training(page: Page, view: Locator, epochs: int, *, picture: str = "") -> None:
    """Fill in the form of a new run, for the hub's device."""
    view.get_by_role("button", name="New run").click()
    dialog = page.get_by_role("dialog")
    choice = dialog.get_by_label("Where").locator("option", has_text="on the hub’s GPU")
    dialog.get_by_label("Where").select_option(value=choice.get_attribute("value"))
    dialog.get_by_label("Epochs").fill(str(epochs))
    expect(dialog.get_by_role("region", name="Plan")).to_contain_text("one of the hub")
    if picture:
        draw(page, picture)
    dialog.get_by_role("button", name="Start").click()
    expect(dialog).to_be_hidden()


def hub_runs(session: HubSession) -> list[dict[str, str]]:
    """Return the person's runs as the service says, the newest first."""
    found = list(session.http.get("/services/labkit/api/runs").json()["runs"])
    return sorted(found, key=lambda run: run["submitted"], reverse=True)


def holders(admin: HubSession) -> list[str]:
    """Return who holds devices of the hub."""
    return [device["holder"] for device in admin.http.get("/services/labkit/api/devices").json()["devices"] if device["holder"]]


def test_a_training_on_the_hubs_device(student: Page, stack: Stack, sessions: dict[str, HubSession]) -> None:
    """Chosen in the panel, computed in a container of its own with the device, and its model is in the project."""
    view = runs_view(student, stack)
    start_training(student, view, 1, picture="hub-run-new")
    detail = view.get_by_role("region", name="Chosen run")
    expect(detail).to_contain_text("Fake device 0 of the hub", timeout=RUN_MS)
    expect(detail.get_by_role("button", name="Use model unet/1")).to_be_visible(timeout=RUN_MS)
    draw(student, "hub-run-done")
    models = docker(
        "exec", stack.servers()["u-student-u/"]["Id"], "find", "/home/student/projects/cells/models", "-name", "weights.safetensors"
    )
    assert len(models.split()) == 1
    wait_for(lambda: list(stack.servers()) == ["u-student-u/"] or None, "the end of the run's container")
    (run,) = hub_runs(sessions["student"])
    assert (run["state"], run["owner"]) == ("done", "student")


def test_an_admin_sees_a_run_in_the_control_panel_and_stops_it(
    student: Page, admin: Page, stack: Stack, sessions: dict[str, HubSession]
) -> None:
    """By its name and profile; opening it leads to the run's page; stopping its server cancels the run and frees the device."""
    view = runs_view(student, stack)
    start_training(student, view, 5000)
    long_run = wait_for(lambda: next((run for run in hub_runs(sessions["student"]) if run["state"] == "running"), None), "the second run")
    detail = view.get_by_role("region", name="Chosen run")
    start_training(student, view, 1)
    expect(detail).to_contain_text("in the hub's line")
    draw(student, "hub-run-waiting")
    detail.get_by_role("button", name="Cancel").click()
    expect(detail.locator(".labkit-RunState")).to_contain_text("cancelled")

    admin.goto(f"{stack.url}/hub/admin")
    row = admin.get_by_test_id(f"user-row-student-run-{long_run['id']}")  # the open row of the user holds the name, too
    expect(row).to_contain_text("gpu-run")
    draw(admin, "hub-control-panel")
    row.get_by_text("Access Server").click()
    admin.wait_for_url(re.compile(rf"/services/labkit/runs/{long_run['id']}$"))
    expect(admin.get_by_role("main")).to_contain_text("running")
    draw(admin, "hub-run-page")

    admin.goto(f"{stack.url}/hub/admin")
    row.get_by_text("Stop Server").click()

    def end() -> dict[str, str] | None:
        (run,) = [run for run in hub_runs(sessions["student"]) if run["id"] == long_run["id"]]
        return run if run["state"] in ("cancelled", "lost") else None

    assert wait_for(end, "the end of the run")["reason"]
    wait_for(lambda: list(stack.servers()) == ["u-student-u/"] or None, "the end of the run's container")
    wait_for(lambda: None if holders(sessions["admin"]) else True, "the device, free")
