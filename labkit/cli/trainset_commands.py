"""`labkit trainset`: plan, build, list, show, compare, push, pull and clean."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click

from labkit.cli.app import command, long_command, project_option
from labkit.cli.console import Answer
from labkit.cli.project_commands import open_project
from labkit.compute import ComputeSpec
from labkit.datasets import (
    PARTS,
    Part,
    PartBox,
    PartSummary,
    SetPlan,
    SetSpec,
    SplitSpec,
    TileRef,
    TileRule,
    TrainingSet,
    build_from_spec,
    changes_since,
    clean_leftovers,
    compare_sets,
    list_training_sets,
    open_training_set,
    plan_training_set,
    pull_training_set,
    push_training_set,
)
from labkit.errors import InvalidInput
from labkit.events import CancelToken, EventSink
from labkit.project import Project

__all__ = ["trainset_command"]

_SPLITS = ["auto", "images", "groups", "blocks", "bands"]
_RULES = list(get_args(TileRule.model_fields["kind"].annotation))


@click.group("trainset")
def trainset_command() -> None:
    """Plan, build, compare and send training sets."""


_WISHES = (
    click.option("--image", "images", multiple=True, help="Id or name of an image; default: every annotated one."),
    click.option("--author", default=None, help="Whose annotations; default: yours; *: of each image those that are agreed on."),
    click.option("--chip", "chip_px", type=int, default=128, show_default=True, help="Side of a chip in pixels."),
    click.option("--split", "kind", type=click.Choice(_SPLITS), default="auto", show_default=True, help="How to split."),
    click.option("--fractions", default="0.6,0.2,0.2", show_default=True, help="Shares of train, val and test."),
    click.option("--gap", "gap_px", type=int, default=32, show_default=True, help="Pixels left out between blocks or bands."),
    click.option("--block", "block_px", type=int, default=None, help="Smallest side of a block in pixels; default: by the image."),
    click.option("--group", default="", help="Kind of group that stays together: slide, animal, author, ..."),
    click.option("--box", "boxes", multiple=True, metavar="PART:Y0,X0,Y1,X1", help="A box of the (only) image; instead of --split."),
    click.option("--seed", type=int, default=0, show_default=True, help="Which images and blocks go into which part."),
    click.option("--rule", type=click.Choice(_RULES), default=None, help="Which tiles are taken; default: by the options that follow."),
    click.option("--tile", "tile_px", type=int, default=256, show_default=True, help="Side of a tile in pixels."),
    click.option("--min-coverage", type=float, default=None, help="Share of a tile that must be known, 0 to 1."),
    click.option("--class", "classes", multiple=True, help="Only tiles in which this class occurs; give it once per class."),
    click.option("--count", type=int, default=None, help="So many tiles, spread over images and classes."),
    click.option("--take", "taken", multiple=True, metavar="IMAGE:ROW,COLUMN", help="A tile by hand; give it once per tile."),
    click.option("--dask", default=None, help="Work on a Dask cluster: address of its scheduler, or local to start one here."),
    click.option("--workers", type=int, default=None, help="How many work at once; default: one per core."),
)


def _wish(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Give a command the options of a wish; it gets the project, the wish and where to work."""

    @functools.wraps(function)
    def run(
        name: str, project_path: Path | None, dask: str | None, workers: int | None, on_event: EventSink, cancel: CancelToken, **wish: Any
    ) -> Answer:
        compute = ComputeSpec.parse(dask, workers)
        project = open_project(project_path)
        return function(project, _spec(project, name, **wish), compute, on_event, cancel)

    for option in reversed(_WISHES):
        option(run)
    return run


def _spec(
    project: Project,
    name: str,
    *,
    images: tuple[str, ...],
    author: str | None,
    chip_px: int,
    kind: str,
    fractions: str,
    gap_px: int,
    block_px: int | None,
    group: str,
    boxes: tuple[str, ...],
    seed: int,
    **tiles: Any,
) -> SetSpec:
    given = _boxes(project, boxes, images)
    wish = {"kind": "boxes" if given else kind, "fractions": _fractions(fractions), "gap_px": gap_px, "seed": seed, "boxes": given}
    try:
        split = SplitSpec.model_validate(wish | {"block_px": block_px, "group": group})
    except ValueError as error:
        raise InvalidInput("The split cannot be made like this.", hint=_first_line(error)) from error
    return SetSpec(name=name, images=images, author=author, chip_px=chip_px, split=split, tiles=_rule(project, **tiles))


