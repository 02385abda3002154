"""Small sets of chips that tests of the training room share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from labkit.datasets import TrainingSet
from labkit.testing.learning import chips_of_discs, store_chips


@pytest.fixture
def discs(tmp_path: Path) -> TrainingSet:
    """A set of 150 chips to learn from and 6 to look at: discs on noise."""
    return store_chips(tmp_path / "discs", {"train": chips_of_discs(150), "val": chips_of_discs(6, seed=1)})


@pytest.fixture
def device() -> str:
    """The GPU where there is one, else the CPU: what is claimed holds on either."""
    return "cuda:0" if torch.cuda.is_available() else "cpu"
