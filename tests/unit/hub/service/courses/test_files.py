"""Files: taken as streams, kept once, given only to those who may read them."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, event
from sqlalchemy.orm import ORMExecuteState, Session

from labkit.errors import CorruptStore, InvalidInput, NotFound, StorageFull
from labkit_hub.service.courses import uploads
from labkit_hub.service.courses.store import FileStore
from labkit_hub.service.courses.tables import UploadRow


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    """An empty store for files of up to 1000 bytes."""
    store = FileStore(tmp_path / "files", most_bytes=1000)
    store.open()
    return store


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def keep(store: FileStore, data: bytes, name: str) -> None:
    with store.incoming() as file:
        file.add(data)
        store.keep(file, name)


def files_of(store: FileStore) -> list[str]:
    return sorted(path.name for path in store.root.rglob("*") if path.is_file())


def let_days_pass(folder: Path, days: int) -> None:
    """Let every file below a folder be so many days older."""
    for path in folder.rglob("*"):
        at = path.stat().st_mtime - days * 86400
        os.utime(path, (at, at))


def test_a_file_lies_under_its_hash(store) -> None:
    """Once, however often it is sent."""
    name = sha256(b"data")
    keep(store, b"data", name)
    keep(store, b"data", name)
    assert (files_of(store), store.read(name, 100)) == ([name], b"data")


def test_what_is_not_what_its_hash_says_leaves_nothing(store) -> None:
    """Nor does a file that is too large, nor one that was never finished."""
    with pytest.raises(InvalidInput, match="hash"):
        keep(store, b"other", sha256(b"data"))
    with pytest.raises(InvalidInput, match="larger"):
        keep(store, b"x" * 1001, sha256(b"x" * 1001))
    with store.incoming() as file:
        file.add(b"half")
    assert files_of(store) == []


def test_what_was_half_sent_when_the_service_died_is_swept(store) -> None:
    """At the next start."""
    (store.root / "incoming" / "tmp123").write_bytes(b"half")
    store.open()
    assert files_of(store) == []


def test_a_file_that_changed_on_the_disk_is_not_believed(store) -> None:
    """It is said, not graded."""
    name = sha256(b"data")
    keep(store, b"data", name)
    store.path(name).write_bytes(b"dat!")
    with pytest.raises(CorruptStore):
        store.read(name, 100)


@pytest.mark.parametrize("name", ["../../etc/passwd", "A" * 64, "a" * 63, "", "a" * 64 + "\n"])
def test_a_name_that_is_no_hash_is_no_path(store, name) -> None:
    """Whatever it is."""
    with pytest.raises(NotFound):
        store.path(name)


def test_a_disk_that_is_nearly_full_takes_nothing(tmp_path) -> None:
    """Before it is full: the database lies there, too."""
    store = FileStore(tmp_path / "files", most_bytes=1000, keep_free_bytes=1 << 60)
    store.open()
    with pytest.raises(StorageFull, match="free"), store.incoming():
        pass


def test_larger_files_than_requests_else_may_be(school) -> None:
    """Up to their own limit, which another address does not have."""
    data = b"x" * 4_500_000
    school.send("ada", {"a.bin": data})
    assert (
        school.ask("ada", "PUT", f"/files/{school.sha256(data)}", content=data, headers={"Content-Length": "200000000"}).status_code == 413
    )
    assert school.ask("ada", "POST", "/files/missing", content=data).status_code == 413


def test_nobody_learns_what_others_have_sent(school) -> None:
    """Another person's files count as not there: they are sent again, and cannot be handed in by their hash."""
    made = school.assignment()
    work = school.notebook("x = 1  # the answer")
    school.submit("ada", made, {"ps1.ipynb": work})
    wanted = [school.sha256(work), school.sha256(b"nothing")]
    assert school.done("ben", "POST", "/files/missing", json={"sha256": wanted})["sha256"] == wanted
    assert school.done("ada", "POST", "/files/missing", json={"sha256": wanted})["sha256"] == wanted[1:]
    answers = []
    for data in (work, b"nothing"):
        body = {"key": school.key(), "release": 1, "manifest": school.manifest({"ps1.ipynb": data})}
        answers.append(school.ask("ben", "POST", f"/assignments/{made}/submissions", json=body))
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize("left", [None, b""])
def test_what_was_lost_on_the_disk_is_to_be_sent_again(school, house, left) -> None:
    """Else it would be handed in without its bytes, again and again."""
    school.send("ada", {"a.bin": b"data"})
    path, wanted = house.files / sha256(b"data")[:2] / sha256(b"data"), [sha256(b"data")]
    path.unlink() if left is None else path.write_bytes(left)
    assert school.done("ada", "POST", "/files/missing", json={"sha256": wanted})["sha256"] == wanted
    school.send("ada", {"a.bin": b"data"})
    assert school.done("ada", "POST", "/files/missing", json={"sha256": wanted})["sha256"] == []


