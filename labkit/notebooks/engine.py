"""Our pieces for papermill: a kernel of this environment, and an output notebook that is always whole.

Papermill rewrites its output in place and marks a cell whose kernel died as completed; here the file is replaced by
rename, and such a cell carries what happened.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellExecutionError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager

from labkit.storage import write_text

__all__ = ["ENGINE_NAME", "Story", "StoryEngine", "kernel_in"]

ENGINE_NAME = "labkit"
_SAVE_EVERY_S = 5
_MAX_SOCKET_PATH = 90  # a Unix socket's path has at most 107 bytes, and the port is appended


class _OwnKernelSpecs(KernelSpecManager):
    """Answers every kernel's name with this environment's Python: what a notebook's metadata names does not matter."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        # -P: a student's random.py beside the notebook must not break the start; IPython adds the folder afterwards.
        argv = [sys.executable, "-P", "-m", "labkit.notebooks.kernel", "-f", "{connection_file}"]
        argv += ["--HistoryManager.enabled=False", "--IPKernelApp.extensions=labkit.notebooks.kernel"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


class OwnKernel(AsyncKernelManager):
    """Starts one kernel and remembers how it ended."""

    started: subprocess.Popen[bytes] | None = None

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
        await super()._async_launch_kernel(kernel_cmd, **kw)
        self.started = getattr(self.provisioner, "process", None)

    @property
    def exit_status(self) -> int | None:
        """How the kernel's program ended: an exit code, minus a signal's number, or None while it lives."""
        return self.started.poll() if self.started else None


def kernel_in(scratch: Path) -> OwnKernel:
    """Return a kernel, not yet started, that keeps its connection file and sockets in the folder `scratch`."""
    kernel = OwnKernel(kernel_spec_manager=_OwnKernelSpecs(), connection_file=str(scratch / "kernel.json"))
    kernel.shutdown_wait_time = 1.0  # ipykernel 7.4 hangs in about one shutdown of four, whoever starts it
    if os.name == "posix" and len(os.fsencode(scratch)) < _MAX_SOCKET_PATH:
        kernel.transport, kernel.ip = "ipc", str(scratch / "s")  # no ports: nobody else can take or reach them
    return kernel


class Story(NotebookExecutionManager):  # type: ignore[misc]
    """The output notebook while it grows; each save replaces the file whole."""

    output: Path | None = None

    def save(self, **kwargs: Any) -> None:
        """Write the notebook as it is now."""
        self.nb: Any = kwargs.get("nb") or self.nb
        if self.output is not None:
            write_text(self.output, nbformat.writes(self.nb))  # type: ignore[no-untyped-call]
        self.last_save_time = self.now()

    def cell_complete(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        """Record the end of a cell; anything raised but by the cell's own code is written into the cell."""
        error = sys.exception()
        if error is not None and not isinstance(error, CellExecutionError):
            self.cell_exception(cell, cell_index=cell_index)
            if cell.cell_type == "code":
                text = str(error) or type(error).__name__
                facts = {"ename": type(error).__name__, "evalue": text, "traceback": [text]}
                cell.outputs.append(nbformat.v4.new_output("error", **facts))  # type: ignore[no-untyped-call]
        super().cell_complete(cell, cell_index=cell_index, **kwargs)


class StoryEngine(Engine):  # type: ignore[misc]
    """Papermill's engine with our kernel and our story; `on_story` hands the story out before the first cell."""

    @classmethod
    def execute_notebook(
        cls,
        nb: Any,
        kernel_name: str,
        *,
        output: Path,
        kernel: OwnKernel,
        on_story: Callable[[Story], None],
        on_cell_start: Callable[..., None],
        on_cell_executed: Callable[..., None],
        start: dict[str, Any],
        **kwargs: Any,
    ) -> Any:
        """Execute `nb` and return it; `start` are further options for the start of the kernel (cwd, env)."""
        story = Story(nb, progress_bar=False, autosave_cell_every=_SAVE_EVERY_S)
        story.output = output
        on_story(story)
        client = PapermillNotebookClient(
            story,
            km=kernel,
            kernel_name=kernel_name,
            coalesce_streams=True,
            iopub_timeout=60,  # the default of 4 s fails on a machine that swaps
            shell_timeout_interval=1,
            startup_timeout=120,
            on_cell_start=on_cell_start,
            on_cell_executed=on_cell_executed,
        )
        story.notebook_start()
        try:
            client.execute(cleanup_kc=True, **start)
        finally:
            story.notebook_complete()
        return story.nb
