"""Accounts that are kept elsewhere: OpenID Connect and LTI 1.3, with a guard over names.

A name belongs to the first account of the provider that came with it. Another account that comes with the same name later, after a
change of its name or of its case, is refused: it would get the first one's home.
"""

from __future__ import annotations

from typing import Any

from jupyterhub import orm
from jupyterhub.auth import Authenticator
from ltiauthenticator.lti13.auth import LTI13Authenticator
from ltiauthenticator.lti13.constants import LTI13_CUSTOM_CLAIM
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from tornado import web
from traitlets import Bool, Callable, Unicode

from labkit.errors import InvalidInput, LabKitError
from labkit_hub.groups import professors_group
from labkit_hub.launches import launch_of
from labkit_hub.openid import OpenidLogin
from labkit_hub.registration import RegistrationHandler
from labkit_hub.usernames import plain_name

__all__ = ["LabKitLtiAuthenticator", "LabKitOidcAuthenticator"]


class _Base(DeclarativeBase):
    """Tables of ours in the hub's database."""


class Subject(_Base):
    """Whose a name is, by the provider's own identifier."""

    __tablename__ = "labkit_subjects"

    username: Mapped[str] = mapped_column(String(255), primary_key=True)
    subject: Mapped[str] = mapped_column(String(512))


class NameGuard(Authenticator):  # type: ignore[misc]
    """Lets a person in under a name that is theirs."""

    grader = Unicode("", config=True, help="The account that grading runs belong to: nobody logs in as it.")
    adopt = Bool(False, config=True, help="Whether the first who comes with the name of an older account gets that account.")

    def check_allow_config(self) -> None:
        """Make table and group. The hub calls this once at each start, when its own tables stand."""
        super().check_allow_config()
        _Base.metadata.create_all(self.db.get_bind())
        professors_group(self.db)
        self.db.commit()

    async def authenticate(self, handler: Any, data: Any = None, **kwargs: Any) -> dict[str, Any] | None:
        """Return who has logged in, under a checked name; a refusal is a page with a sentence."""
        try:
            model: dict[str, Any] | None = await super().authenticate(handler, data, **kwargs)
            if model is None:
                return None
            name = plain_name(model["name"])
            if name == self.grader:
                raise InvalidInput(f"The name {name} is the hub's own.", hint="Ask an admin.")
            self._claim(name, self.subject_of(model))
        except LabKitError as error:
            self.log.warning("A login was refused: %s %s", error.message, error.facts.get("why", ""))
            raise web.HTTPError(403, f"{error.message} {error.hint}") from error
        return {**model, "name": name}

    def subject_of(self, model: dict[str, Any]) -> str:
        """Return the provider's own identifier of this person, which never changes."""
        raise NotImplementedError

    def _claim(self, name: str, subject: str) -> None:
        known = self.db.get(Subject, name)
        if known is not None:
            if known.subject != subject:
                raise InvalidInput(f"The name {name} belongs to another account here.", hint="Ask an admin.")
            return
        if orm.User.find(self.db, name) is not None and not self.adopt and name not in self.admin_users:
            raise InvalidInput(
                f"The account {name} was made here before, and not by this login.", hint="Ask an admin, who may set LABKIT_ACCOUNTS__ADOPT."
            )
        self.db.add(Subject(username=name, subject=subject))
        self.db.commit()


class LabKitOidcAuthenticator(NameGuard, OpenidLogin):
    """The university's login, by OpenID Connect."""

    def subject_of(self, model: dict[str, Any]) -> str:
        """Return the claim ``sub``."""
        return _subject(model["auth_state"][self.user_auth_state_key])


class LabKitLtiAuthenticator(NameGuard, LTI13Authenticator):  # type: ignore[misc]
    """People come from a course of a learning platform, by LTI 1.3."""

    launched = Callable(None, allow_none=True, config=True, help="Is told from which course of the platform somebody came.")
    address = Unicode(config=True, help="The address that people open, without a slash at its end.")
    config_handler = RegistrationHandler

    async def authenticate(self, handler: Any, data: Any = None, **kwargs: Any) -> dict[str, Any] | None:
        """Return who has logged in, and tell where they came from; of what the platform says nothing else is kept."""
        model = await super().authenticate(handler, data, **kwargs)
        if model is None or self.launched is None:
            return model
        launch = launch_of(model["name"], model["auth_state"])
        if launch is None:
            self.log.info("The launch of %s names no gradebook in which LabKit may make columns.", model["name"])
        else:
            try:
                await self.launched(launch)
            except Exception as error:  # nobody waits at the door because points cannot be sent: the next login tells it again
                self.log.warning("Where %s came from could not be told: %s: %s", launch.user, type(error).__name__, error)
        return model

    def get_username(self, token: dict[str, Any]) -> str:
        """Return the claim that is the name; the package takes ``sub`` where it is missing, a number that nobody goes by.

        Raises
        ------
        InvalidInput
            The platform does not say it.
        """
        key = self.username_key
        claims = (token.get(LTI13_CUSTOM_CLAIM) or {}) if key.startswith("custom_") else token
        name = claims.get(key.removeprefix("custom_"))
        if not name or not isinstance(name, str):
            raise InvalidInput(
                f"The learning platform does not say what you are called here ({key}).",
                hint="Ask an admin: the platform's settings of LabKit must share it.",
            )
        return name

    def subject_of(self, model: dict[str, Any]) -> str:
        """Return issuer and ``sub``."""
        claims = model["auth_state"]
        return f"{claims.get('iss', '')} {_subject(claims)}"


def _subject(claims: dict[str, Any]) -> str:
    subject = claims.get("sub")
    if not subject or not isinstance(subject, str) or len(subject) > 255:
        raise InvalidInput("The login says nothing by which your account could be known again (sub).", hint="Ask an admin.")
    return subject
