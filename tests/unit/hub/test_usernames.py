"""Names that people bring along: plain ones pass, those that could be taken for others do not."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.errors import InvalidInput
from labkit_hub.usernames import plain_name


@pytest.mark.parametrize(
    ("claimed", "name"),
    [
        ("ada", "ada"),
        ("Ada", "ada"),
        ("zoë", "zoë"),
        ("a-b", "a-b"),
        ("Zoë B", "zoë b"),
        ("A.B", "a.b"),
        ("ada@uni.example", "ada@uni.example"),
        ("名前", "名前"),
        ("7", "7"),
    ],
)
def test_plain_names_pass_in_lower_case(claimed: str, name: str) -> None:
    """Case is the only thing that is changed; the hub itself knows lower case only."""
    assert plain_name(claimed) == name


@pytest.mark.parametrize(
    "claimed",
    [
        None,
        7,
        ["ada"],
        "",
        "zoë  b",
        "zoë\tb",
        "zoë\u00a0b",
        " ada",
        "ada ",
        "ada\n",
        "../admin",
        "a/b",
        "a" * 65,
        "a" * 10_000_000,
        "ａｄｍｉｎ",  # full width
        "аdmin",  # a Cyrillic first letter
        "admιn",  # a Greek iota
        "ad\u200bmin",
        "zoe\u0308",  # a letter and its dots
        "ſam",  # a long s
        "{x.__class__}",
        "a\u202eb",
    ],
    ids=lambda claimed: ascii(claimed)[:30],
)
def test_odd_names_are_refused_in_a_sentence(claimed: Any) -> None:
    """Nothing is rewritten into a name that somebody else may have."""
    with pytest.raises(InvalidInput) as caught:
        plain_name(claimed)
    assert len(caught.value.message) < 200
