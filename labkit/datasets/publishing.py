"""Giving a finished set its name and its version."""

from __future__ import annotations

from pathlib import Path

from labkit.datasets.records import TrainingSetRecord
from labkit.datasets.training_set import TrainingSet, list_training_sets
from labkit.project import Project
from labkit.storage import TrainingSetLayout, hold_lock, load_record, publish_folder, save_record

__all__ = ["publish_set"]


def publish_set(project: Project, scratch: Path, record: TrainingSetRecord) -> TrainingSet:
    """Write the manifest into a folder that holds the rest of a set, and let the project have it; the same content is not kept twice.

    The version is the next of that name in the project.
    """
    target = project.layout.training_set(record.name, record.hash)
    with hold_lock(project.layout.lock, what="the project"):
        if not target.manifest.is_file():
            known = [data.record.version for data in list_training_sets(project) if data.record.name == record.name]
            version = 1 + max(len(known), *known, 0)
            save_record(TrainingSetLayout(scratch).manifest, record.model_copy(update={"version": version}))
            publish_folder(scratch, target.root)
    return TrainingSet(target, load_record(target.manifest, TrainingSetRecord))
