"""A helping hand: a click or a box becomes an outline.

An assistant is any callable `Assistant`; the one that comes along needs neither weights nor downloads. Others join by `register_assistant`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labkit.annotations.objects import AnnotationObject, new_object
from labkit.errors import InvalidInput
from labkit.geometry import Box, Rectangle, Region, vectorise
from labkit.tiling import Image

__all__ = ["ASSISTANTS", "Assistant", "Prompt", "outline_object", "register_assistant", "watershed_assistant"]

_WINDOW_PX = 512  # at most so many pixels a side are looked at
_CLICK_EXTENT_PX = 256  # side of what is looked at around a click, in pixels of the screen
_BOX_MARGIN = 0.25  # of a box's sides, looked at around it to know what lies outside
_SEED_SHARE = 0.3  # of a box's sides: its middle is surely inside
_SMOOTHING_PX = 1.5
_SMALLEST_PX = 9


@dataclass(frozen=True, slots=True)
class Prompt:
    """Where the object is: a place in it, or a box around it, in pixels of the window that the assistant gets."""

    y: float
    x: float
    box: Rectangle | None = None


Assistant = Callable[[NDArray[np.float32], Prompt], NDArray[np.bool_]]
"""Takes a window of pixels (c, y, x), each channel from 0 to 1, and where the object is; returns its pixels (y, x), maybe none."""


def watershed_assistant(pixels: NDArray[np.float32], prompt: Prompt) -> NDArray[np.bool_]:
    """Flood the window from the object and from its surroundings until the floods meet on the strongest edges.

    After Beucher and Meyer's watershed with markers (1993): the markers are the middle of the box, or a disc at the click, and the rim of
    the box or of the window. What is flooded is the gradient over all channels.
    """
    from scipy import ndimage
    from skimage.segmentation import watershed

    height, width = pixels.shape[1:]
    smooth = np.stack([ndimage.gaussian_filter(channel, _SMOOTHING_PX) for channel in pixels])
    edges = np.sqrt(sum(ndimage.sobel(channel, axis) ** 2 for channel in smooth for axis in (0, 1)))
    seed = _seed(height, width, prompt)
    outside = _outside(height, width, prompt)
    if prompt.box is None:
        outside |= _unlike(smooth, seed) & ~seed
    markers = np.where(outside, 2, 0)
    markers[seed] = 1
    found: NDArray[np.int32] = watershed(edges, markers)  # type: ignore[no-untyped-call]
    return _tidy(found == 1, seed)


ASSISTANTS: dict[str, Assistant] = {"watershed": watershed_assistant}


def register_assistant(name: str, assistant: Assistant) -> None:
    """Let people choose another assistant by its name.

    Raises
    ------
    InvalidInput
        The name is taken, or empty.
    """
    if not name.strip() or name in ASSISTANTS:
        raise InvalidInput(f"An assistant cannot be called {name!r}.", hint=f"Taken: {', '.join(ASSISTANTS)}.")
    ASSISTANTS[name] = assistant


def outline_object(
    image: Image,
    place: tuple[float, float] | Rectangle,
    *,
    zoom: float = 1.0,
    assistant: str = "watershed",
    class_id: int | None = None,
    author: str = "",
    z: int | None = None,
) -> AnnotationObject | None:
    """Return the object at a place (y, x) or in a box, as an outline; None where there is none.

    Parameters
    ----------
    image : Image
        What is looked at: no more of it than is needed, at the level that fits.
    place : (float, float) or Rectangle
        A click, or a box, in pixels of the full picture.
    zoom : float
        Pixels of the screen for each pixel of the picture: a click means what is seen around it.
    assistant : str
        A name of `ASSISTANTS`.
    class_id, author, z
        Of the new object; its source is ``assistant:<name>``.

    Raises
    ------
    InvalidInput
        The place lies outside of the picture, there is no such assistant, or it failed.
    """
    if assistant not in ASSISTANTS:
        raise InvalidInput(f"There is no assistant {assistant!r}.", hint=f"Known: {', '.join(ASSISTANTS)}.")
    window, level = _window(image, place, zoom)
    scale = 2**level
    pixels = _normalised(image, window, level, z)
    inside = _answer(assistant, pixels, _prompt(place, window, scale))
    if inside.sum() < _SMALLEST_PX:
        return None
    region = vectorise(inside.astype(np.uint8))[1]
    origin = np.array((window.y0, window.x0))
    smooth = _smoothed(Region(tuple((ring + origin) * scale for ring in region.rings)), scale)
    return new_object(smooth, class_id=class_id, author=author, source=f"assistant:{assistant}", z=z)


def _answer(name: str, pixels: NDArray[np.float32], prompt: Prompt) -> NDArray[np.bool_]:
    """Return the mask that an assistant gives; whatever is wrong with somebody's own assistant is said to them."""
    try:
        inside = np.asarray(ASSISTANTS[name](pixels, prompt))
    except Exception as error:
        fault = f"{type(error).__name__}: {error}"
        raise InvalidInput(f"The assistant {name!r} failed: {fault}", hint="Mend it, or choose another assistant.") from error
    if inside.shape != pixels.shape[1:]:
        raise InvalidInput(
            f"The assistant {name!r} gave a mask of shape {inside.shape} for a window of {pixels.shape[1:]}.",
            hint="It must return one truth value for each pixel (y, x) of the window.",
        )
    return inside.astype(np.bool_)


