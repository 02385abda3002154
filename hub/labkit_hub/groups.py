"""The hub's one group that LabKit looks at: its members may create courses, and an admin says who they are."""

from __future__ import annotations

from typing import Any

__all__ = ["PROFESSORS", "professors_group"]

PROFESSORS = "professors"


def professors_group(db: Any) -> Any:
    """Return the group, which is made if it is not there: an admin finds it, however people log in. The caller commits."""
    from jupyterhub import orm  # the service knows the name, and needs no hub in its memory

    group = orm.Group.find(db, PROFESSORS)
    if group is None:
        group = orm.Group(name=PROFESSORS)
        db.add(group)
    return group
