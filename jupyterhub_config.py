"""JupyterHub's configuration: settings come from LABKIT_* variables, see docs/hub.md."""

from labkit_hub.config import apply
from labkit_hub.settings import load_settings

c = get_config()  # noqa: F821  (JupyterHub provides it)
apply(c, load_settings())
