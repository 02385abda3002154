"""Who may start what: options in every way they can come, names of servers, and many starts at once; on a real hub and service."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from labkit.testing.hub import hub_programs
from labkit.testing.hub_session import HubSession
from labkit.testing.light_hub import LightHub

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LightHub]:
    """Run a hub with two devices that are none, and at most five starts at a time."""
    env = {"LABKIT_DEVICES__FAKE": "2", "LABKIT_DEVICES__NVIDIA": "false", "LABKIT_SERVER__STARTS_AT_ONCE": "5", "LIGHT_HUB_START_S": "0.3"}
    with LightHub(tmp_path_factory.mktemp("spawning") / "var", env=env) as hub:
        yield hub


@pytest.fixture
def ada(hub: LightHub) -> Iterator[HubSession]:
    """Log Ada in; her server is stopped before and after."""
    with hub.session("ada") as session:
        stop(hub, "ada")
        yield session
        stop(hub, "ada")


def stop(hub: LightHub, user: str) -> None:
    def is_gone() -> bool:
        if hub.server(user) is None:
            return True
        hub.api("DELETE", f"/users/{quote(user)}/server")  # again: while it starts the hub takes no such request
        return False

    wait_for(is_gone)


def wait_for(found: Any, timeout_s: float = 120.0) -> Any:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.1)
    raise AssertionError("it did not come about")


def told(session: HubSession, user: str) -> dict[str, Any]:
    """Return what a light server says it was started with."""

    def ask() -> Any:
        answer = session.http.get(f"/user/{quote(user)}/api")
        return answer.json() if answer.status_code == 200 and answer.url.path.startswith("/user/") else None

    return dict(wait_for(ask))


def start(session: HubSession, user: str, body: Any = None) -> Any:
    return session.http.post(f"/hub/api/users/{quote(user)}/server", json=body, headers={"X-XSRFToken": session.xsrf})


def test_the_page_shows_what_may_be_started_and_what_is_free(ada: HubSession) -> None:
    """Both profiles for servers are there, the run's is not, and the free devices are counted."""
    page = ada.http.get("/hub/spawn").text
    assert re.findall(r'name="profile" id="[^"]*" value="([^"]*)"', page) == ["cpu", "gpu"]
    assert 'data-free="2" data-waiting="0"' in page
    assert "2 of 2 GPUs are free" in page


def test_the_form_starts_the_profile_that_was_chosen(hub: LightHub, ada: HubSession) -> None:
    """The server holds one device, sees no other, and the hub shows its profile."""
    page = ada.post_form("/hub/spawn", profile="gpu")
    assert page.status_code == 200, page.text
    environment = told(ada, "ada")["environment"]
    assert environment["LABKIT_DEVICE"] in ("fake-0", "fake-1")
    assert environment["CUDA_VISIBLE_DEVICES"] == ""
    assert environment["LABKIT_SERVICE_URL"] == f"{hub.url}/services/labkit"
    assert hub.server("ada")["user_options"] == {"profile": "gpu"}  # type: ignore[index]


def test_without_options_the_first_profile_is_started_and_sees_no_device(hub: LightHub, ada: HubSession) -> None:
    """A start through the API with no wish is one without a device, and the panel shows its profile too."""
    assert start(ada, "ada", {"user_options": {}}).status_code in (201, 202)
    told_ = told(ada, "ada")
    assert told_["environment"]["CUDA_VISIBLE_DEVICES"] == ""
    assert "LABKIT_DEVICE" not in told_["environment"]
    assert "--LabApp.extension_manager=readonly" in told_["args"]
    assert hub.server("ada")["user_options"] == {"profile": "cpu"}  # type: ignore[index]


BAD_OPTIONS = [
    ({"image": "evil:latest"}, "image"),
    ({"profile": "cpu", "cmd": ["sh"]}, "cmd"),
    ({"profile": ["cpu"]}, "profile"),
    ({"profile": "x" * 100_000}, "profile"),
    ({"profile": "no-such"}, "no-such"),
    ({"profile": "gpu-run"}, "gpu-run"),
    ({"ticket": {"a": 1}}, "ticket"),
    ({"profile": "cpu\n"}, "profile"),
]


