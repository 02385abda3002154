"""LabKit: from a huge picture to a measured result.

The names below are loaded when they are first used, so that ``import labkit`` costs nothing.

>>> import labkit
>>> project = labkit.Project.create("projects", "cells", classes=["nucleus"])  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.analysis import Analysis, analyse
    from labkit.annotations import export_annotations, import_annotations, open_document, save_document
    from labkit.datasets import SetSpec, SplitSpec, TileRule, build_training_set, open_training_set, plan_training_set
    from labkit.errors import LabKitError
    from labkit.inference import open_prediction, predict
    from labkit.project import Project, list_projects
    from labkit.tiling import (
        export_ome_tiff,
        export_ome_zarr,
        export_png,
        import_file,
        import_files,
        import_image,
        open_image,
        probe,
        verify,
    )
    from labkit.training import TrainConfig, open_model
    from labkit.work import resume_training, start_training

__version__ = "0.1.0"

_HOMES = {
    "Analysis": "labkit.analysis",
    "LabKitError": "labkit.errors",
    "Project": "labkit.project",
    "SetSpec": "labkit.datasets",
    "SplitSpec": "labkit.datasets",
    "TileRule": "labkit.datasets",
    "TrainConfig": "labkit.training",
    "analyse": "labkit.analysis",
    "build_training_set": "labkit.datasets",
    "export_annotations": "labkit.annotations",
    "import_annotations": "labkit.annotations",
    "export_ome_tiff": "labkit.tiling",
    "export_ome_zarr": "labkit.tiling",
    "export_png": "labkit.tiling",
    "import_file": "labkit.tiling",
    "import_files": "labkit.tiling",
    "import_image": "labkit.tiling",
    "list_projects": "labkit.project",
    "open_document": "labkit.annotations",
    "open_image": "labkit.tiling",
    "open_model": "labkit.training",
    "open_prediction": "labkit.inference",
    "open_training_set": "labkit.datasets",
    "plan_training_set": "labkit.datasets",
    "predict": "labkit.inference",
    "probe": "labkit.tiling",
    "save_document": "labkit.annotations",
    "resume_training": "labkit.work",
    "start_training": "labkit.work",
    "verify": "labkit.tiling",
}

__all__ = [
    "Analysis",
    "LabKitError",
    "Project",
    "SetSpec",
    "SplitSpec",
    "TileRule",
    "TrainConfig",
    "__version__",
    "analyse",
    "build_training_set",
    "export_annotations",
    "export_ome_tiff",
    "export_ome_zarr",
    "export_png",
    "import_annotations",
    "import_file",
    "import_files",
    "import_image",
    "list_projects",
    "open_document",
    "open_image",
    "open_model",
    "open_prediction",
    "open_training_set",
    "plan_training_set",
    "predict",
    "probe",
    "resume_training",
    "save_document",
    "start_training",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'labkit' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
