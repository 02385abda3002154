"""Training sets, and the copies of those that lie on an object store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["CacheLayout", "CachedSetLayout", "TrainingSetLayout"]


@dataclass(frozen=True, slots=True)
class TrainingSetLayout:
    """``training-sets/<name>@<hash>/``: immutable chips and masks."""

    root: Path

    @property
    def manifest(self) -> Path:
        """What is in the set and where it comes from, written last."""
        return self.root / "manifest.json"

    @property
    def store(self) -> Path:
        """Zarr group with the chips, masks and object ids of each part of the split."""
        return self.root / "data.zarr"


@dataclass(frozen=True, slots=True)
class CachedSetLayout:
    """``<cache>/training-sets/<name>@<hash>-<address>/``: a copy of a training set of an object store."""

    root: Path

    @property
    def data(self) -> TrainingSetLayout:
        """The copy; it is whole if its manifest is there."""
        return TrainingSetLayout(self.root / "set")

    @property
    def used(self) -> Path:
        """Its time is that of the last use."""
        return self.root / "used"

    @property
    def lock(self) -> Path:
        """Held while the copy is made or removed; beside the folder, so that it outlives it."""
        return self.root.with_name(self.root.name + ".lock")

    @property
    def in_use(self) -> Path:
        """Held, by several at once, by the programs that read the copy."""
        return self.root.with_name(self.root.name + ".in-use")


@dataclass(frozen=True, slots=True)
class CacheLayout:
    """The folder for what can be fetched again."""

    root: Path

    @property
    def training_sets(self) -> Path:
        """Folder of the copies of training sets."""
        return self.root / "training-sets"

    def training_set(self, key: str, address_hash: str) -> CachedSetLayout:
        """Return the places of the copy of a training set; the hash is that of the address which it comes from."""
        return CachedSetLayout(self.training_sets / f"{key}-{address_hash}")

    def training_set_copies(self) -> tuple[CachedSetLayout, ...]:
        """Return the copies that there are, whole or not."""
        folder = self.training_sets
        return tuple(CachedSetLayout(path) for path in sorted(folder.iterdir()) if path.is_dir()) if folder.is_dir() else ()
