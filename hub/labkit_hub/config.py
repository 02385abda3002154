"""Settings become traitlets: the only place that sets any."""

from __future__ import annotations

import os
import sys
from typing import Any

import nativeauthenticator.handlers

from labkit_hub.authenticator import LabKitAuthenticator
from labkit_hub.instance import instance_mark
from labkit_hub.layout import TEMPLATES_DIR
from labkit_hub.ports import ADDRESS, free_port
from labkit_hub.proxy import proxy_command
from labkit_hub.settings import Settings
from labkit_hub.spawner import LabKitProcessSpawner

__all__ = ["apply"]

# What a server inherits from the shell that started the hub; everything else stays outside.
_KEPT = [
    "CUDA_VISIBLE_DEVICES",
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


def apply(c: Any, settings: Settings) -> None:
    """Set JupyterHub's configuration `c` for the "one command" shape: local processes, SQLite, this machine only."""
    settings.layout.prepare()
    _apply_hub(c, settings)
    _apply_proxy(c, settings)
    _apply_accounts(c, settings)
    _apply_servers(c, settings)


def _apply_hub(c: Any, settings: Settings) -> None:
    layout = settings.layout
    c.JupyterHub.bind_url = settings.url
    c.JupyterHub.hub_bind_url = f"http://{ADDRESS}:{settings.hub_port or free_port()}"
    c.JupyterHub.db_url = settings.resolved_database_url
    c.JupyterHub.cookie_secret_file = str(layout.cookie_secret)
    c.JupyterHub.pid_file = str(layout.hub_pid)
    c.JupyterHub.template_paths = [str(TEMPLATES_DIR), nativeauthenticator.handlers.TEMPLATE_DIR]
    c.JupyterHub.logo_file = str(TEMPLATES_DIR / "labkit.svg")
    c.JupyterHub.allow_named_servers = False
    c.JupyterHub.cleanup_servers = True
    c.JupyterHub.cleanup_proxy = True


def _apply_proxy(c: Any, settings: Settings) -> None:
    c.ConfigurableHTTPProxy.command = proxy_command(settings.proxy_dir)
    c.ConfigurableHTTPProxy.api_url = f"http://{ADDRESS}:{settings.proxy_api_port or free_port()}"
    c.ConfigurableHTTPProxy.pid_file = str(settings.layout.proxy_pid)
    c.ConfigurableHTTPProxy.log_level = "warn"


def _apply_accounts(c: Any, settings: Settings) -> None:
    accounts = settings.accounts
    c.JupyterHub.authenticator_class = LabKitAuthenticator
    c.LabKitAuthenticator.logins_file = str(settings.layout.logins)
    # Who may come in is decided by password and approval; no list beside it. Admins are marked in the database, not here:
    # nativeauthenticator approves a sign-up under any name in `admin_users` by itself.
    c.Authenticator.allow_all = True
    c.Authenticator.auth_refresh_age = 60
    c.Authenticator.refresh_pre_spawn = True
    c.Authenticator.username_pattern = r"^\w[\w.@+-]{0,63}$"
    c.NativeAuthenticator.enable_signup = accounts.signup
    c.NativeAuthenticator.open_signup = False
    c.NativeAuthenticator.check_common_password = True
    c.NativeAuthenticator.minimum_password_length = accounts.password_length
    c.NativeAuthenticator.allowed_failed_logins = accounts.failed_logins
    c.NativeAuthenticator.seconds_before_next_try = accounts.lock_s


def _apply_servers(c: Any, settings: Settings) -> None:
    server = settings.server
    c.JupyterHub.spawner_class = LabKitProcessSpawner
    c.LabKitProcessSpawner.homes_dir = str(settings.layout.homes)
    c.LabKitProcessSpawner.course_dir = str(settings.course_dir)
    c.LabKitProcessSpawner.cache_dir = str(settings.cache_dir)
    c.LabKitProcessSpawner.instance = instance_mark(settings.var)
    c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
    # The environment is shared: nobody installs extensions into it from the browser.
    c.Spawner.args = ["--LabApp.extension_manager=readonly", *(["--allow-root"] if os.geteuid() == 0 else [])]
    c.Spawner.env_keep = _KEPT
    c.Spawner.default_url = "/lab"
    c.Spawner.start_timeout = server.start_timeout_s
    c.Spawner.http_timeout = server.start_timeout_s
    c.LocalProcessSpawner.interrupt_timeout = server.stop_timeout_s
    c.LocalProcessSpawner.term_timeout = server.stop_timeout_s