@pytest.mark.parametrize(("options", "word"), BAD_OPTIONS, ids=[str(options)[:30] for options, _ in BAD_OPTIONS])
def test_the_api_refuses_everything_but_a_profile_in_words(hub: LightHub, ada: HubSession, options: dict[str, Any], word: str) -> None:
    """Nothing is started, the message names what was wrong, and the refused options are not kept for the next start."""
    answer = start(ada, "ada", {"user_options": options})
    assert 400 <= answer.status_code < 500, answer.text
    assert word in answer.json()["message"]
    assert len(answer.text) < 2000
    assert hub.server("ada") is None
    assert start(ada, "ada").status_code in (201, 202)


def test_the_form_refuses_further_fields(hub: LightHub, ada: HubSession) -> None:
    """Whoever adds fields to the form gets it back with a sentence."""
    page = ada.post_form("/hub/spawn", profile="cpu", image="evil:latest")
    assert page.status_code == 400
    assert "no option called image" in page.text
    assert hub.server("ada") is None


def test_stored_options_that_were_edited_are_checked(hub: LightHub, ada: HubSession) -> None:
    """The owner may edit the options of a stopped server; the next start refuses what is none, and the one after it works."""
    start(ada, "ada")
    told(ada, "ada")
    stop(hub, "ada")
    headers = {"X-XSRFToken": ada.xsrf}
    edited = ada.http.patch("/hub/api/users/ada/server", json={"user_options": {"image": "evil:latest"}}, headers=headers)
    assert edited.status_code == 200, edited.text
    answer = start(ada, "ada")
    assert answer.status_code == 400
    assert "image" in answer.json()["message"]
    assert start(ada, "ada").status_code in (201, 202)


def test_an_address_starts_nothing(hub: LightHub, ada: HubSession) -> None:
    """A link from another page to the spawn page shows the page, whatever options it carries."""
    page = ada.http.get("/hub/spawn", params={"profile": "gpu"})
    assert page.status_code == 400
    assert "Choose here what to start" in page.text
    assert hub.server("ada") is None


def test_an_admin_starts_what_the_owner_may_have_and_nothing_else(hub: LightHub, ada: HubSession) -> None:
    """An admin's wishes for somebody else's server are checked like the owner's."""
    with hub.session("admin") as admin:
        assert start(admin, "ada", {"user_options": {"image": "evil"}}).status_code == 400
        assert start(admin, "ada", {"user_options": {"profile": "cpu"}}).status_code in (201, 202)
    assert told(ada, "ada")["environment"]["LABKIT_PROFILE"] == "cpu"


@pytest.mark.parametrize("name", ["mine", "run-abcdefghijkl", "run-"])
@pytest.mark.parametrize("who", ["ada", "admin"])
def test_servers_with_a_name_are_for_the_queue_alone(hub: LightHub, ada: HubSession, who: str, name: str) -> None:
    """Neither the owner nor an admin can make or start one, with or without a made-up ticket, by API or page; nothing is left."""
    with hub.session(who) as session:
        headers = {"X-XSRFToken": session.xsrf}
        path = f"/hub/api/users/ada/servers/{name}"
        for method in ("POST", "PUT"):
            answer = session.http.request(method, path, json={"user_options": {"profile": "gpu-run", "ticket": "x"}}, headers=headers)
            assert 400 <= answer.status_code < 500, answer.text
        assert 400 <= session.http.get(f"/hub/spawn/ada/{name}").status_code < 500
    assert set(hub.api("GET", "/users/ada?include_stopped_servers=1").json()["servers"]) <= {""}


def test_another_services_named_server_is_refused_by_the_hook(hub: LightHub, ada: HubSession) -> None:
    """A script with an admin's rights is not the queue."""
    answer = hub.api("POST", "/users/ada/servers/run-abcdefghijkl", {"user_options": {"profile": "gpu-run", "ticket": "x"}})
    assert answer.status_code == 403
    assert "queue" in answer.json()["message"]


