"""Kinds of values that several records have."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from labkit.courses.notebook import plain_text

__all__ = ["SHA256_PATTERN", "How", "ItemId", "Points", "Sha256", "Told", "plain"]

SHA256_PATTERN = r"^[0-9a-f]{64}$"
Sha256 = Annotated[str, Field(pattern=SHA256_PATTERN)]
ItemId = Annotated[str, Field(min_length=1, max_length=200)]
Points = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


def plain(value: object) -> object:
    """Return a text with a sign in place of each half of a surrogate pair; anything else as it is."""
    return plain_text(value) if isinstance(value, str) else value


Told = Annotated[str, Field(max_length=2000), BeforeValidator(plain)]
"""What code of somebody's may have worded: half a surrogate pair, which no file and no line of the wire can hold, becomes a sign."""

How = Literal["cell", "hand", "assertion", "metric"]
"""How an item is scored: by a test cell in the student's own kernel (not tamper-proof), by a person, or by a check on exported data."""
