"""The process in which pictures are decoded, seen from inside: ``python -m labkit.tiling.decoding PARENT MEMORY``.

It takes tasks from its input until that ends, and dies with its parent. Its memory is limited by the kernel, so that a decoder
that asks for too much gets an error instead.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import pickle
import queue
import resource
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

from labkit.errors import LabKitError
from labkit.events import CancelToken, Event, as_record

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1


def main(parent: int, memory_bytes: int) -> None:
    """Take tasks until there are none."""
    _die_with(parent)
    import labkit.tiling.building  # noqa: F401  (before the limit: the program itself does not count)

    _limit_memory(memory_bytes)
    tasks: queue.Queue[bytes | None] = queue.Queue()
    cancels: list[CancelToken] = []
    output = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what libraries print must not be taken for an answer
    threading.Thread(target=_listen, args=(tasks, cancels), daemon=True).start()
    lock = threading.Lock()

    def tell(kind: str, content: Any) -> None:
        line = json.dumps({kind: content}).encode() + b"\n"
        with lock:
            output.write(line)

    while (message := tasks.get()) is not None:
        cancel = CancelToken()
        cancels[:] = [cancel]
        _carry_out(message, cancel, tell)
    os._exit(0)


def _carry_out(message: bytes, cancel: CancelToken, tell: Callable[[str, Any], None]) -> None:
    task, arguments, memory_bytes = pickle.loads(message)
    module, _, name = task.partition(":")

    def on_event(event: Event) -> None:
        tell("event", as_record(event))

    try:
        function = getattr(importlib.import_module(module), name)
        tell("result", function(**arguments, memory_bytes=memory_bytes, on_event=on_event, cancel=cancel))
    except LabKitError as error:
        tell("error", {**error.as_dict(), "facts": {k: v for k, v in error.facts.items() if isinstance(v, (str, int, float))}})
    except MemoryError:
        text = "The picture needs more memory to be decoded than is allowed."
        hint = "Save it as a tiled TIFF, which is read piece by piece, or allow more (LABKIT_IMPORTS__MEMORY_MB)."
        tell("error", {"type": "UnsupportedFormat", "message": text, "hint": hint, "facts": {"reason": "memory"}})
    except OSError as error:
        tell("error", _disk_error(error))
    except BaseException:
        tell("error", {"type": "InternalError", "message": traceback.format_exc(), "hint": ""})


def _disk_error(error: OSError) -> dict[str, Any]:
    from labkit.storage import explain_os_errors

    try:
        with explain_os_errors(str(error.filename or "The project")):
            raise error
    except LabKitError as known:
        return known.as_dict()
    except OSError:
        return {"type": "InternalError", "message": traceback.format_exc(), "hint": ""}


def _listen(tasks: queue.Queue[bytes | None], cancels: list[CancelToken]) -> None:
    """Take messages from the input: tasks, and empty ones that cancel what is under way; the end of it ends the process."""
    source = sys.stdin.buffer
    while len(head := source.read(8)) == 8:
        (length,) = struct.unpack(">Q", head)
        if length:
            tasks.put(source.read(length))
        else:
            for cancel in cancels:
                cancel.cancel()
    os._exit(0)


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died while we were starting
        os._exit(0)


def _limit_memory(memory_bytes: int) -> None:
    with open("/proc/self/statm", encoding="ascii") as file:
        data_pages = int(file.read().split()[5])
    limit = data_pages * resource.getpagesize() + memory_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
