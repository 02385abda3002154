"""Pictures in: probe, import by one depth-first pass, lazy reading, verification."""

from labkit.tiling.importing import import_image
from labkit.tiling.probing import Probe, probe
from labkit.tiling.pyramid import ArraySource, write_pyramid
from labkit.tiling.reading import Image, open_image, open_store
from labkit.tiling.verifying import VerifyReport, verify

__all__ = ["ArraySource", "Image", "Probe", "VerifyReport", "import_image", "open_image", "open_store", "probe", "verify", "write_pyramid"]
