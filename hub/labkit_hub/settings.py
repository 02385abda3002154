"""The hub's settings: ``LABKIT_*`` variables, read once at the entry point."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from labkit.errors import InvalidInput
from labkit_hub.layout import CHECKOUT, VarLayout

__all__ = ["AccountSettings", "ServerSettings", "Settings", "load_settings"]


def _absolute(path: Path) -> Path:
    return Path(path).expanduser().absolute()


Folder = Annotated[Path, AfterValidator(_absolute)]
Port = Annotated[int, Field(ge=1, le=65535)]
PortOrAny = Annotated[int, Field(ge=0, le=65535)]


class AccountSettings(BaseModel):
    """How people get in (``LABKIT_ACCOUNTS__*``).

    Attributes
    ----------
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

    signup: bool = True
    password_length: int = Field(default=8, ge=1, le=72)
    failed_logins: int = Field(default=10, ge=0)
    lock_s: int = Field(default=60, ge=1)


class ServerSettings(BaseModel):
    """How a user's server is started (``LABKIT_SERVER__*``).

    Attributes
    ----------
    start_timeout_s : int
        How long a server may take until it answers.
    stop_timeout_s : int
        How long it may take to save and stop before it is ended by force.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start_timeout_s: int = Field(default=120, ge=1)
    stop_timeout_s: int = Field(default=10, ge=1)


class Settings(BaseSettings):
    """What one hub needs to know. Every field is a variable: ``port`` is ``LABKIT_PORT``.

    Attributes
    ----------
    var : Path
        Everything that the hub writes; another folder is another hub.
    port : int
        The port on 127.0.0.1 at which people reach it.
    hub_port, proxy_api_port : int
        The hub's internal ports; 0 takes free ones.
    course_dir : Path
        Notebooks that each home gets a copy of.
    proxy_dir : Path
        Where the proxy's JavaScript is installed.
    cache : Path or None
        Fetched sample data shared by all; None means ``var/cache``.
    database_url : str or None
        SQLAlchemy address of the hub's database; None means SQLite in `var`.
    accounts : AccountSettings
    server : ServerSettings
    """

    model_config = SettingsConfigDict(env_prefix="LABKIT_", env_nested_delimiter="__", extra="ignore", frozen=True)

    var: Folder = CHECKOUT / "var"
    port: Port = 8000
    hub_port: PortOrAny = 0
    proxy_api_port: PortOrAny = 0
    course_dir: Folder = CHECKOUT / "course"
    proxy_dir: Folder = CHECKOUT / "var" / "proxy"
    cache: Folder | None = None
    database_url: str | None = None
    accounts: AccountSettings = AccountSettings()
    server: ServerSettings = ServerSettings()

    @property
    def layout(self) -> VarLayout:
        """Where the files of this hub lie."""
        return VarLayout(self.var)

    @property
    def cache_dir(self) -> Path:
        """The folder of fetched sample data."""
        return self.cache or self.layout.cache

    @property
    def resolved_database_url(self) -> str:
        """The database, with the default filled in."""
        return self.database_url or f"sqlite:///{self.layout.database}"

    @property
    def url(self) -> str:
        """The address that people open."""
        return f"http://127.0.0.1:{self.port}"


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises
    ------
    InvalidInput
        A variable has a value that cannot be used; all of them are named.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(
            f"LABKIT_{'__'.join(str(part) for part in fault['loc']).upper()}={fault['input']!r}: {fault['msg']}" for fault in error.errors()
        )
        raise InvalidInput(
            f"A setting cannot be used: {faults}.", hint="Correct or unset the variable; docs/hub.md lists them all."
        ) from error
