"""Which submissions of an assignment resemble one another, as a page for its staff: laid out from the store, compared, forgotten."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from labkit.courses.records import Manifest
from labkit.courses.similarity import compare_submissions, similarity_page
from labkit.errors import Conflict, InvalidInput
from labkit.storage import plain_file_name
from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import releases, views
from labkit_hub.service.courses.store import FileStore
from labkit_hub.service.courses.submissions import manifest_of
from labkit_hub.service.courses.tables import AssignmentRow, SubmissionRow

__all__ = ["POLICY", "Compared", "gather", "make_page"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy of the page, which stands alone."""
_LONGEST_S = 60.0
_turn = threading.Lock()


@dataclass(frozen=True, slots=True)
class Compared:
    """What is compared: the submissions that count, by the name that is shown, without what the releases held."""

    title: str
    submissions: Mapping[str, Manifest]
    releases: tuple[Manifest, ...]


def gather(session: Session, row: AssignmentRow, who: Identity) -> Compared:
    """Return what is compared for an assignment, and note that somebody reads others' work.

    Raises
    ------
    InvalidInput
        Fewer than two submissions count.
    """
    counting = [one for one in views.submissions(session, row.id, who).submissions if one.counts]
    if len(counting) < 2:
        raise InvalidInput("There are not two submissions yet that could resemble one another.", hint="Wait until more have handed in.")
    wanted = select(SubmissionRow).where(SubmissionRow.id.in_([one.id for one in counting])).options(undefer(SubmissionRow.receipt))
    manifests = {found.id: manifest_of(found) for found in session.scalars(wanted)}
    named: dict[str, Manifest] = {}
    for one in counting:
        people = ", ".join(one.group) or one.person
        name = plain_file_name(f"{one.full_name} ({people})" if one.full_name else people).lstrip(".")
        named[name if name not in named else f"{name[:60]} {one.id}"] = manifests[one.id]  # long names are cut, to the same perhaps
    asked = [releases.asked_of(releases.release_of(session, row.id, version)) for version in range(1, row.version + 1)]
    note(session, who.name, "similarity.read", row.id, course_id=row.course_id, submissions=len(named))
    return Compared(row.title or row.name, named, tuple(one.student for one in asked))


def make_page(store: FileStore, compared: Compared) -> str:
    """Compare, and return the page; one at a time, since a class of 300 takes ten seconds of a processor.

    Raises
    ------
    Conflict
        Others are being made, for longer than anybody waits.
    """
    if not _turn.acquire(timeout=_LONGEST_S):
        raise Conflict("Other reports are being made just now.", hint="Try again in a minute.")
    try:
        with store.scratch() as scratch:
            work, given = scratch / "work", scratch / "given"
            for name, manifest in compared.submissions.items():
                _lay_out(store, manifest, work / name)
            for number, manifest in enumerate(compared.releases):
                _lay_out(store, manifest, given / str(number))
            report = compare_submissions(work, tuple(sorted(given.iterdir())))
            return similarity_page(report, work, title=compared.title)
    finally:
        _turn.release()


def _lay_out(store: FileStore, manifest: Manifest, target: Path) -> None:
    """Put the files of a manifest into a folder, without copying what they hold."""
    target.mkdir(parents=True)
    for entry in manifest.files:
        place = target / entry.path
        place.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            os.link(store.path(entry.sha256), place)
            continue
        shutil.copyfile(store.path(entry.sha256), place)
