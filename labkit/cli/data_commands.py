"""`labkit annotations` and `verify`."""

from __future__ import annotations

from pathlib import Path

import click

from labkit.annotations import EXPORT_FORMATS, ExportFormat, export_annotations, import_annotations
from labkit.cli.app import command, long_command, project_option
from labkit.cli.console import Answer
from labkit.cli.project_commands import open_project
from labkit.cli.quality_commands import QUALITY_COMMANDS
from labkit.events import CancelToken, EventSink, Log
from labkit.tiling import verify

__all__ = ["annotations_command", "verify_command"]

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


@click.command("verify")
@click.argument("path", type=click.Path(readable=False, path_type=Path))
@command
def verify_command(path: Path) -> Answer:
    """Check a project, an image store or a label store, and name what is wrong with it."""
    report = verify(path)
    lines = (f"{path}: {report.checked} thing(s) checked, no faults",) if report.ok else tuple(report.faults)
    data = {"path": str(report.path), "kind": report.kind, "checked": report.checked, "ok": report.ok, "faults": list(report.faults)}
    return Answer(data, lines, exit_code=0 if report.ok else 3)
