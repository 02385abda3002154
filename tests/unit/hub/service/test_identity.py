"""Who asks, on a played hub: tokens, browsers, and a hub that cannot say."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from labkit_hub.settings import ServiceSettings, Settings

BASE = "/services/labkit"
ACCESS = "access:services!service=labkit"


@pytest.fixture
def student(hub) -> str:
    """A student's token."""
    return hub.add("student")


@pytest.fixture
def admin(hub) -> str:
    """An admin's token with all that an admin may do."""
    return hub.add("admin", admin=True)


@pytest.mark.parametrize("scheme", ["token", "Bearer", "bearer"])
def test_a_token_in_a_header_says_who_asks(house, student, scheme) -> None:
    """Both ways to write the header do."""
    answer = house.ask(None, "GET", "/api/me", headers={"Authorization": f"{scheme} {student}"})
    assert (answer.status_code, answer.json()["name"]) == (200, "student")


@pytest.mark.parametrize("header", ["token nobodys", "Basic c3R1ZGVudDp4", "token", "token ", "token \u00e9", "nonsense"])
def test_a_token_that_is_none_is_401_in_words(house, student, header) -> None:
    """A program is told how to ask; nothing else."""
    answer = house.ask(None, "GET", "/api/me", headers={"Authorization": header.encode()})
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "LoginNeeded")


def test_nobody_is_401_for_programs_and_the_login_for_browsers(house) -> None:
    """A page leads to the login and comes back to where it was asked for."""
    assert house.ask(None, "GET", "/api/me").status_code == 401
    answer = house.client.get(f"{BASE}/courses?x=1", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, f"{BASE}/login?next=%2Fservices%2Flabkit%2Fcourses%3Fx%3D1")


def test_a_token_without_the_scope_is_refused(house, hub, student) -> None:
    """A person's token that was made for something else does not open the service."""
    hub.tokens["narrow"] = ("student", ("read:users:name!user=student",))
    answer = house.ask("narrow", "GET", "/api/me")
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "NotWritable")


def test_a_service_of_the_hub_is_nobody_here(house) -> None:
    """Our own token opens what is the hub's, not what is a person's."""
    assert house.ask("token-of-the-service", "GET", "/api/me").status_code == 403


def test_the_token_of_a_server_says_which_one_it_is(house, hub, student) -> None:
    """A run's server is told from its owner."""
    from labkit_hub.service.identity import Who

    who = Who("user", "anna/b", False, frozenset(), frozenset({ACCESS, "access:servers!server=anna/b/run-k7q2m9x4c1aa"}))
    assert (who.server_name, Who("user", "a", False, frozenset(), frozenset({"access:servers!user=a"})).server_name) == (
        "run-k7q2m9x4c1aa",
        None,
    )


def test_the_token_of_an_admins_server_is_no_admins(house, hub, admin) -> None:
    """Code that runs in an admin's JupyterLab gets no more than a student's."""
    hub.tokens["server"] = ("admin", (ACCESS, "access:servers!server=admin/", "users:activity!user=admin"))
    assert [house.ask(token, "GET", "/api/me").json()["is_admin"] for token in ("server", admin)] == [False, True]


@pytest.mark.parametrize("mood", ["database away", "broken", "silent", "stranger"])
def test_a_hub_that_cannot_say_is_503_for_everybody(house, hub, student, mood) -> None:
    """Nobody is logged out by a hub that is ill; they are asked to try again."""
    hub.mood = mood
    answers = [house.ask(student, "GET", "/api/me"), house.browse("student").get("/")]
    assert [(answer.status_code, answer.headers["retry-after"]) for answer in answers] == [(503, "5"), (503, "5")]
    hub.mood = "well"


def test_a_refusal_counts_only_if_the_hub_knows_us_after_it(hub, address) -> None:
    """The hub's database may go and come back between two questions; only two refusals around a yes to ourselves are one."""
    import httpx

    from labkit_hub.service.hubhttp import HubHttp
    from labkit_hub.service.identity import Witness
    from labkit_hub.service.metrics import PrometheusMeters

    student, asked = hub.add("student"), []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["Authorization"])
        hub.mood = "database away" if len(asked) == 1 else "well"
        return hub.answer(request)

    http = HubHttp(address.api_url, address.token, PrometheusMeters(), transport=httpx.MockTransport(answer))
    found = Witness(http).whose(student)
    assert (found.name if found else None, len(asked)) == ("student", 3)


def test_answers_are_remembered_for_some_seconds(house, hub, student) -> None:
    """A panel that asks every few seconds does not cost the hub a question each."""
    house.ask(student, "GET", "/api/me")
    before = hub.asked.count("GET /user")
    house.ask(student, "GET", "/api/me")
    assert hub.asked.count("GET /user") == before


