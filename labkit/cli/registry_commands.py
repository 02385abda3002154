"""`labkit model` and `labkit rerun`: what stands on the shelf, how it compares, and out into the world."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from labkit.annotations import resolve_author
from labkit.cli.app import command, long_command, project_option
from labkit.cli.console import Answer
from labkit.cli.project_commands import open_project
from labkit.datasets import mean_score
from labkit.errors import AlreadyExists
from labkit.events import CancelToken, EventSink
from labkit.storage import write_bytes
from labkit.training import (
    Model,
    RunComparison,
    architecture_table,
    compare_models,
    compare_runs,
    curves_figure,
    list_encoders,
    list_models,
    open_model,
    promote_model,
    restore_model,
    retire_model,
)
from labkit.training.repeating import card_named
from labkit.work import repeat_training

__all__ = ["model_command", "rerun_command"]


@click.group("model")
def model_command() -> None:
    """Models: list, compare, promote, retire, export."""


def _on_model(function: Callable[..., Answer]) -> Callable[..., None]:
    """Give a command MODEL and the project."""
    return click.argument("model")(project_option(command(function)))


def _facts(model: Model) -> dict[str, Any]:
    card = model.card
    part = "test" if "test" in card.scores else "val" if "val" in card.scores else None
    return {
        "key": model.key,
        "promoted": model.promoted,
        "retired": model.retired,
        "architecture": card.plan.architecture,
        "training_set": card.plan.training_set,
        "part": part,
        "dice": None if part is None else mean_score(card.scores[part].dice),  # type: ignore[index]
        "licence": card.licence,
        "run": card.run,
        "created": card.created.isoformat(),
        "path": str(model.layout.root),
    }


def _line(model: Model) -> str:
    facts = _facts(model)
    score = "not measured" if facts["dice"] is None else f"Dice {facts['dice']:.3f} on {facts['part']}"
    mark = "  promoted" if model.promoted else f"  retired: {model.retired}" if model.retired else ""
    return f"{model.key}  {facts['architecture']}  {score}{mark}"


@model_command.command("list")
@click.option("--all", "with_retired", is_flag=True, help="Retired versions too.")
@project_option
@command
def list_command(project_path: Path | None, with_retired: bool) -> Answer:
    """List the project's models that are in use."""
    models = [m for m in list_models(open_project(project_path)) if with_retired or not m.retired]
    return Answer({"models": [_facts(m) for m in models]}, tuple(_line(m) for m in models) or ("No model yet.",))


@model_command.command("show")
@_on_model
def show_command(project_path: Path | None, model: str) -> Answer:
    """Show the card of MODEL (NAME/VERSION, or NAME)."""
    found = open_model(open_project(project_path), model)
    card = found.card
    lines = [_line(found), f"  {card.plan.parameters:,} weights; answers {', '.join(card.plan.outputs)}"]
    lines.append(f"  training set {card.plan.training_set}")
    for part, scores in card.scores.items():
        values = zip((c.name for c in card.plan.classes), scores.dice[1:], scores.iou[1:], strict=True)
        lines += [f"  {part}: {name} Dice {_number(dice)}, IoU {_number(iou)}" for name, dice, iou in values]
    if card.encoder:
        lines.append(f"  encoder {card.encoder.name}, {card.encoder.licence}, from {card.encoder.source}")
    lines += [f"  licence {card.licence or 'not said'}", f"  weights {card.weights_sha256}"]
    lines += [f"  limit: {warning}" for warning in card.limits.warnings]
    shelf = {"promoted": found.promoted, "retired": found.retired, "path": str(found.layout.root)}
    return Answer(shelf | {"card": card.model_dump(mode="json")}, tuple(lines))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


@model_command.command("compare")
@click.argument("names", nargs=-1, required=True)
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Write the curves as a PNG file.")
@project_option
@command
def compare_command(project_path: Path | None, names: tuple[str, ...], picture: Path | None) -> Answer:
    """Compare models (NAME or NAME/VERSION), or runs by their ids: what differs, what came out."""
    project = open_project(project_path)
    are_runs = not any("/" in name for name in names) and all(project.layout.run(name).spec.is_file() for name in names)
    found = compare_runs(project, names) if are_runs else compare_models(project, names)
    if picture is not None:
        _write_picture(picture, found)
    lines = (*found.lines, *(() if picture is None else (f"Curves: {picture}",)))
    return Answer(found.model_dump(mode="json") | {"picture": None if picture is None else str(picture)}, lines)


def _write_picture(path: Path, found: RunComparison) -> None:
    buffer = io.BytesIO()
    curves_figure(found).savefig(buffer, format="png", dpi=120)
    write_bytes(path, buffer.getvalue())