def test_what_a_release_gave_need_not_be_sent(school) -> None:
    """Data files that a student hands in unchanged."""
    made = school.assignment()
    work = school.notebook("x = 1")
    school.send("ada", {"ps1.ipynb": work})
    files = {"ps1.ipynb": work, "data/my data.csv": school.student_files["data/my data.csv"]}
    body = {"key": school.key(), "release": 1, "manifest": school.manifest(files)}
    receipt = school.done("ada", "POST", f"/assignments/{made}/submissions", json=body)
    assert [file["path"] for file in receipt["files"]] == ["data/my data.csv", "ps1.ipynb"]


def test_another_students_files_do_not_exist(school) -> None:
    """By the submission's address or by a trick: 404, and a row in the audit."""
    made, work = school.assignment(), school.notebook("x = 1  # ben")
    theirs = school.submit("ben", made, {"ps1.ipynb": work})["submission"]
    own = school.submit("ada", made)["submission"]
    tries = [
        f"/submissions/{theirs}",
        f"/submissions/{theirs}/receipt",
        f"/submissions/{theirs}/grade",
    ]
    for kind in ("files", "result-files"):
        tries += [f"/submissions/{one}/{kind}/{school.sha256(work)}" for one in (theirs, own)]
        tries += [f"/submissions/{own}/{kind}/..%2F..%2F{theirs}", f"/submissions/{own}/{kind}/%2e%2e"]
    assert [school.ask("ada", "GET", path).status_code for path in tries] == [404] * len(tries)
    assert {row.subject for row in school.audit("submission.peek")} == {theirs}
    assert own in {row.subject for row in school.audit("file.peek")}
    assert theirs not in school.ask("ada", "GET", f"/assignments/{made}/submissions").text


def test_asking_ten_thousand_times_fills_no_table(school, monkeypatch) -> None:
    """Some rows say it as well."""
    monkeypatch.setattr("labkit_hub.service.courses.office._NOTED_PER_HOUR", 3)
    theirs = school.submit("ben", school.assignment())["submission"]
    for _ in range(6):
        school.ask("ada", "GET", f"/submissions/{theirs}")
    assert len(school.audit("submission.peek")) == 3


def test_staff_read_what_was_handed_in_and_that_is_noted(school) -> None:
    """Own work is nobody's business."""
    made, work = school.assignment(), school.notebook("x = 1")
    own = school.submit("ada", made, {"ps1.ipynb": work})["submission"]
    path = f"/submissions/{own}/files/{school.sha256(work)}"
    assert school.done("ada", "GET", path).content == school.done("tom", "GET", path).content == work
    assert [(row.actor, row.subject, row.detail["person"]) for row in school.audit("submission.download")] == [("tom", own, "ada")]


def test_what_is_sent_and_never_used_goes_after_days(school, house, clock) -> None:
    """What anybody used stays, though somebody else sent it in vain."""
    made, work = school.assignment(), school.notebook("x = 1")
    school.submit("ada", made, {"ps1.ipynb": work})
    school.send("ben", {"ps1.ipynb": work, "b.bin": b"unused"})
    store = FileStore(house.files, most_bytes=1000)
    for path in house.files.rglob("*"):
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    clock.later(days=3)
    assert uploads.sweep(store, house.database, clock.time) == 1
    assert store.read(school.sha256(work), 10_000) == work
    with house.database.reading() as session:
        assert session.get(UploadRow, ("ben", school.sha256(work))) is None


