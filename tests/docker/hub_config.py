"""A hub for tests of containers: accounts, Docker, networks; no service beside it."""

import os
from pathlib import Path

import nativeauthenticator.handlers

from labkit_hub.authenticator import LabKitAuthenticator
from labkit_hub.dockerspawner import LabKitDockerSpawner, keep_attached, student_networks
from labkit_hub.layout import TEMPLATES_DIR
from labkit_hub.placement import ContainerSite, ServerOrder, place_docker
from labkit_hub.profiles import Profile

c = get_config()  # noqa: F821  (JupyterHub provides it)
PREFIX, POOL = os.environ["LABKIT_CONTAINERS__PREFIX"], os.environ["LABKIT_CONTAINERS__NETWORK_POOL"]
PASSWORD = Path("/run/secrets/postgres_password").read_text()
SITE = ContainerSite(PREFIX, os.environ["LABKIT_CONTAINERS__IMAGE"], "http://proxy:8000/services/labkit", pids=256, tmp_gb=0.2)
PROFILE = Profile(slug="cpu", title="Notebook", cpu=1.5, memory_gb=1.0, shm_gb=0.1)


async def place(spawner):
    spawner.apply(place_docker(ServerOrder(spawner.user.name, spawner.name, PROFILE), SITE))


c.JupyterHub.bind_url = "http://0.0.0.0:8000"
c.JupyterHub.hub_bind_url = "http://0.0.0.0:8081"
c.JupyterHub.hub_connect_url = "http://hub:8081"
c.JupyterHub.db_url = os.environ["LABKIT_DATABASE_URL"].replace("labkit@", f"labkit:{PASSWORD}@") + "?connect_timeout=3"
c.JupyterHub.last_activity_interval = 15
c.JupyterHub.cleanup_servers = c.JupyterHub.cleanup_proxy = False
c.JupyterHub.template_paths = [str(TEMPLATES_DIR), nativeauthenticator.handlers.TEMPLATE_DIR]
c.JupyterHub.logo_file = str(TEMPLATES_DIR / "labkit.svg")
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = os.environ["LABKIT_PROXY_API_URL"]
c.ConfigurableHTTPProxy.auth_token = Path(os.environ["LABKIT_PROXY_TOKEN_FILE"]).read_text()
c.JupyterHub.authenticator_class = LabKitAuthenticator
c.LabKitAuthenticator.logins_file = "/var/lib/labkit/logins.json"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = LabKitDockerSpawner
c.LabKitDockerSpawner.prefix = PREFIX
c.LabKitDockerSpawner.network_pool = POOL
c.JupyterHub.allow_named_servers = True
c.Spawner.pre_spawn_hook = place
c.Spawner.default_url = "/lab"
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
keep_attached(student_networks(POOL, PREFIX), every_s=1.0)
