"""The people room: courses, who is in them with which role, and the hub groups that follow."""

from labkit_hub.service.people.directory import Directory
from labkit_hub.service.people.mirror import Mirror
from labkit_hub.service.people.routes import PeopleRoom

__all__ = ["Directory", "Mirror", "PeopleRoom"]
