"""The hub's settings: ``LABKIT_*`` variables, read once at the entry point."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from labkit.errors import InvalidInput
from labkit_hub.layout import CHECKOUT, VarLayout
from labkit_hub.prefix import LONGEST_PREFIX, PREFIX

__all__ = [
    "AccountSettings",
    "ContainerSettings",
    "CourseSettings",
    "DeviceSettings",
    "IdleSettings",
    "KubeSettings",
    "LtiSettings",
    "OidcSettings",
    "PassbackSettings",
    "QueueSettings",
    "ServerSettings",
    "ServiceSettings",
    "Settings",
    "load_settings",
    "read_secret",
]


def _absolute(path: Path) -> Path:
    return Path(path).expanduser().absolute()


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _network(text: str) -> str:
    return str(IPv4Network(text))


def _time_zone(name: str) -> str:
    if name != "UTC" and name not in available_timezones():  # a machine without the table of time zones has UTC all the same
        raise ValueError("is no time zone; they are called like Europe/Berlin")
    return name


Folder = Annotated[Path, AfterValidator(_absolute)]
Port = Annotated[int, Field(ge=1, le=65535)]
PortOrAny = Annotated[int, Field(ge=0, le=65535)]


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


class ServerSettings(BaseModel):
    """How a user's server is started (``LABKIT_SERVER__*``).

    Attributes
    ----------
    start_timeout_s : int
        How long a server may take until it answers.
    stop_timeout_s : int
        How long it may take to save and stop before it is ended by force.
    starts_at_once : int
        Servers that may be starting at the same time; further people see a page that tries again by itself. 0 sets no bound.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start_timeout_s: int = Field(default=120, ge=1)
    stop_timeout_s: int = Field(default=10, ge=1)
    starts_at_once: int = Field(default=20, ge=0)


class ContainerSettings(BaseModel):
    """Servers in containers, in the shapes docker, swarm and kube (``LABKIT_CONTAINERS__*``).

    Attributes
    ----------
    prefix : str
        Begins the names of all containers, volumes and networks of this hub; two hubs on one engine need two.
    image : str
        The image of profiles that name none.
    hub_url, proxy_url : str
        Where containers reach hub and proxy.
    hub_url_for_proxy : str
        Where proxy and services reach the hub; empty for the same place.
    network : str
        One network for all servers; empty gives each person one of their own (docker only).
    network_pool : str
        Where the addresses of people's own networks come from.
    pids : int
        Most processes and threads of a container.
    tmp_gb : float
        Size of a container's ``/tmp``, which is memory, in GB.
    egress_proxy : str
        Address of a proxy through which servers reach the Internet; empty for no Internet.
    constraint : str
        On which nodes of a swarm servers and runs may be, such as ``node.labels.homes == true`` (swarm only); empty for any.
    grading_network : str
        The network of grading runs, on which they reach `grading_docker` (docker only). Empty: they run submissions as processes beside
        themselves.
    grading_docker : str
        ``DOCKER_HOST`` of grading runs.
    grading_slots : tuple of str
        Volumes in memory that a grading run shares with the kernels of submissions, one for each at a time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefix: Annotated[str, Field(pattern=f"^{PREFIX}$", max_length=LONGEST_PREFIX)] = "labkit"
    image: Annotated[str, Field(min_length=1, max_length=300)] = "labkit-student"
    hub_url: Annotated[str, Field(pattern=r"^https?://[^/]+$")] = "http://hub:8081"
    proxy_url: Annotated[str, Field(pattern=r"^https?://[^/]+$")] = "http://proxy:8000"
    hub_url_for_proxy: Annotated[str, Field(pattern=r"^(https?://[^/]+)?$")] = ""
    network: str = ""
    network_pool: Annotated[str, AfterValidator(_network)] = "10.214.0.0/16"
    pids: Annotated[int, Field(ge=64)] = 1024
    tmp_gb: Annotated[float, Field(gt=0)] = 1.0
    egress_proxy: Annotated[str, Field(pattern=r"^(https?://[^/]+)?$")] = ""
    constraint: Annotated[str, Field(pattern=r"^(\S+ ?[!=]= ?\S+)?$")] = ""
    grading_network: str = ""
    grading_docker: Annotated[str, Field(pattern=r"^(tcp://[^/]+)?$")] = ""
    grading_slots: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _grading(self) -> ContainerSettings:
        if self.grading_network and not (self.grading_docker and self.grading_slots):
            raise ValueError("with GRADING_NETWORK, GRADING_DOCKER and GRADING_SLOTS are needed, too")
        return self


class KubeSettings(BaseModel):
    """What only Kubernetes needs to know (``LABKIT_KUBE__*``).

    Attributes
    ----------
    home_gb : float
        Size of a new home's volume, in GB.
    storage_class : str
        The class of those volumes; empty takes the cluster's own.
    gpu_resource : str
        What the cluster calls a device.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home_gb: Annotated[float, Field(ge=1)] = 20.0
    storage_class: str = ""
    gpu_resource: Annotated[str, Field(min_length=1)] = "nvidia.com/gpu"


