"""Accounts of a real hub, over HTTP: log in, sign up, approve, change a password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from labkit.testing.hub import RunningHub
from labkit.testing.hub_session import HubSession
from labkit.testing.runs import wait_until
from labkit_hub.instance import members

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """Run a hub that closes an account after three wrong passwords."""
    env = {"LABKIT_ACCOUNTS__FAILED_LOGINS": "3", "LABKIT_ACCOUNTS__LOCK_S": "600"}
    with RunningHub(tmp_path_factory.mktemp("accounts") / "var", env=env) as running:
        yield running


@pytest.fixture
def visitor(hub: RunningHub) -> Iterator[HubSession]:
    """Open a session without a login."""
    with HubSession(hub.url) as session:
        yield session


@pytest.fixture(scope="module")
def admin(hub: RunningHub) -> Iterator[HubSession]:
    """Log the admin in, once: checking a password takes the processor a third of a second, as it should."""
    with HubSession(hub.url) as session:
        assert session.login("admin", hub.logins["admin"]).status_code == 200
        yield session


def ask_for_account(session: HubSession, name: str, password: str, again: str | None = None) -> str:
    return session.post_form("/hub/signup", username=name, signup_password=password, signup_password_confirmation=again or password).text


def test_it_prints_its_address_and_the_three_logins(hub: RunningHub) -> None:
    """The terminal shows where the hub is and each generated password."""
    text = "\n".join(hub.output)
    assert f"LabKit is ready at {hub.url}" in text
    assert [name for name, password in hub.logins.items() if f"{name:<10} {password}" in text] == ["admin", "professor", "student"]


@pytest.mark.parametrize("name", ["admin", "professor", "student"])
def test_first_accounts_log_in(hub: RunningHub, visitor: HubSession, name: str) -> None:
    """Each first account opens with its printed password and is who it says."""
    assert visitor.login(name, hub.logins[name]).status_code == 200
    me = visitor.http.get("/hub/api/user").json()
    assert (me["name"], me["admin"]) == (name, name == "admin")


def test_professor_is_in_the_group(admin: HubSession) -> None:
    """The group that may create courses holds the professor and nobody else."""
    groups = admin.http.get("/hub/api/groups").json()
    assert [(group["name"], group["users"]) for group in groups] == [("professors", ["professor"])]


@pytest.mark.parametrize("password", ["wrong", "", "x" * 73, "é" * 40, "a\0b"])
def test_a_wrong_password_is_refused_with_a_sentence(visitor: HubSession, password: str) -> None:
    """No password, however odd, gives more than a refusal (bcrypt itself fails above 72 bytes)."""
    answer = visitor.login("professor", password)
    assert answer.status_code == 403
    assert "Invalid username or password" in answer.text


def test_login_needs_the_xsrf_token(hub: RunningHub, visitor: HubSession) -> None:
    """A form sent from elsewhere, without the token, logs nobody in."""
    answer = visitor.http.post("/hub/login", data={"username": "student", "password": hub.logins["student"]})
    assert answer.status_code == 403
    assert visitor.http.get("/hub/api/user").status_code == 403


def test_signup_waits_for_the_admin(visitor: HubSession, admin: HubSession) -> None:
    """A new account opens when the admin approves it, not before, and closes when the approval is withdrawn."""
    assert "has been asked for" in ask_for_account(visitor, "zoë", "a-long-password")
    assert "waiting for an admin" in visitor.login("zoë", "a-long-password").text
    assert "waits for approval" in admin.http.get("/hub/authorize").text
    assert admin.post_form("/hub/authorize/zo%C3%AB", do="approve").status_code == 200
    assert visitor.login("zoë", "a-long-password").status_code == 200
    assert visitor.http.get("/hub/api/user").json()["name"] == "zoë"
    admin.post_form("/hub/authorize/zo%C3%AB", do="withdraw")
    with HubSession(str(visitor.http.base_url).rstrip("/")) as later:
        assert later.login("zoë", "a-long-password").status_code == 403


@pytest.mark.parametrize(
    ("name", "password", "again"),
    [
        ("..", "a-long-password", None),
        ("a/b", "a-long-password", None),
        ("a b", "a-long-password", None),
        ("", "a-long-password", None),
        ("n" * 65, "a-long-password", None),
        ("student", "a-long-password", None),
        ("ada", "short", None),
        ("ada", "password", None),
        ("ada", "x" * 73, None),
        ("ada", "a-long-password", "another-password"),
    ],
)
def test_bad_signups_leave_nothing(visitor: HubSession, admin: HubSession, name: str, password: str, again: str | None) -> None:
    """A name or password that cannot be used gets a sentence, and no account."""
    before = admin.http.get("/hub/authorize").text.count("data-user=")
    assert "alert-danger" in ask_for_account(visitor, name, password, again)
    assert admin.http.get("/hub/authorize").text.count("data-user=") == before


def test_signup_and_approval_need_the_xsrf_token(visitor: HubSession, admin: HubSession) -> None:
    """Neither can be triggered from another web page."""
    fields = {"username": "eve", "signup_password": "a-long-password", "signup_password_confirmation": "a-long-password"}
    assert visitor.http.post("/hub/signup", data=fields).status_code == 403
    ask_for_account(visitor, "mallory", "a-long-password")
    assert admin.http.get("/hub/authorize/mallory").status_code == 405
    assert admin.http.post("/hub/authorize/mallory", data={"do": "approve"}).status_code == 403
    assert visitor.login("mallory", "a-long-password").status_code == 403
    assert admin.post_form("/hub/authorize/mallory", do="discard").status_code == 200
    assert "mallory" not in admin.http.get("/hub/authorize").text


def test_only_the_admin_sees_and_approves_accounts(hub: RunningHub, visitor: HubSession) -> None:
    """A student can neither list accounts nor approve one, nor set another's password."""
    visitor.login("student", hub.logins["student"])
    assert visitor.http.get("/hub/authorize").status_code in (403, 404)
    token = {"_xsrf": visitor.xsrf}
    assert visitor.http.post("/hub/authorize/student", data={**token, "do": "withdraw"}).status_code in (403, 404)
    fields = {**token, "new_password": "a-long-password", "new_password_confirmation": "a-long-password"}
    assert visitor.http.post("/hub/change-password/admin", data=fields).status_code in (403, 404)


