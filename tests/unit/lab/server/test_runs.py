"""Routes of runs and models, on a Jupyter Server in the test's process; torch works in a program beside it."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.serverapp import ServerApp

from labkit.datasets import open_training_set
from labkit.events import Log, Metric, Progress
from labkit.project import Project
from labkit.runs import EventWriter, LocalRunner, RunQueue
from labkit.storage import hold_lock
from labkit.testing.learning import annotated_image, tiny_model, tiny_training_set
from labkit.testing.runs import submit_cells
from labkit_lab.server.workroom import WORKROOM_SETTING
from labkit_lab.wire_jobs import JobItem
from labkit_lab.wire_models import ModelCardItem, ModelItem, ModelList
from labkit_lab.wire_newrun import PlanReply, RunForm
from labkit_lab.wire_runs import CompareReport, RunItem, RunList, StoryItem

from .conftest import Ask

QUIET = {"no_track_activity": "1"}  # and so that no program is made ready for torch
PATIENT = {"request_timeout": 120.0}


@pytest.fixture
def project(projects_folder: Path) -> Project:
    return Project.create(projects_folder, "cells", classes=["nucleus"])


@pytest.fixture
def runner(project: Project) -> LocalRunner:
    return LocalRunner(project.layout.runs)


@pytest.fixture(autouse=True)
def _busy_device() -> Iterator[None]:
    """Somebody else computes on the device: all runs wait, and only the test writes their events."""
    queue = RunQueue().layout
    queue.root.mkdir(parents=True)
    with hold_lock(queue.device_lock("cpu", 0), what="the CPU"):
        yield


@pytest.fixture
def taught(project: Project, tmp_path: Path) -> Project:
    """A project with a training set."""
    annotated_image(project, tmp_path)
    tiny_training_set(project)
    return project


@pytest.fixture
def learned(taught: Project, tmp_path: Path) -> Project:
    """A project with two versions of a model."""
    for seed in (1, 2):
        tiny_model(taught, open_training_set(taught, "nuclei"), tmp_path / f"run-{seed}", seed=seed, steps=4)
    return taught


@pytest.fixture
def _room(jp_serverapp: ServerApp) -> Iterator[None]:
    """Let the programs for torch end with the test."""
    yield
    jp_serverapp.web_app.settings[WORKROOM_SETTING].close()


async def _post(ask: Ask, *parts: str, **body: Any) -> Any:
    return await ask(*parts, method="POST", body=json.dumps(body), **PATIENT)


async def test_the_queue_is_shown_and_changed(ask: Ask, project: Project, runner: LocalRunner) -> None:
    """Newest first, with places over all that wait for the device; moved up, cancelled, and started again as a new run."""
    first, second = (submit_cells(runner, "1 + 1") for _ in range(2))
    listed = RunList.model_validate_json((await ask("projects", project.id, "runs", params=QUIET)).body)
    assert [(run.id, run.place, run.waiting) for run in listed.runs] == [(second.id, 1, 2), (first.id, 0, 2)]

    moved = RunItem.model_validate_json((await _post(ask, "projects", project.id, "runs", second.id, "move", place=0)).body)
    assert (moved.place, first.place()) == (0, 1)
    for run in (first, second):
        cancelled = RunItem.model_validate_json((await _post(ask, "projects", project.id, "runs", run.id, "cancel")).body)
        assert (cancelled.state, cancelled.place) == ("cancelled", None)
    again = RunItem.model_validate_json((await _post(ask, "projects", project.id, "runs", first.id, "retry")).body)
    assert (again.resumes, again.attempt, again.state) == (first.id, 2, "queued")
    runner.run(again.id).cancel()


async def test_a_story_is_told_piece_by_piece(ask: Ask, project: Project, runner: LocalRunner) -> None:
    """Each answer has the points that came after the last one; who asks with a number that is not known gets all."""
    run = submit_cells(runner, "1 + 1")
    write = EventWriter(run.layout.events)
    write(Metric(1, 1, "loss", 0.5))
    write(Metric(1, 2, "loss", float("nan")))
    write(Log("Chips are few.", "warning"))
    place = ("projects", project.id, "runs", run.id, "story")
    first = StoryItem.model_validate_json((await ask(*place)).body)
    (curve,) = first.curves
    assert (curve.steps, curve.values) == ((1, 2), (0.5, None))
    assert (first.warnings, first.since, first.run.state) == (("Chips are few.",), 0, "queued")

    write(Metric(2, 3, "loss", 0.25))
    write(Progress(3, 10, "steps", "training"))
    second = StoryItem.model_validate_json((await ask(*place, params={"since": str(first.seq)})).body)
    assert [(c.name, c.steps, c.values) for c in second.curves] == [("loss", (3,), (0.25,))]
    assert (second.since, second.run.step, second.run.steps, second.run.epoch) == (first.seq, 3, 10, 2)
    third = StoryItem.model_validate_json((await ask(*place, params={"since": str(second.seq)})).body)
    assert third.curves == ()
    unknown = StoryItem.model_validate_json((await ask(*place, params={"since": "999"})).body)
    assert [len(c.steps) for c in unknown.curves] == [3]
    run.cancel()


async def test_an_answer_waits_for_news(ask: Ask, project: Project, runner: LocalRunner) -> None:
    """A question for what comes next is answered when it has come, or when another place in the queue has."""
    run = submit_cells(runner, "1 + 1")
    place = ("projects", project.id, "runs", run.id, "story")
    known = StoryItem.model_validate_json((await ask(*place)).body)
    params = {"since": str(known.seq), "standing": known.standing, "wait_s": "25"}
    waiting = asyncio.ensure_future(ask(*place, params=params, **PATIENT))
    done, _ = await asyncio.wait([waiting], timeout=1)
    assert not done
    EventWriter(run.layout.events)(Log("now"))
    heard = StoryItem.model_validate_json((await waiting).body)
    assert heard.lines == ("now",)
    other = submit_cells(runner, "1 + 1")
    waiting = asyncio.ensure_future(ask(*place, params={**params, "since": str(heard.seq), "standing": heard.standing}, **PATIENT))
    runner.move(other.id, 0)
    assert StoryItem.model_validate_json((await waiting).body).run.place == 1
    for one in (run, other):
        one.cancel()


async def test_samples_are_a_picture_or_not_there(ask: Ask, project: Project, runner: LocalRunner) -> None:
    """Before the first epoch it says so; a story names another picture by another mark."""
    run = submit_cells(runner, "1 + 1")
    assert (await ask("projects", project.id, "runs", run.id, "samples")).code == 404
    run.layout.checkpoints.root.mkdir(exist_ok=True)
    run.layout.checkpoints.samples.write_bytes(b"png")
    picture = await ask("projects", project.id, "runs", run.id, "samples")
    assert (picture.body, picture.headers["Content-Type"]) == (b"png", "image/png")
    story = StoryItem.model_validate_json((await ask("projects", project.id, "runs", run.id, "story")).body)
    assert story.samples is not None
    run.cancel()


async def test_a_foreign_run_is_not_found(ask: Ask, project: Project) -> None:
    """An id is looked up in the project's folder of runs, and never becomes a path."""
    for name in ("abcdefghijkl", "..", "%2e%2e%2fimages"):
        assert (await ask("projects", project.id, "runs", name)).code == 404