def test_a_hub_that_hangs_keeps_few_waiting(address, monkeypatch) -> None:
    """The others are told at once to come again, so that the service itself goes on."""
    import threading

    import httpx

    from labkit.errors import StorageUnreachable
    from labkit_hub.service import identity
    from labkit_hub.service.hubhttp import HubHttp
    from labkit_hub.service.metrics import PrometheusMeters

    monkeypatch.setattr(identity, "_AT_ONCE", 1)
    monkeypatch.setattr(identity, "_QUEUE_S", 0.05)
    asked, go_on = threading.Event(), threading.Event()

    def answer(_request: httpx.Request) -> httpx.Response:
        asked.set()
        go_on.wait(60)
        return httpx.Response(200, json={"name": "first", "kind": "user"}, headers={"X-JupyterHub-Version": "6"})

    witness = identity.Witness(HubHttp(address.api_url, address.token, PrometheusMeters(), transport=httpx.MockTransport(answer)))
    first = threading.Thread(target=witness.whose, args=("first",))
    first.start()
    assert asked.wait(60)
    with pytest.raises(StorageUnreachable):
        witness.whose("second")
    go_on.set()
    first.join()
    assert witness.whose("first") is not None


def test_an_expired_token_is_noticed(hub, address) -> None:
    """What is remembered is forgotten again."""
    import httpx

    from labkit_hub.service.hubhttp import HubHttp
    from labkit_hub.service.identity import Witness
    from labkit_hub.service.metrics import PrometheusMeters

    student, now = hub.add("student"), [0.0]
    http = HubHttp(address.api_url, address.token, PrometheusMeters(), transport=httpx.MockTransport(hub.answer))
    witness = Witness(http, clock=lambda: now[0])
    assert witness.whose(student) is not None
    del hub.tokens[student]
    now[0] = 90.0
    assert witness.whose(student) is None


def log_in(house, target: str = f"{BASE}/courses") -> tuple[str, str, str]:
    """Begin a login and return its state, the cookie that remembers it, and the address at the hub."""
    answer = house.client.get(f"{BASE}/login", params={"next": target}, follow_redirects=False)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return query["state"][0], answer.headers["set-cookie"], answer.headers["location"]


def come_back(house, state: str, code: str, cookie: str):
    house.client.cookies.clear()
    headers = {"Cookie": cookie.split(";")[0], "Accept": "text/html"}
    return house.client.get(f"{BASE}/oauth_callback", params={"state": state, "code": code}, headers=headers, follow_redirects=False)


def test_a_browser_logs_in_through_the_hub(house, hub) -> None:
    """Code for token, in a cookie that no script reads, that no other site's form sends, and that the rest of the hub never gets."""
    hub.add("student")
    hub.codes["code-1"] = "student"
    state, cookie, at_hub = log_in(house)
    assert at_hub.startswith("/hub/api/oauth2/authorize?client_id=service-labkit&redirect_uri=%2Fservices%2Flabkit%2Foauth_callback")
    answer = come_back(house, state, "code-1", cookie)
    assert (answer.status_code, answer.headers["location"]) == (302, f"{BASE}/courses")
    kept = next(value for value in answer.headers.get_list("set-cookie") if value.startswith("labkit-token="))
    assert all(part in kept for part in ("labkit-token=cookie-of-student", "HttpOnly", "SameSite=lax", "Path=/services/labkit/"))
    assert "Secure" not in kept


def test_behind_tls_the_cookie_travels_over_tls_only(house, hub) -> None:
    """What the proxy in front says of the connection is what counts."""
    answer = house.client.get(f"{BASE}/login", headers={"X-Forwarded-Proto": "https,http"}, follow_redirects=False)
    assert "Secure" in answer.headers["set-cookie"]


def test_where_servers_have_names_below_ours_no_page_of_theirs_sets_our_cookies(open_service, hub, database, tmp_path) -> None:
    """Both cookies of a login are of a kind that only the name itself can set; one without the prefix, from below, is not looked at."""
    hub.add("student")
    hub.codes["code-1"] = "student"
    kept = ServiceSettings(database_url=str(database.engine.url))
    with open_service(Settings(var=tmp_path / "var", service=kept, subdomain_host="https://hub.example.org")) as house:
        state, cookie, _ = log_in(house)
        answer = come_back(house, state, "code-1", cookie)
        told = [cookie, *answer.headers.get_list("set-cookie")]
        assert all(one.startswith("__Host-labkit-") and "Path=/;" in f"{one};" and "Secure" in one for one in told), told
        names = [{"Cookie": f"{name}=cookie-of-student", "Accept": "application/json"} for name in ("__Host-labkit-token", "labkit-token")]
        assert [house.client.get(f"{BASE}/api/me", headers=name).status_code for name in names] == [200, 401]


