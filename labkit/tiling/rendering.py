"""Tiles for the eye: a piece of a level as red, green and blue, or as a JPEG."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from labkit.errors import InvalidInput
from labkit.formats.ome_zarr import CHUNK_PX
from labkit.geometry import Box
from labkit.tiling.eye import coloured, eight_bit, highest, over_white
from labkit.tiling.reading import Image

__all__ = ["ChannelView", "check_plane", "default_view", "parse_view", "render", "render_tile", "tile_box"]

_QUALITY = 85
_CHANNEL = re.compile(r"(\d{1,4}):(-?[\d.eE+-]{1,24}):(-?[\d.eE+-]{1,24}):([0-9A-Fa-f]{6})")


@dataclass(frozen=True, slots=True)
class ChannelView:
    """How a channel is shown: the values that become dark and bright, and the colour (six hex digits) of bright."""

    channel: int
    start: float
    end: float
    colour: str = "FFFFFF"


def default_view(image: Image) -> tuple[ChannelView, ...]:
    """Return how the store itself says that its channels are shown; without a word of it, stretched from 0 to the highest value."""
    windows = image.windows if len(image.windows) == image.channels else ((0.0, highest(image.dtype)),) * image.channels
    usual = ("FF0000", "00FF00", "0000FF") if image.channels == 3 else ("FFFFFF",) * image.channels
    colours = image.colours if len(image.colours) == image.channels else usual
    return tuple(ChannelView(k, *windows[k], colours[k]) for k in range(image.channels))


def parse_view(text: str, image: Image) -> tuple[ChannelView, ...]:
    """Return the view that an address names: ``channel:start:end:RRGGBB``, several joined by commas; channels left out are not shown.

    Raises
    ------
    InvalidInput
        The text is no view of this image.
    """
    views = []
    for part in text.split(","):
        match = _CHANNEL.fullmatch(part)
        try:
            if match is None:
                raise ValueError(part)
            view = ChannelView(int(match[1]), float(match[2]), float(match[3]), match[4].upper())
        except ValueError as error:
            raise InvalidInput(f"{text!r} says not how to show the channels.", hint="Write channel:start:end:RRGGBB,...") from error
        if view.channel >= image.channels:
            raise InvalidInput(f"{image.name} has no channel {view.channel}.", hint=f"It has {image.channels}.")
        views.append(view)
    return tuple(views)


def tile_box(image: Image, level: int, row: int, column: int) -> Box:
    """Return the pixels of a tile of 512 x 512 (fewer at the far edges) of a level.

    Raises
    ------
    InvalidInput
        There is no such level or tile.
    """
    if not 0 <= level < len(image.levels):
        raise InvalidInput(f"There is no level {level}.", hint=f"The levels are 0 to {len(image.levels) - 1}.")
    height, width = image.levels[level]
    y, x = row * CHUNK_PX, column * CHUNK_PX
    if row < 0 or column < 0 or y >= height or x >= width:
        raise InvalidInput(f"Level {level} has no tile in row {row}, column {column}.", hint="Stay within the picture.")
    return Box(y, x, min(y + CHUNK_PX, height), min(x + CHUNK_PX, width))


def check_plane(image: Image, z: int | None, t: int | None) -> None:
    """Refuse a plane or frame that the image has not; None is the one that `render` chooses.

    Raises
    ------
    InvalidInput
        There is no such plane or frame.
    """
    planes = dict(image.stack)
    for axis, index in (("z", z), ("t", t)):
        count = planes.get(axis, 1)
        if index is not None and not 0 <= index < count:
            raise InvalidInput(f"{image.name} has no plane {axis}={index}.", hint=f"There are {axis}=0 to {axis}={count - 1}.")


def render(
    image: Image, box: Box, level: int = 0, *, view: Sequence[ChannelView] | None = None, z: int | None = None, t: int | None = None
) -> NDArray[np.uint8]:
    """Return a piece of a level as people see it.

    Parameters
    ----------
    image : Image
        What to show; labels get a colour for each id.
    box : Box
        In pixels of the level.
    level : int
        0 is full resolution.
    view : sequence of ChannelView, optional
        Which channels, and how; they are added up. By default as the store says.
    z, t : int, optional
        Plane and frame of a stack; by default the middle plane, and the first frame.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        White where the picture is transparent.
    """
    planes = dict(image.stack)
    z = planes["z"] // 2 if z is None and "z" in planes else z
    t = 0 if t is None and "t" in planes else t
    pixels = image.read(box, level, z=z, t=t)
    if image.role == "labels":
        return coloured(pixels.reshape(box.shape))
    shown = _added(pixels.reshape(-1, *box.shape), default_view(image) if view is None else view)
    if alpha := image.alpha():
        shown = over_white(shown, alpha.read(box, level))
    return shown


def render_tile(
    image: Image,
    level: int,
    row: int,
    column: int,
    *,
    view: Sequence[ChannelView] | None = None,
    z: int | None = None,
    t: int | None = None,
) -> bytes:
    """Return a tile of a level as a JPEG; see `render` and `tile_box`."""
    picture = render(image, tile_box(image, level, row, column), level, view=view, z=z, t=t)
    return bytes(imagecodecs.jpeg8_encode(np.ascontiguousarray(picture), level=_QUALITY))


def _added(pixels: NDArray[np.generic], view: Sequence[ChannelView]) -> NDArray[np.uint8]:
    """Add up channels in their colours; three in pure red, green and blue, and one in white, are put into place without sums."""
    parts = [eight_bit(pixels[one.channel], (one.start, one.end)) for one in view]
    colours = [one.colour for one in view]
    if colours == ["FF0000", "00FF00", "0000FF"]:
        return np.stack(parts, axis=-1)
    if colours == ["FFFFFF"]:
        return np.stack((parts[0],) * 3, axis=-1)
    total = np.zeros((*pixels.shape[1:], 3), dtype=np.uint16)
    for part, colour in zip(parts, colours, strict=True):
        total += (part.astype(np.uint16)[..., np.newaxis] * np.frombuffer(bytes.fromhex(colour), np.uint8) + 127) // 255
    return np.minimum(total, 255).astype(np.uint8)
