"""Sample pictures with ground truth: fetched and checked, bundled with scikit-image, or generated from a seed."""

from labkit.samples.bundled import bundled, bundled_names
from labkit.samples.generated import axons, nuclei_like
from labkit.samples.nuclei import nuclei
from labkit.samples.records import AxonRow, AxonSample, Sample

__all__ = ["AxonRow", "AxonSample", "Sample", "axons", "bundled", "bundled_names", "nuclei", "nuclei_like"]
