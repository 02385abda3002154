"""The files of a release or submission."""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field, field_validator

from labkit.courses.records.kinds import Sha256
from labkit.storage import Record

__all__ = ["FileEntry", "Manifest"]


class FileEntry(Record):
    """One file of a release or submission.

    ``path`` is relative, with ``/``, in NFC, without ``..`` and without hidden parts.
    """

    path: Annotated[str, Field(min_length=1, max_length=1000)]
    sha256: Sha256
    size: Annotated[int, Field(ge=0)]

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str) -> str:
        parts = path.split("/")
        if any(not part or part.startswith(".") or part != part.strip() for part in parts):
            raise ValueError("must be a relative path with '/', without '..', empty or hidden parts")
        if "\\" in path or any(unicodedata.category(c) in ("Cc", "Cs") for c in path):
            raise ValueError("holds a character that a file name cannot have")
        if any(len(part.encode()) > 255 for part in parts):
            raise ValueError("has a part that is longer than a file name may be")
        return unicodedata.normalize("NFC", path)


class Manifest(Record):
    """The files of a release or submission, in the order of their paths; `sha256` names the whole."""

    files: tuple[FileEntry, ...] = ()

    @field_validator("files")
    @classmethod
    def _ordered(cls, files: tuple[FileEntry, ...]) -> tuple[FileEntry, ...]:
        paths = [file.path for file in files]
        folded = {unicodedata.normalize("NFC", path).casefold() for path in paths}
        if len(folded) != len(paths):
            raise ValueError("two files have the same path, or differ in upper and lower case only")
        folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
        if taken := folders & set(paths):
            raise ValueError(f"{min(taken)} is both a file and a folder")
        return tuple(sorted(files, key=lambda file: file.path))

    @property
    def sha256(self) -> str:
        """The hash of all paths and contents; neither times nor places are in it."""
        return hashlib.sha256("".join(f"{file.sha256} {file.path}\n" for file in self.files).encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def notebooks(self) -> tuple[str, ...]:
        """Names, without ``.ipynb``, of the notebooks at the top."""
        return tuple(file.path.removesuffix(".ipynb") for file in self.files if "/" not in file.path and file.path.endswith(".ipynb"))

    def entry(self, path: str) -> FileEntry | None:
        """Return the file of this path; None where there is none."""
        path = unicodedata.normalize("NFC", path)
        return next((file for file in self.files if file.path == path), None)
