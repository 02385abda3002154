"""Names of those who come from elsewhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from jupyterhub import orm
from jupyterhub.auth import Authenticator
from tornado import web

from labkit.testing.login_provider import CLIENT_ID, CLIENT_SECRET, Provider
from labkit_hub.foreign import LabKitLtiAuthenticator, LabKitOidcAuthenticator, NameGuard, _Base
from labkit_hub.registration import registration


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


def test_professors_can_be_said_however_people_log_in() -> None:
    """The group that an admin adds them to is there from the first start."""
    session = orm.new_session_factory("sqlite://")()
    Guarded(db=session).check_allow_config()
    assert orm.Group.find(session, "professors") is not None


def test_a_launch_without_the_name_is_refused() -> None:
    """The platform keeps e-mail addresses to itself: nobody becomes a number, and the page says what is missing."""
    session = orm.new_session_factory("sqlite://")()
    _Base.metadata.create_all(session.get_bind())
    custom = "https://purl.imsglobal.org/spec/lti/claim/custom"
    claims = {"iss": "https://platform.example", "sub": "6", custom: {"login": "Zoë B"}}
    with pytest.raises(web.HTTPError, match=r"does not say what you are called here \(email\)") as refused:
        asyncio.run(LabKitLtiAuthenticator(db=session).authenticate(None, claims))
    assert refused.value.status_code == 403
    assert asyncio.run(LabKitLtiAuthenticator(db=session, username_key="custom_login").authenticate(None, claims))["name"] == "zoë b"


@pytest.mark.parametrize("scores", [True, False])
def test_a_platform_is_told_what_is_needed(scores: bool) -> None:
    """Canvas demands title, description, the two addresses of a launch and a key; rights are asked for only where points go back."""
    told = registration("https://labkit.uni.example", "LabKit", "Image AI", scores=scores)
    assert {name: told[name] for name in ("target_link_uri", "oidc_initiation_url", "public_jwk_url")} == {
        "target_link_uri": "https://labkit.uni.example/hub/home",
        "oidc_initiation_url": "https://labkit.uni.example/hub/lti13/oauth_login",
        "public_jwk_url": "https://labkit.uni.example/services/labkit/lti/keys",
    }
    assert [scope.rpartition("/")[2] for scope in told["scopes"]] == (["lineitem", "score"] if scores else [])
    (canvas,) = told["extensions"]
    assert (canvas["domain"], canvas["settings"]["placements"][0]["windowTarget"]) == ("labkit.uni.example", "_blank")


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
