"""The values for the Helm chart are those that the code makes, and bring a hub's settings that can be read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from labkit_hub.layout import CHECKOUT
from labkit_hub.profiles import DEFAULT_PROFILES, load_profiles
from labkit_hub.settings import Settings, load_settings
from labkit_hub.z2jh import z2jh_values

PATH = CHECKOUT / "deploy" / "z2jh-values.yaml"


def test_the_file_is_what_the_code_makes() -> None:
    """After a change run ``python -m labkit_hub z2jh-values > deploy/z2jh-values.yaml``."""
    assert PATH.read_text() == z2jh_values(Settings(), DEFAULT_PROFILES)


def test_the_profiles_inside_are_the_built_in_ones(tmp_path: Path) -> None:
    """They are read as a file of one's own would be."""
    values = yaml.safe_load(PATH.read_text())
    path = tmp_path / "profiles.yaml"
    path.write_text(values["hub"]["extraFiles"]["profiles"]["stringData"])
    assert load_profiles(path) == DEFAULT_PROFILES


def test_the_variables_inside_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A typo would be ignored silently by the chart and by the hub."""
    values = yaml.safe_load(PATH.read_text())
    for name, value in values["hub"]["extraEnv"].items():
        monkeypatch.setenv(name, value if isinstance(value, str) else "10.1.2.3")
    settings = load_settings()
    assert (settings.spawner, settings.service.address, settings.service.port) == ("kube", "10.1.2.3", 8090)
    assert settings.devices.nvidia is False
