"""Options of servers, whatever way they come."""

from __future__ import annotations

from typing import Any

import pytest
from jupyterhub.spawner import SpawnException

from labkit.errors import InvalidInput
from labkit_hub.options import ServerOptions, check_options, options_from_form


@pytest.mark.parametrize("given", [None, {}, {"profile": None}])
def test_no_wish_is_a_wish_for_the_first_profile(given: Any) -> None:
    """Neither has to be given."""
    assert check_options(given) == ServerOptions()


def test_profile_and_ticket_are_taken() -> None:
    """The two options that there are."""
    assert check_options({"profile": "gpu", "ticket": "abc"}) == ServerOptions("gpu", "abc")


@pytest.mark.parametrize(
    "given",
    [
        ["profile"],
        "cpu",
        {"image": "x"},
        {"profile": "cpu", "mem_limit": "1T"},
        {"profile": 1},
        {"profile": ["cpu"]},
        {"profile": "x" * 65},
        {"ticket": "x" * 201},
        {"profile": "a\0b"},
        {"profile": {"$gt": ""}},
        {f"option{number}": "" for number in range(100_000)},
        {"x" * 1_000_000: ""},
    ],
    ids=lambda given: str(given)[:30],
)
def test_everything_else_is_refused_in_a_short_sentence(given: Any) -> None:
    """However much is sent, the message stays readable."""
    with pytest.raises(InvalidInput) as caught:
        check_options(given)
    assert len(caught.value.message) < 400


def test_a_form_gives_single_values() -> None:
    """Forms send lists; the XSRF token is no option."""
    assert options_from_form({"profile": ["cpu"], "_xsrf": ["token"]}) == {"profile": "cpu"}


@pytest.mark.parametrize("form", [{"profile": ["cpu", "gpu"]}, {"image": ["x"]}, {"profile": []}, {"picture_file": [{"body": b"x"}]}])
def test_a_form_with_anything_else_is_refused(form: dict[str, Any]) -> None:
    """Two values, other fields, no value, a file."""
    with pytest.raises(SpawnException):
        options_from_form(form)
