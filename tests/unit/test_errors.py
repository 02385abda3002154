"""The error tree: pickles, hints, responses."""

import pickle

import pytest

from labkit import errors

KINDS = [getattr(errors, name) for name in errors.__all__ if isinstance(getattr(errors, name), type) and name != "Response"]
KINDS = [kind for kind in KINDS if issubclass(kind, errors.LabKitError)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_pickling_with_its_facts(kind: type[errors.LabKitError]) -> None:
    """Errors travel between processes, with hint and facts."""
    copy = pickle.loads(pickle.dumps(kind("No.", hint="Do this.", path="/a")))
    assert (type(copy), str(copy), copy.hint, copy.path) == (kind, "No.", "Do this.", "/a")


@pytest.mark.parametrize("kind", [k for k in KINDS if k is not errors.LabKitError])
def test_an_error_is_also_the_builtin_that_a_caller_would_catch(kind: type[errors.LabKitError]) -> None:
    """Nobody needs to know our tree to catch our errors."""
    assert any(base.__module__ == "builtins" and base not in (Exception, BaseException, object) for base in kind.__mro__)


def test_what_is_not_ours_is_answered_as_our_fault() -> None:
    """An unknown exception is status 500 and exit code 1."""
    assert errors.response_for(KeyError("x")) == errors.Response(500, 1)


def test_a_users_error_has_exit_code_2() -> None:
    """Bad input is not a crash."""
    assert errors.response_for(errors.InvalidInput("No.")).exit_code == 2
