"""The product's configuration, and a service that may make people and their tokens."""

from __future__ import annotations

import os

from labkit_hub.config import apply
from labkit_hub.service.launch import ACCESS_SCOPE
from labkit_hub.settings import load_settings

c = get_config()  # noqa: F821  (JupyterHub provides it)
apply(c, load_settings())
c.JupyterHub.services.append({"name": "tester", "api_token": os.environ["TESTER_TOKEN"]})
scopes = ["admin:users", "admin:servers", "tokens", ACCESS_SCOPE]
c.JupyterHub.load_roles.append({"name": "tester", "services": ["tester"], "scopes": scopes})
