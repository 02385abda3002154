"""Accounts with passwords of their own: nativeauthenticator, made to fit JupyterHub 6.

What differs from the package, and why:

- Its login handler fails on hub 6 (it uses a removed timer and refuses a keyword), so the hub's own form is used (`handlers`).
- Its approval links change accounts on a mere GET, which any web page could trigger; here they are forms with the hub's XSRF token.
- Its check of a password keeps the whole hub waiting for a third of a second; here it runs beside it.
- bcrypt refuses passwords above 72 bytes with an exception; here they are refused with a sentence.
- An account whose approval was taken back is logged out at the next check, not when its cookie ends.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import bcrypt
from jupyterhub import orm, roles
from nativeauthenticator import NativeAuthenticator
from nativeauthenticator.orm import UserInfo
from traitlets import Unicode

from labkit.errors import InvalidInput
from labkit_hub import handlers
from labkit_hub.groups import professors_group
from labkit_hub.logins import FIRST_ACCOUNTS, complete_logins, hash_password, is_usable_password
from labkit_hub.usernames import plain_name

__all__ = ["LabKitAuthenticator"]


class LabKitAuthenticator(NativeAuthenticator):  # type: ignore[misc]
    """Passwords in the hub's database, sign-up by anybody, approval by an admin."""

    grader = Unicode("", config=True, help="The account that grading runs belong to: nobody asks for it, and nobody logs in.")
    logins_file = Unicode(config=True, help="Where the generated passwords of the first accounts are kept; empty makes no accounts.")

    def check_allow_config(self) -> None:
        """Make the first accounts. The hub calls this once at each start, when its tables and roles stand."""
        super().check_allow_config()
        # Only an empty table gets them: an account that the admin deleted stays deleted.
        if self.logins_file and self.db.query(UserInfo).first() is None:
            self._make_first_accounts(Path(self.logins_file))

    def _make_first_accounts(self, logins_file: Path) -> None:
        """Make users and group, then all passwords in one commit: after a kill in between, the next start does it again."""
        known = complete_logins(logins_file).passwords
        passwords = {name: known[name] for name in FIRST_ACCOUNTS}
        users = {name: self._user(name) for name in passwords}
        group = professors_group(self.db)
        if users["professor"] not in group.users:
            group.users.append(users["professor"])
        self.db.commit()
        self.db.add_all(
            UserInfo(username=name, password=hash_password(password), is_authorized=True) for name, password in passwords.items()
        )
        self.db.commit()

    def _user(self, name: str) -> orm.User:
        """Return the hub's user of this name, made with the hub's roles if missing."""
        user = orm.User.find(self.db, name)
        if user is None:
            user = orm.User(name=name, admin=name == "admin")
            self.db.add(user)
        roles.assign_default_roles(self.db, entity=user)  # commits
        return user

    def create_user(self, username: str, password: str, **details: Any) -> Any:
        """Make an account that somebody asks for; None if there is one of this name, or it is not for people."""
        if self.normalize_username(username) == self.grader:
            return None
        return super().create_user(username, password, **details)

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str | None:
        """Return the user's name if the password is right and the account approved; `handler` is told why not."""
        username = self.normalize_username(data.get("username", ""))
        if username == self.grader:
            return None
        password = data.get("password", "")
        if not is_usable_password(password):
            return None
        if self.allowed_failed_logins and self.is_blocked(username):
            handler.refusal = f"Too many wrong passwords. Try again in {self.seconds_before_next_try} seconds."
            return None
        account = self.get_user(username)
        if account is None:
            return None
        # It counts before it is looked at: many at once are no way around the limit. A right one takes all of them back.
        self.add_login_attempt(username)
        # bcrypt takes a third of a second, on purpose: beside the hub, not in its way.
        if not await asyncio.to_thread(bcrypt.checkpw, password.encode(), bytes(account.password)):
            return None
        if not account.is_authorized:
            handler.refusal = f"The account {username} is waiting for an admin's approval."
            return None
        self.successful_login(username)
        return str(username)

    async def refresh_user(self, user: Any, handler: Any = None) -> bool:
        """Say whether a login still holds: not if the approval was taken back."""
        account = self.get_user(user.name)
        return account is None or bool(account.is_authorized)

    def validate_username(self, username: str) -> bool:
        """Say whether an account may have this name: not if it could be taken for another's."""
        try:
            plain_name(username)
        except InvalidInput:
            return False
        return bool(super().validate_username(username))

    def is_password_strong(self, password: str) -> bool:
        """Say whether `password` may be chosen: long enough, not among the common ones, and one that bcrypt can take."""
        return is_usable_password(password) and bool(super().is_password_strong(password))

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:
        """Return the pages of this authenticator."""
        return handlers.HANDLERS
