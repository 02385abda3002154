"""The command line."""

from labkit.cli.app import main

__all__ = ["main"]
