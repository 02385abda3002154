"""How every command answers: one object or lines, hints, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from labkit import __version__
from labkit.cli import app
from labkit.errors import (
    AlreadyExists,
    Cancelled,
    CorruptStore,
    FaultsFound,
    LabKitError,
    MissingDependency,
    NotFound,
    RunFailed,
    StorageFull,
)
from labkit.testing.commands import Done, run_labkit

LabKit = Callable[..., Done]
COMMANDS = [
    "analyse", "annotations", "course", "demo", "doctor", "export", "hub", "import", "model", "predict", "probe", "project", "rerun", "run",
    "train", "trainset", "verify",
]  # fmt: skip


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make `labkit project list` raise."""

    def raise_from_list(error: BaseException) -> None:
        def listing(*_: object) -> None:
            raise error

        monkeypatch.setattr("labkit.cli.project_commands.list_projects", listing)

    return raise_from_list


def test_help_lists_every_command(labkit: LabKit) -> None:
    """`labkit --help` names each command with a sentence and ends well."""
    done = labkit("--help")
    assert (done.exit_code, done.stderr) == (0, "")
    listed = [line.split()[0] for line in done.stdout.split("Commands:")[1].splitlines() if line.strip()]
    assert listed == COMMANDS


def test_every_command_that_is_listed_can_be_had() -> None:
    """The table of commands and their modules names things that exist, under the name that a user types."""
    context = click.Context(app.app)
    for name in COMMANDS:
        command = app.app.get_command(context, name)
        assert command is not None
        assert command.name == name


@pytest.mark.parametrize("arguments", [(), ("project",), ("annotations",), ("trainset",)])
def test_a_missing_command_is_answered_with_the_list(labkit: LabKit, arguments: tuple[str, ...]) -> None:
    """Who names no command sees which there are; that is exit 2."""
    done = labkit(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: labkit")
    assert "Commands:" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "about"),
    [
        (("--json",), "--json"),
        (("project", "--json"), "--json"),
        (("nonsense", "--json"), "nonsense"),
        (("project", "create", "--json"), "NAME"),
        (("import", "--json"), "FILES"),
        (("import", "--pixel-size", "big", "a.tif", "--json"), "pixel-size"),
        (("annotations", "export", "a", "b", "--format", "gif", "--json"), "gif"),
        (("trainset", "build", "a", "--split", "odd", "--json"), "odd"),
        (("demo", "--json"), "--out"),
        (("verify", "--json"), "PATH"),
    ],
)
def test_a_wrong_call_is_one_json_object_with_a_hint(labkit: LabKit, arguments: tuple[str, ...], about: str) -> None:
    """Arguments that make no sense are the user's error, and the answer says where help is."""
    done = labkit(*arguments)
    assert done.exit_code == 2
    assert done.error["type"] == "UsageError"
    assert about in done.error["message"]
    assert "--help" in done.error["hint"]
    assert done.stderr == ""


def test_a_wrong_call_without_json_is_a_line_and_a_hint(labkit: LabKit) -> None:
    """For a person it is two lines on standard error and nothing on standard output."""
    done = labkit("project", "create")
    assert done.exit_code == 2
    assert done.stdout == ""
    message, hint = done.stderr.splitlines()
    assert message.startswith("labkit: ")
    assert hint == "  See 'labkit project create --help'."


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (NotFound, 2),
        (AlreadyExists, 2),
        (StorageFull, 2),
        (MissingDependency, 2),
        (FaultsFound, 3),
        (CorruptStore, 1),
        (RunFailed, 1),
        (Cancelled, 130),
    ],
)
def test_an_error_decides_the_exit_code(
    labkit: LabKit, broken: Callable[[BaseException], None], kind: type[LabKitError], exit_code: int
) -> None:
    """Whose fault an error is can be read from the exit code; message and hint arrive as they were given."""
    broken(kind("It went wrong.", hint="Do it right."))
    done = labkit("project", "list", "--json")
    assert done.exit_code == exit_code
    assert done.error == {"type": kind.__name__, "message": "It went wrong.", "hint": "Do it right."}
    plain = labkit("project", "list")
    assert (plain.exit_code, plain.stdout, plain.stderr) == (exit_code, "", "labkit: It went wrong.\n  Do it right.\n")


