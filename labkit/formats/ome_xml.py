"""OME-XML: what the description of an OME-TIFF says of its pictures.

Source: the OME schema 2016-06 (Image, Pixels, Channel, TiffData, BinaryOnly).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from labkit.formats.raster import unreadable

__all__ = ["OmeChannel", "OmeImage", "missing_files", "ome_images", "only_refers_to"]

_MOST_CHARACTERS = 64 * 2**20
_UM_PER_UNIT = {"nm": 1e-3, "µm": 1.0, "μm": 1.0, "um": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6, "å": 1e-4, "in": 25400.0}
_S_PER_UNIT = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class OmeChannel:
    """Name and colour (six hex digits) of a channel; empty where they are not said."""

    name: str
    colour: str


@dataclass(frozen=True, slots=True)
class OmeImage:
    """One picture: its name, the sizes of its pixels and steps, its channels."""

    name: str
    pixel_size_um: tuple[float, float] | None
    z_step_um: float | None
    t_step_s: float | None
    significant_bits: int | None
    channels: tuple[OmeChannel, ...]


def ome_images(xml: str) -> tuple[OmeImage, ...]:
    """Return the pictures that OME-XML describes, in its order.

    Raises
    ------
    UnreadableImage
        It is no XML, too long, or defines entities (which could unfold without end).
    """
    return tuple(_image(element) for element in _root(xml).iter() if _local(element) == "Image")


def only_refers_to(xml: str) -> str | None:
    """Return the name of the file that holds the description, where this one only refers to it."""
    for element in _root(xml).iter():
        if _local(element) == "BinaryOnly":
            return element.get("MetadataFile")
    return None


def missing_files(xml: str, path: Path) -> list[str]:
    """Return the names of the files of a set that do not lie beside `path`; only names without a folder are looked for."""
    names = {element.get("FileName") or "" for element in _root(xml).iter() if _local(element) == "UUID"}
    names = {Path(name).name for name in names if name}
    return sorted(name for name in names if name != path.name and not (path.parent / name).is_file()) if len(names) > 1 else []


def _image(element: ET.Element) -> OmeImage:
    pixels = next((child for child in element if _local(child) == "Pixels"), None)
    if pixels is None:
        return OmeImage(element.get("Name") or "", None, None, None, None, ())
    y, x, z = (_measure(pixels, f"PhysicalSize{axis}", _UM_PER_UNIT, "µm") for axis in "YXZ")
    bits = pixels.get("SignificantBits")
    channels = tuple(OmeChannel(c.get("Name") or "", _colour(c.get("Color"))) for c in pixels if _local(c) == "Channel")
    return OmeImage(
        name=element.get("Name") or "",
        pixel_size_um=(y, x) if y and x else None,
        z_step_um=z,
        t_step_s=_measure(pixels, "TimeIncrement", _S_PER_UNIT, "s"),
        significant_bits=int(bits) if bits and bits.isdigit() else None,
        channels=channels,
    )


def _measure(element: ET.Element, name: str, factors: dict[str, float], unit: str) -> float | None:
    factor = factors.get((element.get(name + "Unit") or unit).lower())
    try:
        value = float(element.get(name) or "")
    except ValueError:
        return None
    return value * factor if factor and 0 < value < float("inf") else None


def _colour(text: str | None) -> str:
    """Return red, green and blue of a signed 32-bit RGBA number as six hex digits."""
    try:
        return f"{int(text or '') & 0xFFFFFFFF:08X}"[:6]
    except ValueError:
        return ""


def _root(xml: str) -> ET.Element:
    name = Path("the OME-XML of this file")
    if len(xml) > _MOST_CHARACTERS or "<!ENTITY" in xml or "<!DOCTYPE" in xml:
        raise unreadable(name, "it is too long, or defines entities")
    try:
        return ET.fromstring(xml)
    except ET.ParseError as error:
        raise unreadable(name, f"it is broken ({error})") from error


def _local(element: ET.Element) -> str:
    return element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""
