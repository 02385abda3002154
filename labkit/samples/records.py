"""What a sample is: a picture, what is true of it, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tifffile
from numpy.typing import NDArray

from labkit.storage import explain_os_errors

__all__ = ["AxonRow", "AxonSample", "Origin", "Sample", "write_picture"]

Origin = Literal["fetched", "cached", "bundled", "generated"]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A sample picture.

    Attributes
    ----------
    name : str
        Short name, used for files.
    image : ndarray
        Pixels (y, x) or (y, x, 3), uint8 or uint16.
    labels : ndarray or None
        Object ids (y, x), 0 is background; None where nobody knows the truth.
    pixel_size_um : (float, float) or None
        Size (y, x) of a pixel.
    licence : str
        Under which licence the picture may be used.
    origin : {"fetched", "cached", "bundled", "generated"}
        Where the pixels came from this time.
    note : str
        What a person should know of it.
    """

    name: str
    image: NDArray[Any]
    labels: NDArray[Any] | None
    pixel_size_um: tuple[float, float] | None
    licence: str
    origin: Origin
    note: str

    @property
    def object_count(self) -> int | None:
        """Number of labelled objects; None without labels."""
        return None if self.labels is None else int(np.count_nonzero(np.unique(self.labels)))

    def write(self, folder: Path | str) -> tuple[Path, Path | None]:
        """Write the picture, and its labels if there are some, as TIFF files in `folder`.

        Returns
        -------
        (Path, Path or None)
            ``<name>.tif`` and ``<name>-labels.tif``.
        """
        folder = Path(folder)
        image_path = write_picture(folder / f"{self.name}.tif", self.image, self.pixel_size_um)
        if self.labels is None:
            return image_path, None
        return image_path, write_picture(folder / f"{self.name}-labels.tif", self.labels, self.pixel_size_um)


@dataclass(frozen=True, slots=True)
class AxonRow:
    """What is true of one generated fibre, counted on the exact masks.

    `g_ratio` is the equivalent diameter of the axon over that of axon and myelin together.
    """

    id: int
    y_px: float
    x_px: float
    axon_area_px: int
    myelin_area_px: int
    g_ratio: float


@dataclass(frozen=True, slots=True, eq=False)
class AxonSample:
    """A generated picture of nerve fibres with its exact truth.

    Attributes
    ----------
    image : ndarray, (y, x), uint8 or uint16
        What a microscope would give: noise, uneven light.
    classes : ndarray, (y, x), uint8
        0 background, 1 axon, 2 myelin.
    objects : ndarray, (y, x), uint32
        Id of the fibre that a pixel of axon or myelin belongs to.
    table : tuple of AxonRow
        One row per fibre.
    pixel_size_um : (float, float)
        Size (y, x) of a pixel.
    seed : int
        The same seed and settings give the same sample.
    """

    image: NDArray[Any]
    classes: NDArray[np.uint8]
    objects: NDArray[np.uint32]
    table: tuple[AxonRow, ...]
    pixel_size_um: tuple[float, float]
    seed: int

    def write(self, folder: Path | str) -> tuple[Path, Path, Path]:
        """Write picture, class mask and object ids as ``axons.tif``, ``axons-classes.tif``, ``axons-objects.tif``."""
        folder = Path(folder)
        return (
            write_picture(folder / "axons.tif", self.image, self.pixel_size_um),
            write_picture(folder / "axons-classes.tif", self.classes, self.pixel_size_um),
            write_picture(folder / "axons-objects.tif", self.objects, self.pixel_size_um),
        )


def write_picture(path: Path, pixels: NDArray[Any], pixel_size_um: tuple[float, float] | None) -> Path:
    """Write (y, x) or (y, x, 3) pixels as a tiled TIFF, with the size of a pixel where it is known."""
    resolution = None if pixel_size_um is None else (1e4 / pixel_size_um[1], 1e4 / pixel_size_um[0])
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(
            path,
            pixels,
            tile=(256, 256),
            photometric="rgb" if pixels.ndim == 3 else "minisblack",
            compression="zlib",
            resolution=resolution,
            resolutionunit="CENTIMETER" if resolution else None,
            metadata=None,
        )
    return path
