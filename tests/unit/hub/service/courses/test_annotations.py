"""Annotation documents that are handed in, and comments pinned to them."""

from __future__ import annotations

import pytest

TASK = {"id": "cells", "how": "metric", "max_points": 4}
EMPTY = b'{"type": "FeatureCollection", "features": []}'


@pytest.fixture
def made(school) -> str:
    """An assignment with a picture to annotate."""
    made = school.done("prof", "POST", f"/courses/{school.course}/assignments", json={"name": "Cells"})["id"]
    school.release(made, items=[TASK])
    return made


def files(school, document: bytes) -> dict[str, bytes]:
    return {"ps1.ipynb": school.notebook("x = 1"), "annotations/cells.geojson": document}


def test_a_broken_document_is_refused_in_words(school, made) -> None:
    """It is looked at like a notebook; what was handed in before stays valid."""
    school.submit("ada", made, files(school, EMPTY))
    answer = school.try_submit("ada", made, files(school, EMPTY[:-5]))
    assert answer.status_code == 400
    assert "annotations/cells.geojson is no JSON" in answer.json()["error"]["message"]
    assert school.mine("ada", made)["attempts_used"] == 1


def test_pinned_comments_come_back_with_the_feedback(school, made) -> None:
    """Those of staff carry their name, whatever they say of themselves; students read them after the release, and nobody else."""
    submission = school.submit("ada", made, files(school, EMPTY))["submission"]
    school.graded(made, submission)
    pins = [{"text": "One is missing here.", "y": 12.5, "x": 30.0, "by": "ada"}]
    school.done("tom", "PUT", f"/submissions/{submission}/scores", json={"item": "/cells", "pins": pins})
    assert school.ask("ada", "GET", f"/submissions/{submission}/grade").status_code == 404
    school.done("prof", "POST", f"/assignments/{made}/feedback", json={})
    said = school.grade(submission, "ada")["pins"]["/cells"]
    assert said[-1] == {"text": "One is missing here.", "y": 12.5, "x": 30.0, "by": "tom"}
    school.done("tom", "PUT", f"/submissions/{submission}/scores", json={"item": "/cells", "pins": []})
    assert [pin for pin in school.grade(submission, "ada")["pins"].get("/cells", []) if pin["by"]] == []
