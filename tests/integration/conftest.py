"""What tests in a browser share; a file that needs another server or another screen has a fixture of the same name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import labkit_lab
from labkit.testing.browser import open_browser, patient_page
from labkit.testing.lab import Lab, running_lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def lab(tmp_path: Path, browser: Browser) -> Iterator[Lab]:
    """A JupyterLab with this checkout's extension and nothing in its home."""
    labextension = Path(labkit_lab.__file__).parent / "labextension"
    with running_lab(tmp_path, labextension, labkit_lab.LABEXTENSION_NAME) as lab:
        yield lab


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with patient_page(browser) as page:
        yield page