def _rule(
    project: Project,
    rule: str | None,
    tile_px: int,
    min_coverage: float | None,
    classes: tuple[str, ...],
    count: int | None,
    taken: tuple[str, ...],
) -> TileRule:
    implied = [("hand", taken), ("number", count), ("classes", classes), ("annotated", min_coverage)]
    kind = rule or next((name for name, given in implied if given not in (None, ())), "all")
    wish = {"kind": kind, "tile_px": tile_px, "min_coverage": min_coverage or 0.0, "classes": classes, "count": count}
    try:
        return TileRule.model_validate(wish | {"tiles": tuple(_tile(project, text) for text in taken)})
    except ValueError as error:
        raise InvalidInput("Tiles cannot be chosen like this.", hint=_first_line(error)) from error


def _tile(project: Project, text: str) -> TileRef:
    image, _, place = text.rpartition(":")
    try:
        row, column = (int(number) for number in place.split(","))
    except ValueError as error:
        raise InvalidInput(f"{text!r} is no tile.", hint="Write --take IMAGE:ROW,COLUMN, counted from 0.") from error
    return TileRef(image=project.image(image).id, row=row, column=column)


def _first_line(error: ValueError) -> str:
    if isinstance(error, InvalidInput):
        raise error
    lines = str(error).splitlines()
    return " ".join(line.strip() for line in lines[1:3]).partition(" [type=")[0] if len(lines) > 2 else lines[0]


