"""Import: quarantine, validate, commit. A picture file becomes images of a project, or leaves nothing behind.

The file is read in a process of its own (`labkit.tiling.decoder`), which writes shards into a hidden folder of the project.
When all are there, the metadata follows, and a rename makes the image visible.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from labkit.compute import ComputeSpec
from labkit.config import LibrarySettings
from labkit.errors import Cancelled, CorruptStore, InvalidInput
from labkit.events import CancelToken, EventSink, Log, ignore_events
from labkit.formats.raster import PictureFile, RasterHeader, Role
from labkit.project import ImageRecord, Project
from labkit.storage import (
    ImageLayout,
    content_hash,
    explain_os_errors,
    load_record,
    new_id,
    open_objects,
    publish_folder,
    save_record,
    utc_now,
    write_bytes,
)
from labkit.tiling.blocks import alpha_plan
from labkit.tiling.building import plan_of
from labkit.tiling.decoder import Decoder, open_decoder
from labkit.tiling.incoming import ImportJob, check_room, hold_import, remove_incoming, remove_unfinished_files
from labkit.tiling.intake import Hashing, hashing_of, local_source
from labkit.tiling.metadata import store_objects
from labkit.tiling.probing import read_header_of
from labkit.tiling.windows import channel_displays

__all__ = ["import_file", "import_image"]

_ENGINE = 2  # raise when stores come out differently: unfinished imports of another engine are not continued
_LONGEST_NAME = 1000
_SLOWEST_BYTES_PER_S = 5e6  # a picture that is decoded as a whole makes no progress meanwhile


def import_image(
    project: Project,
    path: Path | str,
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
) -> ImageRecord:
    """Import a file that holds one picture; see `import_file`.

    Raises
    ------
    InvalidInput
        The file makes several images; nothing is imported.
    """
    found = import_file(
        project,
        path,
        name=name,
        pixel_size_um=pixel_size_um,
        role=role,
        answers=answers,
        workers=workers,
        memory_mb=memory_mb,
        compute=compute,
        on_event=on_event,
        cancel=cancel,
        only_one=True,
    )
    return found[0]


def import_file(
    project: Project,
    path: Path | str,
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
    decoder: Decoder | None = None,
    only_one: bool = False,
) -> tuple[ImageRecord, ...]:
    """Import a picture file into `project` as OME-Zarr 0.5 with all its levels: one image for each picture in it.

    The same picture is imported once, whatever its name: a second call returns the image that is there. A call after a crash or
    a cancel goes on where the first stopped.

    Parameters
    ----------
    project : Project
        Where the images go.
    path : path or str
        The file (or the folder of an OME-Zarr store), here or at an ``s3://`` address; it is not changed.
    name : str, optional
        Name of the image; by default that of the file. Of several pictures each adds its own.
    pixel_size_um : (float, float), optional
        Size (y, x) of a pixel in micrometres, where the file does not say it or is wrong.
    role : {"image", "labels"}
        Labels are ids: they go down by mode, and a palette is not expanded.
    answers : mapping, optional
        Answers to the file's questions, by key; for the others the default is taken, and said.
    workers : int, optional
        How many work at once; by default one per core, at most 8.
    memory_mb : int, optional
        Memory for the decoding (``LABKIT_IMPORTS__MEMORY_MB``).
    compute : ComputeSpec, optional
        Threads, or a Dask cluster.
    on_event : callable, optional
        Called with `labkit.events.Progress` (unit "tiles") and notes.
    cancel : CancelToken, optional
        Looked at between chunks.
    decoder : Decoder, optional
        The process to use, for many files one after the other; by default a new one.
    only_one : bool
        Refuse a file that makes several images.

    Returns
    -------
    tuple of ImageRecord
        The finished images, in the order of the file.

    Raises
    ------
    NotFound, UnreadableImage, UnsupportedFormat, InvalidInput
        As for `probe`; UnreadableImage also when the decoder crashes or gets stuck, UnsupportedFormat when it needs more memory
        than it may have; InvalidInput also for a name or a pixel size that cannot be used.
    StorageFull
        The disk or the quota has no room; nothing is left behind.
    Conflict
        The file changed while it was read.
    Locked
        Another process imports this picture just now.
    Cancelled
        The token was set; what is finished is kept for the next call.
    """
    cancel = cancel or CancelToken()
    size = _checked_pixel_size(pixel_size_um)
    spec = compute or ComputeSpec("threads", workers)
    with ExitStack() as stack:
        local, shown = stack.enter_context(local_source(project, path, on_event, cancel))
        decoder = decoder or stack.enter_context(open_decoder(_limits(memory_mb)))
        hashing = stack.enter_context(hashing_of(local))
        found = read_header_of(decoder, local, role, answers or {})
        if only_one and len(found.pictures) > 1:
            raise InvalidInput(
                f"{shown} holds {len(found.pictures)} pictures, and one was expected.",
                hint="Say which by an answer to its questions, or import all of them with import_file.",
            )
        _tell_notes(found, answers or {}, on_event)
        base = _checked_name(name if name is not None else shown)
        images = []
        for header in found.pictures:
            cancel.raise_if_cancelled()
            title = f"{base} - {header.title}" if header.title else base
            wish = _Wish(local, shown, _checked_name(title), header, found, role, size)
            images.append(_import_picture(project, wish, hashing, decoder, spec, on_event, cancel))
        return tuple(images)


@dataclass(frozen=True, slots=True)
class _Wish:
    """One picture of a file that is to become an image."""

    path: Path
    shown: str
    name: str
    header: RasterHeader
    file: PictureFile
    role: Role
    pixel_size_um: tuple[float, float] | None

    @property
    def stored_size_um(self) -> tuple[float, float] | None:
        """Size (y, x) of an upright pixel."""
        size = self.header.pixel_size_um
        turned = size and self.header.orientation >= 5
        return self.pixel_size_um or ((size[1], size[0]) if size and turned else size)

    def settings(self) -> dict[str, Any]:
        """Return what decides, beside the bytes of the file, how the image comes out."""
        header = self.header
        return {
            "part": header.part,
            "stack": [list(axis) for axis in header.stack],
            "role": self.role,
            "pixel_size_um": self.pixel_size_um,
            "channels": header.channels,
            "engine": _ENGINE,
        }


def _import_picture(
    project: Project,
    wish: _Wish,
    hashing: Hashing,
    decoder: Decoder,
    spec: ComputeSpec,
    on_event: EventSink,
    cancel: CancelToken,
) -> ImageRecord:
    known = project.images()
    same_length = any(record.source.get("bytes") == hashing.facts.bytes for record in known)  # else it is not worth waiting for
    if same_length and (twin := _twin(known, hashing.digest(cancel), wish)):
        return _told(twin, wish, on_event)
    incoming = project.layout.incoming_image(content_hash({**hashing.facts.key(), **wish.settings()}, 24))
    with hold_import(project, incoming):
        if twin := _twin(project.images(), hashing.known, wish):
            return _told(twin, wish, on_event)
        check_room(project, wish.header, incoming, decoder.limits.memory_mb * 10**6, source=wish.path, shown=wish.shown)
        return _Import(project, wish, hashing, incoming).run(decoder, spec, on_event, cancel)


def _twin(images: tuple[ImageRecord, ...], sha256: str | None, wish: _Wish) -> ImageRecord | None:
    """Return the image that was made of the same bytes in the same way."""
    if sha256 is None:
        return None
    key = _import_key(sha256, wish)
    return next((record for record in images if record.source.get("import_key") == key), None)


def _import_key(sha256: str, wish: _Wish) -> str:
    return content_hash({"sha256": sha256, **wish.settings()}, 24)


def _told(twin: ImageRecord, wish: _Wish, on_event: EventSink) -> ImageRecord:
    called = "" if twin.name == wish.name else f", where it is called {twin.name}"
    on_event(Log(f"{wish.name} is in the project already (image {twin.id}{called})."))
    return twin


class _Import:
    """One import under way, in its incoming folder."""

    def __init__(self, project: Project, wish: _Wish, hashing: Hashing, incoming: ImageLayout) -> None:
        self.project, self.wish, self.hashing, self.incoming = project, wish, hashing, incoming
        self.plan = plan_of(wish.header, wish.role)

    def run(self, decoder: Decoder, spec: ComputeSpec, on_event: EventSink, cancel: CancelToken) -> ImageRecord:
        """Make or finish the image; on any error but a cancel nothing is left."""
        try:
            with explain_os_errors(self.incoming.root):
                self.incoming.root.mkdir(parents=True, exist_ok=True)
                job = self._job()
                built = self._build(job, decoder, spec, on_event, cancel)
                return self._publish(job, built, on_event, cancel)
        except (Cancelled, KeyboardInterrupt, SystemExit):
            raise  # what is finished stays for the next call
        except BaseException:
            remove_incoming(self.incoming)
            raise

    def _job(self) -> ImportJob:
        """Return which id the image will have; noted before anything is written under it elsewhere."""
        if record := self._known_record():
            return ImportJob(id=record.id, url=record.url)
        try:
            return load_record(self.incoming.job, ImportJob)
        except (LookupError, CorruptStore):
            image_id = new_id()
            base = self.project.record.images_url
            job = ImportJob(id=image_id, url=None if base is None else f"{base.rstrip('/')}/{image_id}")
            save_record(self.incoming.job, job)
            return job

    def _addresses(self, job: ImportJob) -> tuple[str, str]:
        if job.url is None:
            return str(self.incoming.store), str(self.incoming.alpha)
        return f"{job.url}/{self.incoming.store.name}", f"{job.url}/{self.incoming.alpha.name}"

    def _build(self, job: ImportJob, decoder: Decoder, spec: ComputeSpec, on_event: EventSink, cancel: CancelToken) -> dict[str, Any]:
        remove_unfinished_files(self.incoming.root)
        target, alpha_target = self._addresses(job)
        arguments = {
            "path": str(self.wish.path),
            "header": self.wish.header,
            "role": self.wish.role,
            "target": target,
            "alpha_target": alpha_target,
            "ledger_path": str(self.incoming.ledger),
            "scratch": str(self.incoming.scratch),
            "compute": spec,
        }
        header = self.wish.header
        longest = decoder.limits.stall_s + (0 if header.layout == "tiled" else header.declared_bytes / _SLOWEST_BYTES_PER_S)
        task = "labkit.tiling.building:build_stores"
        found: dict[str, Any] = decoder.run(task, arguments, what=self.wish.shown, stall_s=longest, on_event=on_event, cancel=cancel)
        return found

    def _publish(self, job: ImportJob, built: dict[str, Any], on_event: EventSink, cancel: CancelToken) -> ImageRecord:
        sha256 = self.hashing.digest(cancel)
        self.hashing.check_unchanged()
        if twin := _twin(self.project.images(), sha256, self.wish):  # the same bytes under another name, imported meanwhile
            remove_incoming(self.incoming)
            return _told(twin, self.wish, on_event)
        alpha = self.plan.alpha and not built["opaque"]
        self._write_metadata(job, built, alpha)
        record = self._known_record() or self._record(job, sha256, alpha)
        if job.url is not None:  # last of all objects: who finds it finds all
            open_objects(job.url).write(self.incoming.record.name, [record.model_dump_json(indent=2).encode()])
        save_record(self.incoming.record, record)
        self.incoming.job.unlink(missing_ok=True)
        publish_folder(self.incoming.root, self.project.layout.image(record.id).root)
        return record

    def _write_metadata(self, job: ImportJob, built: dict[str, Any], alpha: bool) -> None:
        header, wish = self.wish.header, self.wish
        target, alpha_target = self._addresses(job)
        bits = min(header.significant_bits or 64, 8 * np.dtype(header.dtype).itemsize)
        windows = [(float(start), float(end)) for start, end in built["windows"]]
        displays = channel_displays(self.plan, windows, bits=bits, names=header.channel_names, colours=header.channel_colours)
        common: dict[str, Any] = {"pixel_size_um": wish.stored_size_um, "z_step_um": header.z_step_um, "t_step_s": header.t_step_s}
        for key, data in store_objects(self.plan, name=wish.name, channels=displays, **common).items():
            open_objects(target).write(key, [data])
        if alpha:
            plan = alpha_plan(self.plan)
            for key, data in store_objects(plan, name=f"{wish.name} (alpha)", channels=(), **common).items():
                open_objects(alpha_target).write(key, [data])
        else:
            open_objects(alpha_target).remove()
        if header.icc_profile is not None:
            write_bytes(self.incoming.profile, header.icc_profile)

    def _known_record(self) -> ImageRecord | None:
        """Return the manifest of an import that was killed between it and the rename."""
        try:
            return load_record(self.incoming.record, ImageRecord)
        except (LookupError, CorruptStore):
            return None

    def _record(self, job: ImportJob, sha256: str, alpha: bool) -> ImageRecord:
        wish, header = self.wish, self.wish.header
        return ImageRecord(
            id=job.id,
            name=wish.name,
            sha256=sha256,
            axes=self.plan.axes,
            shape=self.plan.shape(0),
            dtype=self.plan.dtype,
            levels=self.plan.sizes,
            pixel_size_um=wish.stored_size_um,
            role=wish.role,
            channel_names=header.channel_names,
            z_step_um=header.z_step_um,
            t_step_s=header.t_step_s,
            alpha=alpha,
            nodata=self.plan.nodata,
            url=job.url,
            source={
                "file_name": wish.shown,
                "bytes": self.hashing.facts.bytes,
                "format": header.format,
                "layout": header.layout,
                "bits": header.bits,
                "significant_bits": header.significant_bits,
                "orientation": header.orientation,
                "alpha_dropped": header.alpha and not alpha,
                "part": header.title or None,
                "import_key": _import_key(sha256, wish),
                "notes": " ".join((*wish.file.notes, *header.notes)) or None,
            },
            software=f"labkit-studio {version('labkit-studio')}",
            imported=utc_now(),
        )


def _limits(memory_mb: int | None) -> Any:
    limits = LibrarySettings().imports
    if memory_mb is None:
        return limits
    if memory_mb < 64:
        raise InvalidInput(f"{memory_mb} MB are not enough to decode a picture.", hint="Give at least 64.")
    return limits.model_copy(update={"memory_mb": memory_mb})


def _tell_notes(found: PictureFile, answers: Mapping[str, str], on_event: EventSink) -> None:
    for question in found.questions:
        if question.key not in answers:
            text = next(option.text for option in question.options if option.value == question.default)
            on_event(Log(f"{question.text} Taken as: {text} ({question.key}={question.default}).", "warning"))
    for note in dict.fromkeys((*found.notes, *(note for header in found.pictures for note in header.notes))):
        on_event(Log(note))


def _checked_name(name: str) -> str:
    """Return the name of an image: any text of one line; it is data, never a file name."""
    clean = unicodedata.normalize("NFC", re.sub(r"[\x00-\x1f\x7f]", " ", name.encode(errors="replace").decode())).strip()
    if not clean or len(clean) > _LONGEST_NAME:
        raise InvalidInput("The image's name is empty or too long.", hint=f"Give a name of 1 to {_LONGEST_NAME} characters.")
    return clean


def _checked_pixel_size(pixel_size_um: tuple[float, float] | None) -> tuple[float, float] | None:
    if pixel_size_um is None:
        return None
    y, x = (float(v) for v in pixel_size_um)
    if not (0 < y < 1e9 and 0 < x < 1e9):
        raise InvalidInput(f"A pixel cannot be {y} x {x} micrometres large.", hint="Give two positive numbers (y, x).")
    return y, x
