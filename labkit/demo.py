"""The whole path on one picture: what `labkit demo` runs, and the first lesson explains."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from labkit.analysis import Analysis, analyse
from labkit.annotations import import_annotations
from labkit.datasets import PartBox, SplitSpec, build_training_set
from labkit.errors import Cancelled, InvalidInput, RunFailed
from labkit.events import CancelToken, EventSink, Log, ignore_events
from labkit.inference import predict
from labkit.project import ImageRecord, Project
from labkit.samples import nuclei
from labkit.storage import Record, remove_tree, write_bytes
from labkit.tiling import import_image
from labkit.training import TrainConfig
from labkit.work import result_of, runner_for, start_training

__all__ = ["DemoResult", "column_split", "run_demo"]

_AUTHOR = "sample"
_SEEDS = 2**31


class DemoResult(Record):
    """What the demo found; scores and counts are of the test columns alone."""

    dice: float
    otsu_dice: float
    objects_true: int
    objects_predicted: int
    seconds: float
    report: str
    overlay: str
    project: str
    model: str
    run: str
    sample: str
    seed: int


def column_split(image: ImageRecord) -> SplitSpec:
    """Return the split of the 512-pixel sample: columns 0-320 to learn, 352-512 to measure, the rest left out."""
    height = image.height_px
    bands = (("train", 0, 272), ("val", 280, 320), ("test", 352, 512))
    return SplitSpec(kind="boxes", boxes=tuple(PartBox(image=image.id, part=part, box=(0, x0, height, x1)) for part, x0, x1 in bands))


def run_demo(out: Path, *, seed: int = 0, on_event: EventSink = ignore_events, cancel: CancelToken | None = None) -> DemoResult:
    """Walk the whole path: picture, project, annotations, training set, training, prediction, analysis.

    Parameters
    ----------
    out : Path
        Gets ``project/``, ``report.html`` and ``overlay.png``.
    seed : int
        Of the training.

    Raises
    ------
    AlreadyExists
        `out` holds a project already.
    InvalidInput
        The seed is negative or too large.
    StorageFull, NotWritable
        The disk has no room, or `out` cannot be written; nothing is left there.
    Cancelled
        The token was set; the run is stopped and nothing is left.
    """
    if not 0 <= seed < _SEEDS:
        raise InvalidInput(f"The seed {seed} cannot be used.", hint=f"Use 0 to {_SEEDS - 1}.")
    started = time.monotonic()
    out = out.expanduser().absolute()
    new = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        project = Project.create(out, "project", title="Demo: nuclei", classes=["nucleus"])
        try:
            analysis, model, run, sample = _walk(project, seed, on_event, cancel or CancelToken())
            layout = analysis.prediction.layout
            for source, target in ((layout.report, out / "report.html"), (layout.overlay, out / "overlay.png")):
                write_bytes(target, source.read_bytes())
        except BaseException:
            _stop_runs(project)
            remove_tree(project.path)
            raise
    except BaseException as error:
        _remove_empty(new)
        if isinstance(error, Cancelled):  # what these hint at lay in the project
            raise Cancelled("Cancelled.", hint="Start the demo again; nothing of it was kept.") from error
        if isinstance(error, RunFailed):
            raise RunFailed(error.message, hint="See whether 'labkit doctor' finds a fault.") from error
        raise
    record = analysis.record
    return DemoResult(
        dice=record.dice or 0.0,
        otsu_dice=record.otsu_dice or 0.0,
        objects_true=record.objects_true or 0,
        objects_predicted=record.objects_predicted,
        seconds=round(time.monotonic() - started, 1),
        report=str(out / "report.html"),
        overlay=str(out / "overlay.png"),
        project=str(project.path),
        model=model,
        run=run,
        sample=sample,
        seed=seed,
    )


def _stop_runs(project: Project) -> None:
    """Let nothing go on working in a folder that is about to be removed (a second Ctrl-C does not wait for the run)."""
    for run in runner_for(project).runs():
        run.cancel()
        run.wait()


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _walk(project: Project, seed: int, on_event: EventSink, cancel: CancelToken) -> tuple[Analysis, str, str, str]:
    on_event(Log("Getting the sample picture"))
    sample = nuclei(on_event=on_event)
    with tempfile.TemporaryDirectory() as folder:
        image_path, labels_path = sample.write(Path(folder))
        image = import_image(project, image_path, on_event=on_event, cancel=cancel)
        if labels_path is None:
            raise InvalidInput("The sample has no label image.", hint="Remove the cache of samples and try again.")
        import_annotations(project, image, labels_path, author=_AUTHOR, class_name="nucleus", on_event=on_event)
    data = build_training_set(project, "nuclei", author=_AUTHOR, split=column_split(image), on_event=on_event, cancel=cancel)
    on_event(Log("Training"))
    config = TrainConfig(project=str(project.path), training_set=data.key, model="nuclei", seed=seed)
    run = start_training(project, config)
    model = str(result_of(run, on_event=on_event, cancel=cancel)["model"])
    on_event(Log("Predicting and measuring"))
    prediction = predict(project, image.id, model, on_event=on_event, cancel=cancel)
    analysis = analyse(project, prediction, on_event=on_event, cancel=cancel)
    return analysis, model, run.spec.id, sample.origin
