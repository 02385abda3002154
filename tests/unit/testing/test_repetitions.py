"""How often tests repeat."""

from __future__ import annotations

import pytest

from labkit.errors import InvalidInput
from labkit.testing.repetitions import repetitions


@pytest.mark.parametrize(("said", "count"), [("", 2), ("7", 7), ("10%", 5), ("100%", 50), ("1%", 1), ("0", 1)])
def test_a_number_or_a_share(monkeypatch: pytest.MonkeyPatch, said: str, count: int) -> None:
    """A number is the number, a share is that of the full one, and nothing less than once."""
    monkeypatch.setenv("LABKIT_REPEAT", said)
    assert repetitions(2, full=50) == count


@pytest.mark.parametrize("said", ["often", "%", "1.5"])
def test_anything_else_is_refused(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """Rather than to repeat as usual without a word."""
    monkeypatch.setenv("LABKIT_REPEAT", said)
    with pytest.raises(InvalidInput, match="LABKIT_REPEAT"):
        repetitions(2, full=50)
