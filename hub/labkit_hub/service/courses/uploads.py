"""Who sent which file: somebody's manifest may name what they sent themselves, or were given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from labkit.courses.records import FileEntry
from labkit.errors import InvalidInput, StorageFull
from labkit_hub.service.courses.batchstate import is_superseded
from labkit_hub.service.courses.store import FileStore, Incoming, Kept
from labkit_hub.service.courses.tables import ReleaseRow, ResultRow, SubmissionRow, UploadRow
from labkit_hub.service.database import Database

__all__ = ["Swept", "claim", "claimable", "missing_of", "receive", "require_room", "sweep", "sweep_unknown", "sweep_unnamed"]

_AT_ONCE = 500
_ROWS_AT_ONCE = 100
_UNUSED_FOR = timedelta(days=2)
_UNKNOWN_AFTER_S = 86_400.0
_UNKNOWN_FOR_S = 14 * 86_400.0
"""From the day on which nobody knew a file to that on which it goes: for so long a wrong database may be in place unnoticed."""
_SHOWN = 5


def require_room(session: Session, name: str, most_bytes: float) -> None:
    """Return if somebody may send one more file.

    Raises
    ------
    StorageFull
        They have sent too much that they never handed in.
    """
    unused = session.scalar(select(func.sum(UploadRow.size)).where(UploadRow.username == name, UploadRow.used.is_(None))) or 0
    if unused >= most_bytes:
        raise StorageFull(
            f"You have sent {unused / 1e6:.0f} MB that you did not hand in; no more are taken.",
            hint=f"Hand in, or try again in {_UNUSED_FOR.days} days: what nobody uses is removed.",
        )


def receive(store: FileStore, database: Database, file: Incoming, sha256: str, name: str, now: datetime) -> None:
    """Keep a file that somebody sent, and write down that they did.

    Raises
    ------
    InvalidInput
        It is not what its hash says.
    """
    with store.turn:
        store.keep(file, sha256)
        with database.transaction() as session:
            row = session.get(UploadRow, (name, sha256))
            if row is None:
                session.add(UploadRow(username=name, sha256=sha256, size=file.size, sent=now, used=None))
            else:
                row.sent = now


def missing_of(session: Session, store: FileStore, name: str, wanted: Sequence[str]) -> list[str]:
    """Return what somebody has not sent, or what of it has been lost since, in the order in which it was asked for."""
    sent = _sizes(session, name, wanted)
    return [sha for sha in dict.fromkeys(wanted) if sha not in sent or not store.holds(sha, sent[sha])]


def claimable(session: Session, name: str, files: Iterable[FileEntry], given: Mapping[str, int]) -> None:
    """Return if somebody may make a manifest of these files.

    Parameters
    ----------
    given : mapping of hash to size
        What they may use without having sent it.

    Raises
    ------
    InvalidInput
        A file was not sent, or has another size.
    """
    files = list(files)
    sizes = _sizes(session, name, [file.sha256 for file in files]) | dict(given)
    absent = [file.path for file in files if file.sha256 not in sizes]
    if absent:
        more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
        raise InvalidInput(f"These files were not sent before: {', '.join(absent[:_SHOWN])}{more}.", hint="Send them, and ask again.")
    wrong = [file.path for file in files if sizes[file.sha256] != file.size]
    if wrong:
        raise InvalidInput(f"The size of {wrong[0]} is not what was sent.", hint="Read the file again, and send it again.")


def claim(session: Session, name: str, files: Iterable[FileEntry], given: Mapping[str, int], now: datetime) -> None:
    """Keep files for good that somebody makes a manifest of; what they were given is kept already. Raises as `claimable`."""
    files = list(files)
    for some in _pieces(sorted({file.sha256 for file in files})):
        _take(session, UploadRow.username == name, UploadRow.sha256.in_(some))
        session.execute(
            update(UploadRow)
            .where(UploadRow.username == name, UploadRow.sha256.in_(some))
            .values(used=now)  # also what was kept before: nothing may name it any more, and then it is this that saves it from the sweep
            .execution_options(synchronize_session=False)
        )
    claimable(session, name, files, given)  # after it: what the sweep has just forgotten is not there to be kept


def sweep(store: FileStore, database: Database, now: datetime) -> int:
    """Remove what was sent and never used, and return how many files went; what anybody uses stays."""
    store.sweep(older_than_s=_UNUSED_FOR.total_seconds())
    with store.turn:
        with database.transaction() as session:
            names = _forget(session, now - _UNUSED_FOR)
        return store.remove(names)


def _forget(session: Session, before: datetime) -> set[str]:
    """Remove the rows of what was sent before and never used, and return which files nobody has any more."""
    old = (UploadRow.used.is_(None), UploadRow.sent < before)
    _take(session, *old)
    names = list(session.scalars(select(UploadRow.sha256).where(*old).distinct()))
    session.execute(delete(UploadRow).where(*old).execution_options(synchronize_session=False))
    return set(names) - _known(session, names)


def sweep_unnamed(store: FileStore, database: Database, now: datetime) -> int:
    """Remove what no release, submission or result that holds names any more, and return how many files went.

    Such is left by a draft that was deleted, and by each grading again. What was sent or claimed in the last days stays, whoever names it:
    somebody may be about to. What is not written down as sent is left alone; see `sweep_unknown`.
    """
    before = now - _UNUSED_FOR
    with database.reading() as session:
        old = set(session.scalars(select(UploadRow.sha256).where(*_is_old(before)).distinct()))
        for sha256 in _named(session) if old else ():
            old.discard(sha256)
    with store.turn:
        with database.transaction() as session:
            gone = [name for some in _pieces(sorted(old)) for name in _let_go(session, some, before)]
        return store.remove(gone)


@dataclass(slots=True)
class Swept:
    """What was found of files that nobody knows: how many went, how many are doubted since now, and how many are known."""

    gone: int = 0
    doubted: int = 0
    known: int = 0


def sweep_unknown(store: FileStore, database: Database, part: int, parts: int) -> Swept:
    """Look for files that the database knows nothing of, in one of so many parts of the folder, and remove what it has not known for days.

    Such is left by a service that died between writing down that a file goes and removing it, or between keeping one that was sent and
    writing down who sent it. It is doubted first, and what is known again is trusted again. An empty database knows nothing: then
    nothing is done.
    """
    swept = Swept()
    with database.reading() as session:
        if session.scalar(select(UploadRow.sha256).limit(1)) is None:
            return swept
    for files in store.files_in(part, parts):
        old = {file.name: file for file in files if file.age_s >= _UNKNOWN_AFTER_S}  # what is being sent is written down in a moment
        due = _doubt(store, database, old, swept)
        if due:
            with database.reading() as session:
                due.difference_update(_named(session))
            with store.turn, database.reading() as session:
                swept.gone += store.remove(due - _known(session, due), older_than_s=_UNKNOWN_FOR_S)
    return swept


def _doubt(store: FileStore, database: Database, old: Mapping[str, Kept], swept: Swept) -> set[str]:
    """Doubt what nobody knows, trust what somebody does, and return what has been doubted for long enough."""
    due: set[str] = set()
    with store.turn, database.reading() as session:
        known = _known(session, old)
        for name, file in old.items():
            if name in known:
                swept.known += 1
                if file.doubted:
                    store.trust(name)
            elif not file.doubted:
                swept.doubted += 1
                store.doubt(name)
            elif file.age_s >= _UNKNOWN_FOR_S:
                due.add(name)
    return due


def _known(session: Session, names: Iterable[str]) -> set[str]:
    known: set[str] = set()
    for some in _pieces(sorted(names)):
        known.update(session.scalars(select(UploadRow.sha256).where(UploadRow.sha256.in_(some)).distinct()))
    return known


def _named(session: Session) -> Iterator[str]:
    """Yield the hash of every file that is part of something, often more than once; row by row, since all of it is large."""
    stream = {"yield_per": _ROWS_AT_ONCE}
    for asked in session.scalars(select(ReleaseRow.asked).execution_options(**stream)):
        yield from (file["sha256"] for part in ("student", "source") for file in asked[part]["files"])
        yield from (preview["sha256"] for preview in asked.get("previews", ()))
    for receipt in session.scalars(select(SubmissionRow.receipt).execution_options(**stream)):
        yield from (file["sha256"] for file in receipt.get("files", ()))
    for files in session.scalars(select(ResultRow.files).where(~is_superseded()).execution_options(**stream)):
        yield from (file["sha256"] for file in files)


def _is_old(before: datetime) -> tuple[ColumnElement[bool], ...]:
    return UploadRow.sent < before, or_(UploadRow.used.is_(None), UploadRow.used < before)


def _let_go(session: Session, names: list[str], before: datetime) -> set[str]:
    """Remove the old rows of these files, and return which files nobody has any more."""
    chosen = (UploadRow.sha256.in_(names), *_is_old(before))
    _take(session, *chosen)
    session.execute(delete(UploadRow).where(*chosen).execution_options(synchronize_session=False))
    return set(names) - _known(session, names)


def _take(session: Session, *chosen: ColumnElement[bool]) -> None:
    """Take the rows that are to be changed in the one order that holds for all: two who change the same ones wait in a line then."""
    if session.get_bind().dialect.name == "postgresql":  # elsewhere one writes at a time
        session.execute(select(UploadRow.sha256).where(*chosen).order_by(UploadRow.sha256, UploadRow.username).with_for_update()).all()


def _sizes(session: Session, name: str, wanted: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in _pieces(list(dict.fromkeys(wanted))):
        query = select(UploadRow.sha256, UploadRow.size).where(UploadRow.username == name, UploadRow.sha256.in_(some))
        found.update({row.sha256: row.size for row in session.execute(query)})
    return found


def _pieces(names: list[str]) -> Iterable[list[str]]:
    """Databases take so many parameters at a time only."""
    return (names[first : first + _AT_ONCE] for first in range(0, len(names), _AT_ONCE))