@pytest.fixture
def deleted(school, house) -> str:
    """The hash of a file that only a draft had which was deleted; all files are old, and others are still named."""
    made = school.assignment()
    school.graded(made, school.submit("ada", made)["submission"])
    [drawn] = school.send("prof", {"preview": b"a preview"})["files"]
    preview = {"task": "cells", "of": "0" * 64, "sha256": drawn["sha256"], "size": drawn["size"], "height_px": 1, "width_px": 1}
    school.release(made, previews=[preview])
    draft = school.done("prof", "POST", f"/courses/{school.course}/assignments", json={"name": "Draft"})["id"]
    school.release(draft, source=school.send("prof", {**school.source_files, "hidden/only.csv": b"only here"}))
    school.done("prof", "PATCH", f"/assignments/{draft}", json={"state": "draft"})
    school.done("prof", "DELETE", f"/assignments/{draft}")
    for path in house.files.rglob("*"):
        os.utime(path, (time.time() - 3 * 86400, time.time() - 3 * 86400))
    return sha256(b"only here")


def test_what_nothing_names_any_more_goes(school, house, clock, deleted) -> None:
    """Files of releases, submissions and results stay, and so does what was sent lately, and what the database never knew of."""
    store = FileStore(house.files, most_bytes=1000)
    before = files_of(store)
    assert uploads.sweep_unnamed(store, house.database, clock.time) == 0, "it was used a moment ago"
    clock.later(days=3)
    keep(store, b"unknown", sha256(b"unknown"))
    school.send("ben", {"b.bin": b"just sent"})
    for path in house.files.rglob("*"):
        os.utime(path, (0, 0))
    assert uploads.sweep_unnamed(store, house.database, clock.time) == 1
    assert set(files_of(store)) == set(before) - {deleted} | {sha256(b"just sent"), sha256(b"unknown")}
    with house.database.reading() as session:
        assert session.get(UploadRow, ("prof", deleted)) is None


def test_what_is_released_again_at_that_moment_stays(school, house, clock, deleted, monkeypatch) -> None:
    """The sweep has read all names before a new release names the file, which the professor need not send again."""
    clock.later(days=3)
    store, named = FileStore(house.files, most_bytes=1000), uploads._named

    def read_then_release(session: Session) -> Iterator[str]:
        yield from named(session)
        files = {**school.source_files, "hidden/only.csv": b"only here"}
        made = school.done("prof", "POST", f"/courses/{school.course}/assignments", json={"name": "Once more"})["id"]
        body = {"key": school.key(), "student": school.manifest(school.student_files), "source": school.manifest(files), "items": []}
        school.done("prof", "POST", f"/assignments/{made}/releases", json=body)

    monkeypatch.setattr(uploads, "_named", read_then_release)
    assert uploads.sweep_unnamed(store, house.database, clock.time) == 0
    assert store.read(deleted, 100) == b"only here"


def test_pages_of_a_result_that_does_not_hold_any_more_go(school, house, clock) -> None:
    """Nobody can read them, and each grading again leaves as many; a failure that came later takes nobody's place."""
    made, store = school.assignment(), FileStore(house.files, most_bytes=1000)
    submission = school.submit("ada", made)["submission"]
    for number, state in enumerate(["graded", "graded", "failed"]):
        run = school.batch(made, which="these", submissions=[submission])
        school.put_result(run, submission, state=state, page=f"page {number}".encode())
        school.set_run(run, "done")
    clock.later(days=3)
    let_days_pass(house.files, 3)
    uploads.sweep_unnamed(store, house.database, clock.time)
    assert [sha256(f"page {number}".encode()) in files_of(store) for number in range(3)] == [False, True, False]


@pytest.fixture
def orphan(school, house) -> str:
    """The hash of a file that a killed service left: no row names it, as of all others."""
    school.submit("ada", school.assignment())
    keep(FileStore(house.files, most_bytes=1000), b"orphan", sha256(b"orphan"))
    return sha256(b"orphan")


