"""The folder of a project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labkit.storage.layout.annotations import AnnotationLayout
from labkit.storage.layout.images import INCOMING_PREFIX, ImageLayout, UploadLayout
from labkit.storage.layout.models import ModelLayout
from labkit.storage.layout.predictions import PredictionLayout
from labkit.storage.layout.runs import RunLayout
from labkit.storage.layout.sets import TrainingSetLayout
from labkit.storage.names import escape_name

__all__ = ["ProjectLayout"]


@dataclass(frozen=True, slots=True)
class ProjectLayout:
    """The folder of a project."""

    root: Path

    @property
    def record(self) -> Path:
        """The project's manifest; a folder without it is no project."""
        return self.root / "project.json"

    @property
    def lock(self) -> Path:
        """Held while the project's manifest is changed."""
        return self.root / ".lock"

    @property
    def groups(self) -> Path:
        """What each image belongs to (slide, animal, ...), as people said; not there while nobody has."""
        return self.root / "groups.json"

    @property
    def images(self) -> Path:
        """Folder of the images."""
        return self.root / "images"

    def image(self, image_id: str) -> ImageLayout:
        """Return the places of one image."""
        return ImageLayout(self.images / image_id)

    def has_image(self, image_id: str) -> bool:
        """Return whether the project has an image of this id, which may come from outside: none leads out of the project."""
        return "/" not in image_id and not image_id.startswith(".") and self.image(image_id).record.is_file()

    def incoming_image(self, key: str) -> ImageLayout:
        """Return where an unfinished import lies; `key` names its source and settings, so that it can resume."""
        return ImageLayout(self.images / f"{INCOMING_PREFIX}{key}")

    def incoming_source(self, key: str) -> Path:
        """Return where a source that comes from an object store lies while it is imported."""
        return self.images / f"{INCOMING_PREFIX}source-{key}"

    @property
    def uploads(self) -> Path:
        """Folder of the files that a browser is sending; hidden, because they are nothing yet."""
        return self.root / ".uploads"

    def upload(self, upload_id: str) -> UploadLayout:
        """Return the places of one upload."""
        return UploadLayout(self.uploads / upload_id)

    @property
    def annotations(self) -> Path:
        """Folder of the annotations."""
        return self.root / "annotations"

    def annotation(self, image_id: str, author: str) -> AnnotationLayout:
        """Return the places of one author's document of one image."""
        return AnnotationLayout(self.annotations / image_id / escape_name(author))

    @property
    def claims(self) -> Path:
        """Folder of the claims: who is annotating which image now."""
        return self.root / "claims"

    def claim(self, image_id: str) -> Path:
        """Return where it stands who is annotating an image now."""
        return self.claims / image_id / "claim.json"

    def claim_lock(self, image_id: str) -> Path:
        """Return the lock that is held while a claim is made or given back."""
        return self.claims / image_id / ".lock"

    def is_annotated(self, image_id: str) -> bool:
        """Return whether anybody has saved annotations of an image."""
        folder = self.annotations / image_id
        return folder.is_dir() and any(AnnotationLayout(path).exists for path in folder.iterdir())

    @property
    def training_sets(self) -> Path:
        """Folder of the training sets."""
        return self.root / "training-sets"

    def training_set(self, name: str, hash_: str) -> TrainingSetLayout:
        """Return the places of one training set."""
        return TrainingSetLayout(self.training_sets / f"{name}@{hash_}")

    @property
    def runs(self) -> Path:
        """Folder of the runs."""
        return self.root / "runs"

    def run(self, run_id: str) -> RunLayout:
        """Return the places of one run."""
        return RunLayout(self.runs / run_id)

    @property
    def models(self) -> Path:
        """Folder of the models."""
        return self.root / "models"

    def model(self, name: str, version: int) -> ModelLayout:
        """Return the places of one version of a model."""
        return ModelLayout(self.models / name / str(version))

    def model_shelf(self, name: str) -> Path:
        """Return where it stands which versions of a model are promoted or retired."""
        return self.models / name / "shelf.json"

    def model_shelf_lock(self, name: str) -> Path:
        """Return the lock that is held while a shelf is changed."""
        return self.models / name / ".lock"

    @property
    def predictions(self) -> Path:
        """Folder of the predictions."""
        return self.root / "predictions"

    def prediction(self, image_id: str, hash_: str) -> PredictionLayout:
        """Return the places of one prediction."""
        return PredictionLayout(self.predictions / image_id / hash_)
