"""The hub's settings: ``LABKIT_*`` variables, read once at the entry point; each group is a module."""

from labkit_hub.settings.accounts import AccountSettings, OidcSettings
from labkit_hub.settings.containers import ContainerSettings, KubeSettings
from labkit_hub.settings.courses import CourseSettings
from labkit_hub.settings.lti import LtiSettings, PassbackSettings
from labkit_hub.settings.queue import DeviceSettings, QueueSettings
from labkit_hub.settings.secrets import read_secret
from labkit_hub.settings.servers import IdleSettings, ServerSettings
from labkit_hub.settings.service import ServiceSettings
from labkit_hub.settings.whole import Settings, load_settings

__all__ = [
    "AccountSettings",
    "ContainerSettings",
    "CourseSettings",
    "DeviceSettings",
    "IdleSettings",
    "KubeSettings",
    "LtiSettings",
    "OidcSettings",
    "PassbackSettings",
    "QueueSettings",
    "ServerSettings",
    "ServiceSettings",
    "Settings",
    "load_settings",
    "read_secret",
]
