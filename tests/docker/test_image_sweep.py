"""After a build, what earlier builds have left is gone."""

from __future__ import annotations

import importlib.util
import secrets
from pathlib import Path
from types import ModuleType

import docker
import pytest

pytestmark = [pytest.mark.docker, pytest.mark.ci]
BUILD = Path(__file__).resolve().parents[2] / "images" / "build.py"
BASE = "labkit/standin-base:bookworm"


@pytest.fixture
def build(images: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """``images/build.py``, for images of this test only."""
    spec = importlib.util.spec_from_file_location("labkit_images_build", BUILD)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    name = f"lktest{secrets.token_hex(4)}"
    monkeypatch.setattr(module, "LABEL", f"labkit.built.{name}")
    monkeypatch.setattr(module, "PACKAGES", (f"{name}/packages",))
    return module


def test_only_what_nothing_uses_is_swept(build: ModuleType, engine: docker.APIClient, tmp_path: Path) -> None:
    """An image that has lost its name goes, unless a container is made of it; of packages the last two stay."""
    (packages,) = build.PACKAGES
    ids, containers = [], []

    def make(tag: str, text: str) -> str:
        (tmp_path / "Dockerfile").write_text(f"ARG BASE\nFROM ${{BASE}}\nENV SAID={text}\n")
        build._docker_build(tmp_path, tag, BASE)
        ids.append(str(engine.inspect_image(tag)["Id"]))
        return ids[-1]

    try:
        lost, used, named = (make(f"{packages}-user:local", text) for text in ("lost", "used", "named"))
        containers.append(engine.create_container(used, "true")["Id"])
        layers = [make(f"{packages}:{number}", f"packages{number}") for number in range(3)]
        build.sweep()
        left = {image["Id"] for image in engine.images(all=False)}
        assert {image: image in left for image in (lost, used, named, *layers)} == {
            lost: False,
            used: True,
            named: True,
            layers[0]: False,
            layers[1]: True,
            layers[2]: True,
        }
    finally:
        for container in containers:
            engine.remove_container(container, force=True)
        for image in ids:
            try:
                engine.remove_image(image, force=True)
            except docker.errors.NotFound:
                continue
