"""The package's public names."""

from __future__ import annotations

import pkgutil

import labkit.analysis


def test_no_public_name_is_that_of_a_module() -> None:
    """They are loaded when they are asked for: whichever of the two came first would decide what the name stands for."""
    assert not {module.name for module in pkgutil.iter_modules(labkit.analysis.__path__)} & set(labkit.analysis.__all__)
