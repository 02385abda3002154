"""Logins that are kept elsewhere: OpenID Connect and LTI 1.3 on a real hub, against a small provider of the tests' own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from labkit.testing.hub_session import HubSession
from labkit.testing.light_hub import LightHub
from labkit.testing.login_provider import CLIENT_ID, CLIENT_SECRET, Provider

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """Serve the provider."""
    with Provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def hub(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LightHub]:
    """Run a hub whose people log in there; ``root`` is its admin."""
    folder = tmp_path_factory.mktemp("oidc")
    secret = folder / "secret"
    secret.write_text(CLIENT_SECRET + "\n")
    env = {
        "LABKIT_ACCOUNTS__KIND": "oidc",
        "LABKIT_ACCOUNTS__ADMINS": '["root"]',
        "LABKIT_OIDC__CLIENT_ID": CLIENT_ID,
        "LABKIT_OIDC__CLIENT_SECRET_FILE": str(secret),
        "LABKIT_OIDC__ISSUER": provider.url,
        "LABKIT_OIDC__NAME": "Uni Example",
    }
    with LightHub(folder / "var", env=env) as hub:
        yield hub


def come(hub: LightHub, provider: Provider, **claims: Any) -> tuple[HubSession, Any]:
    """Log in as the person with these claims; the caller closes the session."""
    provider.person = claims
    session = HubSession(hub.url)
    return session, session.http.get("/hub/oauth_login", params={"next": "/hub/home"})


def test_the_login_page_leads_to_the_provider(hub: LightHub) -> None:
    """It names the login, and asks for no password of its own."""
    with HubSession(hub.url) as visitor:
        page = visitor.http.get("/hub/login").text
    assert "Sign in with Uni Example" in page
    assert "password_input" not in page


def test_a_person_comes_in_under_the_providers_name_in_lower_case(hub: LightHub, provider: Provider) -> None:
    """And may start a server, by roles that the service knows of."""
    session, page = come(hub, provider, sub="1", preferred_username="Ada")
    with session:
        assert page.status_code == 200, page.text
        me = session.http.get("/hub/api/user").json()
        assert (me["name"], me["admin"]) == ("ada", False)
        answer = session.http.post("/hub/api/users/ada/server", headers={"X-XSRFToken": session.xsrf})
        assert answer.status_code in (201, 202), answer.text


def test_admins_are_those_of_the_settings(hub: LightHub, provider: Provider) -> None:
    """By their names at the provider."""
    session, _ = come(hub, provider, sub="2", preferred_username="root")
    with session:
        assert session.http.get("/hub/api/user").json()["admin"] is True


def test_a_name_belongs_to_the_account_that_came_with_it_first(hub: LightHub, provider: Provider) -> None:
    """Another account with the same name, in another case too, is refused with a sentence and gets nobody's home."""
    come(hub, provider, sub="10", preferred_username="grace")[0].http.close()
    for name in ("grace", "GRACE"):
        session, page = come(hub, provider, sub="11", preferred_username=name)
        with session:
            assert page.status_code == 403
            assert "belongs to another account" in page.text
            assert session.http.get("/hub/api/user").status_code == 403
    session, page = come(hub, provider, sub="10", preferred_username="Grace")
    with session:
        assert session.http.get("/hub/api/user").json()["name"] == "grace"


