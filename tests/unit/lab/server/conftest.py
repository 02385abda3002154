"""A Jupyter Server in this process, with the server extension loaded."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403  # its fixtures, and its hook that runs async tests, for this folder only
from tornado.httpclient import HTTPResponse

Ask = Callable[..., Awaitable[HTTPResponse]]


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    """Load the extension; leave cross-site checks off, so that only authentication can refuse a request."""
    return {"ServerApp": {"jpserver_extensions": {"labkit_lab": True}, "disable_check_xsrf": True}}


@pytest.fixture
def projects_folder(jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name the folder of projects, inside of what the file browser shows; it is not made yet."""
    folder = jp_root_dir / "projects"
    monkeypatch.setenv("LABKIT_PROJECTS", str(folder))
    return folder


@pytest.fixture
def ask(jp_fetch: Callable[..., Awaitable[HTTPResponse]], projects_folder: Path) -> Ask:
    """Send a request to a route below `labkit/api`, and give its reply whatever the status; a loaded machine may need its time for it."""

    def send(*parts: str, **kwargs: Any) -> Awaitable[HTTPResponse]:
        return jp_fetch("labkit", "api", *parts, raise_error=False, **{"request_timeout": 120.0, **kwargs})

    return send
