"""How often tests repeat what may go wrong only sometimes: ``LABKIT_REPEAT``."""

from __future__ import annotations

import os

from labkit.errors import InvalidInput

__all__ = ["repetitions"]


def repetitions(usual: int, *, full: int) -> int:
    """Return how often a test is repeated.

    ``LABKIT_REPEAT`` is a number, which holds for every test, or a share such as ``10%`` of what each is repeated before an issue is
    closed: tests that take long have a lower full number, and so a lower tenth.

    Parameters
    ----------
    usual : int
        Where nothing is said.
    full : int
        Before an issue is closed.

    Raises
    ------
    InvalidInput
        ``LABKIT_REPEAT`` is neither.
    """
    text = os.environ.get("LABKIT_REPEAT", "")
    if not text:
        return usual
    try:
        count = round(full * float(text[:-1]) / 100) if text.endswith("%") else int(text)
    except ValueError as error:
        raise InvalidInput(f"LABKIT_REPEAT is {text!r}.", hint="Set a number, or a share such as 10%.") from error
    return max(count, 1)