def test_an_account_that_was_made_here_is_not_given_to_whoever_comes_with_its_name(hub: LightHub, provider: Provider) -> None:
    """The admin must say so first."""
    assert hub.api("POST", "/users/hedy").status_code == 201
    session, page = come(hub, provider, sub="20", preferred_username="hedy")
    with session:
        assert page.status_code == 403
        assert "was made here before" in page.text


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"sub": "30", "preferred_username": "zoë  b"}, "letters, digits"),
        ({"sub": "31", "preferred_username": "аdmin"}, "mixes alphabets"),
        ({"sub": "32", "preferred_username": "ｒｏｏｔ"}, "look like others"),
        ({"sub": "33", "preferred_username": "x" * 5000}, "64 are the most"),
        ({"sub": "", "preferred_username": "ida"}, "nothing by which"),
        ({"sub": "34"}, "says no name for you"),
        ({"sub": "35", "preferred_username": 35}, "says no name for you"),
    ],
    ids=["spaces", "cyrillic", "full-width", "long", "no-subject", "none", "number"],
)
def test_odd_names_are_refused_in_words(hub: LightHub, provider: Provider, claims: dict[str, Any], words: str) -> None:
    """A page with a sentence, no error of ours, and no account."""
    before = {user["name"] for user in hub.api("GET", "/users").json()}
    session, page = come(hub, provider, **claims)
    with session:
        assert page.status_code == 403, page.text
        assert words in page.text
        assert "Traceback" not in page.text
    assert {user["name"] for user in hub.api("GET", "/users").json()} == before


@pytest.fixture
def honest(provider: Provider) -> Iterator[Provider]:
    """Let the provider tell the truth again afterwards."""
    yield provider
    provider.token_claims, provider.refusal, provider.is_away, provider.signs = {}, "", False, provider.key


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"exp": 1_700_000_000}, "has expired"),
        ({"aud": "another"}, "not for this hub"),
        ({"iss": "https://elsewhere.example"}, "not from there"),
        ({"nonce": "another"}, "belongs to another login"),
        ({"sub": "1"}, "two people at once"),
    ],
    ids=["old", "for-another", "from-another", "of-another-login", "of-another-person"],
)
def test_a_token_that_is_not_of_this_login_opens_nothing(hub: LightHub, honest: Provider, claims: dict[str, Any], words: str) -> None:
    """Each is refused with a sentence."""
    honest.token_claims = claims
    session, page = come(hub, honest, sub="40", preferred_username="lin")
    with session:
        assert (page.status_code, words in page.text) == (403, True), page.text
        assert session.http.get("/hub/api/user").status_code == 403


def test_a_token_that_somebody_else_signed_opens_nothing(hub: LightHub, honest: Provider) -> None:
    """It says the truth, and the provider's keys do not open it."""
    honest.signs = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    session, page = come(hub, honest, sub="41", preferred_username="lin")
    with session:
        assert (page.status_code, "not from there" in page.text) == (403, True), page.text


def test_a_provider_that_is_away_and_one_that_refuses_are_told(hub: LightHub, honest: Provider) -> None:
    """One by its name and *try again*, the other in its own word."""
    honest.is_away = True
    away, page = come(hub, honest)
    with away:
        assert (page.status_code, "Uni Example does not answer just now" in page.text) == (503, True), page.text
    honest.is_away, honest.refusal = False, "access_denied"
    refused, page = come(hub, honest)
    with refused:
        assert (page.status_code, "has let nobody in: access_denied" in page.text) == (403, True), page.text


def test_a_login_of_another_browser_is_none_of_this_one(hub: LightHub, provider: Provider) -> None:
    """Whoever opens an address with somebody's code gets a sentence, and not into that account."""
    with HubSession(hub.url) as other:
        page = other.http.get("/hub/oauth_callback", params={"code": "a", "state": "b", "error_description": "Call us at once"})
    assert (page.status_code, "began elsewhere" in page.text, "Call us" in page.text) == (400, True, False)


LTI = {
    "LABKIT_ACCOUNTS__KIND": "lti13",
    "LABKIT_LTI__CLIENT_IDS": f'["{CLIENT_ID}"]',
}


@pytest.fixture(scope="module")
def lti_hub(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LightHub]:
    """Run a hub whose people come from a learning platform."""
    own = {
        "LABKIT_LTI__ISSUER": provider.url,
        "LABKIT_LTI__AUTHORIZE_URL": f"{provider.url}/lti-authorize",
        "LABKIT_LTI__JWKS_URL": f"{provider.url}/keys",
        "LABKIT_LTI__PASSBACK__TOKEN_URL": f"{provider.url}/token",
    }
    with LightHub(tmp_path_factory.mktemp("lti") / "var", env={**LTI, **own}) as hub:
        yield hub


