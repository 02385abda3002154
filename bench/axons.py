"""Axons, myelin and background told apart: a generated picture, the library's whole way of learning, one number per class."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from labkit.formats.checkpoint import load_weights
from labkit.project import Project
from labkit.storage import CheckpointLayout
from labkit.testing.learning import axon_set
from labkit.training import TrainConfig, architecture_named, resolve, train
from labkit.training.validation import validate

__all__ = ["measure"]

_NAMES = ("background", "axon", "myelin")


def measure(quick: bool) -> dict[str, float | int]:
    """Return the worst IoU of each class on the held-out part over seeds 0, 1 and 2 (quick: 0 alone, trained for a moment)."""
    seeds = (0,) if quick else (0, 1, 2)
    started = time.perf_counter()
    scores = [_iou(seed, quick) for seed in seeds]
    worst = [min(s[k] for s in scores) for k in range(len(_NAMES))]
    return {
        **{f"iou_{name}": round(value, 4) for name, value in zip(_NAMES, worst, strict=True)},
        "iou_mean": round(min(sum(s) / len(s) for s in scores), 4),
        "seconds": round((time.perf_counter() - started) / len(seeds), 1),
        "seeds": len(seeds),
    }


def _iou(seed: int, quick: bool) -> tuple[float, ...]:
    """Train on a picture and return the IoU of each class on a part of it that was neither learned from nor chosen by."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project.create(Path(folder), "axons", classes=["axon", "myelin"])
        data = axon_set(project, Path(folder), seed=seed)
        wish = {"epochs": 1, "steps_per_epoch": 4} if quick else {}
        config = TrainConfig.model_validate(
            {"project": str(project.path), "training_set": data.key, "separate_objects": False, "device": "cpu", "seed": seed, **wish}
        )
        plan = resolve(config, data, cuda_available=False)
        files = CheckpointLayout(Path(folder) / "checkpoints")
        train(plan, data, files)
        module = architecture_named(plan.architecture).build(plan.channels, len(plan.outputs))
        module.load_state_dict(load_weights(files.best_weights))
        return tuple(value or 0.0 for value in validate(module, plan, data, "test").confusion.iou())
