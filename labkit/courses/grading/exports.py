"""What leaves a submission as data: values of its notebooks as ``.npy`` or JSON, and files that it wrote.

The folder belongs to the student's code. It is read only after the kernel was ended, each step by the descriptor of the folder
above it, never through a link, never from anything but a regular file, and never more than the limit.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from labkit.courses.records import AssignmentSheet, Note
from labkit.errors import StorageFull
from labkit.storage import explain_os_errors

__all__ = ["exporter_code", "names_of", "take_files", "take_values"]

_MOST_FILES = 200
_DEEPEST = 4
_CHUNK = 1 << 20

_EXPORTER = """
def _labkit_export(folder, wanted):
    import json, os, sys
    space = get_ipython().user_ns
    def plain(value, depth=0):
        numpy = sys.modules.get("numpy")
        if depth > 50:
            raise ValueError("it is nested too deeply")
        if value is None or type(value) in (bool, int, float, str):
            return value
        if numpy is not None and isinstance(value, numpy.generic):
            return value.item()
        if numpy is not None and isinstance(value, numpy.ndarray):
            return value.tolist()
        if isinstance(value, (list, tuple)):
            return [plain(item, depth + 1) for item in value]
        if isinstance(value, dict):
            return {str(key): plain(item, depth + 1) for key, item in value.items()}
        raise TypeError("a " + type(value).__name__ + " cannot leave as data; use numbers, text, lists, dicts or arrays")
    for name, variable in wanted.items():
        path = os.path.join(folder, name)
        try:
            if variable not in space:
                raise NameError("there is no " + variable)
            value = space[variable]
            if "numpy" in sys.modules and isinstance(value, sys.modules["numpy"].ndarray):
                with open(path + ".npy", "wb") as file:
                    sys.modules["numpy"].save(file, value, allow_pickle=False)
            else:
                text = json.dumps(plain(value))
                with open(path + ".json", "w", encoding="utf-8") as file:
                    file.write(text)
        except Exception as error:
            with open(path + ".why", "w", encoding="utf-8", errors="replace") as file:
                file.write((type(error).__name__ + ": " + str(error))[:500])
