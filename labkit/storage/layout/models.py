"""Models, and the encoders that they may begin with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["EncoderFolder", "ModelLayout"]

_WEIGHTS = (".safetensors", ".pth", ".pt")


@dataclass(frozen=True, slots=True)
class ModelLayout:
    """``models/<name>/<version>/``: weights and the card that explains them."""

    root: Path

    @property
    def weights(self) -> Path:
        """The weights, as safetensors."""
        return self.root / "weights.safetensors"

    @property
    def card(self) -> Path:
        """Architecture, data, settings and numbers of the model; written last."""
        return self.root / "card.json"


@dataclass(frozen=True, slots=True)
class EncoderFolder:
    """A folder of pretrained encoders: files of weights, each with a label of the same name."""

    root: Path

    def names(self) -> tuple[str, ...]:
        """Return the names of the encoders there are."""
        return tuple(sorted({p.stem for p in self.root.iterdir() if p.suffix in _WEIGHTS and not p.name.startswith(".") and p.is_file()}))

    def weights(self, name: str) -> Path:
        """Return the file of an encoder: safetensors, if there are several."""
        found = (self.root / f"{name}{suffix}" for suffix in _WEIGHTS)
        return next((path for path in found if path.is_file()), self.root / f"{name}{_WEIGHTS[0]}")

    def label(self, name: str) -> Path:
        """Return what stands about an encoder: hash, licence, source."""
        return self.root / f"{name}.json"

    def fetched(self, sha256: str, suffix: str) -> Path:
        """Return where an encoder lies that comes from an object store; any suffix but that of safetensors means torch's own format."""
        return self.root / f"{sha256}{suffix if suffix in _WEIGHTS else _WEIGHTS[1]}"
