"""Import: a picture file becomes an image of a project, or leaves nothing behind."""

from __future__ import annotations

import re
import shutil
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

from labkit.compute import ComputeSpec, available_workers
from labkit.config import LibrarySettings
from labkit.errors import Cancelled, CorruptStore, InvalidInput, Locked, StorageFull
from labkit.events import CancelToken, EventSink, Log, ignore_events
from labkit.formats.ome_zarr import Role, multiscale_attributes, store_metadata
from labkit.formats.pictures import open_raster, read_header
from labkit.formats.raster import RasterHeader
from labkit.project import ImageRecord, Project
from labkit.storage import (
    INCOMING_PREFIX,
    ImageLayout,
    content_hash,
    explain_os_errors,
    file_sha256,
    hold_lock,
    load_record,
    new_id,
    publish_folder,
    remove_tree,
    save_record,
    utc_now,
    write_bytes,
)
from labkit.tiling.engine import build_pyramid
from labkit.tiling.ledger import Ledger, ShardFacts
from labkit.tiling.plan import PyramidPlan, level_sizes
from labkit.tiling.probing import Probe, probe_of

__all__ = ["available_workers", "import_image", "write_store_metadata"]

_ENGINE = 1  # raise when stores come out differently: unfinished imports of another engine are not continued
_RESERVE_BYTES = 5 * 10**9  # left free for everything else, where no quota is set
_ABANDONED_S = 7 * 24 * 3600.0
_LONGEST_NAME = 1000


def import_image(
    project: Project,
    path: Path | str,
    *,
    name: str | None = None,
    pixel_size_um: tuple[float, float] | None = None,
    role: Role = "image",
    workers: int | None = None,
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> ImageRecord:
    """Import a PNG, JPEG or TIFF into `project` as OME-Zarr 0.5 with all its levels.

    The same file under the same name and settings is imported once: a second call returns the image that is there, a call
    after a crash goes on where the first was killed.

    Parameters
    ----------
    project : Project
        Where the image goes.
    path : path
        The picture file; it is not changed.
    name : str, optional
        Name of the image; by default that of the file.
    pixel_size_um : (float, float), optional
        Size (y, x) of a pixel in micrometres, where the file does not say it or is wrong.
    role : {"image", "labels"}
        Labels are ids: they go down by mode, and a palette is not expanded.
    workers : int, optional
        Threads; by default one per core, at most 8.
    on_event : callable, optional
        Called with `labkit.events.Progress` (unit "tiles") and notes.
    cancel : CancelToken, optional
        Looked at between tiles.

    Returns
    -------
    ImageRecord
        The finished image.

    Raises
    ------
    NotFound, UnreadableImage, UnsupportedFormat
        As for `probe`, and for what only the pixels tell.
    StorageFull
        The disk or the quota has no room; nothing is left behind.
    InvalidInput
        The name or the pixel size cannot be used.
    Locked
        Another process imports this picture just now.
    Cancelled
        The token was set; what is finished is kept for the next call.
    """
    source_path = Path(path).expanduser()
    header = read_header(source_path, role)
    facts = probe_of(header)
    name = _checked_name(name if name is not None else source_path.name)
    pixel_size_um = _checked_pixel_size(pixel_size_um) or facts.pixel_size_um
    for note in facts.notes:
        on_event(Log(note, "warning" if facts.pages > 1 else "info"))
    with explain_os_errors(source_path):
        sha256 = file_sha256(source_path)
    key = content_hash({"sha256": sha256, "name": name, "pixel_size_um": pixel_size_um, "role": role, "engine": _ENGINE}, 24)
    incoming = project.layout.incoming_image(key)
    with _hold_import(project, incoming):
        if twin := _imported_already(project, key):
            on_event(Log(f"{name} is in the project already (image {twin.id})."))
            return twin
        _check_room(project, source_path, header, incoming)
        job = _Import(project, source_path, header, facts, incoming, key, sha256, name, pixel_size_um, role)
        return job.run(workers or available_workers(), on_event, cancel or CancelToken())


class _Import:
    """One import under way, in its incoming folder."""

    def __init__(
        self,
        project: Project,
        path: Path,
        header: RasterHeader,
        facts: Probe,
        incoming: ImageLayout,
        key: str,
        sha256: str,
        name: str,
        pixel_size_um: tuple[float, float] | None,
        role: Role,
    ) -> None:
        self.project, self.path, self.header, self.facts, self.incoming = project, path, header, facts, incoming
        self.key, self.sha256, self.name, self.pixel_size_um, self.role = key, sha256, name, pixel_size_um, role

    def run(self, workers: int, on_event: EventSink, cancel: CancelToken) -> ImageRecord:
        """Make or finish the image; on any error but a cancel nothing is left."""
        try:
            with explain_os_errors(self.incoming.root):
                plan = self._build(workers, on_event, cancel)
                return self._publish(plan)
        except (Cancelled, KeyboardInterrupt, SystemExit):
            raise  # what is finished stays for the next call
        except BaseException:
            remove_tree(self.incoming.root)
            raise

    def _build(self, workers: int, on_event: EventSink, cancel: CancelToken) -> PyramidPlan:
        self.incoming.root.mkdir(parents=True, exist_ok=True)
        _remove_unfinished_files(self.incoming.root)
        source = open_raster(self.path, self.header, self.role, self.incoming.root / "scratch.raw")
        if True:
            plan = PyramidPlan(
                sizes=level_sizes(*source.shape[-2:]),
                channels=source.shape[0] if len(source.shape) == 3 else None,
                dtype=source.dtype.name,
                role=self.role,
            )
            write_store_metadata(self.incoming.store, plan, name=self.name, pixel_size_um=self.pixel_size_um, bits=self.facts.bits)
            ledger = Ledger(self.incoming.ledger)
            _forget_what_is_not_there(ledger, self.incoming, plan)
            build_pyramid(
                lambda: source,
                plan,
                self.incoming.store,
                ledger,
                compute=ComputeSpec("threads", workers),
                memory_bytes=2**30,
                stage="import",
                on_event=on_event,
                cancel=cancel,
            )
        return plan

    def _publish(self, plan: PyramidPlan) -> ImageRecord:
        record = self._record(plan)
        save_record(self.incoming.record, record)
        publish_folder(self.incoming.root, self.project.layout.image(record.id).root)
        return record

    def _record(self, plan: PyramidPlan) -> ImageRecord:
        try:  # killed between manifest and rename
            return load_record(self.incoming.record, ImageRecord)
        except (LookupError, CorruptStore):
            pass
        return ImageRecord(
            id=new_id(),
            name=self.name,
            sha256=self.sha256,
            axes=plan.axes,
            shape=plan.shape(0),
            dtype=plan.dtype,
            levels=plan.sizes,
            pixel_size_um=self.pixel_size_um,
            role=self.role,
            source={
                "file_name": self.path.name,
                "bytes": self.path.stat().st_size,
                "format": self.facts.format,
                "layout": self.facts.layout,
                "bits": self.facts.bits,
                "orientation": self.facts.orientation,
                "alpha_dropped": self.facts.alpha,
                "import_key": self.key,
                "notes": " ".join(self.facts.notes) or None,
            },
            software=f"labkit-studio {version('labkit-studio')}",
            imported=utc_now(),
        )


def write_store_metadata(
    store: Path,
    plan: PyramidPlan,
    *,
    name: str,
    pixel_size_um: tuple[float, float] | None,
    bits: int | None = None,
    image_label: dict[str, object] | None = None,
) -> None:
    """Write the ``zarr.json`` files of an OME-Zarr group and its levels."""
    attributes = multiscale_attributes(
        name=name, axes=plan.axes, levels=len(plan.sizes), pixel_size_um=pixel_size_um, role=plan.role, bits=bits, image_label=image_label
    )
    shapes = [plan.shape(k) for k in range(len(plan.sizes))]
    for key, data in store_metadata(attributes, shapes, plan.dtype, plan.axes, plan.role).items():
        write_bytes(store / key, data)


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


def _imported_already(project: Project, key: str) -> ImageRecord | None:
    return next((r for r in project.images() if r.source.get("import_key") == key), None)


@contextmanager
def _hold_import(project: Project, incoming: ImageLayout) -> Iterator[None]:
    """Be the only one to import this picture; the lock lies beside the folder, which is renamed when it is finished."""
    lock = _lock_of(incoming.root)
    with hold_lock(lock, timeout_s=0.5, what="this image: it is being imported just now"):
        _remove_abandoned(project, incoming)
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)  # while it is held, so that nobody holds a lock that has no name


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + ".lock")