"""


def names_of(sheet: AssignmentSheet, notebook: str) -> dict[str, str]:
    """Return what a notebook exports: the variable by the name of the export."""
    found = {}
    for name, source in sheet.exports.items():
        home, _, variable = source.partition(":")
        if home == notebook and home != "file":
            found[name] = variable or name
    return found


def exporter_code(folder: str, wanted: dict[str, str]) -> str:
    """Return the code that writes values of a kernel into `folder`; it leaves no name behind."""
    return f"{_EXPORTER}\n_labkit_export({folder!r}, {wanted!r})\ndel _labkit_export\n"


@dataclass(slots=True)
class _Purse:
    """How many bytes may still be taken."""

    left: int


class _Refused(Exception):
    """An export is not taken; the text says why."""


def take_values(slot_root: Path, wanted: dict[str, str], into: Path, most: int) -> list[Note]:
    """Copy the exported values of a notebook into `into`, and return what was not to be had.

    Raises
    ------
    StorageFull
        There is no room for them.
    """
    notes, purse = [], _Purse(most)
    for name in wanted:
        said = _said(slot_root, name)
        why = said or "The notebook did not get as far as exporting it."
        for suffix in (".npy", ".json"):
            try:
                with _opened(slot_root, ("out", f"{name}{suffix}")) as descriptor:
                    if not said:  # what could not be written whole has left a part of it
                        _copy(descriptor, into / f"{name}{suffix}", purse)
                        why = ""
                break
            except FileNotFoundError:
                continue
            except StorageFull:
                raise
            except (_Refused, OSError) as error:
                why = _words(error)
                break
        if why:
            notes.append(Note(kind="export", where=name, text=f"The value {wanted[name]} was not exported: {why}"[:2000]))
    return notes


def _said(slot_root: Path, name: str) -> str:
    """Return why the notebook could not export a value; nothing if it says so of none."""
    try:
        with _opened(slot_root, ("out", f"{name}.why")) as descriptor:
            return os.read(descriptor, 2000).decode("utf-8", "replace") or "The notebook could not write it."
    except FileNotFoundError:
        return ""
    except (_Refused, OSError) as error:
        return _words(error)


def take_files(slot_root: Path, sheet: AssignmentSheet, into: Path, most: int) -> list[Note]:
    """Copy the exported files and folders of the working folder into `into`, and return what was not to be had. Raises as `take_values`."""
    notes, purse = [], _Purse(most)
    for name, source in sheet.exports.items():
        home, _, path = source.partition(":")
        if home != "file":
            continue
        try:
            parts = tuple(part for part in path.split("/") if part not in ("", "."))
            if not parts or ".." in parts:
                raise _Refused("it is no path within the working folder")
            _take(slot_root, ("work", *parts), into / name, purse)
        except FileNotFoundError:
            notes.append(Note(kind="export", where=name, text=f"The file {path} was not written."))
        except StorageFull:
            raise
        except (_Refused, OSError) as error:
            notes.append(Note(kind="export", where=name, text=f"{path} was not exported: {_words(error)}"[:2000]))
    return notes


def _take(root: Path, parts: tuple[str, ...], target: Path, purse: _Purse) -> None:
    """Copy a file as ``target`` with its own suffix, or a folder as ``target``."""
    with _opened(root, parts, folder_too=True) as descriptor:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            _copy_folder(descriptor, target, purse, [_MOST_FILES], 0)
        else:
            _copy(descriptor, target.with_name(target.name + Path(parts[-1]).suffix[:20]), purse)


def _copy_folder(folder: int, target: Path, purse: _Purse, left: list[int], depth: int) -> None:
    if depth > _DEEPEST:
        raise _Refused("its folders are nested too deeply")
    with explain_os_errors(target):
        target.mkdir()
    with os.scandir(folder) as entries:
        names = []
        for entry in entries:
            names.append(entry.name)
            left[0] -= 1
            if left[0] < 0:
                raise _Refused(f"it has more than {_MOST_FILES} files")
    for name in sorted(names):
        descriptor = _open_at(folder, name, folder_too=True)
        try:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                _copy_folder(descriptor, target / name, purse, left, depth + 1)
            else:
                _copy(descriptor, target / name, purse)
        finally:
            os.close(descriptor)


def _copy(descriptor: int, target: Path, purse: _Purse) -> None:
    """Copy a regular file's bytes; what it grows by meanwhile does not come along."""
    size = os.fstat(descriptor).st_size
    if size > purse.left:
        raise _Refused(f"it has {size:,} bytes, more than may be exported")
    purse.left -= size
    with explain_os_errors(target), open(target, "xb") as file:
        while size > 0 and (data := os.read(descriptor, min(size, _CHUNK))):
            file.write(data)
            size -= len(data)


@contextlib.contextmanager
def _opened(root: Path, parts: tuple[str, ...], *, folder_too: bool = False):  # type: ignore[no-untyped-def]
    """Open a file below `root`, step by step, and close it again."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for k, part in enumerate(parts):
            last = k == len(parts) - 1
            below = _open_at(descriptor, part, folder_too=folder_too) if last else _open_folder(descriptor, part)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def _open_folder(above: int, name: str) -> int:
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)


def _open_at(above: int, name: str, *, folder_too: bool) -> int:
    """Open a regular file (or a folder); O_NONBLOCK, for a named pipe would hold us up."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=above)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode) or (folder_too and stat.S_ISDIR(mode)):
        return descriptor
    os.close(descriptor)
    raise _Refused("it is no regular file")


def _words(error: Exception) -> str:
    if isinstance(error, OSError):
        import errno

        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            return "it is a link, which is not followed"
        return f"it cannot be read ({os.strerror(error.errno or 0)})"
    return str(error)