@pytest.mark.usefixtures("_room")
async def test_a_run_is_planned_refused_and_started(ask: Ask, taught: Project, runner: LocalRunner, tmp_path: Path) -> None:
    """The form's defaults give a plan; what is in the way is told at its field, all at once; what is started waits in the queue."""
    form = RunForm.model_validate_json((await ask("projects", taught.id, "runs", "form", **PATIENT)).body)
    assert "cpu" in [device.name for device in form.devices]
    assert form.defaults.architecture in [network.name for network in form.architectures]
    key = form.training_sets[0].key
    wish = {"training_set": key, **form.defaults.model_dump(), "device": "cpu", "epochs": 2}
    plan = PlanReply.model_validate_json((await _post(ask, "projects", taught.id, "runs", "plan", **wish)).body)
    assert plan.plan is not None
    assert plan.plan.total_steps == 2 * plan.plan.steps_per_epoch

    wrong = {**wish, "epochs": 0, "learning_rate": 5.0, "notebook": "/etc/passwd", "time_limit_s": -1.0}
    refused = PlanReply.model_validate_json((await _post(ask, "projects", taught.id, "runs", "plan", **wrong)).body)
    assert {problem.field for problem in refused.problems} == {"epochs", "learning_rate", "notebook", "time_limit_s"}
    for field, value in (("model", "../x"), ("architecture", "nonsense"), ("device", "cuda:9"), ("training_set", "none")):
        reply = PlanReply.model_validate_json((await _post(ask, "projects", taught.id, "runs", "plan", **{**wish, field: value})).body)
        assert [problem.field for problem in reply.problems] == [field]
    assert (await _post(ask, "projects", taught.id, "runs", **wrong)).code == 400

    response = await _post(ask, "projects", taught.id, "runs", **{**wish, "time_limit_s": 600.0})
    started = RunItem.model_validate_json(response.body)
    assert (response.code, started.state, started.title) == (201, "queued", "unet on nuclei")
    run = runner.run(started.id)
    assert (run.spec.time_limit_s, run.spec.config["patience"], run.spec.config["epochs"]) == (600.0, None, 2)
    run.cancel()
    assert (await _post(ask, "projects", taught.id, "runs", run.id, "resume")).code == 400  # it never had a checkpoint


