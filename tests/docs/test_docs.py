"""The pages say what there is: a command, an option, a default, a setting or a key that is not documented fails here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from labkit import errors
from labkit.analysis import AnalysisRecord
from labkit.annotations import Agreement, AnnotationImport, Consensus, ProjectProgress, Review
from labkit.checkup import Finding
from labkit.cli.app import app
from labkit.client.course_wire import (
    AssignmentItem,
    BatchItem,
    ClassRow,
    CourseAudit,
    FeedbackOutcome,
    GradeItem,
    Receipt,
    ReleaseItem,
    Statistics,
    SubmissionItem,
)
from labkit.client.wire import HubRunItem, Standing
from labkit.config import LibrarySettings
from labkit.datasets import CleanReport, SetComparison, SetPlan, TrainingSetRecord
from labkit.demo import DemoResult
from labkit.inference import PredictionRecord
from labkit.project import ImageRecord, ProjectSummary
from labkit.training import ArchitectureFacts, CachedEncoder, ModelCard, RunComparison
from labkit.training.exporting import ExportReport
from labkit.training.repeating import Repetition

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
INTERNAL_VARIABLES = {"LABKIT_RUN_DIR"}  # set by a run for its own programs


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        elif command is not None:
            yield " ".join((*path, name)), command


COMMANDS = dict(_commands(app))
ANSWERS: dict[str, type[BaseModel]] = {
    "analyse": AnalysisRecord,
    "annotations agreement": Agreement,
    "annotations consensus": Consensus,
    "annotations import": AnnotationImport,
    "annotations progress": ProjectProgress,
    "annotations review": Review,
    "course audit": CourseAudit,
    "course batches": BatchItem,
    "course class": ClassRow,
    "course create": AssignmentItem,
    "course feedback release": FeedbackOutcome,
    "course grade": BatchItem,
    "course history": SubmissionItem,
    "course receipt": Receipt,
    "course release": ReleaseItem,
    "course score": GradeItem,
    "course statistics": Statistics,
    "course submit": Receipt,
    "demo": DemoResult,
    "doctor": Finding,
    "hub runs": HubRunItem,
    "hub status": Standing,
    "import": ImageRecord,
    "model architectures": ArchitectureFacts,
    "model compare": RunComparison,
    "model encoders": CachedEncoder,
    "model export": ExportReport,
    "model show": ModelCard,
    "predict": PredictionRecord,
    "project create": ProjectSummary,
    "rerun": Repetition,
    "trainset build": TrainingSetRecord,
    "trainset clean": CleanReport,
    "trainset compare": SetComparison,
    "trainset plan": SetPlan,
}


def _section(name: str) -> str:
    match = re.search(rf"^## `labkit {re.escape(name)}`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert match, f"docs/command-line.md has no section '## `labkit {name}`'"
    return match[1]


def _rows(section: str) -> dict[str, list[str]]:
    """Return the cells of each row of a section's table, by every option that its first cell names."""
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if line.startswith("| `")]
    return {option: cells for cells in rows for option in re.findall(r"`([^`]+)`", cells[0])}


def _options(command: click.Command) -> list[click.Option]:
    return [p for p in command.params if isinstance(p, click.Option)]


def test_the_page_has_a_section_for_each_command_and_no_other() -> None:
    """A new command needs a section, and one that went takes its own with it."""
    assert sorted(re.findall(r"^## `labkit ([^`]+)`$", PAGE, re.MULTILINE)) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_lists_the_options_that_there_are(name: str) -> None:
    """The table of a command has exactly its options."""
    flags = {flag for option in _options(COMMANDS[name]) for flag in (*option.opts, *option.secondary_opts)}
    assert set(_rows(_section(name))) == flags


@pytest.mark.parametrize("name", COMMANDS)
def test_a_default_is_the_one_in_the_code(name: str) -> None:
    """Where an option has a number or a word as default, the page says the same."""
    rows = _rows(_section(name))
    for option in _options(COMMANDS[name]):
        if isinstance(option.default, int | float | str) and not isinstance(option.default, bool) and option.default != "":
            assert rows[option.opts[0]][1] == str(option.default), option.opts[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_names_the_choices(name: str) -> None:
    """What an option accepts can be read."""
    rows = _rows(_section(name))
    for option in _options(COMMANDS[name]):
        if isinstance(option.type, click.Choice):
            for choice in option.type.choices:
                assert f"`{choice}`" in rows[option.opts[0]][2], f"{option.opts[0]} {choice}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_help(name: str) -> None:
    """`--help` explains the command and each option."""
    assert COMMANDS[name].help
    assert [option.opts[0] for option in _options(COMMANDS[name]) if not option.help] == []


@pytest.mark.parametrize("name", ANSWERS)
def test_the_keys_of_an_answer_are_listed(name: str) -> None:
    """Who reads the JSON finds each key on the page."""
    answer = _section(name).split("JSON:")[1]
    assert [key for key in ANSWERS[name].model_fields if f"`{key}`" not in answer and key != "format"] == []


def test_every_setting_is_listed_with_its_default() -> None:
    """Each field of the settings is a variable on the page."""
    section = PAGE.split("## Settings")[1]
    for name in _variables(LibrarySettings, "LABKIT_"):
        assert f"| `{name}` |" in section


def _variables(settings: type[BaseModel], prefix: str) -> Iterator[str]:
    """Yield the variables of settings; fields of a field are joined by two underscores."""
    for name, field in settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _variables(field.annotation, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}"


def test_every_variable_that_the_library_reads_is_listed() -> None:
    """Variables that are read outside of the settings are no secret either."""
    sources = [p.read_text(encoding="utf-8") for p in (ROOT / "labkit").rglob("*.py") if "testing" not in p.parts]
    used = {name for text in sources for name in re.findall(r"LABKIT_[A-Z_]*[A-Z]\b", text)} - INTERNAL_VARIABLES
    assert [name for name in sorted(used) if f"`{name}`" not in PAGE] == []


def test_every_problem_of_a_training_set_is_explained() -> None:
    """Who gets a code finds it on the page."""
    page = (ROOT / "docs" / "training-sets.md").read_text(encoding="utf-8")
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "labkit" / "datasets").glob("*.py"))
    found = set(re.findall(r"(?:warn|refuse|noting)\(\s*f?\"([a-z-]+)(?:{part})?\"", sources))
    assert len(found) > 25
    assert [code for code in sorted(found) if not re.search(rf"`{code}[a-z]*`", page)] == []


def test_every_exit_code_is_explained() -> None:
    """The table of exit codes has those that an error can have, and success."""
    codes = {errors.response_for(kind("")).exit_code for kind in _errors()} | {0}
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    assert listed == codes


def _errors() -> list[type[BaseException]]:
    return [KeyboardInterrupt, *(getattr(errors, n) for n in errors.__all__ if isinstance(getattr(errors, n), type) and n != "Response")]
