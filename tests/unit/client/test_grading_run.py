"""What a grading run does with the real service: fetched, graded, brought back one by one; the grading itself is played."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit.client import CourseClient, grading
from labkit.client.asking import ServiceClient
from labkit.client.course_wire import AssignmentItem
from labkit.courses.grading import Batch, ProcessShape
from labkit.courses.records import FileEntry, GradeResult, NotebookOutcome
from labkit.errors import CorruptStore, NotFound, StorageFull
from labkit.testing.course_service import CourseService, course_service
from labkit.testing.coursework import hand_in_as, hand_out, write_author_folder


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CourseService]:
    with course_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="module")
def item(service: CourseService, tmp_path_factory: pytest.TempPathFactory) -> AssignmentItem:
    """An assignment that two students have handed in."""
    place = tmp_path_factory.mktemp("place")
    item = hand_out(service.client("prof"), write_author_folder(place))
    for name in ("ada", "ben"):
        hand_in_as(service.client(name), item, place / name)
    return item


def _grade(job: Batch, **_: object) -> Iterator[GradeResult]:
    """Play the engine: every submission has all that it was handed in with, alone on the disk, and a page."""
    for submission, (folder, version) in job.submissions.items():
        assert job.fetch is not None
        job.fetch(submission)
        assert [path.name for path in folder.parent.iterdir()] == [submission]
        assert (folder / "ps1.ipynb").is_file()
        assert "### BEGIN SOLUTION" in (job.source[version] / "ps1.ipynb").read_text()
        page = f"<p>{submission}</p>".encode()
        (job.out / submission).mkdir(parents=True)
        (job.out / submission / _sha256(page)).write_bytes(page)
        yield GradeResult(
            submission=submission,
            state="graded",
            notebooks=(NotebookOutcome(notebook="ps1", state="done", html=_sha256(page)),),
            isolation="process",
        )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_killed_run_goes_on_where_it_was(
    service: CourseService, item: AssignmentItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was brought back is not graded again, its page is at the hub, and nobody's work stays in the grader's home."""
    monkeypatch.setattr(grading, "grade_batch", _grade)
    run, address = service.begin_grading(item.id)
    killed = grading.grade_for_service(run, tmp_path / "first", shape=ProcessShape(), address=address)
    done = next(killed)
    killed.close()
    assert not any(path.is_file() for path in (tmp_path / "first").rglob("*"))
    (rest,) = grading.grade_for_service(run, tmp_path / "second", shape=ProcessShape(), address=address)
    assert rest.submission != done.submission
    for result in (done, rest):
        prof, target = service.client("prof"), tmp_path / result.submission
        prof.fetch_result_file(result.submission, str(result.notebooks[0].html), target)
        assert target.read_text() == f"<p>{result.submission}</p>"


