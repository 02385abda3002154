"""Predictions, and what was measured in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["PredictionLayout"]


@dataclass(frozen=True, slots=True)
class PredictionLayout:
    """``predictions/<image-id>/<hash>/``: what one model says of one image."""

    root: Path

    @property
    def record(self) -> Path:
        """The manifest, written last."""
        return self.root / "prediction.json"

    @property
    def labels(self) -> Path:
        """Object ids (uint32) as an OME-Zarr label image."""
        return self.root / "labels.ome.zarr"

    @property
    def classes(self) -> Path:
        """Class per pixel (uint8) as an OME-Zarr label image."""
        return self.root / "classes.ome.zarr"

    @property
    def probability(self) -> Path:
        """Probability (uint8, 0-255) of anything but background, as an OME-Zarr image."""
        return self.root / "probability.ome.zarr"

    @property
    def objects(self) -> Path:
        """One line of measurements per object."""
        return self.root / "objects.csv"

    @property
    def analysis(self) -> Path:
        """The numbers of the analysis."""
        return self.root / "analysis.json"

    @property
    def overlay(self) -> Path:
        """The picture with the outlines of what was found."""
        return self.root / "overlay.png"

    @property
    def report(self) -> Path:
        """The report as one page that stands alone."""
        return self.root / "report.html"
