"""`labkit probe`, `import` and `export`: pictures in and out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import click

from labkit.cli.app import command, long_command, project_option
from labkit.cli.console import Answer
from labkit.cli.project_commands import open_project
from labkit.compute import ComputeSpec
from labkit.errors import InvalidInput
from labkit.events import CancelToken, EventSink
from labkit.formats.raster import Role
from labkit.geometry import Box
from labkit.project import ImageRecord
from labkit.storage import is_remote
from labkit.tiling import (
    PictureFacts,
    Probe,
    export_ome_tiff,
    export_ome_zarr,
    export_png,
    import_file,
    import_files,
    open_image,
    probe,
)

__all__ = ["export_command", "import_command", "probe_command"]

_QUESTIONS = ("pages", "colour", "series", "frames")


def _answers(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags that answer a file's questions."""
    options = (
        click.option("--pages", default=None, help="What pages of equal size are: separate, z, t, c or first."),
        click.option("--colour", default=None, help="Whether narrow pages are the rows of a picture in colour: colour or pages."),
        click.option("--series", default=None, help="Which of several pictures in a file: all, 1, 2, ..."),
        click.option("--frames", default=None, help="What to do with a picture that moves: first, separate or t."),
        click.option("--labels", is_flag=True, help="The file holds ids of objects, not a picture."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def _given(**flags: str | None) -> dict[str, str]:
    return {key: value for key, value in flags.items() if value is not None}


@click.command("probe")
@click.argument("file", type=click.Path(readable=False, path_type=Path))
@_answers
@command
def probe_command(file: Path, pages: str | None, colour: str | None, series: str | None, frames: str | None, labels: bool) -> Answer:
    """Say what FILE holds and what an import would make of it; no pixel is decoded."""
    answers = _given(pages=pages, colour=colour, series=series, frames=frames)
    found = probe(file, role="labels" if labels else "image", answers=answers)
    return Answer(asdict(found), tuple(_told(file, found, answers)))


def _told(file: Path, found: Probe, answers: dict[str, str]) -> list[str]:
    lines = [f"{file.name}: {found.format}, {_size(found.file_bytes)}; makes {len(found.pictures)} image(s)"]
    lines += [f"  {line}" for picture in found.pictures[:10] for line in _picture(picture)]
    if len(found.pictures) > 10:
        lines.append(f"  ... and {len(found.pictures) - 10} more")
    for question in found.questions:
        lines.append(f"question: {question.text}")
        chosen = answers.get(question.key, question.default)
        lines += [
            f"  {'>' if option.value == chosen else ' '} --{question.key} {option.value}: {option.text}" for option in question.options[:12]
        ]
    lines += [f"note: {note}" for note in found.notes]
    lines.append(f"needs up to {_size(found.predicted_bytes)} of disk and about {found.predicted_s:.0f} s")
    return lines


def _picture(picture: PictureFacts) -> list[str]:
    axes = " x ".join(f"{axis}={n}" for axis, n in zip(picture.axes, picture.shape, strict=True))
    size = f", pixel {picture.pixel_size_um[0]:g} x {picture.pixel_size_um[1]:g} um" if picture.pixel_size_um else ""
    bits = f", {picture.significant_bits} bits used" if picture.significant_bits != picture.bits else ""
    facts = f"{axes}, {picture.dtype}{bits}{size}, {picture.layout}{', with alpha' if picture.alpha else ''}"
    nodata = "" if picture.nodata is None else f", {picture.nodata:g} means no data"
    title = f"{picture.title}: " if picture.title else ""
    return [f"{title}{facts}{nodata}", *(f"  note: {note}" for note in picture.notes)]


def _size(count: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} bytes"


@click.command("import")
@click.argument("files", nargs=-1, required=True)
@click.option("--name", default=None, help="Name of the image; default: that of the file. For one file only.")
@click.option("--pixel-size", "pixel_size_um", type=float, default=None, help="Side of a pixel in micrometres.")
@_answers
@click.option("--workers", type=int, default=None, help="How many work at once; default: one per core.")
@click.option("--memory", "memory_mb", type=int, default=None, help="Memory for decoding in MB; default: 1024.")
@click.option("--dask", default=None, help="Work on a Dask cluster: the address of its scheduler, or 'local' to start one here.")
@project_option
@long_command
def import_command(
    files: tuple[str, ...],
    name: str | None,
    pixel_size_um: float | None,
    pages: str | None,
    colour: str | None,
    series: str | None,
    frames: str | None,
    labels: bool,
    workers: int | None,
    memory_mb: int | None,
    dask: str | None,
    project_path: Path | None,
    on_event: EventSink,
    cancel: CancelToken,
) -> Answer:
    """Bring pictures into a project: files, folders, OME-Zarr stores, s3:// addresses.

    Files that cannot be read are named at the end; the others are imported all the same.
    """
    if name is not None and len(files) > 1:
        raise InvalidInput("--name goes with one file.", hint="Import the files one by one, or leave --name out.")
    if pixel_size_um is not None and not 0 < pixel_size_um < 1e6:
        raise InvalidInput("The pixel size must be above 0.", hint="Give it in micrometres, such as 0.25.")
    role: Role = "labels" if labels else "image"
    wish: dict[str, Any] = {
        "name": name,
        "pixel_size_um": None if pixel_size_um is None else (pixel_size_um, pixel_size_um),
        "role": role,
        "answers": _given(pages=pages, colour=colour, series=series, frames=frames),
        "workers": workers,
        "memory_mb": memory_mb,
        "compute": ComputeSpec.parse(dask, workers),
        "on_event": on_event,
        "cancel": cancel,
    }
    project = open_project(project_path)
    if len(files) == 1 and (is_remote(files[0]) or not Path(files[0]).expanduser().is_dir()):
        images = import_file(project, files[0], **wish)
        return Answer({"images": [i.model_dump(mode="json") for i in images], "failed": [], "skipped": []}, tuple(map(_line, images)))
    report = import_files(project, files, **wish)
    failed = [{"file": path, **error.as_dict()} for path, error in report.failed]
    complaints = [line for path, error in report.failed for line in (f"labkit: {path}: {error.message}", f"  {error.hint}")]
    skipped = (f"{len(report.skipped)} file(s) are no pictures and were left out",) if report.skipped else ()
    data = {"images": [i.model_dump(mode="json") for i in report.images], "failed": failed, "skipped": list(report.skipped)}
    return Answer(data, (*map(_line, report.images), *skipped), tuple(complaints), exit_code=2 if failed else 0)


def _line(record: ImageRecord) -> str:
    stack = "".join(f", {length} planes along {axis}" for axis, length in record.stack)
    return f"{record.name}: image {record.id}, {record.width_px} x {record.height_px} px{stack}, {len(record.levels)} levels"


@click.command("export")
@click.argument("image")
@click.argument("target", type=click.Path(readable=False, path_type=Path))
@click.option(
    "--format",
    "format_",
    type=click.Choice(["ome-zarr-0.4", "ome-zarr-0.5", "ome-tiff", "png"]),
    default=None,
    help="Default: by the ending of TARGET.",
)
@click.option("--box", default=None, help="For png: the region, as y0,x0,y1,x1 in pixels of the level.")
@click.option("--level", type=int, default=0, help="For png: the level; 0 is full resolution.")
@click.option("--z", type=int, default=None, help="For png: which plane of a stack.")
@click.option("--t", type=int, default=None, help="For png: which frame.")
@project_option
@long_command
def export_command(
    image: str,
    target: Path,
    format_: Literal["ome-zarr-0.4", "ome-zarr-0.5", "ome-tiff", "png"] | None,
    box: str | None,
    level: int,
    z: int | None,
    t: int | None,
    project_path: Path | None,
    on_event: EventSink,
    cancel: CancelToken,
) -> Answer:
    """Write IMAGE (its id or name) to TARGET: OME-Zarr, a tiled OME-TIFF, or a region as PNG."""
    opened = open_image(open_project(project_path), image)
    kind = format_ or _kind_of(target)
    if kind == "png":
        export_png(opened, target, box=None if box is None else _box(box), level=level, z=z, t=t)
    elif kind == "ome-tiff":
        export_ome_tiff(opened, target, on_event=on_event, cancel=cancel)
    else:
        export_ome_zarr(opened, target, version="0.4" if kind == "ome-zarr-0.4" else "0.5", on_event=on_event, cancel=cancel)
    return Answer({"image": image, "target": str(target), "format": kind}, (f"Wrote {target} ({kind})",))


def _kind_of(target: Path) -> str:
    name = target.name.lower()
    for endings, kind in (((".png",), "png"), ((".tif", ".tiff"), "ome-tiff"), ((".zarr",), "ome-zarr-0.4")):
        if name.endswith(endings):
            return kind
    raise InvalidInput(
        f"What {target.name} is to be cannot be told by its ending.", hint="Give --format, or end it in .png, .tif or .zarr."
    )


def _box(text: str) -> Box:
    try:
        y0, x0, y1, x1 = (int(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidInput(f"{text!r} is no region.", hint="Give four whole numbers: y0,x0,y1,x1.") from error
    if not (0 <= y0 < y1 and 0 <= x0 < x1):
        raise InvalidInput(f"The region {text} holds no pixel.", hint="Give y0,x0,y1,x1 with y0 below y1 and x0 below x1.")
    return Box(y0, x0, y1, x1)
