"""Execute any notebook by papermill and record its story; knows nothing of pictures or learning."""

from labkit.notebooks.contract import NotebookFacts, check_notebook
from labkit.notebooks.execute import execute_notebook
from labkit.notebooks.packaged import packaged_notebook, read_config

__all__ = ["NotebookFacts", "check_notebook", "execute_notebook", "packaged_notebook", "read_config"]
