"""How people get in: by passwords, or by the login of a university."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from labkit_hub.settings.kinds import Folder

__all__ = ["AccountSettings", "OidcSettings"]


class AccountSettings(BaseModel):
    """How people get in (``LABKIT_ACCOUNTS__*``).

    Attributes
    ----------
    kind : {"password", "oidc", "lti13"}
        Passwords of this hub's own, an OpenID Connect provider, or a learning platform.
    admins : tuple of str
        Names of the hub's admins, where accounts are not its own; with passwords, the account ``admin`` makes others admins.
    adopt : bool
        Whether the first who comes from elsewhere with the name of an account that was made here before gets that account.
    signup : bool
        Anybody who reaches the hub may ask for an account; an admin must approve it.
    password_length : int
        Fewest characters of a password.
    failed_logins : int
        So many wrong passwords in a row close an account for a while; 0 never does.
    lock_s : int
        For how many seconds it is closed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["password", "oidc", "lti13"] = "password"
    admins: tuple[str, ...] = ()
    adopt: bool = False
    signup: bool = True
    password_length: int = Field(default=8, ge=1, le=72)
    failed_logins: int = Field(default=10, ge=0)
    lock_s: int = Field(default=60, ge=1)


class OidcSettings(BaseModel):
    """The university's login, by OpenID Connect (``LABKIT_OIDC__*``); the provider is told ``<address>/hub/oauth_callback``.

    Attributes
    ----------
    client_id : str
        Who LabKit is there.
    client_secret_file : Path or None
        A file with the secret that goes with it.
    client_secret_by : {"basic", "post"}
        Whether the provider is sent the secret in a header, as OpenID Connect prefers, or in a form.
    issuer : str
        Where the provider describes itself (``<issuer>/.well-known/openid-configuration``); its tokens are then checked.
    authorize_url, token_url, userdata_url : str
        The addresses of a provider that does not describe itself.
    logout_url : str
        Where people are sent who log out here; empty keeps them here, logged in at the provider.
    username_claim : str
        What becomes the user name.
    scope : tuple of str
        What is asked for.
    name : str
        What the button says after "Sign in with".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str = ""
    client_secret_file: Folder | None = None
    client_secret_by: Literal["basic", "post"] = "basic"
    issuer: Annotated[str, Field(pattern=r"^(https?://.+)?$")] = ""
    authorize_url: str = ""
    token_url: str = ""
    userdata_url: str = ""
    logout_url: Annotated[str, Field(pattern=r"^(https?://.+)?$")] = ""
    username_claim: Annotated[str, Field(min_length=1)] = "preferred_username"
    scope: tuple[str, ...] = ("openid", "profile", "email")
    name: Annotated[str, Field(min_length=1)] = "the university's login"
