"""What students do to notebooks, graded in containers: the table in docs/abuse.md is what comes of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from labkit.courses.grading import Batch, ContainerShape, SlotVolume, grade_batch
from labkit.courses.grading.labels import BATCH_LABEL
from labkit.courses.records import GradeResult
from labkit.events import Event, Metric
from labkit.testing.abuse import abuse_batch, compare_with_docs, rows_of
from labkit.testing.grading import assignment, submission

pytestmark = pytest.mark.docker
DOCS = Path(__file__).parents[2] / "docs" / "abuse.md"
IMAGE = os.environ.get("LABKIT_TEST_GRADING_IMAGE", "labkit/student-small:local")


@dataclass(frozen=True)
class Abused:
    """All submissions, graded in one batch."""

    results: dict[str, GradeResult]
    out: Path
    worker_mb: list[float]


@pytest.fixture(scope="module")
def abused(images: str, tmp_path_factory: pytest.TempPathFactory) -> Abused:
    assert images
    folder = tmp_path_factory.mktemp("abuse")
    sources, submissions = abuse_batch(folder, "container")
    events: list[Event] = []
    batch = Batch(sources, submissions, folder / "out")
    shape = ContainerShape(image=IMAGE)
    results = {result.submission: result for result in grade_batch(batch, shape=shape, workers=3, on_event=events.append)}
    return Abused(results, folder / "out", [event.value for event in events if isinstance(event, Metric) and event.name == "worker_mb"])


def test_table_of_the_docs_is_what_comes_of_it(abused: Abused) -> None:
    """Scores and notes are those of the table; ``LABKIT_DOCS=docs/abuse.md`` writes it anew."""
    target = os.environ.get("LABKIT_DOCS")
    rows = rows_of(list(abused.results.values()))
    assert compare_with_docs(Path(target) if target else DOCS, "container", rows, write=bool(target)) == []


def test_none_costs_more_than_its_own_points(abused: Abused) -> None:
    """Each submission has a result of its own containers, and later independent questions earned their points."""
    assert {(result.state, result.isolation) for result in abused.results.values()} == {("graded", "container")}
    unreadable = {"cut", "large", "name", "anything"}
    points = {id_: {score.item.id: score.points for score in result.scores} for id_, result in abused.results.items()}
    assert all(found["table_test"] == 1 for id_, found in points.items() if id_ not in unreadable)


def test_worker_does_not_grow_with_what_a_kernel_sends(abused: Abused) -> None:
    """The largest worker, floods included, is not much larger than the smallest."""
    assert max(abused.worker_mb) < min(abused.worker_mb) + 150


def test_no_container_is_left(abused: Abused, engine: docker.APIClient) -> None:
    """Neither of a kernel nor of the scorer."""
    assert abused.results
    assert engine.containers(all=True, filters={"label": BATCH_LABEL}) == []


@pytest.fixture
def slots(images: str, engine: docker.APIClient) -> Iterator[tuple[SlotVolume, ...]]:
    """Two volumes in memory; a container keeps them mounted, as a worker's own does."""
    assert images
    if os.geteuid() != 0:
        pytest.skip("the volumes of an engine are root's")
    names = [f"labkit-test-slot-{k}" for k in range(2)]
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=64m,uid=1000,mode=0700"}
    places = [Path(engine.create_volume(name, driver_opts=options)["Mountpoint"]) for name in names]
    host = engine.create_host_config(binds={name: {"bind": f"/{name}", "mode": "rw"} for name in names}, network_mode="none")
    keeper = engine.create_container(IMAGE, ["sleep", "600"], host_config=host)["Id"]
    try:
        engine.start(keeper)
        yield tuple(SlotVolume(volume=name, path=place) for name, place in zip(names, places, strict=True))
    finally:
        engine.remove_container(keeper, force=True)
        for name in names:
            engine.remove_volume(name)


def test_slots_that_are_volumes(slots: tuple[SlotVolume, ...], tmp_path: Path) -> None:
    """A worker that is in a container itself shares volumes with its kernels, each bounded by its size, and leaves them empty."""
    source = assignment(tmp_path / "ps1")
    batch = Batch({1: source}, {"one": (submission(source, tmp_path / "one"), 1)}, tmp_path / "out")
    (result,) = grade_batch(batch, shape=ContainerShape(image=IMAGE, slots=slots))
    assert result.points == 9
    assert [list(slot.path.iterdir()) for slot in slots] == [[], []]
