"""LabKit's hub: settings become JupyterHub's configuration, people get accounts, homes and servers.

Start it with ``python -m labkit_hub start``. Nothing here is imported by the library.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