def _remove_abandoned(project: Project, mine: ImageLayout) -> None:
    """Remove what imports left that nobody has gone on with for a week: folders, and locks whose folder is gone."""
    left = {f.with_name(f.name.removesuffix(".lock")) for f in project.layout.images.glob(f"{INCOMING_PREFIX}*")}
    for folder in left - {mine.root}:
        try:
            if time.time() - _last_write(folder) < _ABANDONED_S:
                continue
            with hold_lock(_lock_of(folder), timeout_s=0):
                remove_tree(folder)
                _lock_of(folder).unlink(missing_ok=True)
        except (Locked, FileNotFoundError):  # somebody is at work on it, or has just finished
            continue


def _last_write(folder: Path) -> float:
    ledger = ImageLayout(folder).ledger
    return next(p for p in (ledger, folder, _lock_of(folder)) if p.exists() or p == _lock_of(folder)).stat().st_mtime


def _remove_unfinished_files(folder: Path) -> None:
    for file in (*folder.rglob(f"{INCOMING_PREFIX}*"), folder / "scratch.raw"):
        file.unlink(missing_ok=True)


def _forget_what_is_not_there(ledger: Ledger, incoming: ImageLayout, plan: PyramidPlan) -> None:
    """Drop from the ledger what a lost disk cache or a person took away since."""
    for node, facts in ledger.entries():
        try:
            data = (incoming.store / plan.shard_key(node)).read_bytes()
        except FileNotFoundError:
            data = b""
        if ShardFacts.of(data) != facts.image:
            ledger.forget(node, plan.top)


def _check_room(project: Project, path: Path, header: RasterHeader, incoming: ImageLayout) -> None:
    """Refuse by the declared size, before a pixel is decoded; lossless levels of noise take 4/3 of the raw size."""
    scratch = header.declared_bytes if header.layout == "strips" else 0
    needed = max(header.declared_bytes * 4 // 3 + scratch - _bytes_below(incoming.root), 0)
    with explain_os_errors(project.path):
        free = shutil.disk_usage(project.path).free
        quota = LibrarySettings().quota_gb
        room = free - _RESERVE_BYTES if quota is None else min(free, int(quota * 1e9) - _bytes_below(project.layout.images))
    if needed > room:
        raise StorageFull(
            f"{path.name} needs up to {needed / 1e9:.2f} GB unpacked, and there is room for {max(room, 0) / 1e9:.2f} GB.",
            hint="Free some disk, raise LABKIT_QUOTA_GB, or import a smaller part of the picture.",
            path=str(path),
            needed_bytes=needed,
            room_bytes=room,
        )


def _bytes_below(folder: Path) -> int:
    """Count the bytes of the files in a folder; a file that another import takes away meanwhile counts nothing."""
    total = 0
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += file.stat().st_size if file.is_file() else 0
    return total