@model_command.command("promote")
@_on_model
def promote_command(project_path: Path | None, model: str) -> Answer:
    """Let the name of MODEL (NAME/VERSION) stand for this version."""
    found = promote_model(open_project(project_path), model)
    return Answer(_facts(found), (f"{found.card.name} now stands for {found.key}.",))


@model_command.command("retire")
@click.option("--reason", required=True, help="Why it is not to be used any more.")
@_on_model
def retire_command(project_path: Path | None, model: str, reason: str) -> Answer:
    """Take MODEL (NAME/VERSION) out of use; nothing of it is removed."""
    found = retire_model(open_project(project_path), model, reason)
    return Answer(_facts(found), (f"{found.key} is retired: {found.retired}",))


@model_command.command("restore")
@_on_model
def restore_command(project_path: Path | None, model: str) -> Answer:
    """Put MODEL (NAME/VERSION), which was retired, into use again."""
    found = restore_model(open_project(project_path), model)
    return Answer(_facts(found), (f"{found.key} is in use again.",))


@model_command.command("export")
@click.argument("model")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format",
    "format_",
    type=click.Choice(["onnx", "bioimageio"]),
    default="onnx",
    show_default=True,
    help="onnx: one file; bioimageio: a zip.",
)
@click.option("--author", "authors", multiple=True, help="Who made it, once per person; default: you. For bioimageio.")
@click.option("--licence", default="", help="SPDX identifier; default: that of the card. For bioimageio.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@project_option
@command
def export_command(
    project_path: Path | None, model: str, path: Path, format_: str, authors: tuple[str, ...], licence: str, overwrite: bool
) -> Answer:
    """Write MODEL to PATH for other programs, compared with torch before."""
    found = open_model(open_project(project_path), model)
    if path.exists() and not overwrite:
        raise AlreadyExists(f"{path} is there already.", hint="Choose another name, or give --overwrite.", path=str(path))
    if format_ == "onnx":
        from labkit.training.exporting import export_onnx

        report = export_onnx(found, path)
    else:
        from labkit.training.bioimageio import export_bioimageio

        report = export_bioimageio(found, path, authors=authors or (resolve_author(None),), licence=licence or None)
    lines = (
        f"{report.path}: {report.model} as {report.format}, {report.size_bytes / 1e6:.1f} MB",
        f"  at most {report.difference:.1g} from torch in {len(report.checks)} pictures (allowed {report.tolerance:.0e})",
        f"  SHA-256 {report.sha256}",
    )
    return Answer(report, lines)


@model_command.command("encoders")
@click.option("--check", is_flag=True, help="Read each file, and compare it with its SHA-256.")
@command
def encoders_command(check: bool) -> Answer:
    """List the pretrained encoders that the admin has put into $LABKIT_ENCODERS."""
    found = list_encoders(check=check)
    lines = tuple(f"{e.name}  {e.licence or '-'}  {e.size_bytes / 1e6:.0f} MB  {e.fault or e.about or e.source}" for e in found)
    answer = {"encoders": [e.model_dump(mode="json") for e in found]}
    nothing = ("No encoder: LABKIT_ENCODERS names no folder that holds one.",)
    return Answer(answer, lines or nothing, exit_code=3 if any(e.fault for e in found) else 0)


@model_command.command("architectures")
@command
def architectures_command() -> Answer:
    """List the networks there are, and what each needs."""
    rows = architecture_table()
    lines = ["name                  weights  sees px  stride  batch  MB a megapixel  tiles"]
    lines += [
        f"{r.name:20} {r.parameters / 1e6:6.2f} M  {r.halo_px if r.tile_invariant else 'all':>7}  {r.stride_px:6}  {r.min_batch:5}  "
        f"{r.megapixel_mb:14,}  {'exact' if r.tile_invariant else 'depend'}"
        for r in rows
    ]
    lines.append("and smp:<decoder>:<encoder> of segmentation-models-pytorch, such as smp:unet:resnet18")
    return Answer({"architectures": [r.model_dump(mode="json") for r in rows]}, tuple(lines))


@click.command("rerun")
@click.argument("card")
@project_option
@long_command
def rerun_command(card: str, project_path: Path | None, on_event: EventSink, cancel: CancelToken) -> Answer:
    """Train a model again as CARD says (a card.json, or NAME/VERSION), and compare the weights to the bit; exit 3 if they differ."""
    project = open_project(project_path)
    found = repeat_training(project, card_named(project, card), on_event=on_event, cancel=cancel)
    if found.same:
        lines: tuple[str, ...] = (f"The same to the bit: {found.again} has the weights of {found.card}.", f"  SHA-256 {found.found}")
    else:
        lines = (f"Not the same: {found.again} has other weights than {found.card}.", *(f"  {line}" for line in found.differences))
    return Answer(found, lines, exit_code=0 if found.same else 3)
