"""Widgets of the lab: ipywidgets and ipycanvas stay in here."""

from labkit_lab.widgets.annotator import Annotator, close_annotator, open_annotator
from labkit_lab.widgets.builder import TrainingSetBuilder
from labkit_lab.widgets.builder_model import SetBuilder
from labkit_lab.widgets.desk import Desk, Message
from labkit_lab.widgets.display import display_list
from labkit_lab.widgets.monitor import TrainingMonitor

__all__ = [
    "Annotator",
    "Desk",
    "Message",
    "SetBuilder",
    "TrainingMonitor",
    "TrainingSetBuilder",
    "close_annotator",
    "display_list",
    "open_annotator",
]
