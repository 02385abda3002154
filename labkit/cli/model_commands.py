"""`labkit train`, `predict` and `analyse`: from a training set to a measured result."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click
from pydantic import ValidationError

from labkit.analysis import analyse
from labkit.cli.app import long_command, project_option
from labkit.cli.console import Answer
from labkit.cli.project_commands import open_project
from labkit.cli.run_commands import DURATION, standing
from labkit.errors import InvalidInput
from labkit.events import CancelToken, EventSink
from labkit.inference import PredictSettings, open_prediction, predict
from labkit.runs import Run
from labkit.runs.records import Where
from labkit.training import TrainConfig, open_model
from labkit.work import result_of, start_training, trained_before

__all__ = ["analyse_command", "predict_command", "train_command"]


@click.command("train")
@click.argument("training_set")
@click.option("--model", default="unet", show_default=True, help="Name of the model.")
@click.option("--architecture", default="unet-s", show_default=True, help="Which network; 'labkit model architectures' lists them.")
@click.option("--encoder", "encoder_weights", default=None, help="Pretrained encoder: a name in the admin's cache, a file, or s3://.")
@click.option("--encoder-sha256", default=None, help="What the encoder's file must hash to.")
@click.option("--encoder-licence", default="", help="Licence of the encoder's file.")
@click.option("--licence", default="", help="Under which others may use the model.")
@click.option("--threads", type=int, default=None, help="CPU threads to compute with; default: torch's own number.")
@click.option("--epochs", type=int, default=15, show_default=True, help="Looks at the validation part.")
@click.option("--steps-per-epoch", type=int, default=None, help="Default: each chip once, at least 20.")
@click.option("--batch-size", type=int, default=4, show_default=True, help="Chips per step.")
@click.option("--learning-rate", type=float, default=3e-3, show_default=True, help="At the top of the schedule.")
@click.option("--crop", "crop_px", type=int, default=96, show_default=True, help="Side of the pieces taken of chips, in pixels.")
@click.option("--patience", type=int, default=None, help="Stop after so many epochs without a better score.")
@click.option(
    "--class-weights", type=click.Choice(["equal", "balanced"]), default="equal", show_default=True, help="Weigh rare classes up."
)
@click.option("--augment", default="default", show_default=True, help="default or none, with changes: default,rotate_deg=30,scale=0.2.")
@click.option("--precision", type=click.Choice(["auto", "float32", "mixed"]), default="auto", show_default=True, help="mixed needs a GPU.")
@click.option("--workers", type=int, default=None, help="Programs that prepare batches: 0, 1, 2 or 4.")
@click.option("--results-url", default=None, help="s3:// prefix that checkpoints and the model are copied to.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of weights, sampling and augmentation.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--separate/--no-separate", "separate_objects", default=True, show_default=True, help="Learn to part touching objects.")
@click.option("--resume", "resume_from", default=None, help="Id of a run to go on from.")
@click.option("--notebook", type=click.Path(readable=False, path_type=Path), default=None, help="Another notebook to train with.")
@click.option("--time-limit", type=DURATION, default=None, help="Longest time that it may compute: 90s, 30m, 2h.")
@click.option("--on", "where", type=click.Choice(["here", "hub"]), default="here", show_default=True, help="Where it is carried out.")
@click.option("--course", default=None, help="For which of your courses the hub computes.")
@click.option("--profile", default=None, help="Kind of the hub's server; default: the first that you may use.")
@click.option("--reuse", is_flag=True, help="Take the model of a run that has done the same already, if there is one.")
@click.option("--detach", is_flag=True, help="Do not wait: it goes on by itself.")
@project_option
@long_command
def train_command(
    project_path: Path | None,
    notebook: Path | None,
    time_limit: float | None,
    where: Where,
    course: str | None,
    profile: str | None,
    reuse: bool,
    detach: bool,
    on_event: EventSink,
    cancel: CancelToken,
    **wish: object,
) -> Answer:
    """Train a model on TRAINING_SET (its name, or name@hash) as a run, and wait for it."""
    project = open_project(project_path)
    try:
        config = TrainConfig.model_validate({"project": str(project.path), **wish})
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).removesuffix("_px").replace("_", "-") if first["loc"] else "options"
        raise InvalidInput(f"--{option}: {first['msg']}.", hint="See 'labkit train --help'.") from error
    done = trained_before(project, config, notebook) if reuse else None
    run = done or start_training(project, config, notebook, time_limit, where=where, course=course, profile=profile)
    if detach:
        return standing(run, reused=done is not None)
    result = result_of(run, on_event=on_event, cancel=cancel)
    model = open_model(project, str(result["model"]))
    scores = model.card.scores.get("test") or model.card.scores.get("val")
    lines = [f"Model {model.key}, made by run {run.spec.id}{_already(run) if done else ''}", f"  notebook: {run.layout.notebook}"]
    if scores is not None:
        part = "test" if "test" in model.card.scores else "val"
        lines += [
            f"  Dice on {part}: {c.name} {'-' if value is None else format(value, '.3f')}"
            for c, value in zip(model.card.plan.classes, scores.dice[1:], strict=True)
        ]
    return Answer({"run": run.spec.id, "notebook": str(run.layout.notebook), "reused": done is not None, **result}, tuple(lines))


def _already(run: Run) -> str:
    return f" on {run.spec.created:%Y-%m-%d} already; nothing was computed"


@click.command("predict")
@click.argument("image")
@click.option("--model", required=True, help="NAME or NAME/VERSION.")
@click.option("--min-area", "min_area_px", type=int, default=16, show_default=True, help="Smaller objects (pixels) are dropped.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, help="Where to compute.")
@project_option
@long_command
def predict_command(
    image: str, model: str, min_area_px: int, device: str, project_path: Path | None, on_event: EventSink, cancel: CancelToken
) -> Answer:
    """Let a model segment IMAGE (its id or name)."""
    project = open_project(project_path)
    if min_area_px < 0:
        raise InvalidInput("--min-area cannot be negative.", hint="Use 0 to keep every object.")
    settings = PredictSettings(min_area_px=min_area_px)
    result = predict(project, image, model, settings=settings, device=device, on_event=on_event, cancel=cancel)
    lines = (f"{result.record.objects} object(s) in {result.record.image_name}", f"  prediction {result.key}", f"  {result.layout.labels}")
    return Answer(result.record.model_dump(mode="json") | {"key": result.key, "labels": str(result.layout.labels)}, lines)


@click.command("analyse")
@click.argument("prediction", required=False)
@click.option("--author", default=None, help="Whose annotations are the truth.")
@click.option(
    "--region", type=click.Choice(["auto", "all"]), default="auto", show_default=True, help="auto: the test part if there is one."
)
@project_option
@long_command
def analyse_command(
    prediction: str | None,
    author: str | None,
    region: Literal["auto", "all"],
    project_path: Path | None,
    on_event: EventSink,
    cancel: CancelToken,
) -> Answer:
    """Score PREDICTION (default: the newest), measure its objects, write the report."""
    project = open_project(project_path)
    found = open_prediction(project, prediction)
    analysis = analyse(project, found, author=author, region=region, on_event=on_event, cancel=cancel)
    record = analysis.record
    scores = "no annotations to compare with" if record.dice is None else f"Dice {record.dice:.3f}, IoU {record.iou:.3f} ({record.region})"
    lines = (f"{record.image}: {record.objects_in_picture} object(s), {scores}", f"  {found.layout.report}")
    files = {"report": str(found.layout.report), "overlay": str(found.layout.overlay), "objects": str(found.layout.objects)}
    return Answer(record.model_dump(mode="json") | files, lines)
