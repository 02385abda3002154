"""The hub's settings: ``LABKIT_*`` variables, read once at the entry point."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from labkit.errors import InvalidInput
from labkit_hub.layout import CHECKOUT, VarLayout

__all__ = [
    "AccountSettings",
    "DeviceSettings",
    "QueueSettings",
    "ServerSettings",
    "ServiceSettings",
    "Settings",
    "load_settings",
]


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


class ServiceSettings(BaseModel):
    """The hub's `labkit` service (``LABKIT_SERVICE__*``).

    Attributes
    ----------
    address : str
        Where it listens: 127.0.0.1, or in a container the hub's address on the core network; never all addresses.
    port : int
        0 takes a free one.
    database_url : str or None
        SQLAlchemy address; None means SQLite in `var`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = "127.0.0.1"
    port: PortOrAny = 0
    database_url: str | None = None


class DeviceSettings(BaseModel):
    """The devices that the queue leases (``LABKIT_DEVICES__*``).

    Attributes
    ----------
    nvidia : bool
        Look for NVIDIA devices, through NVML.
    fake : int
        So many devices that are none: everything works, and computes on the CPU.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    nvidia: bool = True
    fake: Annotated[int, Field(ge=0, le=64)] = 0


class QueueSettings(BaseModel):
    """How devices are shared (``LABKIT_QUEUE__*``).

    Attributes
    ----------
    per_person : int
        Devices that one person may use at a time, runs and servers together.
    waiting_per_person : int
        Runs of one person that may wait.
    hours_per_person : float or None
        Device-hours that one person may use in seven days; None sets no bound. Courses may set their own.
    starts_at_once : int
        Servers of runs that are started at the same time.
    attempts : int
        How often a run's server is started before the run is given up.
    start_timeout_s : float
        How long a server that was asked for may stay without a definite answer before it is stopped.
    reconcile_s : float
        How often everything is compared with what the hub knows.
    look_s : float
        How often servers that hold a device are looked at.
    ticket_s : float
        How long a ticket is valid.
    grace_s : float
        Above a run's own time limit, before its server is stopped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_person: Annotated[int, Field(ge=1)] = 1
    waiting_per_person: Annotated[int, Field(ge=1)] = 20
    hours_per_person: Annotated[float, Field(ge=0)] | None = None
    starts_at_once: Annotated[int, Field(ge=1, le=32)] = 4
    attempts: Annotated[int, Field(ge=1)] = 3
    start_timeout_s: Annotated[float, Field(gt=0)] = 300.0
    reconcile_s: Annotated[float, Field(gt=0)] = 60.0
    look_s: Annotated[float, Field(gt=0)] = 3.0
    ticket_s: Annotated[float, Field(gt=0)] = 120.0
    grace_s: Annotated[float, Field(ge=0)] = 60.0


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
    service : ServiceSettings
    devices : DeviceSettings
    queue : QueueSettings
    profiles : Path or None
        A YAML file of profiles; None means those that are built in.
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
    service: ServiceSettings = ServiceSettings()
    devices: DeviceSettings = DeviceSettings()
    queue: QueueSettings = QueueSettings()
    profiles: Folder | None = None

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
    def resolved_service_database_url(self) -> str:
        """The database of the service, with the default filled in."""
        return self.service.database_url or f"sqlite:///{self.layout.service_database}"

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
