"""Course work from the people's side, on the real service: fetched without loss, handed in once, given back."""

from __future__ import annotations

import io
import shutil
import unicodedata
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from PIL import Image

from labkit.client import fetching, workfolder
from labkit.client.course_wire import AssignmentItem, FeedbackAsk, HandScore
from labkit.client.feedback import fetch_feedback
from labkit.client.fetching import Fetched, fetch_assignment
from labkit.client.finding import find_assignment
from labkit.client.handing_in import collect, hand_in
from labkit.client.workfolder import WorkFolder, find_work, list_work, work_for
from labkit.errors import AlreadyExists, HubUnreachable, InvalidInput, NotFound, StorageFull
from labkit.testing.course_service import CourseService, course_service
from labkit.testing.coursework import ASSIGNMENT, edit_notebook, hand_out, write_author_folder

SOLVED = "def mean_area(lines):\n    return sum(map(area, lines)) / len(lines)"
_numbers = count(1)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CourseService]:
    with course_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def author(tmp_path: Path) -> Path:
    """The folder of an assignment, as its professor keeps it."""
    return write_author_folder(tmp_path / "author")


@pytest.fixture
def item(service: CourseService, author: Path) -> AssignmentItem:
    """An assignment of an odd name, released once."""
    return hand_out(service.client("prof"), author, f"{ASSIGNMENT} {next(_numbers)}")


@pytest.fixture
def fetch(service: CourseService, item: AssignmentItem, tmp_path: Path) -> Callable[[], Fetched]:
    """Let zoë b fetch it."""
    client = service.client("zoë b")
    return lambda: fetch_assignment(client, client.assignment(item.id), base=tmp_path / "courses")


@pytest.fixture
def folder(fetch: Callable[[], Fetched]) -> WorkFolder:
    """The folder of zoë b."""
    return fetch().folder


def test_a_release_lies_in_a_folder_of_its_name(fetch: Callable[[], Fetched], item: AssignmentItem, tmp_path: Path) -> None:
    """Odd names stay as they are, and the solution is not in it."""
    fetched = fetch()
    assert fetched.folder.root == tmp_path / "courses" / "image-ai" / item.name
    assert sorted(fetched.new) == ["data/my data.csv", "helper.py", "ps1.ipynb"]
    assert "sum(map" not in (fetched.folder.root / "ps1.ipynb").read_text()
    assert fetched.folder.record().assignment == item.id


def test_previews_of_a_release_are_none_of_the_students_files(service: CourseService, tmp_path: Path) -> None:
    """What browsers do not show is released with a preview, which is not fetched; it is kept while the picture is the same."""
    picture = io.BytesIO()
    Image.new("I;16", (70, 50), 900).save(picture, "TIFF")
    author = write_author_folder(tmp_path / "author", picture=picture.getvalue())
    prof, zoe = service.client("prof"), service.client("zoë b")
    item = hand_out(prof, author, f"{ASSIGNMENT} {next(_numbers)}")
    [preview] = prof.source(item.id, 1).previews
    assert (preview.task, preview.height_px, preview.width_px) == ("field", 50, 70)
    fetched = fetch_assignment(zoe, zoe.assignment(item.id), base=tmp_path / "courses")
    assert sorted(fetched.new) == ["annotations/tasks.json", "data/field.png", "data/my data.csv", "helper.py", "ps1.ipynb"]
    assert hand_out(prof, author, item.name).release == 1
    (author / "helper.py").write_text("# another one")
    assert hand_out(prof, author, item.name).release == 2
    assert prof.source(item.id, 2).previews == (preview,)


