"""LabKit in JupyterLab: the prebuilt extension, and the server extension behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit import __version__

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

__all__ = ["LABEXTENSION_NAME", "__version__"]

LABEXTENSION_NAME = "labkit-lab"


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Tell JupyterLab's tools where the built extension lies."""
    return [{"src": "labextension", "dest": LABEXTENSION_NAME}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Tell Jupyter Server what to load."""
    return [{"module": "labkit_lab"}]


def _load_jupyter_server_extension(server_app: ServerApp) -> None:
    """Put LabKit's routes into a running Jupyter Server."""
    from labkit_lab.server import load  # here, so that `import labkit_lab` stays light

    load(server_app)
