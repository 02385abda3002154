"""A learning platform, and points that go back to it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from labkit_hub.settings.kinds import Folder

__all__ = ["LtiSettings", "PassbackSettings"]


class PassbackSettings(BaseModel):
    """Points that go back to the learning platform (``LABKIT_LTI__PASSBACK__*``); off while `token_url` is empty.

    Attributes
    ----------
    token_url : str
        Where the platform gives out access tokens.
    audience : str
        For whom the request is signed, where that is not the same address.
    key_file : Path or None
        The private key; made if it is not there. None means a file in `var`.
    attempts : int
        How often a score is tried before it is given up.
    pause_s : float
        After the first failure; doubled after each further one, up to an hour.
    look_s : float
        How often is looked whether a score has changed.
    timeout_s : float
        How long the platform may take to answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    token_url: Annotated[str, Field(pattern=r"^(https?://.+)?$")] = ""
    audience: str = ""
    key_file: Folder | None = None
    attempts: Annotated[int, Field(ge=1, le=100)] = 10
    pause_s: Annotated[float, Field(gt=0, le=3600)] = 30.0
    look_s: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 20.0


class LtiSettings(BaseModel):
    """A learning platform, by LTI 1.3 (``LABKIT_LTI__*``); ``<address>/hub/lti13/config`` says what it must be told.

    Attributes
    ----------
    issuer : str
        The platform.
    client_ids : tuple of str
        Who LabKit is there.
    authorize_url, jwks_url : str
        The platform's addresses: where people are sent, and where its keys are.
    username_claim : str
        What becomes the user name.
    passback : PassbackSettings
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = ""
    client_ids: tuple[str, ...] = ()
    authorize_url: str = ""
    jwks_url: str = ""
    username_claim: Annotated[str, Field(min_length=1)] = "email"
    passback: PassbackSettings = PassbackSettings()
