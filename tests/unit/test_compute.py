"""Where tasks run."""

from __future__ import annotations

import pytest

from labkit.compute import ComputeSpec, open_compute
from labkit.errors import InvalidInput


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
