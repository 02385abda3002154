"""Writing a pyramid from pixels that somebody computes: label images, predictions, probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.compute import ComputeSpec
from labkit.errors import InvalidInput
from labkit.events import CancelToken, EventSink, ignore_events
from labkit.formats.ome_zarr import Role
from labkit.geometry import Box
from labkit.storage import explain_os_errors, new_folder, write_bytes
from labkit.tiling.engine import PixelSource, build_pyramid
from labkit.tiling.ledger import Ledger
from labkit.tiling.metadata import store_objects
from labkit.tiling.plan import PyramidPlan, level_sizes

__all__ = ["ArraySource", "write_pyramid"]

_MEMORY_BYTES = 2**30  # the pixels are in memory already, or are made there: the caller bounds the workers


class ArraySource:
    """An array in memory, (y, x) or (c, y, x), as a source of pixels."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self._pixels = pixels
        self.shape = pixels.shape
        self.dtype = pixels.dtype.newbyteorder("=")
        self.piece_px = (1, 1)

    def read(self, box: Box) -> NDArray[Any]:
        """Return the pixels of `box`."""
        return self._pixels[(..., *box.slices)]


def write_pyramid(
    source: PixelSource | NDArray[Any],
    target: Path | str,
    *,
    role: Role,
    name: str,
    pixel_size_um: tuple[float, float] | None = None,
    levels: int | None = None,
    image_label: dict[str, Any] | None = None,
    workers: int = 1,
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> Path:
    """Write `source` with all its levels as the OME-Zarr 0.5 group `target`, whole or not at all.

    Parameters
    ----------
    source : ndarray, or anything with `shape`, `dtype` and `read(Box)`
        Pixels (y, x) or (c, y, x). Every pixel of level 0 is asked for once, in blocks of 2048.
    target : path
        The group's folder; must not be there yet.
    role : {"image", "labels"}
        Labels go down by mode, images by mean.
    name : str
        Name in the metadata.
    pixel_size_um : (float, float), optional
        Size (y, x) of a pixel.
    levels : int, optional
        How many; for labels that of the image they belong to. By default as many as an image of this size has.
    image_label : dict, optional
        The ``image-label`` object; ``{"source": {"image": "../../.."}}`` names the image by a relative path.
    workers : int
        Threads that call `source.read`; 1 unless the source can bear more.
    on_event, cancel
        Progress in unit "tiles"; looked at between tiles.

    Returns
    -------
    Path
        `target`.

    Raises
    ------
    AlreadyExists
        `target` is there.
    InvalidInput
        Pixels are not of a shape or dtype that can be written.
    Cancelled, StorageFull
        Nothing is left behind.
    """
    source = ArraySource(source) if isinstance(source, np.ndarray) else source
    _check_source(source, role, levels)
    plan = PyramidPlan(
        sizes=level_sizes(source.shape[-2], source.shape[-1], levels),
        channels=source.shape[0] if len(source.shape) == 3 else None,
        dtype=np.dtype(source.dtype).name,
        role=role,
    )
    target = Path(target)
    with explain_os_errors(target), new_folder(target) as store:
        build_pyramid(
            lambda: source,
            plan,
            store,
            Ledger(),
            compute=ComputeSpec("threads", workers),
            memory_bytes=_MEMORY_BYTES,
            stage="write",
            on_event=on_event,
            cancel=cancel or CancelToken(),
        )
        for key, data in store_objects(plan, name=name, pixel_size_um=pixel_size_um, image_label=image_label).items():
            write_bytes(store / key, data)
    return target


def _check_source(source: PixelSource, role: Role, levels: int | None) -> None:
    kinds = "iu" if role == "labels" else "iuf"
    if len(source.shape) not in (2, 3) or min(source.shape) < 1 or (role == "labels" and len(source.shape) != 2):
        raise InvalidInput(f"Pixels of shape {source.shape} cannot be written as {role}.", hint="Give (y, x), or (c, y, x) for images.")
    if np.dtype(source.dtype).kind not in kinds:
        raise InvalidInput(
            f"Pixels of type {source.dtype} cannot be written as {role}.", hint="Labels are integers; images integers or floats."
        )
    if levels is not None and levels < 1:
        raise InvalidInput(f"A pyramid cannot have {levels} levels.", hint="Give 1 or more.")