def test_fetching_never_takes_away_what_was_written(
    fetch: Callable[[], Fetched], folder: WorkFolder, service: CourseService, item: AssignmentItem, author: Path
) -> None:
    """Of a second release unchanged files are renewed, a deleted one comes back, and beside a changed one the new one is laid."""
    mine = folder.root / "ps1.ipynb"
    edit_notebook(mine, SOLVED)
    written = mine.read_bytes()
    (folder.root / "data" / "my data.csv").unlink()
    assert (fetch().kept, fetch().beside) == (["ps1.ipynb"], {})

    write_author_folder(author.parent, hint="release two")
    (author / "helper.py").write_text("def area(line):\n    return float(line.rsplit(',')[-1])\n")
    (folder.root / "data" / "my data.csv").unlink()
    hand_out(service.client("prof"), author, item.name)
    fetched = fetch()
    assert (fetched.release, fetched.new, fetched.renewed) == (2, ["data/my data.csv"], ["helper.py"])
    assert fetched.beside == {"ps1.ipynb": "ps1 (release 2).ipynb"}
    assert mine.read_bytes() == written
    assert "release two" in (folder.root / "ps1 (release 2).ipynb").read_text()
    assert "ps1 (release 2).ipynb" in {one.path for one in collect(folder).left_out}


def test_a_name_that_another_system_writes_otherwise(fetch: Callable[[], Fetched], folder: WorkFolder) -> None:
    """A file whose umlaut came apart is the same file; what is sent has it in one piece."""
    (folder.root / unicodedata.normalize("NFD", "größe.txt")).write_text("3")
    assert collect(folder).manifest.entry("größe.txt") is not None
    assert folder.on_disk("größe.txt").is_file()


def test_what_is_sent_and_what_is_not(folder: WorkFolder) -> None:
    """Data as it was released, hidden files, caches and links stay; why, is said."""
    (folder.root / "answer.txt").write_text("42")
    (folder.root / ".secret").write_text("x")
    (folder.root / "__pycache__").mkdir()
    (folder.root / "elsewhere").symlink_to("/etc/hostname")
    collected = collect(folder)
    assert [file.path for file in collected.manifest.files] == ["answer.txt", "ps1.ipynb"]
    assert {one.path: one.why for one in collected.left_out} == {
        ".secret": "hidden",
        "__pycache__": "a cache",
        "data/my data.csv": "as it was released",
        "elsewhere": "a link",
        "helper.py": "as it was released",
    }
    assert (collected.cells, collected.errors) == ({"ps1.ipynb": 4}, ())


def test_too_much_is_refused_in_words(folder: WorkFolder) -> None:
    """The largest files are named, before anything is read or sent."""
    with (folder.root / "movie.avi").open("wb") as file:
        file.truncate(30_000_000)
    with pytest.raises(InvalidInput, match=r"takes 20 MB. The largest: movie.avi \(30.0 MB\)"):
        collect(folder)


def test_a_copy_under_another_name_is_refused(folder: WorkFolder, service: CourseService, item: AssignmentItem) -> None:
    """The name that is expected is said, and nothing is handed in."""
    (folder.root / "ps1.ipynb").rename(folder.root / "ps1 (1).ipynb")
    with pytest.raises(InvalidInput, match=r"ps1\.ipynb") as caught:
        hand_in(service.client("zoë b"), folder)
    assert "Rename it to ps1.ipynb" in caught.value.hint
    assert service.client("zoë b").submissions(item.id) == ()


def test_an_answer_that_gets_lost_makes_no_second_submission(folder: WorkFolder, service: CourseService, item: AssignmentItem) -> None:
    """Neither within one try nor when the person tries again; another content is another one, and files are sent once."""
    client = service.client("zoë b", patience_s=0.0)
    handing_in = f"POST /assignments/{item.id}/submissions"
    edit_notebook(folder.root / "ps1.ipynb", SOLVED)
    service.lost.add(handing_in)
    with pytest.raises(HubUnreachable) as caught:
        hand_in(client, folder)
    assert "Submit again" in caught.value.hint
    service.lost.add(handing_in)
    receipt = hand_in(service.client("zoë b"), folder)
    assert (receipt.attempt, receipt.sha256, receipt.cells) == (1, collect(folder).manifest.sha256, {"ps1.ipynb": 4})
    assert [one.submission for one in folder.receipts()] == [receipt.submission]
    edit_notebook(folder.root / "ps1.ipynb", SOLVED + "  # again")
    service.asked.clear()
    assert hand_in(client, folder).attempt == 2
    assert sum(said.startswith("PUT /files/") for said in service.asked) == 1
    assert [one.attempt for one in client.submissions(item.id)] == [2, 1]
    assert client.receipt(receipt.submission) == receipt


