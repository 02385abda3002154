"""The hub's service beside a real hub: logins, tokens, courses, groups, and what it makes of the hub's answers."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import psutil
import pytest

from labkit.testing.hub import RunningHub, hub_programs
from labkit.testing.hub_session import HubSession
from labkit_hub.service.hubapi import HubClient
from labkit_hub.service.hubhttp import HubHttp
from labkit_hub.service.metrics import PrometheusMeters

pytestmark = pytest.mark.slow

SERVICE = "/services/labkit"


def wait_until(what: str, is_so: Callable[[], bool], timeout_s: float = 120.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {what}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """Run a hub with two devices that are none, until its service answers."""
    env = {"LABKIT_DEVICES__NVIDIA": "false", "LABKIT_DEVICES__FAKE": "2"}
    with RunningHub(tmp_path_factory.mktemp("people") / "var", env=env) as running:
        with HubSession(running.url) as visitor:
            wait_until("the service answers", lambda: is_open(visitor))
        yield running


def logged_in(hub: RunningHub, name: str) -> HubSession:
    session = HubSession(hub.url)
    assert session.login(name, hub.logins[name]).status_code == 200
    return session


def service_process(hub: RunningHub) -> psutil.Process:
    return hub_programs(hub.var, "labkit_hub.service")[0]


def is_open(session: HubSession) -> bool:
    import httpx

    try:
        return session.http.get(f"{SERVICE}/health").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def professor(hub: RunningHub) -> Iterator[HubSession]:
    with logged_in(hub, "professor") as session:
        yield session


@pytest.fixture
def student(hub: RunningHub) -> Iterator[HubSession]:
    with logged_in(hub, "student") as session:
        yield session


@pytest.fixture
def admin(hub: RunningHub) -> Iterator[HubSession]:
    with logged_in(hub, "admin") as session:
        yield session


def new_token(session: HubSession, name: str, scopes: list[str] | None = None) -> str:
    """Let a person make a token of the hub, as on the hub's page."""
    body = {"note": "test"} | ({"scopes": scopes} if scopes else {})
    answer = session.http.post(f"/hub/api/users/{name}/tokens", json=body, headers={"X-XSRFToken": session.xsrf})
    return str(answer.json()["token"])


def send(session: HubSession, path: str, **fields: str) -> str:
    """Open a page of the service, send a form with its proof, and return the page that follows."""
    proof = session.http.get(f"{SERVICE}/courses").text.split('name="_csrf" value="')[1].split('"')[0]
    answer = session.http.post(SERVICE + path, data={"_csrf": proof, **fields})
    assert answer.status_code == 200, answer.text
    return answer.text


def groups(admin: HubSession) -> dict[str, list[str]]:
    return {group["name"]: sorted(group["users"]) for group in admin.http.get("/hub/api/groups").json()}


def test_whoever_is_logged_in_to_the_hub_is_logged_in_here(student: HubSession) -> None:
    """Without a question, and with nothing but the name: the token in the browser opens nothing of the hub."""
    page = student.http.get(f"{SERVICE}/")
    assert (page.status_code, page.url.path, "<span>student</span>" in page.text) == (200, f"{SERVICE}/", True)
    cookie = next(cookie for cookie in student.http.cookies.jar if cookie.name == "labkit-token")
    assert cookie.path == f"{SERVICE}/"
    with HubSession(str(student.http.base_url)) as thief:
        answer = thief.http.get("/hub/api/users/student", headers={"Authorization": f"token {cookie.value}"})
        assert (answer.status_code, answer.json()["name"], "servers" in answer.json()) == (200, "student", False)
        assert thief.http.post("/hub/api/users/student/server", headers={"Authorization": f"token {cookie.value}"}).status_code == 403


def test_nobody_is_sent_to_the_login_and_back(hub: RunningHub) -> None:
    """A page that was asked for without a login is what follows it."""
    with HubSession(hub.url) as visitor:
        login = visitor.http.get(f"{SERVICE}/courses")
        assert login.url.path == "/hub/login"
        fields = {"_xsrf": visitor.xsrf, "username": "student", "password": hub.logins["student"]}
        page = visitor.http.post(str(login.url), data=fields)
        assert (page.status_code, page.url.path) == (200, f"{SERVICE}/courses")


def test_tokens_of_the_hub_open_the_api(hub: RunningHub, professor: HubSession, admin: HubSession) -> None:
    """A person's own does, an admin's is one, and one that was made for something else is refused."""
    tokens = [new_token(professor, "professor"), new_token(admin, "admin"), new_token(professor, "professor", ["read:users:name!user"])]
    with HubSession(hub.url) as program:
        answers = [program.http.get(f"{SERVICE}/api/me", headers={"Authorization": f"token {token}"}) for token in [*tokens, "none"]]
    assert [answer.status_code for answer in answers] == [200, 200, 403, 401]
    assert [(answer.json()["name"], answer.json()["is_admin"]) for answer in answers[:2]] == [("professor", False), ("admin", True)]


