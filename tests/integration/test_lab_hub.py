"""Runs of the hub in the panel of a real JupyterLab, beside a stand-in for the hub's service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import labkit_lab
from labkit.project import Project
from labkit.testing.hub_service import TOKEN, StandInService, hub_service
from labkit.testing.lab import WITHIN_S, Lab, running_lab
from labkit.testing.learning import annotated_image, tiny_training_set
from labkit.testing.runs import wait_until
from labkit.training import list_models

pytestmark = [pytest.mark.browser, pytest.mark.ci]

RUN_MS = 4 * WITHIN_S * 1000  # a whole run on a machine under load


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInService]:
    """The hub of the person whose home the server shows; its only device is in use."""
    with hub_service(tmp_path / "home") as running:
        running.is_taken = True
        running.announcement = "Tonight the hub is closed."
        monkeypatch.setenv("LABKIT_SERVICE_URL", running.url)
        monkeypatch.setenv("LABKIT_HUB_TOKEN", TOKEN)
        yield running


@pytest.fixture
def lab(service: StandInService, tmp_path: Path, browser: Browser) -> Iterator[Lab]:
    """A JupyterLab that belongs to the hub."""
    labextension = Path(labkit_lab.__file__).parent / "labextension"
    with running_lab(tmp_path, labextension, labkit_lab.LABEXTENSION_NAME) as lab:
        yield lab


def test_a_training_on_the_hub(page: Page, lab: Lab, service: StandInService, tmp_path: Path) -> None:
    """Chosen in the form, seen in the line, cancelled, started again, carried out there, its model used here; then the hub goes away."""
    project = Project.create(lab.projects, "cells", classes=["nucleus"])
    annotated_image(project, tmp_path)
    tiny_training_set(project)
    page.goto(lab.url)
    card = page.get_by_role("region", name="LabKit projects").get_by_role("listitem", name="cells")
    card.get_by_role("button", name="Runs of cells").click()
    view = page.get_by_role("region", name="Runs of cells")
    view.get_by_role("button", name="New run").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Where").select_option("on the hub’s GPU (0 of 1 free)")
    expect(dialog).to_contain_text("You may compute 4.5 h more. Tonight the hub is closed.")
    expect(dialog.get_by_label("Course")).to_contain_text("Cells (4.5 h left)")
    dialog.get_by_label("Epochs").fill("1")
    expect(dialog.get_by_role("region", name="Plan")).to_contain_text("one of the hub")
    dialog.get_by_role("button", name="Start").click()
    expect(dialog).to_be_hidden()

    detail = view.get_by_role("region", name="Chosen run")
    expect(detail).to_contain_text("next in the hub's line: The device is in use.")
    expect(view.get_by_role("list", name="Runs").get_by_role("listitem").first).to_contain_text("the hub’s GPU")
    first = service.items()[0]
    expect(detail.get_by_role("link", name="Page at the hub")).to_have_attribute("href", first.page)
    assert (first.course, first.path) == ("cells", "projects/cells/runs")
    detail.get_by_role("button", name="Cancel").click()
    expect(detail.locator(".labkit-RunState")).to_contain_text("cancelled")
    wait_until(lambda: service.item(first.id).state == "cancelled")
    detail.get_by_role("button", name="Run again").click()
    expect(detail).to_contain_text("next in the hub's line")

    service.is_taken = False
    service.dispatch()
    expect(detail.get_by_role("button", name="Use model unet/1")).to_be_visible(timeout=RUN_MS)
    expect(detail).to_contain_text("fake-0 of the hub")
    assert [model.key for model in list_models(project)] == ["unet/1"]

    service.is_away = True
    expect(view).to_contain_text("Runs of the hub are shown as they were last seen. The hub does not answer just now.")
    expect(detail).to_contain_text("fake-0 of the hub")
    view.get_by_role("button", name="New run").click()
    expect(dialog.get_by_label("Where")).to_contain_text("here")
    expect(dialog.get_by_label("Where")).not_to_contain_text("hub")
