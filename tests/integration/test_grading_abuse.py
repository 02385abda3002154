"""What students do to notebooks, graded in programs of this machine: the table in docs/abuse.md is what comes of it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from labkit.courses.grading import Batch, ProcessShape, grade_batch
from labkit.courses.records import GradeResult
from labkit.events import Event, Metric
from labkit.testing.abuse import abuse_batch, compare_with_docs, rows_of

DOCS = Path(__file__).parents[2] / "docs" / "abuse.md"


@dataclass(frozen=True)
class Abused:
    """All submissions, graded in one batch."""

    results: dict[str, GradeResult]
    out: Path
    worker_mb: list[float]


@pytest.fixture(scope="module")
def abused(tmp_path_factory: pytest.TempPathFactory) -> Abused:
    folder = tmp_path_factory.mktemp("abuse")
    sources, submissions = abuse_batch(folder, "process")
    events: list[Event] = []
    batch = Batch(sources, submissions, folder / "out")
    results = {result.submission: result for result in grade_batch(batch, shape=ProcessShape(), workers=3, on_event=events.append)}
    return Abused(results, folder / "out", [event.value for event in events if isinstance(event, Metric) and event.name == "worker_mb"])


@pytest.mark.slow
def test_table_of_the_docs_is_what_comes_of_it(abused: Abused) -> None:
    """Scores and notes are those of the table; ``LABKIT_DOCS=docs/abuse.md`` writes it anew."""
    target = os.environ.get("LABKIT_DOCS")
    rows = rows_of(list(abused.results.values()))
    assert compare_with_docs(Path(target) if target else DOCS, "process", rows, write=bool(target)) == []


@pytest.mark.slow
def test_none_costs_more_than_its_own_points(abused: Abused) -> None:
    """Each submission has a result, and where the notebook could be read, later independent questions earned their points."""
    assert {result.state for result in abused.results.values()} == {"graded"}
    points = {id_: {score.item.id: score.points for score in result.scores} for id_, result in abused.results.items()}
    unreadable = {"cut", "large", "name", "anything"}
    assert all(found["table_test"] == 1 for id_, found in points.items() if id_ not in unreadable)


@pytest.mark.slow
def test_what_was_trusted_was_never_the_kernels_word(abused: Abused) -> None:
    """Objects equal to everything pass the tests in their own kernel, and none of the checks on data."""
    scores = {score.item.id: score for score in abused.results["anything"].scores}
    assert (scores["threshold_test"].points, scores["threshold_test"].trusted) == (1, False)
    assert (scores["level_check"].points, scores["level_check"].trusted) == (0, True)


@pytest.mark.slow
def test_nothing_kept_is_large_and_cuts_are_marked(abused: Abused) -> None:
    """Executed notebooks and pages stay small, and say where output was cut."""
    files = [file for file in abused.out.rglob("*") if file.is_file()]
    assert max(file.stat().st_size for file in files) < 1_000_000
    for id_ in ("flood", "line", "display"):
        executed = abused.results[id_].notebooks[0].executed
        assert executed is not None
        assert "Output cut" in (abused.out / id_ / executed).read_text()
    json.loads((abused.out / "deep" / str(abused.results["deep"].notebooks[0].executed)).read_text(), parse_constant=pytest.fail)


@pytest.mark.slow
def test_worker_does_not_grow_with_what_a_kernel_sends(abused: Abused) -> None:
    """The largest worker, floods included, is not much larger than the smallest."""
    assert max(abused.worker_mb) < min(abused.worker_mb) + 150


@pytest.mark.slow
def test_no_program_is_left(abused: Abused) -> None:
    """Not even one that a submission started in a session of its own."""
    assert abused.results
    assert not [program for program in psutil.process_iter(["cmdline"]) if "4242" in (program.info["cmdline"] or [])]