def _smoothed(region: Region, scale: int) -> Region:
    """Return an outline without the stairs of its pixels."""
    from labkit.geometry.combining import simplified

    return simplified(region, 0.75 * scale)


def _window(image: Image, place: tuple[float, float] | Rectangle, zoom: float) -> tuple[Box, int]:
    """Return what to look at, in pixels of a level, and the level."""
    if not (math.isfinite(zoom) and zoom > 0):
        raise InvalidInput("The zoom is no number above 0.", hint="Give pixels of the screen for each pixel of the picture.")
    if isinstance(place, Rectangle):
        height, width = place.y1 - place.y0, place.x1 - place.x0
        margin_y, margin_x = height * _BOX_MARGIN + 4, width * _BOX_MARGIN + 4
        whole = Rectangle(place.y0 - margin_y, place.x0 - margin_x, place.y1 + margin_y, place.x1 + margin_x)
    else:
        half = max(_CLICK_EXTENT_PX / zoom / 2, 16)
        whole = Rectangle(place[0] - half, place[1] - half, place[0] + half, place[1] + half)
    side = max(whole.y1 - whole.y0, whole.x1 - whole.x0)
    level = min(max(math.ceil(math.log2(side / _WINDOW_PX)), 0), len(image.levels) - 1)
    scale = 2**level
    ends = math.floor(whole.y0 / scale), math.floor(whole.x0 / scale), math.ceil(whole.y1 / scale), math.ceil(whole.x1 / scale)
    window = Box(*ends).intersect(Box.of_shape(*image.levels[level]))
    centre = place if isinstance(place, tuple) else ((place.y0 + place.y1) / 2, (place.x0 + place.x1) / 2)
    if not window.area_px or not (0 <= centre[0] < image.height_px and 0 <= centre[1] < image.width_px):
        raise InvalidInput("This place lies outside of the picture.", hint="Click into the picture.")
    return window, level


def _normalised(image: Image, window: Box, level: int, z: int | None) -> NDArray[np.float32]:
    """Return the pixels of a window as (c, y, x), each channel stretched from its 1 to its 99 percentile."""
    planes = dict(image.stack)
    plane = (planes["z"] // 2 if z is None else z) if "z" in planes else None
    pixels = image.read(window, level, z=plane, t=0 if "t" in planes else None).reshape(-1, *window.shape).astype(np.float32)
    pixels = np.nan_to_num(pixels)
    low, high = np.percentile(pixels, (1, 99), axis=(1, 2), keepdims=True)
    return np.asarray(np.clip((pixels - low) / np.maximum(high - low, 1e-6), 0, 1), dtype=np.float32)


def _prompt(place: tuple[float, float] | Rectangle, window: Box, scale: int) -> Prompt:
    def into(y: float, x: float) -> tuple[float, float]:
        return y / scale - window.y0, x / scale - window.x0

    if isinstance(place, tuple):
        return Prompt(*into(*place))
    (y0, x0), (y1, x1) = into(place.y0, place.x0), into(place.y1, place.x1)
    return Prompt((y0 + y1) / 2, (x0 + x1) / 2, Rectangle(y0, x0, y1, x1))


def _seed(height: int, width: int, prompt: Prompt) -> NDArray[np.bool_]:
    """Return what surely belongs to the object."""
    y, x = np.mgrid[:height, :width] + 0.5
    if prompt.box is None:
        radius_y = radius_x = 2.0
    else:
        radius_y = max((prompt.box.y1 - prompt.box.y0) * _SEED_SHARE / 2, 1)
        radius_x = max((prompt.box.x1 - prompt.box.x0) * _SEED_SHARE / 2, 1)
    inside = ((y - prompt.y) / radius_y) ** 2 + ((x - prompt.x) / radius_x) ** 2 <= 1
    inside[min(max(int(prompt.y), 0), height - 1), min(max(int(prompt.x), 0), width - 1)] = True
    return np.asarray(inside)


def _outside(height: int, width: int, prompt: Prompt) -> NDArray[np.bool_]:
    """Return what surely does not belong to it: all beyond the box, or the rim of the window."""
    y, x = np.mgrid[:height, :width] + 0.5
    if prompt.box is None:
        return np.asarray((y < 1) | (x < 1) | (y > height - 1) | (x > width - 1))
    box = prompt.box
    return np.asarray((y < box.y0) | (x < box.x0) | (y > box.y1) | (x > box.x1))


def _unlike(smooth: NDArray[np.float32], seed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels that are nearer in value to the opposite of the seed than to the seed itself (Otsu's threshold of the distance)."""
    from skimage.filters import threshold_otsu

    colour = smooth[:, seed].mean(axis=1)[:, None, None]
    distance = np.sqrt(((smooth - colour) ** 2).sum(axis=0))
    if np.ptp(distance) == 0:
        return np.zeros(distance.shape, dtype=np.bool_)
    return np.asarray(distance > threshold_otsu(distance))  # type: ignore[no-untyped-call]


def _tidy(found: NDArray[np.bool_], seed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the part that holds the seed, its small holes filled and its threads cut."""
    from scipy import ndimage

    opened = ndimage.binary_opening(found, iterations=1)
    parts, count = ndimage.label(opened)
    if not count:
        return found
    hits = np.bincount(parts[seed & opened], minlength=count + 1)
    hits[0] = 0
    return np.asarray(ndimage.binary_fill_holes(parts == hits.argmax() if hits.any() else found))