def test_a_login_that_another_browser_began_is_refused(house, hub) -> None:
    """Nobody can be logged in as somebody else by a link."""
    hub.add("student")
    hub.codes["code-1"] = "student"
    state, _, _ = log_in(house)
    _, cookie, _ = log_in(house)
    assert come_back(house, state, "code-1", cookie).status_code == 400
    assert come_back(house, state, "code-1", "labkit-state-x=1").status_code == 400
    assert "code-1" in hub.codes


def test_a_used_code_is_refused_and_an_ill_hub_is_503(house, hub) -> None:
    """The two are told apart."""
    state, cookie, _ = log_in(house)
    assert come_back(house, state, "used", cookie).status_code == 400
    hub.mood = "database away"
    assert come_back(house, state, "used", cookie).status_code == 503
    hub.mood = "well"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.test/",
        "//evil.test/services/labkit/",
        "/\\evil.test",
        f"{BASE}/../../hub/",
        f"{BASE}.evil.test/",
        "/hub/admin",
        "javascript:x",
    ],
)
def test_a_login_leads_to_our_pages_only(house, hub, target) -> None:
    """Wherever the link pointed, the login ends at the first page."""
    hub.add("student")
    hub.codes["c"] = "student"
    state, cookie, _ = log_in(house, target)
    assert come_back(house, state, "c", cookie).headers["location"] == f"{BASE}/"


def test_a_login_that_the_hub_refuses_says_so(house) -> None:
    """Not that it was begun elsewhere."""
    state, cookie, _ = log_in(house)
    headers = {"Cookie": cookie.split(";")[0], "Accept": "text/html"}
    answer = house.client.get(f"{BASE}/oauth_callback", params={"state": state, "error": "access_denied"}, headers=headers)
    assert (answer.status_code, "did not let this login through" in answer.text) == (403, True)


def test_logging_out_forgets_the_browser_and_goes_on_to_the_hub(house, hub) -> None:
    """By a form with its proof only."""
    hub.add("student")
    browser = house.browse("student")
    answer = browser.post("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/hub/logout")
    assert 'labkit-token=""' in answer.headers["set-cookie"]
    assert browser.post("/logout", proof="wrong").status_code == 403


@pytest.mark.parametrize(
    ("headers", "proof"),
    [
        ({}, ""),
        ({}, "0" * 64),
        ({"Origin": "https://evil.test"}, None),
        ({"Origin": "null"}, None),
        ({"Sec-Fetch-Site": "cross-site"}, None),
        ({"Sec-Fetch-Site": "same-site"}, None),
    ],
)
def test_a_form_from_elsewhere_changes_nothing(house, hub, headers, proof) -> None:
    """Neither without the proof of the session nor from another site's page."""
    hub.add("prof", groups=("professors",))
    browser = house.browse("prof")
    assert browser.post("/courses", data={"title": "Course"}, headers=headers, proof=proof).status_code == 403
    assert house.ask(browser.token, "GET", "/api/courses").json()["courses"] == []


def test_the_proof_of_one_session_is_none_for_another(house, hub) -> None:
    """It is tied to the session's token."""
    from labkit_hub.service.sessions import csrf_token

    hub.add("prof", groups=("professors",))
    assert house.browse("prof").post("/courses", data={"title": "Course"}, proof=csrf_token("cookie-of-eve")).status_code == 403


def test_the_api_takes_cookies_with_the_proof_in_a_header(house, hub) -> None:
    """Our pages' scripts may use it; other PUTs and DELETEs with a cookie are refused."""
    from labkit_hub.service.sessions import csrf_token

    hub.add("prof", groups=("professors",))
    token = house.browse("prof").token
    cookie = {"Cookie": f"labkit-token={token}"}
    body = {"id": "course", "title": "Course"}
    assert house.client.post(f"{BASE}/api/courses", json=body, headers=cookie).status_code == 403
    proof = {"X-CSRF-Token": csrf_token(token), "Origin": "http://lab.test", "Sec-Fetch-Site": "same-origin"}
    assert house.client.post(f"{BASE}/api/courses", json=body, headers={**cookie, **proof}).status_code == 201
    assert house.client.put(f"{BASE}/api/courses/course", json={"archived": True}, headers=cookie).status_code == 403
    assert house.client.delete(f"{BASE}/api/courses/course/members/prof", headers=cookie).status_code == 403
