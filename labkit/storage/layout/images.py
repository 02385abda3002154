"""Pictures: imported, on their way in, and being sent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labkit.storage.names import plain_file_name

__all__ = ["INCOMING_PREFIX", "ImageLayout", "UploadLayout"]

INCOMING_PREFIX = ".incoming-"


@dataclass(frozen=True, slots=True)
class ImageLayout:
    """``images/<id>/``: one imported picture, never changed afterwards."""

    root: Path

    @property
    def record(self) -> Path:
        """The image's manifest, written last."""
        return self.root / "image.json"

    @property
    def store(self) -> Path:
        """The OME-Zarr group."""
        return self.root / "image.ome.zarr"

    @property
    def alpha(self) -> Path:
        """The OME-Zarr group of the alpha channel, where a pixel is not fully opaque."""
        return self.root / "alpha.ome.zarr"

    @property
    def ledger(self) -> Path:
        """Finished blocks of the import, one JSON object a line."""
        return self.root / "ledger.jsonl"

    @property
    def profile(self) -> Path:
        """The colour profile, as it stood in the file."""
        return self.root / "profile.icc"

    @property
    def job(self) -> Path:
        """While the import is under way: which id the image will have."""
        return self.root / "import.json"

    @property
    def scratch(self) -> Path:
        """While the import is under way: pixels that fit neither memory nor the order in which they are needed."""
        return self.root / "scratch.raw"


@dataclass(frozen=True, slots=True)
class UploadLayout:
    """``.uploads/<id>/``: a file on its way from a browser into the project."""

    root: Path

    @property
    def record(self) -> Path:
        """What the browser said of the file; without it there is no upload."""
        return self.root / "upload.json"

    @property
    def received(self) -> Path:
        """How many bytes have been acknowledged, as a number."""
        return self.root / "received"

    @property
    def state(self) -> Path:
        """What is to be done with the complete file, or why nothing is."""
        return self.root / "import.json"

    def content(self, file_name: str) -> Path:
        """Return where the bytes lie: any text becomes one safe name, so that errors name the file as its owner does."""
        return self.root / "content" / plain_file_name(file_name)

    @property
    def lock(self) -> Path:
        """Held while bytes are appended or imported; beside the folder, so that it outlives it."""
        return self.root.with_name(self.root.name + ".lock")
