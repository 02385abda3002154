"""Where tasks run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labkit.compute import ComputeSpec, iter_results, open_compute
from labkit.errors import Cancelled, InvalidInput
from labkit.events import CancelToken


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ComputeSpec("threads", 3)),
        ("local", ComputeSpec("dask", 3)),
        ("tcp://127.0.0.1:8786", ComputeSpec("dask", 3, "tcp://127.0.0.1:8786")),
    ],
)
def test_what_the_option_means(text: str | None, expected: ComputeSpec) -> None:
    """Nothing are threads, "local" is a cluster here, an address is one elsewhere."""
    assert ComputeSpec.parse(text, 3) == expected


@pytest.mark.parametrize(("text", "workers"), [("somewhere", None), (None, 0)])
def test_what_cannot_be_meant_is_refused(text: str | None, workers: int | None) -> None:
    """A word that is no address, and no workers at all."""
    with pytest.raises(InvalidInput) as caught:
        ComputeSpec.parse(text, workers)
    assert caught.value.hint


def test_threads_give_results_and_errors() -> None:
    """A future carries what the task returned, or what it raised."""
    with open_compute(ComputeSpec("threads", 2)) as compute:
        assert compute.submit(divmod, 7, 2).result() == (3, 1)
        with pytest.raises(ZeroDivisionError):
            compute.submit(divmod, 7, 0).result()


def test_nobody_at_the_address_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler that does not answer is the user's error."""
    monkeypatch.setattr("labkit.compute._CONNECT_TIMEOUT_S", 1)
    with pytest.raises(InvalidInput, match="No Dask scheduler"), open_compute(ComputeSpec("dask", 1, "tcp://127.0.0.1:9")):
        pass


def test_results_come_in_order_and_few_at_a_time() -> None:
    """However many tasks there are, only a few more have been handed out than were taken back."""
    handed = 0

    def tasks() -> Iterator[tuple[int, int]]:
        nonlocal handed
        for number in range(100):
            handed += 1
            yield number, 7

    with open_compute(ComputeSpec("threads", 3)) as compute:
        for taken, result in enumerate(iter_results(compute, divmod, tasks(), CancelToken())):
            assert result == divmod(taken, 7)
            assert handed <= taken + 6


def test_results_stop_when_somebody_cancels() -> None:
    """Nothing more is handed out."""
    cancel, done = CancelToken(), []

    def take_all() -> None:
        with open_compute(ComputeSpec("threads", 2)) as compute:
            for result in iter_results(compute, abs, ((k,) for k in range(100)), cancel):
                done.append(result)
                if result == 10:
                    cancel.cancel()

    with pytest.raises(Cancelled):
        take_all()
    assert done == list(range(11))
