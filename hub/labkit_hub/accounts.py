"""How people get in: passwords of this hub's own, the university's login (OpenID Connect), or a learning platform (LTI 1.3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nativeauthenticator.handlers

from labkit.errors import InvalidInput
from labkit_hub.authenticator import LabKitAuthenticator
from labkit_hub.door import ServiceDoor
from labkit_hub.layout import TEMPLATES_DIR
from labkit_hub.settings import Settings, read_secret
from labkit_hub.usernames import USERNAME_PATTERN

__all__ = ["apply_accounts"]


def apply_accounts(c: Any, settings: Settings, door: ServiceDoor | None = None) -> None:
    """Set the authenticator; `door` is where it tells from which course of a learning platform somebody came."""
    c.Authenticator.auth_refresh_age = 60
    c.Authenticator.refresh_pre_spawn = True
    c.Authenticator.username_pattern = USERNAME_PATTERN
    # Who may come in is decided by password and approval, or by who runs the other login; no list beside it.
    c.Authenticator.allow_all = True
    kind = settings.accounts.kind
    {"password": _apply_passwords, "oidc": _apply_oidc, "lti13": _apply_lti}[kind](c, settings)
    if settings.passes_back and door is not None:
        c.LabKitLtiAuthenticator.launched = door.launched


def _apply_passwords(c: Any, settings: Settings) -> None:
    accounts = settings.accounts
    c.JupyterHub.authenticator_class = LabKitAuthenticator
    c.JupyterHub.template_paths = [str(TEMPLATES_DIR), nativeauthenticator.handlers.TEMPLATE_DIR]
    # Admins are marked in the database, not in a list here: nativeauthenticator approves a sign-up under any name on it by itself.
    c.LabKitAuthenticator.grader = settings.courses.grader
    c.LabKitAuthenticator.logins_file = str(settings.layout.logins)
    c.NativeAuthenticator.enable_signup = accounts.signup
    c.NativeAuthenticator.open_signup = False
    c.NativeAuthenticator.check_common_password = True
    c.NativeAuthenticator.minimum_password_length = accounts.password_length
    c.NativeAuthenticator.allowed_failed_logins = accounts.failed_logins
    c.NativeAuthenticator.seconds_before_next_try = accounts.lock_s


def _apply_oidc(c: Any, settings: Settings) -> None:
    oidc = settings.oidc
    # A provider that describes itself, or its three addresses.
    needed = ("client_id", *(() if oidc.issuer else ("authorize_url", "token_url", "userdata_url")))
    _require("LABKIT_OIDC__", **{name: getattr(oidc, name) for name in needed})
    c.JupyterHub.authenticator_class = "labkit_hub.foreign.LabKitOidcAuthenticator"
    c.LabKitOidcAuthenticator.client_id = oidc.client_id
    c.LabKitOidcAuthenticator.client_secret = _secret("LABKIT_OIDC__CLIENT_SECRET_FILE", oidc.client_secret_file)
    c.LabKitOidcAuthenticator.basic_auth = oidc.client_secret_by == "basic"
    c.LabKitOidcAuthenticator.issuer = oidc.issuer
    c.LabKitOidcAuthenticator.authorize_url = oidc.authorize_url
    c.LabKitOidcAuthenticator.token_url = oidc.token_url
    c.LabKitOidcAuthenticator.userdata_url = oidc.userdata_url
    c.LabKitOidcAuthenticator.logout_redirect_url = oidc.logout_url
    c.LabKitOidcAuthenticator.username_claim = oidc.username_claim
    c.LabKitOidcAuthenticator.scope = list(oidc.scope)
    c.LabKitOidcAuthenticator.login_service = oidc.name
    c.LabKitOidcAuthenticator.oauth_callback_url = f"{settings.url}/hub/oauth_callback"
    _apply_foreign(c.LabKitOidcAuthenticator, settings)


def _apply_lti(c: Any, settings: Settings) -> None:
    lti = settings.lti
    _require("LABKIT_LTI__", issuer=lti.issuer, client_ids=lti.client_ids, authorize_url=lti.authorize_url, jwks_url=lti.jwks_url)
    c.JupyterHub.authenticator_class = "labkit_hub.foreign.LabKitLtiAuthenticator"
    c.LabKitLtiAuthenticator.issuer = lti.issuer
    c.LabKitLtiAuthenticator.client_id = set(lti.client_ids)
    c.LabKitLtiAuthenticator.authorize_url = lti.authorize_url
    c.LabKitLtiAuthenticator.jwks_endpoint = lti.jwks_url
    c.LabKitLtiAuthenticator.username_key = lti.username_claim
    c.LabKitLtiAuthenticator.address = settings.url
    c.LabKitLtiAuthenticator.tool_name = "LabKit"
    c.LabKitLtiAuthenticator.tool_description = "Image AI in the browser"
    if settings.url.startswith("https://"):
        c.LabKitLtiAuthenticator.uri_scheme = "https"  # as people see it, whatever the proxy in front says
    _apply_foreign(c.LabKitLtiAuthenticator, settings)


def _apply_foreign(section: Any, settings: Settings) -> None:
    section.grader = settings.courses.grader
    section.adopt = settings.accounts.adopt
    section.admin_users = {name.lower() for name in settings.accounts.admins}


def _require(prefix: str, **values: object) -> None:
    missing = [prefix + name.upper() for name, value in values.items() if not value]
    if missing:
        instead = ", or LABKIT_OIDC__ISSUER instead of the addresses" if "LABKIT_OIDC__TOKEN_URL" in missing else ""
        raise InvalidInput(f"This login needs {', '.join(missing)}{instead}.", hint="Set what is missing; docs/hub.md lists all variables.")


def _secret(variable: str, path: Path | None) -> str:
    if path is None:
        raise InvalidInput(f"This login needs {variable}.", hint="Write the secret into a file and name it there.")
    return read_secret(path)
