"""Execute a notebook by papermill in this program, and say in one line what went wrong."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.errors import InvalidInput, LabKitError, NotFound, RunFailed
from labkit.events import CancelToken, EventSink, Progress, ignore_events

if TYPE_CHECKING:
    from labkit.notebooks.engine import OwnKernel, Story

__all__ = ["execute_notebook"]

_MAX_TEXT = 300
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LOOK = "Open the executed notebook: the marked cell shows where it happened."
_HINTS = {
    "StorageFull": "Free some disk space, then start it again.",
    "ModuleNotFoundError": "Install the missing package, or the part of LabKit that needs it.",
    "SystemExit": "Take exit() out of the notebook: it must reach its last cell.",
}
# What ran out, by what the libraries say of it (numpy, torch, CUDA, the system), and what to do then.
_RAN_OUT = (
    ("The disk is full", re.compile(r"No space left on device|Disk quota exceeded"), _HINTS["StorageFull"]),
    (
        "The GPU ran out of memory",
        re.compile(r"CUDA out of memory|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED|^OutOfMemoryError"),
        "Use a smaller batch, smaller pieces or a smaller model, or end what else computes on the GPU.",
    ),
    (
        "The machine ran out of memory",
        re.compile(r"^_?(Array)?MemoryError|Unable to allocate|DefaultCPUAllocator|Cannot allocate memory"),
        "Use a smaller batch, smaller tiles or a smaller model, then start it again.",
    ),
)


def execute_notebook(
    source: Path,
    output: Path,
    *,
    config_path: Path,
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    scratch: Path | None = None,
) -> None:
    """Execute `source` with this environment's Python and leave the executed notebook at `output`.

    Parameters
    ----------
    source : Path
        The notebook; it is not changed. Its single parameter is ``config_path``.
    output : Path
        Where the executed notebook is saved, while it runs, at its end and after a failure.
    config_path : Path
        Given to the notebook as a string.
    on_event : callable, optional
        Gets a `Progress` in cells, stage ``notebook``.
    cancel : CancelToken, optional
        Looked at before each cell.
    cwd : Path, optional
        Working folder of the kernel; by default the folder of `output`.
    env : dict, optional
        Variables for the kernel beside those of this program.
    scratch : Path, optional
        Existing private folder with a short path for the kernel's sockets; by default a temporary one.

    Raises
    ------
    NotFound, InvalidInput
        `source` does not exist, or is no notebook.
    RunFailed
        A cell raised (facts ``cell``, ``ename``, ``evalue``), or the kernel died (facts ``cell``, ``kernel_exit``:
        an exit code, or minus the number of a signal).
    Cancelled
        `cancel` was set between two cells.
    """
    from labkit.notebooks.engine import kernel_in  # heavy: papermill is loaded where a notebook is executed, nowhere else

    _check_notebook(source)
    with _folder(scratch) as kernel_folder:
        kernel = kernel_in(kernel_folder)
        variables = {**os.environ, **(env or {}), "PYTHONUNBUFFERED": "1", "IPYTHONDIR": str(kernel_folder / "ipython")}
        start = {"cwd": str(cwd or output.parent), "env": variables}
        _Execution(kernel, on_event, cancel).run(source, output, config_path, start)


class _Execution:
    """One execution: what is known of it when it fails."""

    def __init__(self, kernel: OwnKernel, on_event: EventSink, cancel: CancelToken | None) -> None:
        self.kernel, self.on_event, self.cancel = kernel, on_event, cancel
        self.story: Story | None = None
        self.cell_index = -1

    def run(self, source: Path, output: Path, config_path: Path, start: dict[str, Any]) -> None:
        """Execute, and translate what papermill and nbclient raise."""
        import papermill
        from nbclient.exceptions import CellExecutionError, DeadKernelError
        from papermill.engines import papermill_engines

        from labkit.notebooks.engine import ENGINE_NAME, StoryEngine

        papermill_engines.register(ENGINE_NAME, StoryEngine)
        try:
            papermill.execute_notebook(
                str(source),
                None,  # the story saves, whole files only
                parameters={"config_path": str(config_path)},
                engine_name=ENGINE_NAME,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                output=output,
                kernel=self.kernel,
                on_story=self._on_story,
                on_cell_start=self._on_cell_start,
                on_cell_executed=self._on_cell_executed,
                start=start,
            )
        except papermill.PapermillExecutionError as error:
            self._save()
            raise self._cell_raised(error.ename, error.evalue) from error
        except CellExecutionError as error:
            raise self._cell_raised(error.ename, error.evalue) from error
        except DeadKernelError as error:
            raise self._kernel_died() from error
        except LabKitError:
            raise  # from the hooks
        except RuntimeError as error:
            if self.story is None or self.kernel.exit_status is None:
                raise
            raise self._kernel_died() from error  # "Kernel died before replying to kernel_info"
        self._refuse_exit()
        self._report(len(self._cells()))

    def _on_story(self, story: Story) -> None:
        self.story = story

    def _on_cell_start(self, *, cell: Any, cell_index: int) -> None:
        if self.cancel is not None:
            self.cancel.raise_if_cancelled()
        self.cell_index = cell_index
        self._report(cell_index)

    def _on_cell_executed(self, *, cell: Any, cell_index: int, execute_reply: dict[str, Any]) -> None:
        if any(payload.get("source") == "ask_exit" for payload in execute_reply["content"].get("payload", [])):
            raise self._cell_raised("SystemExit", "")  # exit() ends the kernel a moment later, maybe in a later cell

    def _report(self, done: int) -> None:
        self.on_event(Progress(done=done, total=len(self._cells()), unit="cells", stage="notebook"))

    def _cells(self) -> list[Any]:
        return list(self.story.nb.cells) if self.story else []

    def _save(self) -> None:
        if self.story is not None:
            self.story.save()

    def _number(self) -> int:
        """Return the number that the executed notebook shows as ``In [n]`` at the cell that ran last."""
        cells = [c for c in self._cells() if "papermill-error-cell-tag" not in c.metadata.get("tags", [])]
        return sum(c.cell_type == "code" and bool(c.source.strip()) for c in cells[: self.cell_index + 1])

    def _cell_raised(self, ename: str, evalue: str) -> RunFailed:
        number, text = self._number(), _one_line(evalue)
        message = f"Cell {number} stopped with {ename}{': ' + text if text else '.'}"
        hint = self._hint_from_outputs() or _HINTS.get(ename, _LOOK)
        for what, signs, advice in _RAN_OUT:
            if signs.search(f"{ename}: {text}"):
                message, hint = f"{what} ({message.removesuffix('.')})", advice
                break
        return RunFailed(message, hint=hint, cell=number, ename=ename, evalue=text)

    def _hint_from_outputs(self) -> str:
        from labkit.notebooks.kernel import ERROR_MIME_TYPE

        found = [o.data[ERROR_MIME_TYPE] for c in self._cells() for o in c.get("outputs", []) if ERROR_MIME_TYPE in o.get("data", {})]
        return _one_line(str(found[-1].get("hint", ""))) if found and isinstance(found[-1], dict) else ""

    def _kernel_died(self) -> RunFailed:
        status, number = self.kernel.exit_status, self._number()
        return RunFailed(
            f"The kernel {_how_it_ended(status)} in cell {number}.", hint=_hint_for_exit(status), cell=number, kernel_exit=status
        )

    def _refuse_exit(self) -> None:
        """Papermill takes ``sys.exit(0)`` in a cell for success, with the cells after it never executed."""
        for cell in self._cells():
            if any(o.output_type == "error" and o.ename == "SystemExit" for o in cell.get("outputs", [])):
                raise self._cell_raised("SystemExit", "")


def _how_it_ended(status: int | None) -> str:
    if status is None:
        return "stopped answering"
    if status >= 0:
        return f"ended itself (exit code {status})"
    return f"was killed by signal {-status} ({signal.Signals(-status).name})"


def _hint_for_exit(status: int | None) -> str:
    if status == -signal.SIGKILL:
        return "Most often the machine ran out of memory: use a smaller batch, smaller tiles or a smaller model."
    if status is not None and status >= 0:
        return _HINTS["SystemExit"]
    return "A compiled package crashed; the log beside the notebook may say which."


def _one_line(text: str) -> str:
    lines = [line.strip() for line in _ANSI.sub("", text).splitlines() if line.strip()]
    line = lines[0] if lines else ""
    return line if len(line) <= _MAX_TEXT else line[:_MAX_TEXT] + "..."


def _check_notebook(source: Path) -> None:
    import nbformat

    if not source.is_file():
        raise NotFound(f"The notebook {source} does not exist.", hint="Check the path.", path=str(source))
    try:
        nbformat.read(source, as_version=4)  # type: ignore[no-untyped-call]
    except Exception as error:  # nbformat raises half a dozen kinds for what is not a notebook
        raise InvalidInput(
            f"{source} is not a notebook: {_one_line(str(error))}", hint="Give a Jupyter notebook (.ipynb).", path=str(source)
        ) from error


@contextmanager
def _folder(scratch: Path | None) -> Iterator[Path]:
    if scratch is not None:
        yield scratch
        return
    with tempfile.TemporaryDirectory(prefix="labkit-") as name:
        yield Path(name)