def test_result_that_is_refused_ends_no_run(
    service: CourseService, item: AssignmentItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that the service does not take costs one result, and not those of all who come after, again and again."""

    def grade(job: Batch, **_: object) -> Iterator[GradeResult]:
        for number, result in enumerate(_grade(job)):
            if number == 0:
                page = tmp_path / "out" / result.submission / str(result.notebooks[0].html)
                page.write_bytes(b"something else than its name says")
            yield result

    monkeypatch.setattr(grading, "grade_batch", grade)
    run, address = service.begin_grading(item.id)
    results = list(grading.grade_for_service(run, tmp_path, shape=ProcessShape(), address=address))
    assert [(result.state, [note.kind for note in result.notes]) for result in results] == [("failed", ["result-refused"]), ("graded", [])]


def test_nothing_is_fetched_twice(service: CourseService, item: AssignmentItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a submission that is graded once more, nor a file of it that was handed out."""
    fetched: list[str] = []
    fetch = grading.CourseClient.fetch_grading_file

    def note(client: CourseClient, run: str, file: FileEntry, target: Path) -> None:
        fetched.append(file.sha256)
        fetch(client, run, file, target)

    def grade(job: Batch, **_: object) -> Iterator[GradeResult]:
        for result in _grade(job):
            assert job.fetch is not None
            job.fetch(result.submission)
            yield result

    monkeypatch.setattr(grading.CourseClient, "fetch_grading_file", note)
    monkeypatch.setattr(grading, "grade_batch", grade)
    run, address = service.begin_grading(item.id)
    assert len(list(grading.grade_for_service(run, tmp_path, shape=ProcessShape(), address=address))) == 2
    assert len(fetched) == len(set(fetched))


def test_what_is_being_fetched_is_not_fetched_beside_itself(
    service: CourseService, item: AssignmentItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A foreman that is killed meanwhile has a successor, which begins with the same submission; it gets that when it is there."""
    fetched, second_came = list[str](), threading.Event()
    fetch = grading.CourseClient.fetch_grading_file

    def slowly(client: CourseClient, run: str, file: FileEntry, target: Path) -> None:
        fetched.append(file.sha256)
        if fetched.count(file.sha256) > 1:
            second_came.set()
        elif threading.current_thread().name == "first":
            second_came.wait(0.5)
        fetch(client, run, file, target)

    def grade(job: Batch, **_: object) -> Iterator[GradeResult]:
        assert job.fetch is not None
        one = next(iter(job.submissions))
        threads = [threading.Thread(target=job.fetch, args=(one,), name=name) for name in ("first", "second")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        yield from _grade(job)

    monkeypatch.setattr(grading.CourseClient, "fetch_grading_file", slowly)
    monkeypatch.setattr(grading, "grade_batch", grade)
    run, address = service.begin_grading(item.id)
    assert len(list(grading.grade_for_service(run, tmp_path, shape=ProcessShape(), address=address))) == 2
    assert len(fetched) == len(set(fetched))


def test_file_that_comes_damaged_is_that_submissions_matter(
    service: CourseService, item: AssignmentItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for twice and not for minutes, and named; with their own files all others are graded, in this run and not never."""
    asked, stream = list[str](), ServiceClient._stream

    def damage(client: ServiceClient, path: str, *_: object) -> Iterator[bytes]:
        asked.append(path)
        yield b"not what it was"

    def grade(job: Batch, **_: object) -> Iterator[GradeResult]:
        assert job.fetch is not None
        monkeypatch.setattr(ServiceClient, "_stream", damage)
        with pytest.raises(CorruptStore, match=r"ps1\.ipynb: A file came damaged"):
            job.fetch(next(iter(job.submissions)))
        monkeypatch.setattr(ServiceClient, "_stream", stream)
        yield from _grade(job)

    monkeypatch.setattr(grading, "grade_batch", grade)
    run, address = service.begin_grading(item.id)
    assert len(list(grading.grade_for_service(run, tmp_path, shape=ProcessShape(), address=address))) == 2
    assert (len(asked), len(set(asked))) == (2, 1)


def test_disk_that_is_full_leaves_the_rest_for_a_retry(
    service: CourseService, item: AssignmentItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at before each submission is fetched: the run ends with words, what is graded stands, and only the rest is in the next."""
    frees = iter([10**9, 10**9, 10**6])
    run, address = service.begin_grading(item.id)
    monkeypatch.setattr(grading, "grade_batch", _grade)
    with monkeypatch.context() as patch:
        patch.setattr(
            "labkit.courses.grading.room.shutil", SimpleNamespace(disk_usage=lambda _: SimpleNamespace(total=10**12, free=next(frees)))
        )
        graded = list[str]()
        with pytest.raises(StorageFull, match=r"Only 1 MB are free .* and 64 MB are needed") as found:
            graded += [result.submission for result in grading.grade_for_service(run, tmp_path, shape=ProcessShape(), address=address)]
    assert "Free space there" in found.value.hint
    (rest,) = grading.grade_for_service(run, tmp_path, shape=ProcessShape(), address=address)
    assert (rest.state, rest.submission in graded) == ("graded", False)


def test_run_that_is_none_is_said_so(service: CourseService, tmp_path: Path) -> None:
    """The service's refusal comes through as it is, without waiting."""
    address = service.client("prof").address
    with pytest.raises(NotFound):
        list(grading.grade_for_service("aaaaaaaaaaaa", tmp_path, shape=ProcessShape(), address=address))


def test_damaged_assignment_ends_the_run_and_is_named(
    service: CourseService, item: AssignmentItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be graded by it: whoever asked reads which file of which release it is."""
    monkeypatch.setattr(ServiceClient, "_stream", lambda *_: iter([b"not what it was"]))
    run, address = service.begin_grading(item.id)
    with pytest.raises(CorruptStore, match=r"release 1: .*: A file came damaged"):
        next(grading.grade_for_service(run, tmp_path, shape=ProcessShape(), address=address))