@pytest.mark.ci
def test_the_platform_is_told_how_to_register_the_hub(lti_hub: LightHub) -> None:
    """The address of the configuration answers without a login, with addresses that answer, too."""
    with HubSession(lti_hub.url) as platform:
        told = platform.http.get("/hub/lti13/config").json()
        assert platform.http.get(told["public_jwk_url"]).json()["keys"]
    assert told["title"] == "LabKit"
    assert told["oidc_initiation_url"] == f"{lti_hub.url}/hub/lti13/oauth_login"


@pytest.mark.ci
def test_a_launch_from_the_platform_logs_in(lti_hub: LightHub, provider: Provider) -> None:
    """Initiation, signed token checked by the platform's keys, and the person is in; another account with the name is refused."""
    with HubSession(lti_hub.url) as session:
        assert launch(lti_hub, provider, session, sub="u-1", email="zoe@uni.example") < 400
        assert session.http.get("/hub/api/user").json()["name"] == "zoe@uni.example"
    with HubSession(lti_hub.url) as session:
        assert launch(lti_hub, provider, session, sub="u-2", email="Zoe@uni.example") == 403


@pytest.mark.ci
def test_a_launch_tells_where_points_go(lti_hub: LightHub, provider: Provider) -> None:
    """The service keeps the platform's course and what the person is called there, and nothing else; its public key needs no login."""
    claim, ags = "https://purl.imsglobal.org/spec/lti/claim", "https://purl.imsglobal.org/spec/lti-ags"
    claims = {
        f"{claim}/context": {"id": "42", "title": "Image AI"},
        f"{claim}/roles": ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"],
        f"{ags}/claim/endpoint": {"scope": [f"{ags}/scope/lineitem", f"{ags}/scope/score"], "lineitems": f"{provider.url}/items"},
    }
    with HubSession(lti_hub.url) as session:
        assert launch(lti_hub, provider, session, sub="u-9", email="kim@uni.example", **claims) < 400
        (key,) = session.http.get("/services/labkit/lti/keys").json()["keys"]
    assert (key["kty"], key["alg"], "d" in key) == ("RSA", "RS256", False)
    with closing(sqlite3.connect(lti_hub.var / "labkit.sqlite")) as database:
        rows = database.execute("SELECT username, title, subject, client_id, lineitems, teaches FROM lti_launches").fetchall()
    assert rows == [("kim@uni.example", "Image AI", "u-9", CLIENT_ID, f"{provider.url}/items", 0)]


@pytest.mark.ci
def test_a_launch_with_anothers_nonce_is_refused(lti_hub: LightHub, provider: Provider) -> None:
    """A token that was made for another login opens nothing."""
    with HubSession(lti_hub.url) as session:
        assert launch(lti_hub, provider, session, nonce="another", sub="u-3", email="eve@uni.example") in (400, 401, 403)
        assert session.http.get("/hub/api/user").status_code == 403


def launch(hub: LightHub, provider: Provider, session: HubSession, *, nonce: str | None = None, **claims: Any) -> int:
    """Go the way of a browser that opens LabKit from a course; return the last status."""
    began = session.http.get(
        "/hub/lti13/oauth_login",
        params={"iss": provider.url, "login_hint": "1", "target_link_uri": f"{hub.url}/hub/home", "client_id": CLIENT_ID},
        follow_redirects=False,
    )
    assert began.status_code == 302, began.text
    asked = {name: values[0] for name, values in parse_qs(urlsplit(began.headers["Location"]).query).items()}
    assert began.headers["Location"].startswith(f"{provider.url}/lti-authorize")
    token = provider.launch_token(nonce or asked["nonce"], **claims)
    # The platform's page posts this from its own site; cookies that are marked as secure are sent to this machine all the same.
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.http.cookies.jar)
    answer = session.http.post("/hub/lti13/oauth_callback", data={"id_token": token, "state": asked["state"]}, headers={"Cookie": cookies})
    return int(answer.status_code)