def test_what_a_killed_service_left_goes_after_weeks(house, orphan) -> None:
    """It is doubted when it is a day old, and not before: it could be one that is just being written down. All others stay."""
    store, found = FileStore(house.files, most_bytes=1000), []
    before = files_of(store)
    for days in (0, 2, 13, 2):
        let_days_pass(house.files, days)
        swept = uploads.sweep_unknown(store, house.database, 0, 1)
        found.append((swept.doubted, swept.gone))
    assert found == [(0, 0), (1, 0), (0, 0), (0, 1)]
    assert files_of(store) == [name for name in before if name != orphan]


def test_what_is_known_again_is_trusted_again(school, house, orphan) -> None:
    """A wrong database was in place for weeks; with the right one nothing goes but what that does not know."""
    store = FileStore(house.files, most_bytes=1000)
    before = files_of(store)
    for name in before:
        store.doubt(name)
    let_days_pass(house.files, 30)
    assert uploads.sweep_unknown(store, house.database, 0, 1).gone == 1
    assert files_of(store) == [name for name in before if name != orphan]
    assert not any(file.doubted for files in store.files_in(0, 1) for file in files)


def test_empty_database_lets_nothing_be_removed(house, store) -> None:
    """It is no proof that nobody needs a file."""
    keep(store, b"data", sha256(b"data"))
    store.doubt(sha256(b"data"))
    let_days_pass(store.root, 30)
    assert uploads.sweep_unknown(store, house.database, 0, 1) == uploads.Swept()
    assert files_of(store) == [sha256(b"data")]


def test_each_file_is_in_one_part(store) -> None:
    """An hour looks at one of them, a day at all."""
    names = [f"{number:02x}" + 62 * "0" for number in range(0, 256, 5)]
    for name in names:
        (store.root / name[:2]).mkdir()
        (store.root / name[:2] / name).touch()
    parts = [[file.name for files in store.files_in(part, 24) for file in files] for part in range(24)]
    assert sorted(name for part in parts for name in part) == names
    assert max(map(len, parts)) < 6


def test_nobody_fills_the_disk_with_what_is_never_handed_in(school, house) -> None:
    """A bound for each person."""
    with house.database.transaction() as session, pytest.raises(StorageFull, match="did not hand in"):
        uploads.require_room(session, "ada", 0)
    school.send("ada", {"a.bin": b"x" * 10})
    with house.database.transaction() as session, pytest.raises(StorageFull):
        uploads.require_room(session, "ada", 10)


def test_only_so_many_are_sent_at_a_time(school, monkeypatch) -> None:
    """And when one has arrived, or was given up, the next may come."""
    monkeypatch.setattr("labkit_hub.service.courses.office._SENT_AT_ONCE", 0)
    assert school.ask("ada", "PUT", f"/files/{sha256(b'x')}", content=b"x").status_code == 409
    monkeypatch.setattr("labkit_hub.service.courses.office._SENT_AT_ONCE", 1)
    assert [school.ask("ada", "PUT", f"/files/{sha256(data)}", content=b"x").status_code for data in (b"y", b"x", b"x")] == [400, 204, 204]


def test_two_who_send_the_same_at_once(store) -> None:
    """Whole files replace one another."""
    name, faults = sha256(b"y" * 900), []

    def send() -> None:
        try:
            for _ in range(20):
                keep(store, b"y" * 900, name)
                store.read(name, 1000)
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (faults, files_of(store)) == ([], [name])


def test_what_is_swept_at_that_moment_is_not_handed_in(school, house) -> None:
    """The sweep forgets a file between the look at what was sent and the word that keeps it: then it has to be sent again."""
    made, files = school.assignment(), {"ps1.ipynb": school.notebook("x = 2")}
    work = school.send("ada", files)

    def forget(state: ORMExecuteState) -> None:
        if state.is_update and "uploads" in str(state.statement):
            state.session.execute(delete(UploadRow).where(UploadRow.username == "ada"))

    event.listen(Session, "do_orm_execute", forget)
    try:
        body = {"key": "key-of-ada", "release": 1, "manifest": work}
        answer = school.ask("ada", "POST", f"/assignments/{made}/submissions", json=body)
    finally:
        event.remove(Session, "do_orm_execute", forget)
    assert (answer.status_code, "not sent before" in answer.text) == (400, True)
