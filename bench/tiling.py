"""Import of a large RGB picture: LabKit, ome-zarr-py, libvips' dzsave and the floor (decoding alone, encoding alone), taking turns.

The picture is a real one (the photograph of a retina, CC0, bundled with scikit-image) mirrored over the plane, with noise as cameras
add it, as a TIFF of deflate tiles. Each run is a process of its own; the picture is in the page cache for all.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import skimage.data
import tifffile
from numpy.typing import NDArray

from bench.peers import peers_python
from labkit.geometry import Box
from labkit.project import Project
from labkit.tiling import import_image, open_image

__all__ = ["measure", "mirrored_picture"]

_RUNS = Path(__file__).with_name("tiling_runs.py")
_TILE_PX = 256
_WINDOW_PX = 512
_NOISE = 1.0  # standard deviation, in grey levels
_SAMPLE_S = 0.01
_SETTLE_S = 3.0


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return ratios of walls, memory, number of files, and the time to read a window."""
    size = 2048 if quick else 16384
    rounds = 1 if quick else 7
    with tempfile.TemporaryDirectory(dir=os.environ.get("LABKIT_BENCH_DIR")) as name:
        folder = Path(name)
        picture = mirrored_picture(folder / "picture.tif", size)
        walls = _interleaved(picture, folder, rounds, rounds if quick else 2, 0.0 if quick else _SETTLE_S)
        peak = _peak_mb(picture, folder)
        windows = _windows(picture, folder, 5 if quick else 200)
        small = _peak_mb(mirrored_picture(folder / "small.tif", 1024 if quick else 4096), folder)
        large = _peak_mb(mirrored_picture(picture, 3072 if quick else 20480), folder)
        files = _files(mirrored_picture(picture, 3000 if quick else 20000), folder)
    median = {what: statistics.median(values) for what, values in walls.items()}
    return {
        "size_px": size,
        "rounds": rounds,
        "ratio_ome_zarr": round(median["ome_zarr"] / median["labkit"], 2),
        "ratio_dzsave": round(median["labkit"] / median["dzsave"], 3),
        "ratio_floor": round(median["labkit"] / (median["decode"] + median["encode"]), 3),
        **{f"{what}_s": round(seconds, 3) for what, seconds in median.items()},
        "peak_mb": round(peak),
        "peak_small_mb": round(small),
        "peak_large_mb": round(large),
        "growth": round(large / small - 1, 3),
        "files": files,
        **windows,
    }


def mirrored_picture(path: Path, size: int) -> Path:
    """Write the picture, tile by tile, and return its path."""
    real = skimage.data.retina()
    mirrored = np.block([[[real], [real[:, ::-1]]], [[real[::-1]], [real[::-1, ::-1]]]])
    noise = np.random.default_rng(0).normal(0, _NOISE, (1531, 1531, 3)).round().astype(np.int16)  # a prime: never in step with tiles
    tifffile.imwrite(
        path,
        _tiles(mirrored, noise, size),
        shape=(size, size, 3),
        dtype=np.uint8,
        tile=(_TILE_PX, _TILE_PX),
        compression="zlib",
        photometric="rgb",
        bigtiff=True,
        metadata=None,
        maxworkers=len(os.sched_getaffinity(0)),
    )
    return path


def _tiles(mirrored: NDArray[np.uint8], noise: NDArray[np.int16], size: int) -> Iterator[NDArray[np.uint8]]:
    for y in range(0, size, _TILE_PX):
        for x in range(0, size, _TILE_PX):
            rows, columns = np.arange(y, y + _TILE_PX), np.arange(x, x + _TILE_PX)
            tile = mirrored[np.ix_(rows % mirrored.shape[0], columns % mirrored.shape[1])].astype(np.int16)
            tile += noise[np.ix_((rows * 3 + x) % len(noise), (columns + y * 7) % len(noise))]
            yield np.clip(tile, 0, 255).astype(np.uint8)


def _interleaved(picture: Path, folder: Path, rounds: int, rounds_ome_zarr: int, settle_s: float) -> dict[str, list[float]]:
    peers = peers_python()
    pythons = {"labkit": Path(sys.executable), "dzsave": peers, "decode": peers, "encode": peers, "ome_zarr": peers}
    walls: dict[str, list[float]] = {what: [] for what in pythons}
    order = np.random.default_rng(2)  # nobody always comes after the same one: some leave the machine slower than others
    for number in range(rounds):
        for what in order.permutation(list(pythons)).tolist():
            if what != "ome_zarr" or number < rounds_ome_zarr:  # it takes long, and its ratio varies little
                walls[what].append(_timed(pythons[what], what, picture, folder, settle_s))
    return walls


def _timed(python: Path, what: str, picture: Path, folder: Path, settle_s: float) -> float:
    target = Path(tempfile.mkdtemp(dir=folder))
    try:
        done = subprocess.run(
            [str(python), str(_RUNS), what, str(picture), str(target)], check=True, stdout=subprocess.PIPE, text=True, env=_surroundings()
        )
        return float(done.stdout)
    finally:
        shutil.rmtree(target)
        os.sync()  # what one left for the disk to write is not the next one's burden,
        time.sleep(settle_s)  # nor the memory that it gave back, which a virtual machine returns to its host


def _surroundings() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(_RUNS.parents[1])}


def _peak_mb(picture: Path, folder: Path) -> float:
    """Return the peak of an import's memory: private bytes and a fair part of the shared ones, over all its processes."""
    target = Path(tempfile.mkdtemp(dir=folder))
    child = subprocess.Popen(
        [sys.executable, str(_RUNS), "labkit", str(picture), str(target)], stdout=subprocess.DEVNULL, env=_surroundings()
    )
    peak = 0
    try:
        while child.poll() is None:
            peak = max(peak, _memory(child.pid))
            time.sleep(_SAMPLE_S)
    finally:
        child.kill()
        child.wait()
        shutil.rmtree(target)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, "labkit")
    return peak / 1e6


def _memory(pid: int) -> int:
    total = 0
    try:
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            total += int(one.memory_full_info().pss)
    except psutil.Error:
        pass
    return total


def _windows(picture: Path, folder: Path, repeats: int) -> dict[str, float]:
    """Return the median time of a window on the grid of chunks, and of any window, read before."""
    project = Project.create(folder, "windows")
    image = open_image(project, import_image(project, picture).id)
    rng = np.random.default_rng(1)
    places = rng.integers(0, (image.height_px - 2 * _WINDOW_PX) // _WINDOW_PX + 1, (repeats, 2)) * _WINDOW_PX
    found = {}
    for key, shift in (("window_ms", 0), ("window_any_ms", 1)):
        times = []
        for y, x in places + shift * rng.integers(1, _WINDOW_PX, (repeats, 2)):
            box = Box(int(y), int(x), int(y) + _WINDOW_PX, int(x) + _WINDOW_PX)
            image.read(box)
            started = time.perf_counter()
            image.read(box)
            times.append((time.perf_counter() - started) * 1e3)
        found[key] = round(statistics.median(times), 2)
    shutil.rmtree(project.path)
    return found


def _files(picture: Path, folder: Path) -> int:
    project = Project.create(folder, "files")
    import_image(project, picture)
    count = sum(1 for file in project.layout.images.rglob("*") if file.is_file())
    shutil.rmtree(project.path)
    return count