def test_ctrl_c_is_130(labkit: LabKit, broken: Callable[[BaseException], None]) -> None:
    """A Ctrl-C outside of any long work is a cancel, not a traceback."""
    broken(KeyboardInterrupt())
    done = labkit("project", "list", "--json")
    assert done.exit_code == 130
    assert done.error["type"] == "Cancelled"


def test_our_own_error_hides_its_text_and_keeps_the_traceback(
    labkit: LabKit, broken: Callable[[BaseException], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours is exit 1, names a file to report, and shows nothing of what may be secret."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    broken(ZeroDivisionError("the password is swordfish"))
    done = labkit("project", "list", "--json")
    assert done.exit_code == 1
    assert done.error["type"] == "InternalError"
    assert "swordfish" not in done.stdout + done.stderr
    [kept] = tmp_path.glob("labkit-error-*.txt")
    assert str(kept) in done.error["hint"]
    assert "swordfish" in kept.read_text()


def test_our_own_error_is_answered_when_nothing_can_be_kept(
    labkit: LabKit, broken: Callable[[BaseException], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the traceback cannot be written, the answer is still one object with exit 1."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "not there"))
    broken(ZeroDivisionError())
    done = labkit("project", "list", "--json")
    assert (done.exit_code, done.error["type"]) == (1, "InternalError")


def test_a_message_is_one_line(labkit: LabKit) -> None:
    """A name with line breaks does not break the line."""
    done = labkit("verify", "a\nb")
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 2


def test_a_name_that_is_no_text_is_answered(tmp_path: Path) -> None:
    """A file name may hold any bytes; the answer is still one JSON object."""
    name = os.fsdecode(b"caf\xe9.tif")
    done = run_labkit("verify", name, "--json", cwd=tmp_path)
    assert done.exit_code == 2
    assert done.error["message"].startswith(name)


def test_json_is_whole_where_output_is_ascii(tmp_path: Path) -> None:
    """Where output is ASCII only, JSON still holds every letter."""
    done = run_labkit("project", "create", "zellen", "--title", "Zellen µm", "--json", cwd=tmp_path, env={"PYTHONIOENCODING": "ascii"})
    assert done.exit_code == 0
    assert done.json["title"] == "Zellen µm"


def test_a_reader_who_goes_away_gets_no_traceback(tmp_path: Path) -> None:
    """`labkit ... | head` ends quietly when the pipe is closed."""
    reading, writing = os.pipe()
    os.close(reading)
    program = subprocess.Popen(
        [sys.executable, "-m", "labkit", "project", "list", "--json"], stdout=writing, stderr=subprocess.PIPE, cwd=tmp_path
    )
    os.close(writing)
    _, complaints = program.communicate(timeout=60)
    assert complaints == b""


def test_the_module_is_the_command(tmp_path: Path) -> None:
    """`python -m labkit` and the installed `labkit` are one program."""
    installed = subprocess.run(
        [Path(sys.executable).with_name("labkit"), "--version"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    module = run_labkit("--version", cwd=tmp_path)
    assert (module.exit_code, module.stderr) == (0, "")
    assert module.stdout == installed.stdout == f"labkit, version {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["project", "list", "--json"], ["import", "--help"], ["trainset", "build", "--help"], ["verify", "--help"]]
)
def test_torch_is_loaded_only_by_commands_that_learn(arguments: list[str], tmp_path: Path) -> None:
    """Loading torch takes seconds: help and the commands before the training do without."""
    code = (
        "import sys\nfrom labkit.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('torch', 'papermill', 'matplotlib', 'distributed') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stderr == "[]\n"
    assert done.stdout


def test_help_of_a_command_loads_no_other_room(tmp_path: Path) -> None:
    """`labkit --help` loads no room at all."""
    code = (
        "import json, sys\nfrom labkit.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    loaded = {name.split(".")[1] for name in json.loads(done.stderr) if name.startswith("labkit.")}
    assert loaded <= {"cli", "config", "errors", "events"}
