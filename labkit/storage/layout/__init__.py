"""Where everything lies in a project and around it. Only this package spells file names."""

from labkit.storage.layout.annotations import AnnotationLayout
from labkit.storage.layout.courses import AuthorLayout, CourseWorkLayout
from labkit.storage.layout.images import INCOMING_PREFIX, ImageLayout, UploadLayout
from labkit.storage.layout.models import EncoderFolder, ModelLayout
from labkit.storage.layout.predictions import PredictionLayout
from labkit.storage.layout.project import ProjectLayout
from labkit.storage.layout.remote import RemoteLayout
from labkit.storage.layout.runs import CheckpointLayout, RunLayout, StateLayout
from labkit.storage.layout.sets import CachedSetLayout, CacheLayout, TrainingSetLayout

__all__ = [
    "INCOMING_PREFIX",
    "AnnotationLayout",
    "AuthorLayout",
    "CacheLayout",
    "CachedSetLayout",
    "CheckpointLayout",
    "CourseWorkLayout",
    "EncoderFolder",
    "ImageLayout",
    "ModelLayout",
    "PredictionLayout",
    "ProjectLayout",
    "RemoteLayout",
    "RunLayout",
    "StateLayout",
    "TrainingSetLayout",
    "UploadLayout",
]