def test_a_roster_becomes_groups_of_the_hub(professor: HubSession, student: HubSession, admin: HubSession) -> None:
    """At once for those who have an account, later for the others; what was changed by hand is put right."""
    assert "created" in send(professor, "/courses", title="Image AI")
    send(professor, "/courses/image-ai/members", name="student", role="student")
    send(professor, "/courses/image-ai/members", name="zoë", role="assistant")
    students, assistants = "course-image-ai-students", "course-image-ai-assistants"
    wait_until("the student's group", lambda: groups(admin).get(students) == ["student"])
    student.http.get(f"{SERVICE}/")
    assert student.http.get(f"{SERVICE}/api/me").json()["courses"] == [
        {"id": "image-ai", "title": "Image AI", "role": "student", "hours_left": None}
    ]
    xsrf = {"X-XSRFToken": admin.xsrf}
    assert admin.http.post(f"/hub/api/users/{quote('zoë')}", headers=xsrf).status_code == 201
    assert admin.http.request("DELETE", f"/hub/api/groups/{students}/users", json={"users": ["student"]}, headers=xsrf).status_code == 200
    send(professor, "/courses/image-ai/change", title="Image AI 1")
    wait_until("the assistant's group", lambda: groups(admin).get(assistants) == ["zoë"] and groups(admin).get(students) == ["student"])
    send(professor, "/courses/image-ai/remove", name="student")
    wait_until("the empty group", lambda: groups(admin)[students] == [])


def test_the_admins_page_opens_for_admins_only(professor: HubSession, admin: HubSession) -> None:
    """With the devices that this hub has."""
    assert professor.http.get(f"{SERVICE}/admin").status_code == 403
    page = admin.http.get(f"{SERVICE}/admin")
    assert (page.status_code, page.text.count('class="state ready"')) == (200, 2)


@pytest.fixture
def client(hub: RunningHub) -> Iterator[HubClient]:
    """The hub as the service sees it, with the service's own token and its few scopes."""
    meters = PrometheusMeters()
    http = HubHttp(f"{hub.url}/hub/api", service_process(hub).environ()["JUPYTERHUB_API_TOKEN"], meters)
    yield HubClient(http, meters)
    http.close()


def test_a_refused_run_is_stopped_and_a_row_without_a_server_too(hub: RunningHub, client: HubClient) -> None:
    """Refused in words; a row is stopped, is listed, and is absent when it is removed."""
    name = "run-k7q2m9x4c1aa"
    assert [client.server("nobody", "").state, client.server("student", name).state] == ["absent", "absent"]
    refused = client.start_server("student", name, {"profile": "gpu-run", "ticket": "none"})
    assert (refused.state, "queue" in refused.facts["message"]) == ("stopped", True)
    own = {"Authorization": f"token {service_process(hub).environ()['JUPYTERHUB_API_TOKEN']}"}
    with HubSession(hub.url) as service:
        service.http.put(f"/hub/api/users/student/servers/{name}", headers=own)
    assert client.server("student", name).state == "stopped"
    assert ("student", name, "stopped") in [(view.user, view.name, view.state) for view in client.servers() or ()]
    assert [client.stop_server("student", name, remove=True).state for _ in range(2)] == ["absent", "absent"]


@pytest.mark.ci
def test_a_server_comes_and_goes(hub: RunningHub, client: HubClient, student: HubSession) -> None:
    """Pending, running, and stopped, as the hub says at each time."""
    assert student.http.post("/hub/api/users/student/server", json={}, headers={"X-XSRFToken": student.xsrf}).status_code in (201, 202)
    wait_until("the server runs", lambda: client.server("student", "").state == "running")
    assert ("student", "running") in [(view.user, view.state) for view in client.servers() or ()]
    assert client.stop_server("student", "", remove=True).state in ("pending", "stopped")
    wait_until("the server has stopped", lambda: client.server("student", "").state == "stopped")


def test_the_hub_says_who_is_an_admin(client: HubClient) -> None:
    """Somebody whom it does not know is none."""
    assert (client.is_admin("admin"), client.is_admin("student"), client.is_admin("nobody")) == (True, False, False)


def test_without_the_scope_everything_is_unknown(hub: RunningHub, student: HubSession) -> None:
    """A token that may not see a server proves nothing about it."""
    meters = PrometheusMeters()
    http = HubHttp(f"{hub.url}/hub/api", new_token(student, "student", ["read:users:name!user"]), meters)
    client = HubClient(http, meters)
    states = (
        client.server("student", "").state,
        client.stop_server("student", "", remove=False).state,
        client.start_server("student", "", {}).state,
    )
    assert (states, client.servers()) == (("unknown", "unknown", "unknown"), None)
    http.close()


@pytest.mark.ci
def test_a_service_that_ends_is_started_again_with_its_data(hub: RunningHub, professor: HubSession) -> None:
    """Told to end it does so in order; the hub brings it back, and courses and logins are as they were."""
    send(professor, "/courses", title="Kept")
    before = service_process(hub)
    before.send_signal(signal.SIGTERM)
    before.wait(60)
    wait_until("the hub has noticed", lambda: "Service labkit exited with status 0" in hub.log)
    wait_until("the service answers again", lambda: is_open(professor))
    assert "Kept" in [course["title"] for course in professor.http.get(f"{SERVICE}/api/courses").json()["courses"]]
