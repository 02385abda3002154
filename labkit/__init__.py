"""LabKit: from a huge picture to a measured result.

The names below are loaded when they are first used, so that ``import labkit`` costs nothing.

>>> import labkit
>>> project = labkit.Project.create("projects", "cells", classes=["nucleus"])  # doctest: +SKIP
"""

from typing import TYPE_CHECKING

from labkit.lazy import lazy_names

if TYPE_CHECKING:
    from labkit.analysis import Analysis, analyse
    from labkit.annotations import export_annotations, import_annotations, open_document, save_document
    from labkit.datasets import SplitSpec, build_training_set, open_training_set
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
    from labkit.work import start_training

__version__ = "0.1.0"

_HOMES = {
    "Analysis": "analysis",
    "LabKitError": "errors",
    "Project": "project",
    "SplitSpec": "datasets",
    "TrainConfig": "training",
    "analyse": "analysis",
    "build_training_set": "datasets",
    "export_annotations": "annotations",
    "import_annotations": "annotations",
    "export_ome_tiff": "tiling",
    "export_ome_zarr": "tiling",
    "export_png": "tiling",
    "import_file": "tiling",
    "import_files": "tiling",
    "import_image": "tiling",
    "list_projects": "project",
    "open_document": "annotations",
    "open_image": "tiling",
    "open_model": "training",
    "open_prediction": "inference",
    "open_training_set": "datasets",
    "predict": "inference",
    "probe": "tiling",
    "save_document": "annotations",
    "start_training": "work",
    "verify": "tiling",
}

__all__ = [
    "Analysis",
    "LabKitError",
    "Project",
    "SplitSpec",
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
    "predict",
    "probe",
    "save_document",
    "start_training",
    "verify",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES, __all__)
