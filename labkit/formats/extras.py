"""Readers that are installed as an extra: one message where a package is missing."""

from __future__ import annotations

import importlib
from typing import Any

from labkit.errors import MissingDependency

__all__ = ["extra"]


def extra(module: str, kind: str, package: str | None = None) -> Any:
    """Return a module of an optional package.

    Parameters
    ----------
    module : str
        What is imported.
    kind : str
        The files for which it is needed, for people.
    package : str, optional
        Name of the package, where it is not that of the module.

    Raises
    ------
    MissingDependency
        It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        hint = "pip install 'labkit-studio[formats]'"
        why = f"{kind} files need the package {package or module}, which is not installed."
        raise MissingDependency(why, hint=hint) from error
