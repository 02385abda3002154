"""What is taken of a launch from a learning platform."""

from __future__ import annotations

import pytest

from labkit.testing.learning_platform import CLIENT, LINE_ITEM_SCOPE, SCORE_SCOPE
from labkit_hub.launches import launch_of

AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
CLAIM = "https://purl.imsglobal.org/spec/lti/claim"
CLAIMS = {
    "iss": "https://platform.example",
    "aud": [CLIENT],
    "sub": "u-1",
    "email": "ada@uni.example",
    f"{CLAIM}/deployment_id": "1",
    f"{CLAIM}/context": {"id": "42", "title": "Image AI"},
    f"{CLAIM}/roles": ["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"],
    AGS: {"scope": [LINE_ITEM_SCOPE, SCORE_SCOPE], "lineitems": "https://platform.example/c/42/lineitems"},
}


def test_of_a_launch_only_what_is_needed_is_taken() -> None:
    """No e-mail address, no name; a course of another platform has another context."""
    found = launch_of("ada", CLAIMS)
    assert found is not None
    assert found.model_dump() == {
        "user": "ada",
        "context": "https://platform.example 1 42",
        "title": "Image AI",
        "subject": "u-1",
        "client_id": CLIENT,
        "lineitems": "https://platform.example/c/42/lineitems",
        "teaches": True,
    }


@pytest.mark.parametrize(
    "change",
    [
        {AGS: None},
        {AGS: {"scope": [SCORE_SCOPE], "lineitems": "https://platform.example/x"}},
        {AGS: {"scope": [LINE_ITEM_SCOPE, SCORE_SCOPE], "lineitems": "javascript:alert(1)"}},
        {AGS: {"scope": [LINE_ITEM_SCOPE, SCORE_SCOPE]}},
        {f"{CLAIM}/context": "42"},
        {"sub": None},
    ],
)
def test_a_launch_that_takes_no_scores_is_let_be(change) -> None:
    """Logging in works all the same."""
    assert launch_of("ada", CLAIMS | change) is None
