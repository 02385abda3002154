"""Every lesson of the course, executed as an impatient student would: from top to bottom, with `fast = True`, twice."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from labkit import Project, list_projects, verify
from labkit.training import list_models

COURSE = Path(__file__).parents[2] / "course"
LESSONS = sorted(COURSE.glob("*.ipynb"))
MIN_PICTURES = 5

each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


def _notebook(lesson: Path) -> Any:
    return nbformat.read(lesson, as_version=4)  # type: ignore[no-untyped-call]


def _code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_the_course_has_a_first_lesson() -> None:
    """The tests below are about something."""
    assert [path.name for path in LESSONS][:1] == ["01-first-project.ipynb"]


@each_lesson
def test_lesson_is_committed_without_results(lesson: Path) -> None:
    """A student gets a lesson that nobody has executed yet."""
    assert [cell.id for cell in _code_cells(_notebook(lesson)) if cell.outputs or cell.execution_count is not None] == []


@each_lesson
def test_lesson_can_be_run_fast(lesson: Path) -> None:
    """One cell is tagged `parameters`, and among the values that it sets is `fast = False`."""
    (cell,) = (cell for cell in _code_cells(_notebook(lesson)) if "parameters" in cell.metadata.get("tags", []))
    lines = [node for node in ast.parse(cell.source).body if isinstance(node, ast.Assign)]
    values = {ast.unparse(line.targets[0]): ast.literal_eval(line.value) for line in lines}
    assert values["fast"] is False


@each_lesson
def test_lesson_is_for_any_python_kernel(lesson: Path) -> None:
    """The kernel's name is that of every installation, not one of the author's machine."""
    assert _notebook(lesson).metadata.kernelspec.name == "python3"


@dataclass(frozen=True)
class Executed:
    """A lesson after two executions in one home."""

    projects: Path
    first: Any
    second: Any
    images_between: tuple[str, ...]

    @property
    def project(self) -> Project:
        """The project that the lesson made."""
        (summary,) = list_projects(self.projects)
        return Project.open(summary.path)


@pytest.fixture(scope="module", params=LESSONS, ids=lambda path: path.stem)
def executed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executed]:
    """Execute a lesson twice in a new home without a network; both times it must reach its last cell."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as surroundings:
        surroundings.setenv("HOME", str(home))
        surroundings.setenv("IPYTHONDIR", str(home / ".ipython"))
        surroundings.setenv("LABKIT_CACHE", str(home / ".cache"))
        surroundings.setenv("LABKIT_OFFLINE", "1")
        surroundings.setenv("LABKIT_PROJECTS", str(home / "projects"))
        first = _execute(request.param, home, "first")
        (summary,) = list_projects(home / "projects")
        images = tuple(image.id for image in Project.open(summary.path).images())
        yield Executed(home / "projects", first, _execute(request.param, home, "second"), images)


def _execute(lesson: Path, home: Path, name: str) -> Any:
    output = home / f"{name}.ipynb"
    parameters = {"fast": True}
    return papermill.execute_notebook(lesson, output, parameters=parameters, kernel_name="python3", cwd=home, progress_bar=False)


@pytest.mark.ci
class TestExecuted:
    """What a lesson leaves behind."""

    def test_every_drawn_picture_is_shown(self, executed: Executed) -> None:
        """Each cell that draws shows a picture, and there are at least five: a lesson shows what it does."""
        for notebook in (executed.first, executed.second):
            drawing = [cell.id for cell in _code_cells(notebook) if "plt.show()" in cell.source]
            showing = [cell.id for cell in _code_cells(notebook) if _pictures(cell)]
            assert showing == drawing
            assert len(showing) >= MIN_PICTURES

    def test_nothing_is_complained_of(self, executed: Executed) -> None:
        """A student sees no warnings of libraries."""
        outputs = [output for cell in _code_cells(executed.first) for output in cell.outputs]
        complaints = [output.text for output in outputs if output.get("name") == "stderr"]
        assert [text for text in complaints if "font cache" not in text] == []

    def test_missing_network_is_said_in_words(self, executed: Executed) -> None:
        """Without a network the lesson says that the picture is a generated one."""
        assert "a generated one is used instead" in _printed(executed.first)

    def test_project_is_whole(self, executed: Executed) -> None:
        """After both executions every file of the project is as it was written."""
        report = verify(executed.project.path)
        assert report.kind == "project"
        assert report.faults == ()

    def test_second_execution_goes_on_with_what_is_there(self, executed: Executed) -> None:
        """The picture is imported once and recognised; the model is trained anew and gets the next version."""
        assert tuple(image.id for image in executed.project.images()) == executed.images_between
        assert [model.card.version for model in list_models(executed.project)] == [1, 2]


def _pictures(cell: Any) -> list[Any]:
    return [output for output in cell.outputs if "image/png" in output.get("data", {})]


def _printed(notebook: Any) -> str:
    return "".join(o.text for c in _code_cells(notebook) for o in c.outputs if o.output_type == "stream")
