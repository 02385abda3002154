"""How people get in: passwords of this hub's own, the university's login (OpenID Connect), or a learning platform (LTI 1.3)."""

from __future__ import annotations

from typing import Any

import nativeauthenticator.handlers

from labkit_hub.authenticator import LabKitAuthenticator
from labkit_hub.layout import TEMPLATES_DIR
from labkit_hub.settings import Settings

__all__ = ["apply_accounts"]


def apply_accounts(c: Any, settings: Settings) -> None:
    """Set the authenticator."""
    c.Authenticator.auth_refresh_age = 60
    c.Authenticator.refresh_pre_spawn = True
    c.Authenticator.username_pattern = r"^\w[\w.@+-]{0,63}$"
    # Who may come in is decided by password and approval, or by who runs the other login; no list beside it.
    c.Authenticator.allow_all = True
    _apply_passwords(c, settings)


def _apply_passwords(c: Any, settings: Settings) -> None:
    accounts = settings.accounts
    c.JupyterHub.authenticator_class = LabKitAuthenticator
    c.JupyterHub.template_paths = [str(TEMPLATES_DIR), nativeauthenticator.handlers.TEMPLATE_DIR]
    # Admins are marked in the database, not in a list here: nativeauthenticator approves a sign-up under any name on it by itself.
    c.LabKitAuthenticator.logins_file = str(settings.layout.logins)
    c.NativeAuthenticator.enable_signup = accounts.signup
    c.NativeAuthenticator.open_signup = False
    c.NativeAuthenticator.check_common_password = True
    c.NativeAuthenticator.minimum_password_length = accounts.password_length
    c.NativeAuthenticator.allowed_failed_logins = accounts.failed_logins
    c.NativeAuthenticator.seconds_before_next_try = accounts.lock_s
