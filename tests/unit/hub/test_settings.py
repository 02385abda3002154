"""Settings from variables, and what they become in the hub's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from traitlets.config import Config

from labkit.errors import InvalidInput
from labkit_hub import config
from labkit_hub.settings import load_settings


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a folder for the hub's files in LABKIT_VAR."""
    monkeypatch.setenv("LABKIT_VAR", str(tmp_path / "var"))
    monkeypatch.delenv("LABKIT_CACHE", raising=False)
    return tmp_path / "var"


def test_variables_become_settings(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain and nested variables are read; everything else of the hub lies in its folder."""
    monkeypatch.setenv("LABKIT_PORT", "8123")
    monkeypatch.setenv("LABKIT_ACCOUNTS__SIGNUP", "false")
    monkeypatch.setenv("LABKIT_ACCOUNTS__LOCK_S", "5")
    settings = load_settings()
    assert (settings.port, settings.accounts.signup, settings.accounts.lock_s) == (8123, False, 5)
    assert settings.accounts.password_length == 8
    assert settings.resolved_database_url == f"sqlite:///{var}/jupyterhub.sqlite"
    assert settings.cache_dir == var / "cache"


def test_a_relative_folder_is_taken_from_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The hub works in another folder than the shell, so paths are made absolute at once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABKIT_VAR", "here")
    assert load_settings().var == tmp_path / "here"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LABKIT_PORT", "abc"),
        ("LABKIT_PORT", "0"),
        ("LABKIT_PORT", "65536"),
        ("LABKIT_ACCOUNTS__LOCK_S", "-1"),
        ("LABKIT_ACCOUNTS__SIGNUP", "perhaps"),
        ("LABKIT_ACCOUNTS__TYPO", "1"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable and the value, in one line."""
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput) as caught:
        load_settings()
    assert f"{name}='{value}'" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.fixture
def configuration(var: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Apply settings to an empty configuration, with a proxy that is taken as installed."""
    monkeypatch.setattr(config, "proxy_command", lambda _dir: ["node", "proxy"])
    monkeypatch.setenv("LABKIT_PORT", "8123")
    c = Config()
    config.apply(c, load_settings())
    return c


def test_nothing_listens_beyond_this_machine(configuration: Config) -> None:
    """All three addresses are those of this machine."""
    urls = (configuration.JupyterHub.bind_url, configuration.JupyterHub.hub_bind_url, configuration.ConfigurableHTTPProxy.api_url)
    assert urls[0] == "http://127.0.0.1:8123"
    assert all(url.startswith("http://127.0.0.1:") for url in urls)


def test_two_hubs_share_no_port_and_no_file(configuration: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second hub in another folder has its own internal ports, pid file, database and cookies."""
    monkeypatch.setenv("LABKIT_VAR", str(tmp_path / "other"))
    other = Config()
    config.apply(other, load_settings())
    for section, name in [
        ("JupyterHub", "hub_bind_url"),
        ("JupyterHub", "db_url"),
        ("JupyterHub", "cookie_secret_file"),
        ("ConfigurableHTTPProxy", "api_url"),
        ("ConfigurableHTTPProxy", "pid_file"),
        ("LabKitProcessSpawner", "homes_dir"),
        ("LabKitProcessSpawner", "instance"),
    ]:
        assert configuration[section][name] != other[section][name], name


def test_all_traitlets_that_are_set_exist(configuration: Config) -> None:
    """A renamed option of JupyterHub would be ignored silently; here it fails."""
    from jupyterhub.app import JupyterHub
    from jupyterhub.auth import Authenticator
    from jupyterhub.proxy import ConfigurableHTTPProxy
    from jupyterhub.spawner import LocalProcessSpawner, Spawner
    from nativeauthenticator import NativeAuthenticator

    from labkit_hub.authenticator import LabKitAuthenticator
    from labkit_hub.spawner import LabKitProcessSpawner

    kinds = (
        JupyterHub,
        Authenticator,
        NativeAuthenticator,
        LabKitAuthenticator,
        ConfigurableHTTPProxy,
        Spawner,
        LocalProcessSpawner,
        LabKitProcessSpawner,
    )
    known = {kind.__name__: set(kind.class_trait_names(config=True)) for kind in kinds}
    assert [f"{section}.{name}" for section, names in configuration.items() for name in names if name not in known[section]] == []


def test_internal_ports_can_be_fixed(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a firewall needs known ports, they can be named."""
    monkeypatch.setattr(config, "proxy_command", lambda _dir: ["node", "proxy"])
    monkeypatch.setenv("LABKIT_HUB_PORT", "9001")
    monkeypatch.setenv("LABKIT_PROXY_API_PORT", "9002")
    c = Config()
    config.apply(c, load_settings())
    assert (c.JupyterHub.hub_bind_url, c.ConfigurableHTTPProxy.api_url) == ("http://127.0.0.1:9001", "http://127.0.0.1:9002")
