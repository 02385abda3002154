"""One run of the tiling bench, in a process of its own: ``python tiling_runs.py WHAT PICTURE FOLDER``; prints seconds.

Knows nothing of LabKit unless it runs it, so that the peers' environment can run it too.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

CHUNK_PX = 512
TILE_PX = 256


def labkit(picture: str, folder: str) -> float:
    """Import as a user does: process, hash, every write on the disk."""
    os.environ["LABKIT_QUOTA_GB"] = "100"
    from labkit.project import Project
    from labkit.tiling import import_image

    project = Project.create(folder, "bench")
    started = time.perf_counter()
    import_image(project, picture)
    return time.perf_counter() - started


def ome_zarr(picture: str, folder: str) -> float:
    """Write with ome-zarr-py as its documentation shows: an array (c, y, x), default scaler and storage."""
    import ome_zarr.writer
    import tifffile
    import zarr

    started = time.perf_counter()
    pixels = tifffile.imread(picture).transpose(2, 0, 1)
    group = zarr.open_group(str(Path(folder) / "image.ome.zarr"), mode="w")
    ome_zarr.writer.write_image(pixels, group, axes="cyx", storage_options={"chunks": (3, CHUNK_PX, CHUNK_PX)})
    return time.perf_counter() - started


def dzsave(picture: str, folder: str) -> float:
    """Write a pyramid of JPEG tiles with libvips."""
    import pyvips

    started = time.perf_counter()
    pyvips.Image.new_from_file(picture, access="sequential").dzsave(str(Path(folder) / "image"))
    return time.perf_counter() - started


def decode(picture: str, folder: str) -> float:
    """Decode every tile on all cores, and nothing else."""
    import imagecodecs
    import tifffile

    with tifffile.TiffFile(picture) as file:
        page = file.pages[0]
        places = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    descriptor = os.open(picture, os.O_RDONLY)

    def one(place: tuple[int, int]) -> None:
        imagecodecs.deflate_decode(os.pread(descriptor, place[1], place[0]), out=TILE_PX * TILE_PX * 3)

    return _on_all_cores(one, places)


def encode(picture: str, folder: str) -> float:
    """Encode every chunk of every level on all cores, and nothing else."""
    import imagecodecs
    import numpy as np
    import tifffile

    level: Any = np.ascontiguousarray(np.moveaxis(tifffile.imread(picture), -1, 0))
    chunks: list[Any] = []
    while True:
        for y in range(0, level.shape[1], CHUNK_PX):
            chunks += [_whole(level[:, y : y + CHUNK_PX, x : x + CHUNK_PX]) for x in range(0, level.shape[2], CHUNK_PX)]
        if max(level.shape[1:]) <= 256:
            break
        even = level[:, : level.shape[1] // 2 * 2, : level.shape[2] // 2 * 2].astype(np.uint16)
        level = ((even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2] + 2) >> 2).astype(np.uint8)

    def one(chunk: Any) -> None:
        imagecodecs.blosc_encode(chunk, level=1, compressor="zstd", shuffle=1, typesize=1, numthreads=1)

    return _on_all_cores(one, chunks)


def _whole(part: Any) -> Any:
    import numpy as np

    chunk = np.zeros((3, CHUNK_PX, CHUNK_PX), np.uint8)
    chunk[:, : part.shape[1], : part.shape[2]] = part
    return chunk


def _on_all_cores(one: Callable[[Any], None], work: list[Any]) -> float:
    cores = len(os.sched_getaffinity(0))
    shares = [work[k::cores] for k in range(cores)]

    def share(items: list[Any]) -> None:
        for item in items:
            one(item)

    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(one, work[:cores]))  # threads are there, codecs are loaded
        started = time.perf_counter()
        list(pool.map(share, shares))
        return time.perf_counter() - started


if __name__ == "__main__":
    runs = {"labkit": labkit, "ome_zarr": ome_zarr, "dzsave": dzsave, "decode": decode, "encode": encode}
    print(runs[sys.argv[1]](sys.argv[2], sys.argv[3]))
