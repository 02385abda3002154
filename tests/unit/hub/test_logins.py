"""Generated passwords: how they are kept, and which are still shown."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyterhub import orm
from nativeauthenticator.orm import UserInfo
from sqlalchemy.orm import Session

from labkit.errors import InvalidInput, NotFound
from labkit_hub.authenticator import LabKitAuthenticator
from labkit_hub.logins import (
    FIRST_ACCOUNTS,
    Logins,
    complete_logins,
    hash_password,
    is_usable_password,
    load_logins,
    reset_password,
    valid_logins,
)
from labkit_hub.logins import save_logins as save
from labkit_hub.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Name a hub in an empty folder."""
    return Settings(var=tmp_path)


@pytest.fixture
def session(settings: Settings) -> Session:
    """Open the database of that hub, with an account for each generated login."""
    opened: Session = orm.new_session_factory(settings.resolved_database_url)()
    UserInfo.__table__.create(opened.get_bind(), checkfirst=True)
    for name, password in complete_logins(settings.layout.logins).passwords.items():
        opened.add(UserInfo(username=name, password=hash_password(password), is_authorized=True))
    opened.commit()
    return opened


def test_the_file_is_private_and_stays_so(tmp_path: Path) -> None:
    """Only the owner may read the passwords, whatever the mode was before."""
    path = tmp_path / "logins.json"
    complete_logins(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    save(path, Logins(passwords={"admin": "x"}))
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_passwords_are_made_once_and_differ(tmp_path: Path) -> None:
    """A second call gives the same passwords; no two accounts or hubs share one."""
    first = complete_logins(tmp_path / "logins.json")
    assert complete_logins(tmp_path / "logins.json") == first
    other = complete_logins(tmp_path / "other.json")
    assert len({*first.passwords.values(), *other.passwords.values()}) == 2 * len(FIRST_ACCOUNTS)
    assert all(len(password) >= 12 for password in first.passwords.values())


def test_only_valid_passwords_are_shown(settings: Settings, session: Session) -> None:
    """A changed password, a closed account and a deleted one are not shown as if they opened."""
    generated = load_logins(settings.layout.logins).passwords
    assert valid_logins(settings) == generated
    UserInfo.find(session, "student").password = hash_password("my-own-password")
    UserInfo.find(session, "professor").is_authorized = False
    session.commit()
    assert valid_logins(settings) == {"admin": generated["admin"], "professor": None, "student": None}
    session.delete(UserInfo.find(session, "admin"))
    session.commit()
    assert valid_logins(settings)["admin"] is None


def test_without_a_database_nothing_is_valid(settings: Settings) -> None:
    """A hub that never ran has no login to show."""
    complete_logins(settings.layout.logins)
    assert set(valid_logins(settings).values()) == {None}


def test_a_reset_password_is_valid_and_noted(settings: Settings, session: Session) -> None:
    """The new password is the one that opens and the one that is shown."""
    before = load_logins(settings.layout.logins).passwords["admin"]
    password = reset_password(settings, "Admin")
    assert password != before
    assert valid_logins(settings)["admin"] == password


def test_resetting_what_is_not_there_is_a_sentence(settings: Settings, tmp_path: Path, session: Session) -> None:
    """An unknown account and a hub that never ran are told apart."""
    with pytest.raises(NotFound, match="ghost"):
        reset_password(settings, "ghost")
    with pytest.raises(InvalidInput, match="no accounts yet"):
        reset_password(Settings(var=tmp_path / "other"), "admin")


@pytest.mark.parametrize(
    ("password", "usable"), [("", False), ("x" * 72, True), ("x" * 73, False), ("é" * 36, True), ("é" * 37, False), ("a\0b", False)]
)
def test_what_bcrypt_takes(password: str, usable: bool) -> None:
    """A password counts as usable exactly where hashing it works without losing a part."""
    assert is_usable_password(password) is usable
    if usable:
        assert hash_password(password)


@pytest.mark.parametrize(("account", "holds"), [(None, True), (True, True), (False, False)])
def test_a_login_holds_while_the_approval_does(account: bool | None, holds: bool) -> None:
    """Taking an approval back ends the session at the hub's next check; users without a password of ours are left alone."""
    known = None if account is None else SimpleNamespace(is_authorized=account)
    authenticator = SimpleNamespace(get_user=lambda _name: known)
    assert asyncio.run(LabKitAuthenticator.refresh_user(authenticator, SimpleNamespace(name="zoë"))) is holds


def test_nobody_is_the_grader(settings: Settings, session: Session) -> None:
    """Neither by asking for the account nor by a password that it has from before."""
    session.add(UserInfo(username="labkit-grader", password=hash_password("a-good-password"), is_authorized=True))
    session.commit()
    authenticator = LabKitAuthenticator(db=session, grader="labkit-grader")
    authenticator.enable_signup = True
    sent = {"username": "LabKit-Grader", "password": "a-good-password"}
    assert asyncio.run(authenticator.authenticate(SimpleNamespace(), sent)) is None
    assert authenticator.create_user("labkit-grader", "another-good-password") is None
    authenticator.grader = ""
    assert asyncio.run(authenticator.authenticate(SimpleNamespace(), sent)) == "labkit-grader"


def test_passwords_of_a_hub_whose_accounts_are_kept_elsewhere_now_are_not_shown(settings: Settings) -> None:
    """They open nothing any more, and the start must not say that they do."""
    complete_logins(settings.layout.logins)
    elsewhere = settings.model_copy(update={"accounts": settings.accounts.model_copy(update={"kind": "oidc"})})
    assert set(valid_logins(settings)) == set(FIRST_ACCOUNTS)
    assert valid_logins(elsewhere) == {}