def test_an_approved_account_cannot_be_discarded(admin: HubSession) -> None:
    """Only what was never approved is removed from this page."""
    assert admin.post_form("/hub/authorize/professor", do="discard").status_code == 400
    assert admin.post_form("/hub/authorize/nobody", do="approve").status_code == 404


def test_changing_a_password(visitor: HubSession, admin: HubSession) -> None:
    """The new password opens, the old one no longer does, and the admin can set another."""
    ask_for_account(visitor, "carl", "the-first-password")
    admin.post_form("/hub/authorize/carl", do="approve")
    visitor.login("carl", "the-first-password")
    wrong = visitor.post_form(
        "/hub/change-password", old_password="x" * 90, new_password="the-second-one", new_password_confirmation="the-second-one"
    )
    assert "was incorrect" in wrong.text
    right = {"old_password": "the-first-password", "new_password": "the-second-one", "new_password_confirmation": "the-second-one"}
    assert "changed successfully" in visitor.post_form("/hub/change-password", **right).text
    url = str(visitor.http.base_url).rstrip("/")
    with HubSession(url) as later:
        assert later.login("carl", "the-first-password").status_code == 403
        assert later.login("carl", "the-second-one").status_code == 200
    admin.post_form("/hub/change-password/carl", new_password="the-third-one!", new_password_confirmation="the-third-one!")
    with HubSession(url) as later:
        assert later.login("carl", "the-third-one!").status_code == 200


def test_guessing_closes_an_account(visitor: HubSession, admin: HubSession) -> None:
    """After three wrong passwords the right one is refused too, with the reason; others still get in."""
    ask_for_account(visitor, "dora", "the-right-password")
    admin.post_form("/hub/authorize/dora", do="approve")
    for _ in range(3):
        assert "Invalid username or password" in visitor.login("dora", "guess").text
    answer = visitor.login("dora", "the-right-password")
    assert answer.status_code == 403
    assert "Too many wrong passwords" in answer.text


def test_the_login_page_says_that_students_are_not_isolated(visitor: HubSession) -> None:
    """Whoever logs in here has been told."""
    assert "not isolated from each other" in visitor.http.get("/hub/login").text


def test_sharing_is_off(hub: RunningHub, visitor: HubSession) -> None:
    """A student cannot share a server."""
    visitor.login("student", hub.logins["student"])
    headers = {"X-XSRFToken": visitor.xsrf}
    assert visitor.http.post("/hub/api/shares/student/", json={"user": "professor"}, headers=headers).status_code in (403, 404)


def test_everything_listens_on_this_machine_only(hub: RunningHub) -> None:
    """Hub and proxy have no port open to the network."""
    addresses = set()
    for process in members(str(hub.var.resolve())):
        with suppress(psutil.NoSuchProcess):  # it has just ended
            addresses |= {one.laddr.ip for one in process.net_connections() if one.status == psutil.CONN_LISTEN}
    assert addresses == {"127.0.0.1"}


def test_files_with_secrets_are_private(hub: RunningHub) -> None:
    """Nobody else on this machine may read passwords, cookies or the database."""
    for path in (hub.var, hub.var / "logins.json", hub.var / "cookie_secret", hub.var / "jupyterhub.sqlite"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_home_that_cannot_be_made_is_explained(hub: RunningHub, visitor: HubSession) -> None:
    """The person sees a sentence with what to do, not only that the server failed."""
    blocker = hub.var / "homes" / "professor"
    blocker.write_text("in the way")
    visitor.login("professor", hub.logins["professor"])
    pages = [visitor.http.get("/hub/spawn/professor").text]
    # A start that takes more than a second leads to a page of its own, which says what came of it.
    wait_until(lambda: "professor is a file" in pages[-1] or pages.append(visitor.http.get("/hub/spawn-pending/professor").text))
    assert "Ask an admin" in pages[-1]
    assert "Traceback" not in "".join(pages)
    assert blocker.read_text() == "in the way"
