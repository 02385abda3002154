"""The command `labkit`: reads arguments, calls one library function, answers."""

from __future__ import annotations

import functools
import io
import os
import secrets
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from pydantic import BaseModel, ValidationError

from labkit import __version__
from labkit.cli.console import Answer, TerminalSink, cancel_on_interrupt, print_answer, print_json
from labkit.errors import Cancelled, InvalidInput, LabKitError, NotFound, response_for
from labkit.events import CancelToken, Event, EventSink

__all__ = ["asked", "command", "long_command", "main", "project_option", "stoppable"]

ModelT = TypeVar("ModelT", bound=BaseModel)

# Command -> module that holds it: only the asked-for command's module, and what it needs, is loaded.
_COMMANDS = {
    "analyse": "labkit.cli.model_commands",
    "annotations": "labkit.cli.data_commands",
    "course": "labkit.cli.course_commands",
    "demo": "labkit.cli.demo_command",
    "doctor": "labkit.cli.doctor_command",
    "export": "labkit.cli.image_commands",
    "hub": "labkit.cli.hub_commands",
    "import": "labkit.cli.image_commands",
    "model": "labkit.cli.registry_commands",
    "predict": "labkit.cli.model_commands",
    "probe": "labkit.cli.image_commands",
    "project": "labkit.cli.project_commands",
    "rerun": "labkit.cli.registry_commands",
    "run": "labkit.cli.run_commands",
    "train": "labkit.cli.model_commands",
    "trainset": "labkit.cli.trainset_commands",
    "verify": "labkit.cli.data_commands",
}
_ABOUT = {
    "analyse": "Score a prediction, measure its objects, write the report.",
    "annotations": "Bring annotations in, take them out, review and compare them.",
    "course": "Write, hand out, hand in, grade and give back course work.",
    "demo": "Walk the whole path on a sample picture.",
    "doctor": "Look whether everything is in place.",
    "export": "Write an image as OME-Zarr, OME-TIFF or PNG.",
    "hub": "Ask the hub: free devices, the line, your runs.",
    "import": "Bring pictures into a project.",
    "model": "List, compare, promote, retire and export models.",
    "predict": "Let a model segment an image.",
    "probe": "Say what a picture file holds.",
    "project": "Make, list and show projects; say what images belong to.",
    "rerun": "Repeat a training from a model's card, to the bit.",
    "run": "Look at runs, stop them, go on with them.",
    "train": "Train a model on a training set.",
    "trainset": "Plan, build, compare and send training sets.",
    "verify": "Check a project or a store for faults.",
}


class _LabKit(click.Group):
    """Loads a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        found: click.Command = getattr(import_module(_COMMANDS[cmd_name]), f"{cmd_name}_command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_ABOUT.items()))


@click.group(cls=_LabKit, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="labkit")
def app() -> None:
    """From a picture to a measured result.

    Every command takes --json: then exactly one JSON object is printed, also for an error.
    """


def command(function: Callable[..., Answer]) -> Callable[..., None]:
    """Give a command --json, and print its answer."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    @functools.wraps(function)
    def run(*args: Any, as_json: bool, **kwargs: Any) -> None:
        _check_where_we_are()
        answer = function(*args, **kwargs)
        print_answer(answer, as_json=as_json)
        if answer.exit_code:
            raise SystemExit(answer.exit_code)

    return run


def long_command(function: Callable[..., Answer]) -> Callable[..., None]:
    """Like `command`, for work that takes long: passes `on_event` and `cancel`."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object; progress goes to standard error.")
    @functools.wraps(function)
    def run(*args: Any, as_json: bool, **kwargs: Any) -> None:
        _check_where_we_are()
        sink = TerminalSink(quiet=as_json)
        try:
            with cancel_on_interrupt() as cancel:
                answer = function(*args, on_event=sink, cancel=cancel, **kwargs)
        finally:
            sink.close()
        print_answer(answer, as_json=as_json)
        if answer.exit_code:
            raise SystemExit(answer.exit_code)

    return run


def asked(kind: type[ModelT], **said: Any) -> ModelT:
    """Return what a command asks a service for.

    Raises
    ------
    InvalidInput
        Something that was given does not fit; it is named.
    """
    try:
        return kind(**said)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).replace("_", "-") if first["loc"] else "arguments"
        context = click.get_current_context(silent=True)
        hint = f"See '{context.command_path} --help'." if context else ""
        raise InvalidInput(f"{name}: {first['msg'][0].lower()}{first['msg'][1:]}.", hint=hint) from error


def stoppable(on_event: EventSink, cancel: CancelToken) -> EventSink:
    """Return a sink for work that tells how far it is and knows no token: it stops there once it is cancelled."""

    def tell(event: Event) -> None:
        on_event(event)
        cancel.raise_if_cancelled()

    return tell


def _check_where_we_are() -> None:
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise NotFound("The folder that you are in does not exist any more.", hint="Go to another one with cd.") from error


def project_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --project; without it, the nearest parent folder that is a project."""
    return click.option(
        "--project",
        "project_path",
        type=click.Path(readable=False, path_type=Path),
        default=None,
        help="Folder of the project; default: the nearest parent folder that is one.",
    )(function)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run `labkit`; exit 0 done, 2 the user's error, 1 ours, 3 faults found, 130 cancelled."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    _write_any_name()
    try:
        app.main(args=given, prog_name="labkit", standalone_mode=False)
    except SystemExit as stop:
        sys.exit(stop.code)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        if as_json:
            _fail({"type": "UsageError", "message": "A command is missing.", "hint": _help_of(error)}, 2, as_json)
        error.show()  # the list of commands is what somebody needs who named none
        sys.exit(2)
    except click.ClickException as error:
        _fail({"type": "UsageError", "message": error.format_message(), "hint": _help_of(error)}, 2, as_json)
    except (KeyboardInterrupt, click.Abort):
        _fail(Cancelled("Cancelled.", hint="Start it again to go on; what was finished is kept.").as_dict(), 130, as_json)
    except LabKitError as error:
        _fail(error.as_dict(), response_for(error).exit_code, as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # who read our output has gone; so do we
        sys.exit(1)
    except Exception as error:
        _fail(_internal(error), 1, as_json)
    sys.exit(0)


def _write_any_name() -> None:
    """Names of files can hold bytes that are no text: they are shown escaped, not refused."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _help_of(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"See '{context.command_path if context else 'labkit'} --help'."


def _fail(error: dict[str, str], exit_code: int, as_json: bool) -> NoReturn:
    error = {key: " ".join(text.split()) for key, text in error.items()}  # one line, whatever a file is called
    if as_json:
        print_json({"error": error})
    else:
        sys.stderr.write(f"labkit: {error['message']}\n")
        if error["hint"]:
            sys.stderr.write(f"  {error['hint']}\n")
    sys.exit(exit_code)


def _internal(error: Exception) -> dict[str, str]:
    """Keep the traceback in a file, so that the user need not read it and a developer can."""
    path = Path(tempfile.gettempdir()) / f"labkit-error-{secrets.token_hex(4)}.txt"
    message = f"Something went wrong inside LabKit ({type(error).__name__})."
    try:
        path.write_text(
            f"labkit {__version__}, arguments {sys.argv[1:]}\n\n" + "".join(traceback.format_exception(error)), encoding="utf-8"
        )
    except OSError:
        return {"type": "InternalError", "message": message, "hint": str(error)}
    return {"type": "InternalError", "message": message, "hint": f"Please report it with the file {path}."}
