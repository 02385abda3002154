"""What code inside a run uses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labkit.errors import Cancelled, InvalidInput, NotFound
from labkit.events import Event, Log, Progress
from labkit.runs import current_run, write_result
from labkit.runs.inside import FileCancelToken, ThrottledSink
from labkit.testing.runs import wait_until


def steps(*numbers: int) -> list[Progress]:
    return [Progress(done=n, total=1000, unit="steps") for n in numbers]


def test_progress_is_thinned_out_but_the_last_one_comes() -> None:
    """Of many progress events the first comes at once and the last a little later, with few between."""
    seen: list[Event] = []
    sink = ThrottledSink(seen.append, every_s=0.05)
    for event in steps(*range(400)):
        sink(event)
    wait_until(lambda: seen[-1] == steps(399)[0], timeout_s=10)
    assert seen[0] == steps(0)[0]
    assert len(seen) < 200


def test_order_is_kept() -> None:
    """An event of another kind or stage, and the end of a stage, bring out what waits before them."""
    seen: list[Event] = []
    sink = ThrottledSink(seen.append, every_s=60)
    events = [*steps(1, 2), Log("hello"), *steps(3, 4), Progress(done=1, total=9, unit="tiles", stage="read"), *steps(1000)]
    for event in events:
        sink(event)
    assert [e for e in seen if e not in steps(3)] == [e for e in events if e not in steps(3)]
    assert seen.index(steps(4)[0]) < seen.index(events[5])


def test_token_is_set_by_the_file(tmp_path: Path) -> None:
    """The token is set when the cancel file appears, and then raises."""
    token = FileCancelToken(tmp_path / "cancel")
    assert not token.is_in_use()
    assert not token.cancelled
    token.raise_if_cancelled()
    assert token.is_in_use()
    (tmp_path / "cancel").touch()
    wait_until(lambda: token.cancelled, timeout_s=10)
    with pytest.raises(Cancelled):
        token.raise_if_cancelled()


def test_outside_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of a run one line says so."""
    monkeypatch.delenv("LABKIT_RUN_DIR", raising=False)
    with pytest.raises(NotFound, match="does not execute in a run"):
        current_run()


def test_result_must_be_json(tmp_path: Path) -> None:
    """A result is written whole, and one that JSON cannot hold is refused and leaves nothing."""
    for bad in ({"dice": float("nan")}, {"model": object()}):
        with pytest.raises(InvalidInput):
            write_result(tmp_path, bad)
    assert list(tmp_path.iterdir()) == []
    write_result(tmp_path, {"dice": 0.9})
    assert json.loads((tmp_path / "result.json").read_text()) == {"dice": 0.9}
