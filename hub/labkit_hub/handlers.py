"""The pages around accounts: log in, sign up, approve, change a password."""

from __future__ import annotations

from typing import Any

from jupyterhub.handlers.login import LoginHandler as HubLoginHandler
from jupyterhub.scopes import needs_scope
from nativeauthenticator.handlers import ChangePasswordAdminHandler, ChangePasswordHandler, LocalBase, SignUpHandler
from nativeauthenticator.orm import UserInfo
from tornado import web

from labkit_hub.logins import is_usable_password

__all__ = ["HANDLERS"]


class LoginHandler(HubLoginHandler):  # type: ignore[misc]
    """The hub's own form; a refusal may have a better reason than "invalid password"."""

    refusal = ""

    def _render(self, login_error: str | None = None, username: str | None = None, **kwargs: Any) -> Any:
        reason = self.refusal if login_error and self.refusal else login_error
        return super()._render(login_error=reason, username=username, enable_signup=self.authenticator.enable_signup, **kwargs)


class AskHandler(SignUpHandler):  # type: ignore[misc]
    """Ask for an account; an admin approves it."""

    def get_result_message(self, user: Any, *args: Any) -> tuple[str, str]:
        """Return the kind of alert and its text."""
        alert, message = super().get_result_message(user, *args)
        if alert == "alert-info":
            message = f"The account {user.username} has been asked for. You can log in as soon as an admin has approved it."
        return alert, message


class AccountsHandler(LocalBase):  # type: ignore[misc]
    """All accounts, those that wait for approval first."""

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """Show the list."""
        accounts = self.db.query(UserInfo).order_by(UserInfo.is_authorized, UserInfo.username).all()
        self.finish(await self.render_template("authorization-area.html", accounts=accounts))


class ApproveHandler(LocalBase):  # type: ignore[misc]
    """Approve an account, take its approval back, or remove one that was never approved."""

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def post(self, name: str) -> None:
        """Do what the form's field ``do`` says; the hub has checked its XSRF token."""
        account = UserInfo.find(self.db, name)
        if account is None:
            raise web.HTTPError(404, f"There is no account {name}.")
        wish = self.get_body_argument("do")
        if wish in ("approve", "withdraw"):
            account.is_authorized = wish == "approve"
        elif wish == "discard" and not account.is_authorized:
            self.db.delete(account)
        else:
            raise web.HTTPError(400, "An account can be approved, or its approval withdrawn; only one without approval can be discarded.")
        self.db.commit()
        self.redirect(self.hub.base_url + "authorize")


class PasswordHandler(ChangePasswordHandler):  # type: ignore[misc]
    """Change one's own password."""

    @web.authenticated
    async def post(self) -> None:
        """Change it, if the old one is right."""
        user = self.current_user
        usable = is_usable_password(self.get_body_argument("old_password", strip=False))
        if usable and self.authenticator.get_user(user.name) is not None:
            await super().post()
            return
        text = "Your current password was incorrect. Please try again."
        self.finish(await self.render_template("change-password.html", user_name=user.name, result_message=text, alert="alert-danger"))


HANDLERS: list[tuple[str, type]] = [
    (r"/login", LoginHandler),
    (r"/signup", AskHandler),
    (r"/authorize", AccountsHandler),
    (r"/authorize/([^/]*)", ApproveHandler),
    (r"/change-password", PasswordHandler),
    (r"/change-password/([^/]+)", ChangePasswordAdminHandler),
]
