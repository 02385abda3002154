"""Kinds of values that several models have."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

__all__ = ["LongText", "ShortText"]

ShortText = Annotated[str, Field(max_length=300)]
LongText = Annotated[str, Field(max_length=20_000)]
