"""JupyterHub's configuration for the bench: the product's own, with a spawner that starts nothing."""

from bench.hub_spawner import StandInSpawner
from labkit_hub.config import apply
from labkit_hub.settings import load_settings

c = get_config()  # noqa: F821  (JupyterHub provides it)
apply(c, load_settings())
c.JupyterHub.spawner_class = StandInSpawner