def test_the_third_of_two_devices_is_refused_with_a_sentence(hub: LightHub) -> None:
    """Two people hold the two devices; the third is told, the page shows it, and gets one after another has stopped."""
    users = ["grace", "hedy", "ida"]
    sessions = [hub.session(user) for user in users]
    try:
        for session, user in zip(sessions[:2], users, strict=False):  # a device is free a moment after the server that had it is gone
            wait_for(lambda session=session, user=user: start(session, user, {"profile": "gpu"}).status_code in (201, 202))
        devices = {told(session, user)["environment"]["LABKIT_DEVICE"] for session, user in zip(sessions[:2], users, strict=False)}
        assert devices == {"fake-0", "fake-1"}
        refused = start(sessions[2], "ida", {"profile": "gpu"})
        assert refused.status_code == 409
        assert "No device is free" in refused.json()["message"]
        assert "No GPU is free just now" in sessions[2].http.get("/hub/spawn").text
        stop(hub, "grace")
        wait_for(lambda: start(sessions[2], "ida", {"profile": "gpu"}).status_code in (201, 202))
        assert told(sessions[2], "ida")["environment"]["LABKIT_DEVICE"] in devices
    finally:
        for session, user in zip(sessions, users, strict=True):
            stop(hub, user)
            session.http.close()


def test_thirty_people_start_at_once_and_nobody_is_sent_away(hub: LightHub) -> None:
    """With five starts at a time all thirty get their servers; no answer is 429; who waits is told how many come before."""
    users = [f"pupil{number}" for number in range(30)]
    with ThreadPoolExecutor(10) as pool:
        sessions = list(pool.map(hub.session, users))
        pages = list(pool.map(lambda session: session.post_form("/hub/spawn", profile="cpu"), sessions))
        assert {page.status_code for page in pages} == {200}
        assert all(pool.map(lambda pair: told(*pair), zip(sessions, users, strict=True)))
    for session in sessions:
        session.http.close()
    assert int(re.findall(r"most starts at a time: (\d+)", hub.log)[-1]) <= 5
    delayed = re.search(r"^labkit_spawns_delayed_total (\d+)", hub.api("GET", "/../metrics").text, re.MULTILINE)
    assert delayed is not None
    assert float(delayed[1]) > 0


def test_the_bar_leads_to_the_service_and_home_offers_no_named_server(hub: LightHub, ada: HubSession) -> None:
    """Everybody finds runs and courses; only an admin finds the pages of an admin."""
    page = ada.http.get("/hub/home").text
    assert 'href="/services/labkit/"' in page
    assert 'href="/services/labkit/courses"' in page
    assert "/services/labkit/admin" not in page
    assert "new-server-name" not in page
    with hub.session("admin") as admin:
        assert "/services/labkit/admin" in admin.http.get("/hub/home").text


def test_an_announcement_is_shown_to_everybody_as_text(hub: LightHub, ada: HubSession) -> None:
    """What an admin announces stands on the hub's pages soon after, without being taken for HTML."""
    with hub.session("admin") as admin:
        token = admin.http.post("/hub/api/users/admin/tokens", json={}, headers={"X-XSRFToken": admin.xsrf}).json()["token"]
        headers = {"Authorization": f"token {token}"}
        answer = admin.http.put("/services/labkit/api/announcement", json={"text": "Maintenance <b>tonight</b>"}, headers=headers)
        assert answer.status_code == 200, answer.text
    assert wait_for(lambda: "Maintenance &lt;b&gt;tonight" in ada.http.get("/hub/home").text)


def test_while_the_service_is_away_nothing_starts_and_the_hub_says_so(hub: LightHub, ada: HubSession) -> None:
    """The hub waits for an answer, then refuses with "try again", and still shows its pages; afterwards all is as before."""
    service = service_process(hub)
    service.suspend()
    try:
        assert ada.http.get("/hub/home").status_code == 200
        assert start(ada, "ada").status_code == 202  # after ten seconds the hub answers, whatever comes of it
        progress = ada.http.get("/hub/api/users/ada/server/progress", headers={"X-XSRFToken": ada.xsrf}).text
        assert '"failed": true' in progress
        assert "Try again in a minute" in progress
        assert wait_for(lambda: hub.server("ada") is None)
    finally:
        service.resume()
    assert wait_for(lambda: start(ada, "ada").status_code in (201, 202))


def service_process(hub: LightHub) -> Any:
    return hub_programs(hub.var, "labkit_hub.service")[0]