@pytest.mark.usefixtures("_room")
async def test_models_are_shown_compared_and_shelved(ask: Ask, learned: Project) -> None:
    """The newest is what the name opens, until another is promoted; a retired one says why; settings that differ are marked."""
    models = ModelList.model_validate_json((await ask("projects", learned.id, "models", **PATIENT)).body).models
    assert [(model.key, model.opened) for model in models] == [("tiny/2", True), ("tiny/1", False)]
    place = ("projects", learned.id, "models", "tiny")
    assert ModelItem.model_validate_json((await _post(ask, *place, "1", "promote")).body).opened
    assert (await _post(ask, *place, "1", "retire", reason=" ")).code == 400
    retired = ModelItem.model_validate_json((await _post(ask, *place, "1", "retire", reason="It misses small ones.")).body)
    assert (retired.retired, retired.promoted, retired.opened) == ("It misses small ones.", False, False)
    assert ModelItem.model_validate_json((await _post(ask, *place, "1", "restore")).body).retired is None

    card = ModelCardItem.model_validate_json((await ask(*place, "2", **PATIENT)).body)
    told = {row.name: row.value for section in card.sections for row in section.rows}
    assert (told["Seed"], told["Answers"]) == ("2", "background, nucleus, border")
    response = await _post(ask, "projects", learned.id, "runs", "compare", models=["tiny/1", "tiny/2"])
    report = CompareReport.model_validate_json(response.body)
    assert [row.values for row in report.rows if row.kind == "setting" and row.differs][:1] == [("1", "2")]
    assert [[curve.epochs for curve in column.curves if curve.name == "train_loss"] for column in report.columns] == [[(1,)], [(1,)]]
    assert (await _post(ask, "projects", learned.id, "runs", "compare", models=["tiny/1"])).code == 400
    assert (await ask(*place, "9", **PATIENT)).code == 404


@pytest.mark.ci
@pytest.mark.usefixtures("_room")
async def test_a_model_goes_out_as_a_file(ask: Ask, learned: Project) -> None:
    """As ONNX, with how far its answers are from the model's own; a package without a licence is refused in words."""
    pytest.importorskip("onnxscript", reason="the part `export` is not installed")
    place = ("projects", learned.id, "models", "tiny", "1", "export")
    job = await _ended(ask, JobItem.model_validate_json((await _post(ask, *place, format="onnx")).body))
    assert job.model_file is not None, job.message
    assert (job.model_file.name, job.model_file.difference <= job.model_file.tolerance) == ("tiny 1.onnx", True)
    file = await ask("jobs", job.id, "file")
    assert hashlib.sha256(file.body).hexdigest() == job.model_file.sha256
    refused = await _ended(ask, JobItem.model_validate_json((await _post(ask, *place, format="bioimageio", authors=["Ada"])).body))
    assert (refused.state, "licence" in refused.message) == ("failed", True)


async def _ended(ask: Ask, job: JobItem) -> JobItem:
    async with asyncio.timeout(120):
        while job.state == "running":
            await asyncio.sleep(0.05)
            job = JobItem.model_validate_json((await ask("jobs", job.id)).body)
    return job
