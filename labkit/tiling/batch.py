"""Many files and folders at once: each is imported or named with its reason, none stops the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.compute import ComputeSpec
from labkit.config import LibrarySettings
from labkit.errors import Cancelled, InvalidInput, LabKitError, NotFound
from labkit.events import CancelToken, EventSink, Log, ignore_events
from labkit.formats.ome_zarr_source import is_zarr
from labkit.formats.pictures import is_picture
from labkit.formats.raster import Role
from labkit.project import ImageRecord, Project
from labkit.storage import is_remote
from labkit.tiling.decoder import open_decoder
from labkit.tiling.importing import import_file

__all__ = ["ImportReport", "files_below", "import_files"]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of many files.

    Attributes
    ----------
    images : tuple of ImageRecord
        Those that are in the project now, in the order of the files; a picture that was there already is among them.
    failed : tuple of (str, LabKitError)
        Files that could not be imported, and why.
    skipped : tuple of str
        Files in a folder that are no pictures.
    """

    images: tuple[ImageRecord, ...]
    failed: tuple[tuple[str, LabKitError], ...]
    skipped: tuple[str, ...]


def import_files(
    project: Project,
    paths: Sequence[Path | str],
    *,
    name: str | None = None,
    pixel_size_um: tuple[float, float] | None = None,
    role: Role = "image",
    answers: Mapping[str, str] | None = None,
    workers: int | None = None,
    memory_mb: int | None = None,
    compute: ComputeSpec | None = None,
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> ImportReport:
    """Import files and folders, one after the other; a folder stands for all pictures in it and below.

    Parameters are those of `import_file`; `answers` go for every file that asks.

    Raises
    ------
    InvalidInput
        A name is given for more than one file.
    Cancelled
        The token was set; what was imported before stays.
    """
    wanted, skipped = _expanded(paths)
    if name is not None and len(wanted) > 1:
        raise InvalidInput("One name cannot go with several files.", hint="Import them one by one, or leave the name out.")
    limits = LibrarySettings().imports
    images: dict[str, ImageRecord] = {}
    failed: list[tuple[str, LabKitError]] = []
    with open_decoder(limits if memory_mb is None else limits.model_copy(update={"memory_mb": memory_mb})) as decoder:
        for number, path in enumerate(wanted):
            if len(wanted) > 1:
                on_event(Log(f"File {number + 1} of {len(wanted)}: {Path(path).name}"))
            try:
                found = import_file(
                    project,
                    path,
                    name=name,
                    pixel_size_um=pixel_size_um,
                    role=role,
                    answers=answers,
                    workers=workers,
                    compute=compute,
                    on_event=on_event,
                    cancel=cancel,
                    decoder=decoder,
                )
                images |= {record.id: record for record in found}
            except Cancelled:
                raise
            except LabKitError as error:
                failed.append((str(path), error))
    return ImportReport(tuple(images.values()), tuple(failed), tuple(skipped))


def _expanded(paths: Sequence[Path | str]) -> tuple[list[Path | str], list[str]]:
    """Return the files that are named or lie in named folders, and those that are left out."""
    wanted: list[Path | str] = []
    skipped: list[str] = []
    for path in paths:
        local = Path(path).expanduser()
        if is_remote(path) or not local.is_dir() or is_zarr(local):
            wanted.append(path if is_remote(path) else local)
            continue
        found = list(files_below(local))
        pictures = [file for file in found if is_picture(file)]
        skipped += [str(file) for file in found if file not in set(pictures)]
        if not pictures:
            raise NotFound(
                f"There is no picture in {local}.", hint="Name a folder with pictures, or the files themselves.", path=str(local)
            )
        wanted += pictures
    return wanted, skipped


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and below, by name; hidden ones are left out, and a zarr store is one file."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not is_zarr(path):
            yield from files_below(path)
        else:
            yield path
