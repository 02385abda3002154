"""The kernel that executes a notebook: ``python -m labkit.notebooks.kernel -f CONNECTION_FILE``.

It is an ordinary IPython kernel of this environment that dies with the program which started it, and that shows
an error of LabKit with what to do next. It is loaded into itself as an IPython extension for the second.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from labkit.errors import LabKitError
from labkit.notebooks.lineage import die_with_parent

__all__ = ["ERROR_MIME_TYPE", "load_ipython_extension", "main"]

ERROR_MIME_TYPE = "application/vnd.labkit.error+json"


def _show_error(
    shell: Any, kind: type[BaseException], error: BaseException, trace: TracebackType | None, tb_offset: int | None = None
) -> list[str]:
    """Show message and hint of a `LabKitError` before its traceback; the executor reads the hint from there."""
    from IPython.display import display

    if isinstance(error, LabKitError):
        text = f"{error.message}\nWhat to do: {error.hint}" if error.hint else error.message
        display({"text/plain": text, ERROR_MIME_TYPE: error.as_dict()}, raw=True)  # type: ignore[no-untyped-call]
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    frames: list[str] = shell.InteractiveTB.structured_traceback(kind, error, trace, tb_offset=tb_offset)
    return frames


def load_ipython_extension(shell: Any) -> None:
    """Make errors of LabKit say what to do next, and let the notebook import what lies beside it."""
    shell.set_custom_exc((LabKitError,), _show_error)
    if "" not in sys.path:  # IPython 9.7 leaves it out under -P, which guards the start alone; it belongs behind the standard library
        first = next((k for k, path in enumerate(sys.path) if Path(path).name in ("site-packages", "dist-packages")), len(sys.path))
        sys.path.insert(first, "")


def main() -> None:
    """Start the kernel."""
    die_with_parent(int(os.environ.get("JPY_PARENT_PID") or os.getppid()))
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()


if __name__ == "__main__":
    main()
