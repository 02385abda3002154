"""Names of those who come from elsewhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from jupyterhub import orm
from jupyterhub.auth import Authenticator
from tornado import web

from labkit.testing.login_provider import CLIENT_ID, CLIENT_SECRET, Provider
from labkit_hub.foreign import LabKitOidcAuthenticator, NameGuard, _Base


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


def test_a_provider_that_does_not_describe_itself_is_known_by_its_addresses() -> None:
    """Its tokens cannot be checked by its keys; what counts is what it says itself to whoever brings one."""
    with Provider() as provider:
        login = LabKitOidcAuthenticator(
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            basic_auth=True,
            token_url=f"{provider.url}/token",
            userdata_url=f"{provider.url}/userinfo",
        )
        challenge = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"  # of no verifier
        provider.codes["one"] = {"person": {"sub": "1"}, "asked": {"redirect_uri": "here", "nonce": "n", "code_challenge": challenge}}

        async def come() -> Any:
            return await login.token_to_user(await login.get_token_info(None, {"code": "one", "redirect_uri": "here"}))

        assert asyncio.run(come()) == {"sub": "1"}
