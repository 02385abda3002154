"""The university's login, by OpenID Connect: the provider's own description of itself, and a token that proves who has logged in.

oauthenticator asks the provider who somebody is, and leaves out what many providers insist on: a nonce, and the secret in a header. Here
is also what a provider may do wrong, with a sentence for each.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import jwt
from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthLoginHandler
from tornado import web
from tornado.httpclient import HTTPClientError
from traitlets import Unicode

from labkit.errors import InvalidInput

__all__ = ["OpenidLogin", "check_identity", "nonce_of"]

# What signs with a key of its own: nothing that we could have signed ourselves with what we know, and never none.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_ENDPOINTS = {"authorize_url": "authorization_endpoint", "token_url": "token_endpoint", "userdata_url": "userinfo_endpoint"}
_LEEWAY_S = 60  # two machines' clocks
_AGAIN = "Go to the login page and sign in again."
_ADMIN = "Tell an admin of this hub: its log says more."


def nonce_of(state: str) -> str:
    """Return what the provider has to repeat in its token: it binds the token to the browser with this cookie, and does not tell it."""
    return hashlib.sha256(b"nonce " + state.encode()).hexdigest()


def check_identity(token: object, keys: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str) -> str:
    """Return the ``sub`` of an identity token that `issuer` made for this hub and this login.

    Parameters
    ----------
    token : object
        As it came; anything but a signed token is refused.
    keys : mapping
        The provider's set of public keys (RFC 7517).
    issuer, client_id, nonce : str
        What it must say.

    Raises
    ------
    InvalidInput
        It is no such token, is too old, is signed by somebody else or for somebody else.
    """
    try:
        header = jwt.get_unverified_header(token)  # type: ignore[arg-type]
        fit = [key for key in jwt.PyJWKSet.from_dict(dict(keys)).keys if header.get("kid") in (None, key.key_id)]
        if not fit:
            raise jwt.InvalidKeyError("the provider has no key of that name")
        claims = jwt.decode(
            token,  # type: ignore[arg-type]
            fit[0],
            algorithms=_ALGORITHMS,
            audience=client_id,
            issuer=issuer,
            leeway=_LEEWAY_S,
            options={"require": ["exp", "iat", "sub"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise InvalidInput("What the login sent has expired.", hint=f"{_AGAIN} If it stays so, tell an admin.", why=str(error)) from error
    except (jwt.PyJWTError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput("What the login sent is not from there, or not for this hub.", hint=_ADMIN, why=str(error)) from error
    if claims.get("nonce") != nonce:
        raise InvalidInput("What the login sent belongs to another login.", hint=_AGAIN)
    return str(claims["sub"])


class _LoginHandler(OAuthLoginHandler):  # type: ignore[misc]
    """Sends people to the provider."""

    nonce = ""

    async def get(self) -> None:
        """Ask the provider where that is, and go there."""
        await self.authenticator.learn()
        super().get()

    def set_state_cookie(self, state_cookie_value: str) -> None:
        """Keep what this login is known by."""
        self.nonce = nonce_of(state_cookie_value)
        super().set_state_cookie(state_cookie_value)

    def authorize_redirect(self, *args: Any, **kwargs: Any) -> None:
        """Go there, with a nonce."""
        super().authorize_redirect(*args, **{**kwargs, "extra_params": {**kwargs["extra_params"], "nonce": self.nonce}})


class _CallbackHandler(OAuthCallbackHandler):  # type: ignore[misc]
    """Takes those who come back."""

    def get_state_url(self) -> str:
        """Return what the address says of which login it belongs to."""
        return str(self.get_argument("state", ""))

    def check_arguments(self) -> None:
        """Refuse what is not the end of a login of this browser; only then believe what the address says."""
        try:
            self.check_state()
        except web.HTTPError as error:
            raise web.HTTPError(400, f"This login began elsewhere, took too long, or is over already. {_AGAIN}") from error
        if said := self.get_argument("error", ""):
            words = self.get_argument("error_description", "") or said
            raise web.HTTPError(403, f"{self.authenticator.login_service} has let nobody in: {words[:200].rstrip('.')}. {_AGAIN}")
        self.check_code()


class OpenidLogin(GenericOAuthenticator):  # type: ignore[misc]
    """Somebody comes from an OpenID Connect provider."""

    issuer = Unicode("", config=True, help="Where the provider describes itself; its tokens are then checked.")
    login_handler = _LoginHandler
    callback_handler = _CallbackHandler
    _told: dict[str, Any] = {}

    async def learn(self) -> None:
        """Read what the provider says of itself: each time, so that nothing here is older than what is said there."""
        if not self.issuer:
            return
        told = await self.httpfetch(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration", "reading the provider's description")
        if not isinstance(told, dict) or str(told.get("issuer", "")).rstrip("/") != self.issuer.rstrip("/"):
            self.log.error("At %s is no provider of that name.", self.issuer)
            raise self._broken()
        for trait, name in _ENDPOINTS.items():
            if not isinstance(told.get(name), str):
                self.log.error("The provider %s says nothing of its %s.", self.issuer, name)
                raise self._broken()
            setattr(self, trait, told[name])
        self._told = told

    async def get_token_info(self, handler: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Return what the provider gives for the code, its identity token checked."""
        await self.learn()
        given: dict[str, Any] = await super().get_token_info(handler, params)
        if not self.issuer:
            return given
        keys = await self.httpfetch(self._told.get("jwks_uri", ""), "reading the provider's keys")
        nonce = nonce_of(handler.get_state_cookie())
        who = check_identity(given.get("id_token"), keys, issuer=self._told["issuer"], client_id=self.client_id, nonce=nonce)
        return {**given, "labkit_subject": who}

    async def token_to_user(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """Return what the provider says of the person that the token is about, and of nobody else."""
        person = await super().token_to_user({"token_type": "Bearer", **token_info})
        if not isinstance(person, dict):
            self.log.error("The provider describes a person by something that is no object.")
            raise self._broken()
        if "labkit_subject" in token_info and person.get("sub") != token_info["labkit_subject"]:
            raise InvalidInput("The login speaks of two people at once.", hint=_ADMIN)
        return person

    def user_info_to_username(self, user_info: dict[str, Any]) -> str:
        """Return the claim that becomes the user name."""
        name = user_info.get(self.username_claim)
        if not isinstance(name, str) or not name.strip():
            raise InvalidInput(
                f"Your account at {self.login_service} says no name for you ({self.username_claim}).",
                hint="Ask an admin of this hub, who chooses what becomes the user name.",
            )
        # Anybody may write anybody's address into a profile.
        if self.username_claim == "email" and user_info.get("email_verified") is False:
            raise InvalidInput(
                f"Your e-mail address is not confirmed at {self.login_service}.", hint="Confirm it there, and sign in again."
            )
        return name

    async def httpfetch(self, url: str, label: str = "fetching", *args: Any, **kwargs: Any) -> Any:
        """Ask the provider; whatever goes wrong becomes a page with a sentence."""
        try:
            return await super().httpfetch(url, label, *args, **kwargs)
        except HTTPClientError as error:
            raise self._refused(error) from error
        except OSError as error:
            self.log.error("Error %s at %s: %s", label, url, error)  # noqa: TRY400  (no traceback for a machine that is off)
            raise self._away() from error
        except ValueError as error:
            self.log.error("Error %s at %s: no JSON: %s", label, url, error)  # noqa: TRY400
            raise self._broken() from error

    def _refused(self, error: HTTPClientError) -> web.HTTPError:
        if error.code >= 500:  # 599: no answer in time
            return self._away()
        if _oauth_error(error) == "invalid_grant":
            return web.HTTPError(400, f"This login took too long, or is over already. {_AGAIN}")
        return self._broken()

    def _away(self) -> web.HTTPError:
        return web.HTTPError(503, f"{self.login_service} does not answer just now. Try again in a minute.")

    def _broken(self) -> web.HTTPError:
        return web.HTTPError(500, f"This hub and {self.login_service} do not understand each other. {_ADMIN}")


def _oauth_error(error: HTTPClientError) -> str:
    try:
        return str(json.loads(error.response.body)["error"]) if error.response else ""
    except (ValueError, KeyError, TypeError):
        return ""
