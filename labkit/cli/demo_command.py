"""`labkit demo`."""

from __future__ import annotations

from pathlib import Path

import click

from labkit.cli.app import long_command
from labkit.cli.console import Answer
from labkit.demo import run_demo
from labkit.events import CancelToken, EventSink

__all__ = ["demo_command"]


@click.command("demo")
@click.option("--out", required=True, type=click.Path(readable=False, path_type=Path), help="Folder for the project and the report.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the training.")
@long_command
def demo_command(out: Path, seed: int, on_event: EventSink, cancel: CancelToken) -> Answer:
    """Walk the whole path on a sample picture: import, annotate, train, predict, measure."""
    result = run_demo(out, seed=seed, on_event=on_event, cancel=cancel)
    lines = (
        f"Dice {result.dice:.3f} on columns that the model never saw (Otsu's threshold: {result.otsu_dice:.3f})",
        f"{result.objects_predicted} objects found, {result.objects_true} annotated, {result.seconds:.0f} s",
        f"Report: {result.report}",
    )
    return Answer(result, lines)
