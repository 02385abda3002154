"""What may begin the names of a hub's containers, volumes and networks: one rule for settings, names and the socket proxy."""

__all__ = ["LONGEST_PREFIX", "PREFIX"]

PREFIX = r"[g-z][a-z0-9]*(-[a-z0-9]+)*"
"""The first letter is above f, so that no name is ever read as an id of Docker."""
LONGEST_PREFIX = 20
