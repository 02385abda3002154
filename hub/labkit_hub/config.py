"""Settings become traitlets: the only place that sets any."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from aiohttp import ClientTimeout

from labkit_hub.accounts import apply_accounts
from labkit_hub.door import ServiceDoor
from labkit_hub.forgotten import end_forgotten
from labkit_hub.hooks import SERVICE, SpawnHooks
from labkit_hub.idle import idle_role, idle_service
from labkit_hub.instance import MARK, instance_mark
from labkit_hub.layout import TEMPLATES_DIR
from labkit_hub.limits import named_server_limit
from labkit_hub.notice import LiveNotice
from labkit_hub.options import options_from_form, take_no_options
from labkit_hub.placement.command import LAB_ARGS
from labkit_hub.ports import ADDRESS, free_port
from labkit_hub.profiles import Profile, load_profiles
from labkit_hub.proxy import proxy_command
from labkit_hub.revival import revive_services_soon
from labkit_hub.service.launch import SERVER_SCOPES, role_entries, service_entry
from labkit_hub.settings import Settings, read_secret
from labkit_hub.shapes import SPAWNERS, placer
from labkit_hub.spawnpage import SpawnPage
from labkit_hub.subdomains import apply_subdomains
from labkit_hub.turn import Turns

__all__ = ["apply"]

# What a server inherits from the shell that started the hub; everything else stays outside.
_KEPT = [
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LABKIT_OFFLINE",
    "LABKIT_QUOTA_GB",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "NO_PROXY",
    "PIP_CERT",
    "PIP_CONFIG_FILE",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "VIRTUAL_ENV",
    "http_proxy",
    "https_proxy",
    "no_proxy",
]
# A container brings its own programs and certificates.
_KEPT_BY_CONTAINERS = ["LABKIT_OFFLINE", "LABKIT_QUOTA_GB", "TZ"]
_CONTAINER_HUB_PORT = 8081
# A proxy that was restarted by itself has lost all routes; the hub puts them back when it looks next.
_LOOK_AT_ROUTES_S = 15
# Of one request of the hub's. A server that stands still takes connections and never answers: the hub would wait for five minutes, whatever
# time the start had.
_ANSWER_S = 30


def apply(c: Any, settings: Settings) -> None:
    """Set JupyterHub's configuration `c`.

    In the shape ``kube`` the hub is the Helm chart's, which sets addresses, database and proxy itself (docs/cluster.md).
    """
    settings.layout.prepare()
    revive_services_soon()
    c.JupyterHubHTTPClient.session_options = {"timeout": ClientTimeout(total=_ANSWER_S)}
    if settings.spawner == "process":
        end_forgotten(settings)
    profiles = load_profiles(settings.profiles)
    door = _apply_services(c, settings, profiles)
    if settings.spawner != "kube":
        _apply_hub(c, settings)
        _apply_proxy(c, settings)
        apply_subdomains(c, settings, c.JupyterHub.services[0]["url"])
    _apply_pages(c, settings, door)
    apply_accounts(c, settings, door)
    _apply_servers(c, settings)
    _apply_start(c, settings, profiles, door)
    if settings.spawner in ("docker", "swarm"):
        from labkit_hub.prepare import prepare_engine  # the other shapes do without Docker's library

        prepare_engine(settings, settings.hub_port or _CONTAINER_HUB_PORT)


def _apply_hub(c: Any, settings: Settings) -> None:
    layout, local = settings.layout, settings.spawner == "process"
    if local:
        c.JupyterHub.bind_url = f"http://{ADDRESS}:{settings.port}"
        c.JupyterHub.hub_bind_url = f"http://{ADDRESS}:{settings.hub_port or free_port()}"
    else:
        # Inside a container: who reaches which port is decided by its networks.
        c.JupyterHub.bind_url = f"http://0.0.0.0:{settings.port}"
        c.JupyterHub.hub_bind_url = f"http://0.0.0.0:{settings.hub_port or _CONTAINER_HUB_PORT}"
        c.JupyterHub.hub_connect_url = settings.containers.hub_url_for_proxy or settings.containers.hub_url
        c.Spawner.hub_connect_url = settings.containers.hub_url
        c.JupyterHub.last_activity_interval = _LOOK_AT_ROUTES_S
    if settings.public_url or settings.subdomain_host:
        c.JupyterHub.public_url = settings.url
    c.JupyterHub.db_url = settings.resolved_database_url
    if settings.database_url is None:
        _prepare_database(layout.database)
    c.JupyterHub.cookie_secret_file = str(layout.cookie_secret)
    c.JupyterHub.pid_file = str(layout.hub_pid)
    # Containers outlive the hub and are found again; processes of this machine end with it.
    c.JupyterHub.cleanup_servers = local
    c.JupyterHub.cleanup_proxy = not settings.proxy_api_url


def _prepare_database(path: Path) -> None:
    """Let SQLite write ahead: the hub commits several times for each server, and each commit then waits for the disk once, not thrice."""
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(path)) as connection:  # what is wrong with it, the hub says
        connection.execute("PRAGMA journal_mode=WAL")


def _apply_proxy(c: Any, settings: Settings) -> None:
    if settings.proxy_token_file is not None:
        c.ConfigurableHTTPProxy.auth_token = read_secret(settings.proxy_token_file)
    if settings.proxy_api_url:
        c.ConfigurableHTTPProxy.should_start = False
        c.ConfigurableHTTPProxy.api_url = settings.proxy_api_url
        return
    c.ConfigurableHTTPProxy.command = proxy_command(settings.proxy_dir)
    c.ConfigurableHTTPProxy.api_url = f"http://{ADDRESS}:{settings.proxy_api_port or free_port()}"
    c.ConfigurableHTTPProxy.pid_file = str(settings.layout.proxy_pid)
    c.ConfigurableHTTPProxy.log_level = "warn"


def _apply_services(c: Any, settings: Settings, profiles: tuple[Profile, ...]) -> ServiceDoor:
    """Let the hub start our services, with the rights that each needs, and return the way to ask the main one."""
    mark = {MARK: instance_mark(settings.var)}
    # New at each start, and never written down: the hub gives it to the service that it starts.
    token, entry = secrets.token_hex(32), service_entry(settings)
    entry = {**entry, "api_token": token, "environment": {**entry["environment"], **mark}}
    services, roles = [entry], list(role_entries(settings))
    if settings.idle.server_s or settings.idle.device_s:
        services.append(idle_service(settings, profiles, mark))
        roles.append(idle_role())
    c.JupyterHub.services = services
    c.JupyterHub.load_roles = roles
    return ServiceDoor(f"{entry['url'].rstrip('/')}/services/{SERVICE}", token)


def _apply_pages(c: Any, settings: Settings, door: ServiceDoor) -> None:
    c.JupyterHub.template_paths = [str(TEMPLATES_DIR)]
    c.JupyterHub.logo_file = str(TEMPLATES_DIR / "labkit.svg")
    c.JupyterHub.template_vars = {
        "labkit_notice": LiveNotice(door),
        "labkit_shape": settings.spawner,
        "labkit_accounts": settings.accounts.kind,
    }


def _apply_servers(c: Any, settings: Settings) -> None:
    server, local = settings.server, settings.spawner == "process"
    c.JupyterHub.spawner_class = SPAWNERS[settings.spawner]
    c.JupyterHub.allow_named_servers = True
    c.JupyterHub.named_server_limit_per_user = named_server_limit
    c.JupyterHub.concurrent_spawn_limit = 0  # it refuses; ours (`labkit_hub.turn`) lets people wait
    c.Spawner.env_keep = _KEPT if local else _KEPT_BY_CONTAINERS
    c.Spawner.default_url = "/lab"
    c.Spawner.start_timeout = server.start_timeout_s
    c.Spawner.http_timeout = server.start_timeout_s
    c.Spawner.server_token_scopes = list(SERVER_SCOPES)
    if local:
        c.LabKitProcessSpawner.homes_dir = str(settings.layout.homes)
        c.LabKitProcessSpawner.course_dir = str(settings.course_dir)
        c.LabKitProcessSpawner.cache_dir = str(settings.cache_dir)
        c.LabKitProcessSpawner.instance = instance_mark(settings.var)
        c.LocalProcessSpawner.interrupt_timeout = server.stop_timeout_s
        c.LocalProcessSpawner.term_timeout = server.stop_timeout_s
    if settings.spawner == "docker":
        c.LabKitDockerSpawner.prefix = settings.containers.prefix
        c.LabKitDockerSpawner.network_pool = settings.containers.network_pool
        c.LabKitDockerSpawner.shared_network = bool(settings.containers.network)
        if settings.containers.network:  # also for servers of the hub's last life, which nobody places
            c.LabKitDockerSpawner.network_name = settings.containers.network
    if settings.spawner == "swarm":
        c.LabKitSwarmSpawner.container_prefix_of_hub = settings.containers.prefix


def _apply_start(c: Any, settings: Settings, profiles: tuple[Profile, ...], door: ServiceDoor) -> None:
    local = settings.spawner == "process"
    lab_args = (*LAB_ARGS, *(["--allow-root"] if local and os.geteuid() == 0 else []))
    hooks = SpawnHooks(door, profiles, placer(settings, lab_args), Turns(settings.server.starts_at_once))
    page = SpawnPage(door, profiles)
    c.Spawner.pre_spawn_hook = hooks.before_start
    c.Spawner.post_stop_hook = hooks.after_stop
    c.Spawner.options_form = page.form
    c.Spawner.options_from_form = options_from_form
    c.Spawner.apply_user_options = take_no_options
    c.PlacedSpawner.query_reader = page.options_from_query
