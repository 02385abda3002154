"""What routes ask for that needs torch: carried out in a program beside the server, never in it.

Nothing in here loads Jupyter, so that such a program is there soon.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from importlib import import_module
from multiprocessing.connection import wait
from typing import Any

__all__ = ["carry_out", "leave_with_the_server"]


def carry_out(errand: str, args: tuple[Any, ...]) -> Any:
    """Call a function of a module in here, as ``learning.plan_run``, and return what it returns."""
    module, _, function = errand.partition(".")
    return getattr(import_module(f"{__name__}.{module}"), function)(*args)


def leave_with_the_server() -> None:
    """End this program when its server ends, however that ends."""
    server = multiprocessing.parent_process()
    if server is None:
        return

    def leave() -> None:
        wait([server.sentinel])
        os._exit(1)

    threading.Thread(target=leave, daemon=True).start()
