"""The whole path on the nuclei, in the quality of its result and in seconds: learned against Otsu's threshold."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["measure"]


def measure(quick: bool) -> dict[str, float | int | str]:
    """Run `labkit demo` for seeds 0, 1 and 2 (quick: 0 alone) and return the worst and median of what it says."""
    seeds = (0,) if quick else (0, 1, 2)
    results = [_demo(seed) for seed in seeds]
    dice = [r["dice"] for r in results]
    return {
        "seeds": len(seeds),
        "dice_min": round(min(dice), 4),
        "dice_median": round(statistics.median(dice), 4),
        "otsu_dice": round(max(r["otsu_dice"] for r in results), 4),
        "margin_min": round(min(r["dice"] - r["otsu_dice"] for r in results), 4),
        "objects_true": results[0]["objects_true"],
        "objects_predicted": round(statistics.median(r["objects_predicted"] for r in results)),
        "seconds_max": max(r["seconds"] for r in results),
        "sample": results[0]["sample"],
    }


def _demo(seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "labkit", "demo", "--out", str(Path(folder) / "demo"), "--seed", str(seed), "--json"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result
