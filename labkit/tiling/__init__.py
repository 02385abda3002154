"""Pictures in: probe, import by one depth-first pass, lazy reading, export, verification."""

from typing import TYPE_CHECKING

from labkit.lazy import lazy_names

if TYPE_CHECKING:
    from labkit.tiling.batch import ImportReport, import_files
    from labkit.tiling.exporting import export_ome_tiff, export_ome_zarr, export_png
    from labkit.tiling.importing import import_file, import_image
    from labkit.tiling.probing import PictureFacts, Probe, probe
    from labkit.tiling.pyramid import ArraySource, write_pyramid
    from labkit.tiling.reading import Image, open_flat_image, open_image, open_store
    from labkit.tiling.verifying import VerifyReport, verify

# Loaded when they are asked for: the process that decodes pictures starts often, and needs little of this.
_HOMES = {
    "ArraySource": "pyramid",
    "Image": "reading",
    "ImportReport": "batch",
    "PictureFacts": "probing",
    "Probe": "probing",
    "VerifyReport": "verifying",
    "export_ome_tiff": "exporting",
    "export_ome_zarr": "exporting",
    "export_png": "exporting",
    "import_file": "importing",
    "import_files": "batch",
    "import_image": "importing",
    "open_flat_image": "reading",
    "open_image": "reading",
    "open_store": "reading",
    "probe": "probing",
    "verify": "verifying",
    "write_pyramid": "pyramid",
}

__all__ = [
    "ArraySource",
    "Image",
    "ImportReport",
    "PictureFacts",
    "Probe",
    "VerifyReport",
    "export_ome_tiff",
    "export_ome_zarr",
    "export_png",
    "import_file",
    "import_files",
    "import_image",
    "open_flat_image",
    "open_image",
    "open_store",
    "probe",
    "verify",
    "write_pyramid",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES, __all__)