class IdleSettings(BaseModel):
    """When servers that nobody uses are stopped (``LABKIT_IDLE__*``); servers of runs never are, they end by themselves.

    Attributes
    ----------
    server_s : int
        Seconds without activity after which a server is stopped; 0 never stops one.
    device_s : int
        The same for a server that holds a device.
    every_s : int
        How often is looked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    server_s: Annotated[int, Field(ge=0)] = 3600
    device_s: Annotated[int, Field(ge=0)] = 1200
    every_s: Annotated[int, Field(ge=1)] = 60


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
    cluster : int
        So many devices that a cluster gives out by number; which one a server gets is the cluster's choice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    nvidia: bool = True
    fake: Annotated[int, Field(ge=0, le=64)] = 0
    cluster: Annotated[int, Field(ge=0, le=1024)] = 0


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


class CourseSettings(BaseModel):
    """Assignments, what is handed in, and its grading (``LABKIT_COURSES__*``).

    Attributes
    ----------
    files : Path or None
        Where the files of releases and submissions lie; None means a folder in `var`.
    file_mb : float
        The largest file that is taken.
    unused_mb : float
        So much may one person send without handing it in.
    keep_free_mb : float
        No file is taken that would leave less room on the disk.
    submissions : int
        How often one person may hand in one assignment, where the assignment itself sets no bound.
    time_zone : str
        Of new courses, such as ``Europe/Berlin``.
    grader : str
        The account that grading runs belong to; nobody can log in under this name.
    batches_at_once : int
        Grading runs that go on at the same time.
    workers : int
        Submissions that one grading run works on at the same time.
    view_s : float
        For how long the address of a student's page is valid.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: Folder | None = None
    file_mb: Annotated[float, Field(gt=0, le=100_000)] = 100.0
    unused_mb: Annotated[float, Field(gt=0)] = 2000.0
    keep_free_mb: Annotated[float, Field(ge=0)] = 500.0
    submissions: Annotated[int, Field(ge=1, le=100_000)] = 200
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    grader: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")] = "labkit-grader"
    batches_at_once: Annotated[int, Field(ge=1, le=1000)] = 2
    workers: Annotated[int, Field(ge=1, le=256)] = 2
    view_s: Annotated[float, Field(gt=0, le=86_400)] = 300.0


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


def read_secret(path: Path) -> str:
    """Return what a secret's file holds, without the line's end.

    Raises
    ------
    InvalidInput
        The file is not there, may not be read, or is empty.
    """
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The secret in {path} cannot be read.", hint="Look at the file, and whose it is.") from error
    if not secret:
        raise InvalidInput(f"The secret in {path} is empty.", hint="Write it there, in one line.")
    return secret


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
