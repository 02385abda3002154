"""What every runner does: a class of tests that each runner's own tests inherit."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.errors import InvalidInput, NotFound
from labkit.runs import Run, Runner
from labkit.testing.runs import WRITE_RESULT, cells_spec, wait_until

__all__ = ["RunnerContract"]


class RunnerContract:
    """Tests of a runner; a subclass gives the fixtures `runner` and `busy_runner`.

    ``runner`` is a `labkit.runs.Runner` with an empty queue whose device is free, ``busy_runner`` one whose device is taken
    by something else until the test is over, so that what is submitted waits.
    """

    def test_it_is_a_runner(self, busy_runner: Runner) -> None:
        """It has what the protocol asks for."""
        assert isinstance(busy_runner, Runner)

    def test_a_run_is_carried_out(self, runner: Runner, tmp_path: Path) -> None:
        """What was submitted is done in its turn, gives its result, and leaves the queue."""
        run = runner.submit(cells_spec(tmp_path, WRITE_RESULT))
        assert run.wait(timeout_s=120).state == "done"
        assert run.result() == {"answer": 42}
        wait_until(lambda: runner.queue() == ())
        assert [r.id for r in runner.runs()] == [run.id]

    def test_runs_wait_in_the_order_of_their_submission(self, busy_runner: Runner, tmp_path: Path) -> None:
        """Submitting returns at once; the place counts from 0."""
        runs = [busy_runner.submit(cells_spec(tmp_path, WRITE_RESULT)) for _ in range(3)]
        assert [run.state for run in runs] == ["queued"] * 3
        assert [run.place() for run in runs] == [0, 1, 2]
        assert [(e.run_id, e.place, e.state) for e in busy_runner.queue()] == [(r.id, k, "queued") for k, r in enumerate(runs)]
        assert [run.id for run in busy_runner.runs()] == [run.id for run in runs]

    @pytest.mark.parametrize(("which", "place", "order"), [(2, 0, [2, 0, 1]), (0, 1, [1, 0, 2]), (0, 99, [1, 2, 0]), (1, 1, [0, 1, 2])])
    def test_a_waiting_run_is_moved(self, busy_runner: Runner, tmp_path: Path, which: int, place: int, order: list[int]) -> None:
        """It takes the given place, the others keep their order."""
        runs = [busy_runner.submit(cells_spec(tmp_path, WRITE_RESULT)) for _ in range(3)]
        busy_runner.move(runs[which].id, place)
        assert [entry.run_id for entry in busy_runner.queue()] == [runs[k].id for k in order]

    def test_a_waiting_run_is_cancelled(self, busy_runner: Runner, tmp_path: Path) -> None:
        """It ends at once, has executed nothing, and the others move up."""
        first, second = (busy_runner.submit(cells_spec(tmp_path, WRITE_RESULT)) for _ in range(2))
        first.cancel()
        assert first.wait(timeout_s=60).state == "cancelled"
        assert (first.place(), second.place()) == (None, 0)
        assert not first.layout.notebook.exists()

    def test_a_run_is_tried_again(self, busy_runner: Runner, tmp_path: Path) -> None:
        """The new run has the same config and notebook, though the original was changed, and names the old one."""
        spec = cells_spec(tmp_path, WRITE_RESULT, config={"size": 7}, title="seven")
        old = busy_runner.submit(spec)
        old.cancel()
        spec.notebook.write_text("changed")
        new = busy_runner.retry(old.id)
        assert (new.spec.resumes, new.spec.config, new.spec.title, new.spec.attempt) == (old.id, {"size": 7}, "seven", 2)
        assert new.layout.source.read_bytes() == old.layout.source.read_bytes()
        assert (new.state, old.state) == ("queued", "cancelled")

    def test_what_goes_on_is_not_tried_again(self, busy_runner: Runner, tmp_path: Path) -> None:
        """A run that has not ended is refused in words."""
        run = busy_runner.submit(cells_spec(tmp_path, WRITE_RESULT))
        with pytest.raises(InvalidInput, match="has not ended"):
            busy_runner.retry(run.id)

    def test_what_does_not_wait_is_not_moved(self, busy_runner: Runner, tmp_path: Path) -> None:
        """A run that has ended has no place in the line, and so every runner says that it finds none."""
        run = busy_runner.submit(cells_spec(tmp_path, WRITE_RESULT))
        run.cancel()
        run.wait(timeout_s=60)
        with pytest.raises(NotFound, match="does not wait"):
            busy_runner.move(run.id, 0)

    def test_unknown_runs(self, busy_runner: Runner) -> None:
        """An id that names no run is refused, whatever is asked."""
        for ask in (busy_runner.run, busy_runner.retry, lambda run_id: busy_runner.move(run_id, 0)):
            for run_id in ("abcdefghijkl", "../outside"):
                with pytest.raises(NotFound):
                    ask(run_id)

    def test_a_notebook_that_breaks_the_contract_leaves_nothing(self, busy_runner: Runner, tmp_path: Path) -> None:
        """It is refused before anything is queued."""
        spec = cells_spec(tmp_path, WRITE_RESULT)
        spec.notebook.write_text("{}")
        with pytest.raises(InvalidInput, match=spec.notebook.name):
            busy_runner.submit(spec)
        spec.notebook.unlink()
        with pytest.raises(NotFound):
            busy_runner.submit(spec)
        assert (busy_runner.queue(), list(busy_runner.runs())) == ((), [])

    def test_the_notebook_is_that_of_the_submission(self, busy_runner: Runner, tmp_path: Path) -> None:
        """Later edits of the original do not change the run."""
        run: Run = busy_runner.submit(cells_spec(tmp_path, WRITE_RESULT))
        before = run.spec.notebook.read_bytes()
        run.spec.notebook.write_text("changed")
        assert run.layout.source.read_bytes() == before
