"""Names of those who come from elsewhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from jupyterhub import orm
from jupyterhub.auth import Authenticator
from tornado import web

from labkit_hub.foreign import NameGuard, _Base


class Played(Authenticator):  # type: ignore[misc]
    """Another login, which believes what it is told."""

    async def authenticate(self, handler: Any, data: Any = None, **kwargs: Any) -> dict[str, Any]:
        return {"name": data, "auth_state": {}}


class Guarded(NameGuard, Played):
    """Guards it."""

    def subject_of(self, model: dict[str, Any]) -> str:
        return f"subject of {model['name']}"


def test_nobody_comes_as_the_grader() -> None:
    """Whatever their provider calls them; others come in."""
    session = orm.new_session_factory("sqlite://")()
    _Base.metadata.create_all(session.get_bind())
    guard = Guarded(db=session, grader="labkit-grader")
    with pytest.raises(web.HTTPError, match="hub's own"):
        asyncio.run(guard.authenticate(None, "LabKit-Grader"))
    assert asyncio.run(guard.authenticate(None, "ada"))["name"] == "ada"
