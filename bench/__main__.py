"""Run a bench by name, or all."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping

import click

from bench import annotate, axons, demo, grade, hub, loader, startup, tiling, train

# What docs/status.md reads from each; a bench that no longer says it fails.
PROMISED: Mapping[str, tuple[str, ...]] = {
    "annotate": (
        "preview_ms",
        "preview_p95_ms",
        "follow_ms",
        "frame_p95_ms",
        "jump_p95_ms",
        "commit_p95_ms",
        "messages_per_1000_moves",
        "growth_mb",
    ),
    "axons": ("iou_background", "iou_axon", "iou_myelin", "iou_mean"),
    "demo": ("dice_min", "otsu_dice", "margin_min", "seconds_max"),
    "grade": ("ratio_nbgrader_process", "ratio_nbgrader_docker", "peak_mb"),
    "hub": ("users", "failures", "page_p95_ms", "api_p95_ms", "spawns_per_s", "dispatch_s"),
    "loader": ("ratio_naive",),
    "startup": ("labkit_s", "numpy_s"),
    "tiling": ("ratio_ome_zarr", "ratio_dzsave", "ratio_floor", "peak_mb", "growth", "files", "window_ms", "window_any_ms"),
    "train": ("ratio_dummy",),
}
BENCHES: dict[str, Callable[[bool], Mapping[str, float | str | None]]] = {
    "annotate": annotate.measure,
    "axons": axons.measure,
    "demo": demo.measure,
    "grade": grade.measure,
    "hub": hub.measure,
    "loader": loader.measure,
    "startup": startup.measure,
    "tiling": tiling.measure,
    "train": train.measure,
}


@click.command()
@click.argument("name", type=click.Choice([*BENCHES, "all", "list"]))
@click.option("--quick", is_flag=True, help="One repetition: checks that the bench runs, proves no number.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a bench.")
def main(name: str, quick: bool, as_json: bool) -> None:
    """Measure, and print what was measured; list prints the names."""
    if name == "list":
        click.echo("\n".join(BENCHES))
        return
    for key in BENCHES if name == "all" else [name]:
        begun = time.monotonic()
        result = {"bench": key, "quick": quick, **BENCHES[key](quick)}
        if missing := [name for name in PROMISED[key] if result.get(name) is None]:
            raise click.ClickException(f"{key} does not say {', '.join(missing)}.")
        click.echo(f"{key}: {time.monotonic() - begun:.0f} s in all", err=True)
        if as_json:
            click.echo(json.dumps(result))
        else:
            click.echo("\n".join(f"{k:24} {v}" for k, v in result.items()))
        sys.stdout.flush()


if __name__ == "__main__":
    main(prog_name="python -m bench")
