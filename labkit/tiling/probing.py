"""What a picture file holds, from its header alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labkit.formats.ome_zarr import Role
from labkit.formats.pictures import read_header
from labkit.formats.raster import Layout, RasterHeader

__all__ = ["Probe", "probe", "probe_of"]


@dataclass(frozen=True, slots=True)
class Probe:
    """What a picture will be when it is imported; sizes are those of the upright picture.

    Attributes
    ----------
    format : str
        "PNG", "JPEG", "TIFF" or "BigTIFF".
    axes : tuple of {"c", "y", "x"}
        Grey has no channel axis.
    shape : tuple of int
        In the order of `axes`; alpha is not counted.
    dtype : str
        "uint8" or "uint16" (labels also other integers).
    bits : int
        Per sample in the file.
    pixel_size_um : (float, float) or None
        Size (y, x) of a pixel, only if the file says it and it can be that of a microscope.
    orientation : int
        As it stands in the file, 1 to 8; 1 means that the pixels are stored upright.
    layout : {"tiled", "strips", "whole"}
        How the pixels lie in the file.
    pages : int
        Pictures in the file.
    alpha : bool
        Whether the file has an alpha channel.
    notes : tuple of str
        What a person should know of how the file is read.
    """

    format: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    bits: int
    pixel_size_um: tuple[float, float] | None
    orientation: int
    layout: Layout
    pages: int
    alpha: bool
    notes: tuple[str, ...]


def probe(path: Path | str, *, role: Role = "image") -> Probe:
    """Say what the picture file `path` holds; no pixel is decoded.

    Parameters
    ----------
    path : path
        The file.
    role : {"image", "labels"}
        What it is to be used as: palettes become colours in an image, and stay ids in labels.

    Raises
    ------
    NotFound
        There is no such file.
    UnreadableImage
        It is empty, no picture, or cut short.
    UnsupportedFormat
        It is a picture of a kind that this version does not read.
    """
    return probe_of(read_header(Path(path).expanduser(), role))


def probe_of(header: RasterHeader) -> Probe:
    """Return the probe that follows from a header."""
    turned = header.orientation >= 5
    size = (header.width_px, header.height_px) if turned else (header.height_px, header.width_px)
    channels = header.channels - header.alpha
    pixel = header.pixel_size_um
    return Probe(
        format=header.format,
        axes=("y", "x") if channels == 1 else ("c", "y", "x"),
        shape=size if channels == 1 else (channels, *size),
        dtype=header.dtype,
        bits=header.bits,
        pixel_size_um=(pixel[1], pixel[0]) if pixel and turned else pixel,
        orientation=header.orientation,
        layout=header.layout,
        pages=header.pages,
        alpha=header.alpha,
        notes=header.notes,
    )
