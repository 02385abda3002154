"""`labkit annotations`, `trainset` and `verify`: from annotations to a training set."""

from __future__ import annotations

from pathlib import Path

import click

from labkit.annotations import EXPORT_FORMATS, ExportFormat, export_annotations, import_annotations
from labkit.cli.app import command, long_command, project_option
from labkit.cli.console import Answer
from labkit.cli.project_commands import open_project
from labkit.cli.quality_commands import QUALITY_COMMANDS
from labkit.datasets import PARTS, Part, PartBox, SplitSpec, build_training_set
from labkit.errors import InvalidInput
from labkit.events import CancelToken, EventSink, Log
from labkit.project import Project
from labkit.tiling import verify

__all__ = ["annotations_command", "trainset_command", "verify_command"]

_SHOWN_WARNINGS = 20


@click.group("annotations")
def annotations_command() -> None:
    """Bring annotations in, take them out, review and compare them."""


for _quality_command in QUALITY_COMMANDS:
    annotations_command.add_command(_quality_command)


@annotations_command.command("import")
@click.argument("image")
@click.argument("file", type=click.Path(readable=False, path_type=Path))
@click.option("--class", "class_name", default=None, help="Class of the objects that come without one.")
@click.option("--author", default=None, help="Whose annotations these are; default: you.")
@click.option("--finished/--unfinished", default=None, help="Whether everything in the image is annotated; a label image is.")
@click.option("--shift-auto", is_flag=True, help="Move what an automatic tool of Labeller drew by half a pixel, where it belongs.")
@project_option
@long_command
def annotations_import(
    image: str,
    file: Path,
    class_name: str | None,
    author: str | None,
    finished: bool | None,
    shift_auto: bool,
    project_path: Path | None,
    on_event: EventSink,
    cancel: CancelToken,
) -> Answer:
    """Add the objects of FILE (a label image, GeoJSON, Labeller, COCO, VOC or YOLO) to IMAGE (its id or name)."""
    project = open_project(project_path)
    report = import_annotations(
        project,
        project.image(image),
        file,
        author=author,
        class_name=class_name,
        finished=finished,
        shift_auto=shift_auto,
        on_event=on_event,
    )
    lines = [f"{report.added} object(s) added to {image}", *(f"warning: {w}" for w in report.warnings)]
    return Answer(report, tuple(lines))


@annotations_command.command("export")
@click.argument("image")
@click.argument("file", type=click.Path(readable=False, path_type=Path))
@click.option("--format", "format_", type=click.Choice(EXPORT_FORMATS), default=None, help="Default: by the file's ending.")
@click.option("--author", default=None, help="Whose annotations; default: yours.")
@click.option("--overwrite", is_flag=True, help="Replace FILE if it is there.")
@project_option
@command
def annotations_export(
    image: str,
    file: Path,
    format_: ExportFormat | None,
    author: str | None,
    overwrite: bool,
    project_path: Path | None,
) -> Answer:
    """Write an author's annotations of IMAGE to FILE: GeoJSON, a label image, or the file of another program."""
    project = open_project(project_path)
    warnings: list[str] = []
    path = export_annotations(
        project,
        project.image(image),
        file.expanduser().absolute(),
        author=author,
        format=format_,
        overwrite=overwrite,
        on_event=lambda event: warnings.append(event.text) if isinstance(event, Log) else None,
    )
    more = (f"... and {len(warnings) - _SHOWN_WARNINGS} more warnings (--json has all)",) if len(warnings) > _SHOWN_WARNINGS else ()
    shown = tuple(f"warning: {text}" for text in warnings[:_SHOWN_WARNINGS])
    return Answer({"file": str(path), "warnings": warnings}, (f"Wrote {path}", *shown, *more))


@click.group("trainset")
def trainset_command() -> None:
    """Build training sets."""


@trainset_command.command("build")
@click.argument("name")
@click.option("--image", "images", multiple=True, help="Id or name of an image; default: every annotated one.")
@click.option("--author", default=None, help="Whose annotations; default: yours.")
@click.option("--chip", "chip_px", type=int, default=128, show_default=True, help="Side of a chip in pixels.")
@click.option("--split", "kind", type=click.Choice(["auto", "images", "bands"]), default="auto", show_default=True, help="How to split.")
@click.option("--fractions", default="0.6,0.2,0.2", show_default=True, help="Shares of train, val and test.")
@click.option("--gap", "gap_px", type=int, default=32, show_default=True, help="Pixels left out between bands.")
@click.option("--box", "boxes", multiple=True, metavar="PART:Y0,X0,Y1,X1", help="A box of the (only) image; instead of --split.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which images go into which part.")
@project_option
@long_command
def trainset_build(
    name: str,
    images: tuple[str, ...],
    author: str | None,
    chip_px: int,
    kind: str,
    fractions: str,
    gap_px: int,
    boxes: tuple[str, ...],
    seed: int,
    project_path: Path | None,
    on_event: EventSink,
    cancel: CancelToken,
) -> Answer:
    """Cut annotated images into the training set NAME."""
    project = open_project(project_path)
    given = _boxes(project, boxes, images)
    wish = {"kind": "boxes" if given else kind, "fractions": _fractions(fractions), "gap_px": gap_px, "seed": seed, "boxes": given}
    try:
        split = SplitSpec.model_validate(wish)
    except ValueError as error:
        raise InvalidInput("The split cannot be made like this.", hint=str(error).splitlines()[2].strip()) from error
    data = build_training_set(
        project, name, images=images or None, author=author, chip_px=chip_px, split=split, on_event=on_event, cancel=cancel
    )
    lines = [f"Training set {data.key}"]
    lines += [f"  {part}: {s.chips} chips, {s.objects} objects" for part, s in data.record.parts.items()]
    return Answer(data.record.model_dump(mode="json") | {"key": data.key}, tuple(lines))


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


@click.command("verify")
@click.argument("path", type=click.Path(readable=False, path_type=Path))
@command
def verify_command(path: Path) -> Answer:
    """Check a project, an image store or a label store, and name what is wrong with it."""
    report = verify(path)
    lines = (f"{path}: {report.checked} thing(s) checked, no faults",) if report.ok else tuple(report.faults)
    data = {"path": str(report.path), "kind": report.kind, "checked": report.checked, "ok": report.ok, "faults": list(report.faults)}
    return Answer(data, lines, exit_code=0 if report.ok else 3)