def test_feedback_comes_into_the_folder(folder: WorkFolder, service: CourseService, item: AssignmentItem) -> None:
    """Before its release there is none; afterwards grade and page lie in feedback/, and are not handed in with the next attempt."""
    zoe, prof = service.client("zoë b"), service.client("prof")
    receipt = hand_in(zoe, folder)
    with pytest.raises(NotFound, match="no feedback"):
        fetch_feedback(zoe, item)
    service.grade(item.id, {"ps1/mean_test": 4}, page="<p>executed</p>")
    prof.score(receipt.submission, HandScore(item="ps1/why", points=1.5, comment="Look at the tails."))
    assert prof.release_feedback(item.id, FeedbackAsk()).submissions == (receipt.submission,)
    found = fetch_feedback(zoe, item, base=folder.root.parents[1])
    assert (found.grade.submission.points, found.grade.comments) == (5.5, {"ps1/why": "Look at the tails."})
    assert (folder.layout.feedback / "attempt 1" / "ps1.html").read_text() == "<p>executed</p>"
    collected = collect(folder)
    assert ([file.path for file in collected.manifest.files], "feedback" in str(collected.left_out)) == (["ps1.ipynb"], False)
    (folder.layout.feedback / "mine.txt").write_text("an answer at the wrong place")
    assert "move the file out" in {one.path: one.why for one in collect(folder).left_out}["feedback/mine.txt"]
    folder.layout.feedback.rename(folder.root / "aside")
    folder.layout.feedback.write_text("a file of this name")
    with pytest.raises(AlreadyExists, match="feedback is a file"):
        fetch_feedback(zoe, item, base=folder.root.parents[1])


def test_notes_in_what_came_back_are_kept(folder: WorkFolder, service: CourseService, item: AssignmentItem) -> None:
    """What was left as it came is renewed; beside what was changed the new one is laid, once, and no note is lost in it either."""
    zoe, prof, base = service.client("zoë b"), service.client("prof"), folder.root.parents[1]
    hand_in(zoe, folder)
    page = folder.layout.feedback / "attempt 1" / "ps1.html"

    def graded(text: str) -> None:
        service.grade(item.id, {"ps1/mean_test": 4}, page=text)
        prof.release_feedback(item.id, FeedbackAsk())

    graded("first")
    fetch_feedback(zoe, item, base=base)
    page.write_text("first, and my notes")
    again = fetch_feedback(zoe, item, base=base)
    assert (again.kept, again.beside, page.read_text()) == ([page], {}, "first, and my notes")
    graded("second")
    beside = page.with_name("ps1 (2).html")
    renewed = fetch_feedback(zoe, item, base=base)
    assert (renewed.beside, beside.read_text(), page.read_text()) == ({page: beside}, "second", "first, and my notes")
    beside.write_text("second, and my notes")
    fetch_feedback(zoe, item, base=base)
    graded("third")
    third = page.with_name("ps1 (3).html")
    assert (fetch_feedback(zoe, item, base=base).beside, beside.read_text()) == ({page: third}, "second, and my notes")
    page.unlink()
    assert (fetch_feedback(zoe, item, base=base).kept, page.read_text()) == ([], "third")
    graded("fourth")
    assert (fetch_feedback(zoe, item, base=base).kept, page.read_text()) == ([], "fourth")


def test_an_assignment_is_found_by_what_it_is_called(service: CourseService, item: AssignmentItem) -> None:
    """By id, and by a name whichever way its umlaut is written; an unknown one is answered with those there are."""
    client = service.client("ada")
    assert find_assignment(client, item.id).id == item.id
    assert find_assignment(client, unicodedata.normalize("NFD", item.name.upper())).id == item.id
    with pytest.raises(NotFound) as caught:
        find_assignment(client, "ps9")
    assert item.name in caught.value.hint


