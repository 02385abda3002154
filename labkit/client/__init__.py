"""The hub's service from the outside: what goes over the wire, who asks, and the runner that hands runs to the hub."""

from typing import TYPE_CHECKING

from labkit.lazy import lazy_names

if TYPE_CHECKING:
    from labkit.client.client import HubClient
    from labkit.client.courses import CourseClient
    from labkit.client.hub_run import HubRun, line_words
    from labkit.client.hub_runner import HubRunner, sync_home
    from labkit.client.project_runner import ProjectRunner
    from labkit.client.settings import ServiceAddress, service_address
    from labkit.client.view import HubView, hub_view

# Loaded when they are asked for: where there is no hub, nothing of this is needed.
_HOMES = {
    "CourseClient": "courses",
    "HubClient": "client",
    "HubRun": "hub_run",
    "HubRunner": "hub_runner",
    "HubView": "view",
    "ProjectRunner": "project_runner",
    "ServiceAddress": "settings",
    "hub_view": "view",
    "line_words": "hub_run",
    "service_address": "settings",
    "sync_home": "hub_runner",
}

__all__ = [
    "CourseClient",
    "HubClient",
    "HubRun",
    "HubRunner",
    "HubView",
    "ProjectRunner",
    "ServiceAddress",
    "hub_view",
    "line_words",
    "service_address",
    "sync_home",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES, __all__)
