"""How long ``import labkit`` takes, beside ``import numpy``: fresh interpreters, taking turns, medians."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

__all__ = ["measure"]


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return median wall times in seconds, and what labkit costs beyond numpy."""
    rounds = 1 if quick else 15
    times: dict[str, list[float]] = {"numpy": [], "labkit": [], "labkit.cli": []}
    for _ in range(rounds + 1):  # the first round warms the disk cache and is thrown away
        for module, values in times.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
            values.append(time.perf_counter() - started)
    medians = {module: statistics.median(values[1:]) for module, values in times.items()}
    return {
        "rounds": rounds,
        "numpy_s": round(medians["numpy"], 4),
        "labkit_s": round(medians["labkit"], 4),
        "cli_s": round(medians["labkit.cli"], 4),
        "labkit_extra_s": round(medians["labkit"] - medians["numpy"], 4),
    }
