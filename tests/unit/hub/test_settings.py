"""Settings from variables, and what they become in the hub's configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url
from traitlets.config import Config

from labkit.errors import InvalidInput
from labkit_hub import config
from labkit_hub.settings import load_settings, read_secret
from labkit_hub.subdomains import host_of


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


@pytest.mark.usefixtures("var")
@pytest.mark.parametrize(("slots", "workers", "at_once"), [(3, 2, 1), (2, 8, 1), (6, 2, 2), (12, 2, 3)])
def test_batches_do_not_share_slots(monkeypatch: pytest.MonkeyPatch, slots: int, workers: int, at_once: int) -> None:
    """Two that did would empty each other's folders: there are no more at a time than slots suffice for."""
    monkeypatch.setenv("LABKIT_COURSES__BATCHES_AT_ONCE", "3")
    monkeypatch.setenv("LABKIT_COURSES__WORKERS", str(workers))
    assert load_settings().grading.batches_at_once == 3
    monkeypatch.setenv("LABKIT_CONTAINERS__GRADING_NETWORK", "graders")
    monkeypatch.setenv("LABKIT_CONTAINERS__GRADING_DOCKER", "tcp://dockerproxy:2375")
    monkeypatch.setenv("LABKIT_CONTAINERS__GRADING_SLOTS", json.dumps([f"slot-{k}" for k in range(slots)]))
    assert load_settings().grading.batches_at_once == at_once


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
    from jupyterhub.httpclient import JupyterHubHTTPClient
    from jupyterhub.proxy import ConfigurableHTTPProxy
    from jupyterhub.spawner import LocalProcessSpawner, Spawner
    from nativeauthenticator import NativeAuthenticator

    from labkit_hub.authenticator import LabKitAuthenticator
    from labkit_hub.placed import PlacedSpawner
    from labkit_hub.spawner import LabKitProcessSpawner

    kinds = (
        PlacedSpawner,
        JupyterHub,
        JupyterHubHTTPClient,
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


SHAPES = ["docker", "swarm", "kube"]


@pytest.fixture
def shaped(var: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Config]:
    """Return what applies the settings of a shape to an empty configuration, without a Docker."""

    def shape(spawner: str, **variables: str) -> Config:
        token = tmp_path / "token"
        token.write_text("of-the-proxy\n")
        monkeypatch.setattr("labkit_hub.prepare.prepare_engine", lambda _settings, _port: None)
        for name, value in {
            "PROXY_API_URL": "http://10.0.0.2:8001",
            "PROXY_TOKEN_FILE": str(token),
            "SPAWNER": spawner,
            **variables,
        }.items():
            monkeypatch.setenv(f"LABKIT_{name}", value)
        c = Config()
        config.apply(c, load_settings())
        return c

    return shape


@pytest.mark.parametrize("shape", SHAPES)
def test_traitlets_of_every_shape_exist(shaped: Callable[..., Config], shape: str) -> None:
    """The spawner is ours and knows what is set on it; what is set on others exists there."""
    from traitlets.utils.importstring import import_item

    c = shaped(shape)
    spawner = import_item(c.JupyterHub.spawner_class)
    for section, names in c.items():
        kinds = [kind for kind in spawner.mro() if kind.__name__ == section]
        for kind in kinds:
            assert set(names) <= set(kind.class_trait_names(config=True)), section
        assert kinds or not section.endswith("Spawner"), section


def test_the_proxy_reaches_the_hub_over_no_network_of_a_persons(shaped: Callable[..., Config]) -> None:
    """Servers know it by its name on theirs; where nothing is said, both are the same."""
    c = shaped("docker", CONTAINERS__HUB_URL_FOR_PROXY="http://10.213.0.3:8081")
    assert (c.JupyterHub.hub_connect_url, c.Spawner.hub_connect_url) == ("http://10.213.0.3:8081", "http://hub:8081")
    c = shaped("docker", CONTAINERS__HUB_URL_FOR_PROXY="")
    assert c.JupyterHub.hub_connect_url == c.Spawner.hub_connect_url == "http://hub:8081"


@pytest.mark.usefixtures("var")
@pytest.mark.parametrize("other", [{"SUBDOMAIN_HOST": "http://127.0.0.1:8000"}, {"PUBLIC_URL": "https://lab.example.org"}])
def test_names_for_servers_that_cannot_be_are_refused(monkeypatch: pytest.MonkeyPatch, other: dict[str, str]) -> None:
    """Below a number there are none, and below another name than the hub's its cookies do not reach."""
    for name, value in {"SUBDOMAIN_HOST": "https://hub.example.org", **other}.items():
        monkeypatch.setenv(f"LABKIT_{name}", value)
    with pytest.raises(InvalidInput, match="LABKIT_SUBDOMAIN_HOST"):
        load_settings()


@pytest.mark.parametrize(("shape", "host"), [("process", "127.0.0.1"), ("docker", "proxy"), ("swarm", "proxy")])
def test_where_servers_have_names_the_service_keeps_the_hubs_and_is_found_from_within(
    shaped: Callable[..., Config], shape: str, host: str
) -> None:
    """Servers call the proxy by another name than browsers do; over TLS no page below can set the cookie that logs somebody in."""
    c = shaped(shape, SUBDOMAIN_HOST="https://hub.example.org")
    assert c.JupyterHub.public_url == "https://hub.example.org"
    assert c.JupyterHub.subdomain_hook("labkit", "hub.example.org", "service") == "hub.example.org"
    assert c.ConfigurableHTTPProxy.extra_routes == {f"{host}/services/labkit/": c.JupyterHub.services[0]["url"]}
    assert c.JupyterHub.cookie_host_prefix_enabled


@pytest.mark.parametrize("name", ["ada", "A.B", "zoë", "zoë b", "a--b", "x" * 64, "ada@uni.example"])
def test_a_persons_host_name_has_one_label_more_whatever_the_name(name: str) -> None:
    """So a certificate for all names below the hub's fits; the service is never met there."""
    label, _, rest = host_of(name.lower(), "hub.example.org", "user").partition(".")
    assert rest == "hub.example.org"
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", label)


def test_the_network_for_all_is_known_without_a_placement(shaped: Callable[..., Config]) -> None:
    """After a restart nobody places the servers that run; where they are is asked of this network."""
    c = shaped("docker", CONTAINERS__NETWORK="one")
    assert (c.LabKitDockerSpawner.shared_network, c.LabKitDockerSpawner.network_name) == (True, "one")
    assert "network_name" not in shaped("docker", CONTAINERS__NETWORK="").LabKitDockerSpawner


@pytest.mark.parametrize("shape", ["docker", "swarm"])
def test_in_containers_servers_outlive_the_hub_and_routes_come_back_soon(shaped: Callable[..., Config], shape: str) -> None:
    """A restarted hub stops nobody; a proxy that was restarted has its routes back within half a minute."""
    c = shaped(shape)
    assert c.JupyterHub.cleanup_servers is False
    assert c.JupyterHub.cleanup_proxy is False
    assert c.JupyterHub.last_activity_interval <= 15
    assert c.ConfigurableHTTPProxy.should_start is False
    assert c.ConfigurableHTTPProxy.auth_token == "of-the-proxy"
    assert c.JupyterHub.hub_connect_url == "http://hub:8081"


def test_under_the_helm_chart_addresses_database_and_proxy_are_the_charts(shaped: Callable[..., Config]) -> None:
    """Nothing of it is set a second time."""
    c = shaped("kube")
    assert "ConfigurableHTTPProxy" not in c
    assert not {"bind_url", "hub_bind_url", "db_url", "cleanup_servers"} & set(c.JupyterHub)


@pytest.mark.parametrize("shape", ["process", *SHAPES])
def test_rights_are_few_in_every_shape(shaped: Callable[..., Config], shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No role has an admin's scopes over people or servers, none is filtered, and nothing is shared."""
    monkeypatch.setattr(config, "proxy_command", lambda _dir: ["node", "proxy"])
    c = shaped(shape)
    scopes = {scope for role in c.JupyterHub.load_roles for scope in role["scopes"]}
    assert {scope for scope in scopes if scope.startswith("admin:")} <= {"admin:groups"}
    assert not any("share" in scope or "!group" in scope for scope in scopes)
    assert set(c.Spawner.server_token_scopes) == {"users:activity!user", "access:servers!server", "access:services!service=labkit"}


def test_the_services_secret_is_new_at_each_start(shaped: Callable[..., Config]) -> None:
    """And the service knows to which hub it belongs, so that `stop` ends it too."""
    first, second = (next(s for s in shaped("docker").JupyterHub.services if s["name"] == "labkit") for _ in range(2))
    assert first["api_token"] != second["api_token"]
    assert first["environment"]["LABKIT_INSTANCE"]


def test_passwords_come_from_files(tmp_path: Path, var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of PostgreSQL without a password gets the secret's, and a bound on how long a vanished one may hold up the hub."""
    secret = tmp_path / "password"
    secret.write_text("p@ss:word\n")
    monkeypatch.setenv("LABKIT_DATABASE_URL", "postgresql+psycopg://labkit@db/labkit")
    monkeypatch.setenv("LABKIT_DATABASE_PASSWORD_FILE", str(secret))
    url = make_url(load_settings().resolved_database_url)
    assert (url.password, url.query["connect_timeout"]) == ("p@ss:word", "3")


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_a_secret_that_is_missing_or_empty_is_told(tmp_path: Path, content: str | None) -> None:
    """With the file's name."""
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_text(content)
    with pytest.raises(InvalidInput, match="secret"):
        read_secret(secret)


@pytest.mark.parametrize("kind", ["oidc", "lti13"])
def test_a_login_elsewhere_names_what_is_missing(shaped: Callable[..., Config], kind: str) -> None:
    """Before the hub starts, in one line."""
    with pytest.raises(InvalidInput, match=r"LABKIT_(OIDC|LTI)__"):
        shaped("docker", ACCOUNTS__KIND=kind)