def _fractions(text: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != len(PARTS):
        raise InvalidInput(f"{text!r} is not three shares.", hint="Write --fractions 0.6,0.2,0.2.")
    return values


def _boxes(project: Project, texts: tuple[str, ...], images: tuple[str, ...]) -> tuple[PartBox, ...]:
    if not texts:
        return ()
    keys = images or tuple(r.id for r in project.images())
    if len(keys) != 1:
        raise InvalidInput("--box goes with one image.", hint="Name it with --image.")
    image = project.image(keys[0])
    boxes = []
    for text in texts:
        part, _, numbers = text.partition(":")
        try:
            y0, x0, y1, x1 = (int(n) for n in numbers.split(","))
        except ValueError as error:
            raise InvalidInput(f"{text!r} is no box.", hint="Write --box train:0,0,512,320.") from error
        boxes.append(PartBox(image=image.id, part=_part(part), box=(y0, x0, y1, x1)))
    return tuple(boxes)


def _part(text: str) -> Part:
    for part in PARTS:
        if part == text:
            return part
    raise InvalidInput(f"There is no part {text!r}.", hint="The parts are " + ", ".join(PARTS) + ".")


@trainset_command.command("plan")
@click.argument("name")
@project_option
@long_command
@_wish
def trainset_plan(project: Project, spec: SetSpec, compute: ComputeSpec, on_event: EventSink, cancel: CancelToken) -> Answer:
    """Say what the training set NAME would hold, how large it would be, and what is wrong with it; nothing is written."""
    plan = plan_training_set(project, spec, compute=compute, on_event=on_event, cancel=cancel)
    return Answer(plan, tuple(_plan_lines(plan)))


def _plan_lines(plan: SetPlan) -> list[str]:
    names = {item.id: item.name for item in plan.classes} | {0: "background"}
    lines = [f"Training set {plan.spec.name}: {len(plan.images)} image(s), about {plan.size_bytes / 1e6:.1f} MB"]
    for image in plan.images:
        known, taken = sum(c > 0 for c in image.coverage), sum(image.chosen)
        lines.append(f"  {image.name}: {known} of {image.rows * image.columns} tiles annotated, {taken} taken")
    for part, summary in plan.parts.items():
        shares = ", ".join(f"{names.get(number, number)} {count / _all(summary):.1%}" for number, count in summary.pixels.items())
        lines.append(f"  {part}: {summary.chips} chips, {summary.objects} objects; {shares or 'nothing known'}")
    for problem in plan.problems:
        lines += [f"{problem.level}: {problem.message}", f"  {problem.hint}"]
    return lines


def _all(summary: PartSummary) -> int:
    return max(1, sum(summary.pixels.values()))


@trainset_command.command("build")
@click.argument("name")
@project_option
@long_command
@_wish
def trainset_build(project: Project, spec: SetSpec, compute: ComputeSpec, on_event: EventSink, cancel: CancelToken) -> Answer:
    """Cut annotated images into the training set NAME."""
    data = build_from_spec(project, spec, compute=compute, on_event=on_event, cancel=cancel)
    return _answer(data)


def _answer(data: TrainingSet) -> Answer:
    lines = [f"Training set {data.key} (version {data.record.version})"]
    lines += [f"  {part}: {s.chips} chips, {s.objects} objects" for part, s in data.record.parts.items()]
    return Answer(data.record.model_dump(mode="json") | {"key": data.key}, tuple(lines))


@trainset_command.command("list")
@project_option
@command
def trainset_list(project_path: Path | None) -> Answer:
    """List the training sets of a project, oldest first."""
    sets = list_training_sets(open_project(project_path))
    rows = [
        {
            "key": data.key,
            "name": data.record.name,
            "version": data.record.version,
            "created": data.record.created.isoformat(),
            "images": len(data.record.images),
            "chips": {part: summary.chips for part, summary in data.record.parts.items()},
        }
        for data in sets
    ]
    lines = [f"{r['key']}  version {r['version']}, {r['images']} image(s), chips: {_counts(d)}" for r, d in zip(rows, sets, strict=True)]
    return Answer({"training_sets": rows}, tuple(lines) or ("No training sets yet: labkit trainset build NAME.",))


def _counts(data: TrainingSet) -> str:
    return ", ".join(f"{part} {summary.chips}" for part, summary in data.record.parts.items())


@trainset_command.command("show")
@click.argument("key")
@project_option
@long_command
def trainset_show(key: str, project_path: Path | None, on_event: EventSink, cancel: CancelToken) -> Answer:
    """Show the training set KEY: NAME@HASH, a name (then the newest), or an s3:// address."""
    data = open_training_set(open_project(project_path), key, on_event=on_event, cancel=cancel)
    answer = _answer(data)
    names = {item.id: item.name for item in data.record.classes} | {0: "background"}
    lines = [f"  image {image.name}, by {image.author}, revision {image.revision}" for image in data.record.images]
    for part, summary in data.record.parts.items():
        lines += [f"  {part}: {names.get(number, number)} {count:,} px" for number, count in summary.pixels.items()]
    return Answer(answer.data, (*answer.lines, *lines))


@trainset_command.command("compare")
@click.argument("one")
@click.argument("other", required=False)
@project_option
@long_command
def trainset_compare(one: str, other: str | None, project_path: Path | None, on_event: EventSink, cancel: CancelToken) -> Answer:
    """Say what is different in the training set OTHER, or (without it) what building ONE again would change now."""
    project = open_project(project_path)
    data = open_training_set(project, one, on_event=on_event, cancel=cancel)
    if other is None:
        found = changes_since(project, data, on_event=on_event, cancel=cancel)
    else:
        found = compare_sets(data, open_training_set(project, other, on_event=on_event, cancel=cancel))
    return Answer(found, found.lines)


@trainset_command.command("push")
@click.argument("key")
@click.argument("url")
@project_option
@long_command
def trainset_push(key: str, url: str, project_path: Path | None, on_event: EventSink, cancel: CancelToken) -> Answer:
    """Send the training set KEY to the object store at URL (s3://bucket/folder), once."""
    data = open_training_set(open_project(project_path), key)
    address = push_training_set(data, url, on_event=on_event, cancel=cancel)
    return Answer({"key": data.key, "address": address}, (address,))


@trainset_command.command("pull")
@click.argument("address")
@project_option
@long_command
def trainset_pull(address: str, project_path: Path | None, on_event: EventSink, cancel: CancelToken) -> Answer:
    """Copy the training set at ADDRESS (s3://.../training-sets/NAME@HASH) into the project."""
    return _answer(pull_training_set(open_project(project_path), address, on_event=on_event, cancel=cancel))


@trainset_command.command("clean")
@click.argument("url", required=False)
@click.option("--all", "everything", is_flag=True, help="Of the cache: all copies that no program reads.")
@click.option("--hours", type=float, default=24.0, show_default=True, help="At URL: only what was not written to for so long.")
@command
def trainset_clean(url: str | None, everything: bool, hours: float) -> Answer:
    """Remove what killed programs left: of the cache of this machine, or below URL (s3://bucket/folder) on an object store."""
    report = clean_leftovers(url, everything=everything, untouched_h=hours)
    lines = [*(f"Removed {name}" for name in report.removed), f"{report.freed_bytes / 1e6:.1f} MB freed"]
    return Answer(report, tuple(lines))
