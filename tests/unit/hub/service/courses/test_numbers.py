"""Numbers about a class: whom they count, and how many questions to the database they take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session


@contextmanager
def counted() -> Iterator[list[str]]:
    """Give a list that every question to the database is put into."""
    asked: list[str] = []

    def note(state: ORMExecuteState) -> None:
        asked.append(str(state.statement))

    event.listen(Session, "do_orm_execute", note)
    try:
        yield asked
    finally:
        event.remove(Session, "do_orm_execute", note)


@pytest.mark.parametrize("page", ["courses/{c}/assignments/{a}", "courses/{c}/class", "courses/{c}", "api/courses/{c}/gradebook.csv"])
def test_a_larger_class_takes_no_more_questions(school, page: str) -> None:
    """One graded submission or three, one batch or three."""
    made, numbers = school.assignment(), []
    for name in ("ada", "ben", "zoë b"):
        submission = school.submit(name, made)["submission"]
        school.graded(made, submission)
        school.done("tom", "PUT", f"/submissions/{submission}/scores", json={"item": "ps1/essay", "points": 1})
        with counted() as asked:
            path = f"/{page.format(c=school.course, a=made)}"
            assert school.house.ask(school.tokens["prof"], "GET", path, headers={"Accept": "text/html"}).status_code == 200
        numbers.append(len(asked))
    assert 0 < numbers[0] == numbers[1] == numbers[2]


def test_the_means_of_items_rest_on_what_holds(school) -> None:
    """The newest run's points, or a person's; what nobody has scored is not in them."""
    made = school.assignment()
    submissions = [school.submit(name, made)["submission"] for name in ("ada", "ben")]
    for submission, points in zip(submissions, (4.0, 6.0), strict=True):
        school.graded(made, submission, points)
        school.done("tom", "PUT", f"/submissions/{submission}/scores", json={"item": "ps1/essay", "points": 2})
    school.graded(made, submissions[0], 5.0)
    school.done("tom", "PUT", f"/submissions/{submissions[1]}/scores", json={"item": "ps1/q1_test", "points": 8})
    numbers = school.done("tom", "GET", f"/assignments/{made}/statistics")
    assert numbers["by_item"] == {"ps1/q1_test": 6.5, "ps1/essay": 2.0}


def test_the_class_is_its_students(school) -> None:
    """What staff tried out, and what somebody who left handed in, is in no number of the class."""
    made = school.assignment()
    for name, points in (("ada", 6.0), ("ben", 0.0), ("tom", 8.0)):
        submission = school.submit(name, made)["submission"]
        school.graded(made, submission, points)
        school.done("prof", "PUT", f"/submissions/{submission}/scores", json={"item": "ps1/essay", "points": 2})
    school.done("prof", "DELETE", f"/courses/{school.course}/members/ben")
    numbers = school.done("prof", "GET", f"/assignments/{made}/statistics")
    assert (numbers["submitted"], numbers["graded"], numbers["mean"]) == (1, 1, 8.0)
    assert school.mine("prof", made)["submissions"] == 1
    page = school.house.browse("tom").get(f"/courses/{school.course}")
    assert '<td class="number">1 of 2</td>' in page.text


def test_which_one_is_the_best_is_told_with_the_points(school) -> None:
    """Before feedback is released, the choice would tell a student which of two attempts earned more."""
    made = school.assignment(counts="best")
    for number, points in enumerate((6.0, 2.0)):
        submission = school.submit("ada", made, {"ps1.ipynb": school.notebook(f"x = {number}")})["submission"]
        school.graded(made, submission, points)
        school.done("tom", "PUT", f"/submissions/{submission}/scores", json={"item": "ps1/essay", "points": 0})
    counting = lambda name: [one["counts"] for one in school.done(name, "GET", f"/assignments/{made}/submissions")["submissions"]]  # noqa: E731
    assert (counting("ada"), counting("tom")) == ([True, False], [False, True])
    school.done("prof", "POST", f"/assignments/{made}/feedback", json={})
    assert counting("ada") == [False, True]
