"""What has gone wrong on hubs elsewhere, as tests of this one. docs/security.md has the table; a test there has a row, and a row a test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from labkit.testing.hub_session import HubSession
from labkit.testing.light_hub import PASSWORD, LightHub
from labkit_hub.layout import CHECKOUT
from labkit_hub.placement.names import home_volume_name, server_object_name

pytestmark = pytest.mark.slow

PAGE = (CHECKOUT / "docs" / "security.md").read_text()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LightHub]:
    """Run a hub."""
    with LightHub(tmp_path_factory.mktemp("advisories") / "var", env={"LABKIT_DEVICES__FAKE": "1"}) as hub:
        yield hub


@pytest.fixture
def eve(hub: LightHub) -> Iterator[HubSession]:
    """Log a student in who means no good."""
    with hub.session("eve") as session:
        yield session


def test_share_codes_are_off(hub: LightHub, eve: HubSession) -> None:
    """A student can neither share a server nor make a code that opens it."""
    hub.api("POST", "/users/mallory")
    headers = {"X-XSRFToken": eve.xsrf}
    for path in ("shares/eve/", "share-codes/eve/"):
        answer = eve.http.post(f"/hub/api/{path}", json={"user": "mallory"}, headers=headers)
        assert answer.status_code in (403, 404), path
    assert not hub.api("GET", "/users/mallory").json()["servers"]


def test_nobody_has_filtered_admin_scopes(hub: LightHub, eve: HubSession) -> None:
    """A student's scopes are over their own things and our service; only the hub's admins have any admin's scope."""
    scopes = eve.http.get("/hub/api/user").json()["scopes"]
    assert [scope for scope in scopes if "admin" in scope] == []
    assert [scope for scope in scopes if not scope.endswith(("!user=eve", "!service=labkit"))] == []


def test_a_token_of_a_server_opens_little(hub: LightHub, eve: HubSession) -> None:
    """A server's token tells of its activity and asks our service; it starts nothing and lists nobody."""
    wanted = ["users:activity!user", "access:servers!server", "access:services!service=labkit"]
    from labkit_hub.service.launch import SERVER_SCOPES

    assert sorted(SERVER_SCOPES) == sorted(wanted)
    made = eve.http.post(
        "/hub/api/users/eve/tokens", json={"scopes": ["users:activity!user", wanted[2]]}, headers={"X-XSRFToken": eve.xsrf}
    ).json()
    headers = {"Authorization": f"token {made['token']}"}
    with HubSession(hub.url) as outside:
        assert outside.http.get("/hub/api/users", headers=headers).status_code == 403
        assert outside.http.post("/hub/api/users/eve/server", headers=headers).status_code in (403, 404)
        assert outside.http.get("/services/labkit/api/me", headers=headers).status_code == 200


@pytest.mark.parametrize("length", [256, 100_000])
def test_long_user_names_are_refused(hub: LightHub, length: int) -> None:
    """Neither the login nor an admin's script makes such an account, and nothing of it is repeated at length."""
    with HubSession(hub.url) as visitor:
        answer = visitor.login("n" * length, PASSWORD)
        assert answer.status_code in (400, 403, 413, 431), answer.status_code
    assert hub.api("POST", "/users", {"usernames": ["n" * length]}).status_code in (400, 413)
    assert all(len(user["name"]) <= 64 for user in hub.api("GET", "/users").json())


@pytest.mark.parametrize("path", ["/hub/spawn", "/hub/api/users/eve/server", "/hub/api/users/eve/tokens", "/services/labkit/courses"])
def test_another_site_cannot_act_as_the_person(eve: HubSession, path: str) -> None:
    """A form that another site sends with the person's cookies is refused, and so is a request that claims the right origin."""
    if path.startswith("/services"):
        eve.http.get("/services/labkit/", headers={"Accept": "text/html"})
    for headers in (
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Content-Type": "text/plain"},
        {},
    ):
        answer = eve.http.post(path, content=b"profile=cpu", headers=headers, follow_redirects=False)
        assert answer.status_code in (400, 401, 403), (path, headers, answer.status_code)


def test_nobody_chooses_an_image(hub: LightHub, eve: HubSession) -> None:
    """Neither by the API nor by the form."""
    headers = {"X-XSRFToken": eve.xsrf}
    assert eve.http.post("/hub/api/users/eve/server", json={"image": "evil"}, headers=headers).status_code == 400
    assert eve.post_form("/hub/spawn", image="evil").status_code == 400
    assert hub.server("eve") is None


def test_names_of_containers_and_volumes_do_not_collide() -> None:
    """The pairs of the reports, and the careless joins behind them."""
    pairs = [("a-b", "c"), ("a", "b-c"), ("a", "b"), ("a-b", ""), ("a.b", ""), ("A.B", ""), ("a--b", "")]
    assert len({server_object_name("labkit", user, server) for user, server in pairs}) == len(pairs)
    assert len({home_volume_name("labkit", user) for user in ("a.b", "a-b", "a_b", "ab", "a-2eb", "zoë b", "zoe b")}) == 7


def test_a_known_name_is_not_taken_over_by_a_look_alike(hub: LightHub) -> None:
    """Sign-up in other letters or another case never opens an account that is somebody's."""
    from labkit.errors import InvalidInput
    from labkit_hub.usernames import plain_name

    for name in ("Admin", "ADMIN"):
        assert plain_name(name) == "admin"  # the same account: taken
    for name in ("ａdmin", "аdmin", "admin\u200b", "admi\u0301n"):
        with pytest.raises(InvalidInput):
            plain_name(name)


def test_the_extension_manager_only_reads_and_the_homes_settings_do_not_count(hub: LightHub, eve: HubSession) -> None:
    """A server is started so that nobody installs into the shared environment, in each shape; in containers, config of the home is off."""
    from labkit_hub.placement import ContainerSite, ServerOrder, place_docker
    from labkit_hub.placement.command import LAB_ARGS
    from labkit_hub.profiles import DEFAULT_PROFILES

    assert "--LabApp.extension_manager=readonly" in LAB_ARGS
    assert place_docker(ServerOrder("eve", "", DEFAULT_PROFILES[0]), ContainerSite("labkit", "image", "http://x")).traits[
        "disable_user_config"
    ]


def test_a_student_reads_nothing_of_anothers(hub: LightHub, eve: HubSession) -> None:
    """Neither the person, nor the server, nor its progress."""
    hub.api("POST", "/users/zoë")
    hub.api("POST", f"/users/{quote('zoë')}/server", {"user_options": {}})
    for path in ("", "/server", "/server/progress", "/tokens"):
        assert eve.http.get(f"/hub/api/users/{quote('zoë')}{path}").status_code in (403, 404), path
    assert eve.http.get(f"/hub/spawn/{quote('zoë')}").status_code in (403, 404)


def test_every_test_has_its_row_and_every_row_its_test() -> None:
    """The page names the tests of this file, so that it cannot promise what is not tested."""
    tests = set(re.findall(r"^def (test_\w+)", Path(__file__).read_text(), re.MULTILINE))
    rows = set(re.findall(r"`(test_\w+)`", PAGE))
    assert tests - {"test_every_test_has_its_row_and_every_row_its_test"} == rows
