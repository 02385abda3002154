"""Messages of models: the shelf, the card, and a file for elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from labkit_lab.wire import WireModel

__all__ = [
    "MODELS_REPLIES",
    "MODELS_REQUESTS",
    "CardRow",
    "CardSection",
    "ModelCardItem",
    "ModelExportAsk",
    "ModelExportReport",
    "ModelItem",
    "ModelList",
    "RetireAsk",
]


class RetireAsk(WireModel):
    """Why a model is not to be used any more."""

    reason: str


class ModelExportAsk(WireModel):
    """Into which format a model goes; a package for bioimage.io names authors, and a licence (SPDX) where the card has none."""

    format: Literal["onnx", "bioimageio"]
    authors: tuple[str, ...] = ()
    licence: str = ""


class ModelItem(WireModel):
    """One version of a model.

    ``opened`` tells whether it is what its bare name opens. ``retired`` is why it is not to be used, None if it may. ``val_dice`` and
    ``test_dice`` are means over the classes, without background.
    """

    key: str
    name: str
    version: int
    created: datetime
    architecture: str
    training_set: str
    run: str | None
    val_dice: float | None
    test_dice: float | None
    licence: str
    promoted: bool
    opened: bool
    retired: str | None


class ModelList(WireModel):
    """The models of a project, by name, the newest version first; ``me`` is who asks."""

    title: str
    me: str
    models: tuple[ModelItem, ...]


class CardRow(WireModel):
    """One line of a card."""

    name: str
    value: str


class CardSection(WireModel):
    """Some lines of a card that belong together."""

    title: str
    rows: tuple[CardRow, ...]


class ModelCardItem(WireModel):
    """A model's card for people."""

    model: ModelItem
    sections: tuple[CardSection, ...]


class ModelExportReport(WireModel):
    """The file of a model, and how far its answers are from those of the model itself (``difference``, at most ``tolerance``)."""

    name: str
    bytes: int
    sha256: str
    difference: float
    tolerance: float


MODELS_REQUESTS: tuple[type[WireModel], ...] = (RetireAsk, ModelExportAsk)
MODELS_REPLIES: tuple[type[WireModel], ...] = (ModelItem, ModelList, ModelCardItem, CardSection, CardRow, ModelExportReport)
