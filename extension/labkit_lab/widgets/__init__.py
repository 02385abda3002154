"""Widgets of the lab: ipywidgets and ipycanvas stay in here."""

from labkit_lab.widgets.annotator import Annotator, close_annotator, open_annotator
from labkit_lab.widgets.desk import Desk, Message
from labkit_lab.widgets.display import display_list
from labkit_lab.widgets.monitor import TrainingMonitor

__all__ = ["Annotator", "Desk", "Message", "TrainingMonitor", "close_annotator", "display_list", "open_annotator"]
