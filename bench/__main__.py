"""Run a bench by name, or all."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping

import click

from bench import annotate, axons, demo, grade, hub, loader, startup, tiling, train

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
        click.echo(f"{key}: {time.monotonic() - begun:.0f} s in all", err=True)
        if as_json:
            click.echo(json.dumps(result))
        else:
            click.echo("\n".join(f"{k:24} {v}" for k, v in result.items()))
        sys.stdout.flush()


if __name__ == "__main__":
    main(prog_name="python -m bench")