def test_a_first_fetch_that_was_cut_short_goes_on_in_its_folder(
    fetch: Callable[[], Fetched], service: CourseService, item: AssignmentItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one brings the rest into the same folder, whether files were on their way or in their places already."""
    for broken in ("_download", "save_record"):
        with monkeypatch.context() as patch:
            patch.setattr(fetching, broken, _fails_after(getattr(fetching, broken) if broken == "_download" else None))
            with pytest.raises(KeyboardInterrupt):
                fetch()
    assert fetch().folder.root == tmp_path / "courses" / "image-ai" / item.name
    assert [path.name for path in (tmp_path / "courses" / "image-ai").iterdir()] == [item.name]


def _fails_after(done: Callable[..., object] | None) -> Callable[..., object]:
    def fails(*args: object) -> object:
        if done is not None:
            done(*args)
        raise KeyboardInterrupt

    return fails


def test_another_assignment_of_the_same_name_does_not_get_into_a_folder_cut_short(tmp_path: Path, item: AssignmentItem) -> None:
    """Its first fetch left files; those are of another assignment."""
    place = work_for(item, tmp_path)
    place.layout.incoming("another").mkdir(parents=True)
    (place.root / "ps1.ipynb").write_text("mine")
    assert work_for(item, tmp_path).root.name == f"{item.name} ({item.id})"


def test_a_full_disk_keeps_nobody_from_handing_in(
    folder: WorkFolder, service: CourseService, item: AssignmentItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither key nor receipt can be written; the submission counts, and its receipt is at the hub."""

    def full(*_: object) -> None:
        raise StorageFull("The disk is full.")

    monkeypatch.setattr(workfolder, "save_record", full)
    client = service.client("zoë b")
    receipt = hand_in(client, folder)
    assert folder.kept_receipt(receipt) is None
    assert client.receipt(receipt.submission) == receipt


def test_work_that_lies_in_a_copy_is_noticed(folder: WorkFolder) -> None:
    """The notebook that is graded is as it was handed out: said, and accepted."""
    mine = folder.root / "ps1.ipynb"
    (folder.root / "ps1-Copy1.ipynb").write_bytes(mine.read_bytes())
    edit_notebook(folder.root / "ps1-Copy1.ipynb", SOLVED)
    [problem] = collect(folder).problems
    assert (problem.severity, problem.hint) == ("warning", "Is your work in ps1-Copy1.ipynb? Only ps1.ipynb is graded.")
    edit_notebook(mine, SOLVED)
    assert collect(folder).problems == ()


def test_what_is_handed_in_is_of_the_release_that_was_looked_through(
    fetch: Callable[[], Fetched], folder: WorkFolder, service: CourseService, item: AssignmentItem, author: Path
) -> None:
    """In another tab a newer release was fetched in between."""
    edit_notebook(folder.root / "ps1.ipynb", SOLVED)
    collected = collect(folder)
    write_author_folder(author.parent, hint="release two")
    hand_out(service.client("prof"), author, item.name)
    assert fetch().release == 2
    client = service.client("zoë b")
    assert client.submission(hand_in(client, folder, collected=collected).submission).release == 1


@pytest.mark.parametrize("copy", ["ps1 zz", "0 backup of ps1"])
def test_a_folder_that_was_copied_is_not_taken_for_the_assignment(folder: WorkFolder, item: AssignmentItem, copy: str) -> None:
    """What is listed is what is sent: the folder that is called as the assignment is, wherever the copy stands in the list."""
    base = folder.root.parents[1]
    shutil.copytree(folder.root, folder.root.with_name(copy))
    assert [found.root for found, record in list_work(base) if record.assignment == item.id] == [folder.root]
    assert find_work(item.id, base) == folder


def test_a_hidden_file_whose_umlaut_came_apart_is_released(service: CourseService, author: Path) -> None:
    """As a Mac writes it; the hub has it in one piece."""
    (author / "hidden").mkdir(exist_ok=True)
    (author / "hidden" / unicodedata.normalize("NFD", "größe.txt")).write_text("truth")
    item = hand_out(service.client("prof"), author, f"{ASSIGNMENT} {next(_numbers)}")
    assert service.client("prof").source(item.id, 1).source.entry("hidden/größe.txt") is not None
