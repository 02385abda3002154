"""All settings of one hub, read from the environment."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from labkit.errors import InvalidInput
from labkit_hub.layout import CHECKOUT, VarLayout
from labkit_hub.settings.accounts import AccountSettings, OidcSettings
from labkit_hub.settings.containers import ContainerSettings, KubeSettings
from labkit_hub.settings.courses import CourseSettings
from labkit_hub.settings.kinds import Folder, Port, PortOrAny
from labkit_hub.settings.lti import LtiSettings
from labkit_hub.settings.queue import DeviceSettings, QueueSettings
from labkit_hub.settings.secrets import read_secret
from labkit_hub.settings.servers import IdleSettings, ServerSettings
from labkit_hub.settings.service import ServiceSettings

__all__ = ["Settings", "load_settings"]


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class Settings(BaseSettings):
    """What one hub needs to know. Every field is a variable: ``port`` is ``LABKIT_PORT``.

    Attributes
    ----------
    spawner : {"process", "docker", "swarm", "kube"}
        Where people's servers run.
    var : Path
        Everything that the hub writes; another folder is another hub.
    port : int
        The port on 127.0.0.1 at which people reach it; in a container, the proxy's.
    public_url : str
        The address that people open, where it is another one (``https://...``).
    subdomain_host : str
        Gives each person's server a host name of its own below this address; empty keeps one origin for all.
    hub_port, proxy_api_port : int
        The hub's internal ports; 0 takes free ones.
    proxy_api_url : str
        Where a proxy listens that runs by itself, beside the hub; empty starts one.
    proxy_token_file : Path or None
        A file with the secret that this proxy expects.
    course_dir : Path
        Notebooks that each home gets a copy of.
    proxy_dir : Path
        Where the proxy's JavaScript is installed.
    cache : Path or None
        Fetched sample data shared by all; None means ``var/cache``.
    database_url : str or None
        SQLAlchemy address of the hub's database; None means SQLite in `var`.
    database_password_file : Path or None
        A file with the password that is missing in the addresses of the databases.
    accounts : AccountSettings
    oidc : OidcSettings
    lti : LtiSettings
    server : ServerSettings
    service : ServiceSettings
    devices : DeviceSettings
    queue : QueueSettings
    courses : CourseSettings
    containers : ContainerSettings
    kube : KubeSettings
    idle : IdleSettings
    profiles : Path or None
        A YAML file of profiles; None means those that are built in.
    """

    model_config = SettingsConfigDict(env_prefix="LABKIT_", env_nested_delimiter="__", extra="ignore", frozen=True)

    spawner: Literal["process", "docker", "swarm", "kube"] = "process"
    var: Folder = CHECKOUT / "var"
    port: Port = 8000
    public_url: Annotated[str, Field(pattern=r"^(https?://[^/]+)?$")] = ""
    subdomain_host: Annotated[str, Field(pattern=r"^(https?://[^/]+)?$")] = ""
    hub_port: PortOrAny = 0
    proxy_api_port: PortOrAny = 0
    proxy_api_url: Annotated[str, Field(pattern=r"^(https?://[^/]+)?$")] = ""
    proxy_token_file: Folder | None = None
    course_dir: Folder = CHECKOUT / "course"
    proxy_dir: Folder = CHECKOUT / "var" / "proxy"
    cache: Folder | None = None
    database_url: str | None = None
    database_password_file: Folder | None = None
    accounts: AccountSettings = AccountSettings()
    oidc: OidcSettings = OidcSettings()
    lti: LtiSettings = LtiSettings()
    server: ServerSettings = ServerSettings()
    service: ServiceSettings = ServiceSettings()
    devices: DeviceSettings = DeviceSettings()
    queue: QueueSettings = QueueSettings()
    courses: CourseSettings = CourseSettings()
    containers: ContainerSettings = ContainerSettings()
    kube: KubeSettings = KubeSettings()
    idle: IdleSettings = IdleSettings()
    profiles: Folder | None = None

    @model_validator(mode="after")
    def _one_address(self) -> Settings:
        """Refuse names for servers where they could not be: below a number, or below another name than the hub's."""
        if not self.subdomain_host:
            return self
        if _is_number(urlsplit(self.subdomain_host).hostname or ""):
            raise ValueError("LABKIT_SUBDOMAIN_HOST needs a name, such as https://hub.example.org: a number has no names below it")
        if self.public_url and self.public_url.lower() != self.subdomain_host.lower():
            raise ValueError("LABKIT_SUBDOMAIN_HOST must be LABKIT_PUBLIC_URL, if both are set: servers have names below the hub's own")
        return self

    @property
    def layout(self) -> VarLayout:
        """Where the files of this hub lie."""
        return VarLayout(self.var)

    @property
    def cache_dir(self) -> Path:
        """The folder of fetched sample data."""
        return self.cache or self.layout.cache

    @property
    def course_files_dir(self) -> Path:
        """The folder of the files of releases and submissions."""
        return self.courses.files or self.layout.course_files

    @property
    def grading(self) -> CourseSettings:
        """What `courses` says, with no more batches at a time than have slots: one for each worker, and one for what scores."""
        if not self.containers.grading_network:
            return self.courses
        fit = max(1, len(self.containers.grading_slots) // (self.courses.workers + 1))
        return self.courses.model_copy(update={"batches_at_once": min(self.courses.batches_at_once, fit)})

    @property
    def passes_back(self) -> bool:
        """Whether points go back to a learning platform."""
        return self.accounts.kind == "lti13" and bool(self.lti.passback.token_url)

    @property
    def passback_key(self) -> Path:
        """The key that scores are signed with."""
        return self.lti.passback.key_file or self.layout.passback_key

    @property
    def resolved_database_url(self) -> str:
        """The database, with the default filled in."""
        return self._complete(self.database_url or f"sqlite:///{self.layout.database}")

    @property
    def resolved_service_database_url(self) -> str:
        """The database of the service, with the default filled in."""
        return self._complete(self.service.database_url or f"sqlite:///{self.layout.service_database}")

    @property
    def cookie_prefix(self) -> str:
        """What begins the names of cookies that log people in.

        A page of somebody's server may set cookies for the name above its own, and so log others in as its owner. Browsers let nobody do
        so with cookies that begin with ``__Host-``, and want TLS for these.
        """
        return "__Host-" if self.subdomain_host.startswith("https://") else ""

    @property
    def url(self) -> str:
        """The address that people open."""
        return self.public_url or self.subdomain_host or f"http://127.0.0.1:{self.port}"

    def _complete(self, address: str) -> str:
        """Return a database's address with its password, and with a bound on how long a vanished one may hold up everything."""
        from sqlalchemy import make_url

        url = make_url(address)
        if not url.drivername.startswith("postgresql"):
            return address
        if url.password is None and self.database_password_file is not None:
            url = url.set(password=read_secret(self.database_password_file))
        if "connect_timeout" not in url.query:
            url = url.update_query_dict({"connect_timeout": "3"})
        return url.render_as_string(hide_password=False)


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
