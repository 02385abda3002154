"""A roster as CSV, the way spreadsheets and registration offices write it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from labkit.client.wire import CourseRole
from labkit.errors import InvalidInput
from labkit_hub.service.people.names import username
from labkit_hub.service.people.roster import Entry
from labkit_hub.service.people.wire import MemberItem

__all__ = ["read_sheet", "write_sheet"]

_MOST_BYTES, _MOST_LINES, _SHOWN = 2_000_000, 20_000, 20
_LONGEST_FULL_NAME = 300
_USERNAME = (
    "username",
    "user",
    "login",
    "loginname",
    "userid",
    "uid",
    "account",
    "netid",
    "benutzername",
    "benutzer",
    "kennung",
    "nutzername",
)
_ROLE = ("role", "roles", "rolle", "status", "function", "funktion")
_FULL = ("fullname", "name", "displayname", "realname", "vollername")
_FIRST = ("firstname", "givenname", "forename", "vorname")
_LAST = ("lastname", "surname", "familyname", "nachname", "familienname")
_ROLES: Mapping[str, CourseRole] = {
    **dict.fromkeys(("professor", "prof", "lecturer", "instructor", "teacher", "dozent", "dozentin", "professorin"), "professor"),
    **dict.fromkeys(("assistant", "ta", "teachingassistant", "tutor", "tutorin", "assistent", "assistentin", "grader"), "assistant"),
    **dict.fromkeys(("student", "studentin", "learner", "participant", "teilnehmer", "teilnehmerin", "member"), "student"),
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def read_sheet(data: bytes) -> list[Entry]:
    """Return the entries of a CSV file, each person once, in the order of the file.

    The header may be written in several ways (user, login, Benutzername; role; name, or first and last name), in any order and case,
    with other columns beside. A file of one column without a header is a list of user names. Comma, semicolon and tab all do, and so
    do UTF-8 with or without a mark in front, UTF-16, and the Western Windows alphabet.

    Raises
    ------
    InvalidInput
        It is no such file, or some lines are bad: all are named with their numbers, also in ``lines``.
    """
    if len(data) > _MOST_BYTES:
        raise InvalidInput(f"The list has {len(data) / 1e6:.1f} MB; {_MOST_BYTES / 1e6:.0f} MB are the most.", hint="Split it.")
    rows = _rows(_decode(data))
    if not rows:
        raise InvalidInput("The list is empty.", hint="Its first line names the columns, such as: username,role,name")
    columns, body = _columns(rows)
    entries: dict[str, tuple[int, Entry]] = {}
    faults: list[str] = []
    for number, row in body:
        try:
            entry = _entry(row, columns)
            earlier = entries.get(entry.username)
            if earlier is not None:
                entry = _same(earlier, entry)
            entries[entry.username] = (earlier[0] if earlier else number, entry)
        except InvalidInput as error:
            faults.append(f"line {number}: {error.message}")
    if faults:
        more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise InvalidInput(
            f"Nothing was imported, since {len(faults)} {'line is' if len(faults) == 1 else 'lines are'} wrong: "
            + " ".join(faults[:_SHOWN])
            + more,
            hint="Correct the list and send it again.",
            lines=tuple(faults),
        )
    return [entry for _, entry in entries.values()]


def write_sheet(members: Iterable[MemberItem]) -> str:
    """Return the roster as CSV that `read_sheet` reads back, and that a spreadsheet does not take for formulas."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(("username", "role", "name"))
    writer.writerows((_harmless(item.username), item.role, _harmless(item.full_name)) for item in members)
    return "\ufeff" + text.getvalue()


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """Return the lines that are not empty, each with its number in the file."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(";\t,", key=first.count)
    reader = csv.reader(io.StringIO(text.replace("\0", "\ufffd"), newline=""), delimiter=delimiter, skipinitialspace=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((reader.line_num, [cell.strip() for cell in row]))
            if len(rows) > _MOST_LINES:
                raise InvalidInput(f"The list has more than {_MOST_LINES} lines.", hint="Split it.")
    except csv.Error as error:
        raise InvalidInput(f"Line {reader.line_num} cannot be read: {error}.", hint="Save the list as CSV again.") from error
    return rows


def _columns(rows: list[tuple[int, list[str]]]) -> tuple[Mapping[str, int], list[tuple[int, list[str]]]]:
    header = [_word(cell) for cell in rows[0][1]]
    found: dict[str, int] = {}
    for kind, names in (("username", _USERNAME), ("role", _ROLE), ("full", _FULL), ("first", _FIRST), ("last", _LAST)):
        places = [header.index(name) for name in names if name in header]
        if places:
            found[kind] = places[0]
    if "username" in found:
        return found, rows[1:]
    if "full" in found and len(header) == 1:
        return {"username": 0}, rows[1:]
    if all(len(row) == 1 for _, row in rows):
        return {"username": 0}, rows
    raise InvalidInput(
        f"No column of the list holds user names; its columns are: {', '.join(rows[0][1])[:300]}.",
        hint="Name one of them `username` in the first line; `role` and `name` may stand beside it.",
    )


def _entry(row: list[str], columns: Mapping[str, int]) -> Entry:
    def cell(kind: str) -> str | None:
        place = columns.get(kind)
        return None if place is None else _plain(row[place] if place < len(row) else "")

    role: CourseRole | None = None
    if written := cell("role"):
        role = _ROLES.get(_word(written))
        if role is None:
            raise InvalidInput(f"{written[:40]!r} is no role (professor, assistant or student).")
    full = cell("full")
    if full is None and ("first" in columns or "last" in columns):
        full = f"{cell('first') or ''} {cell('last') or ''}".strip()
    if full is not None and len(full) > _LONGEST_FULL_NAME:
        raise InvalidInput(f"The name has {len(full)} characters; {_LONGEST_FULL_NAME} are the most.")
    return Entry(username(cell("username") or ""), role, full or None)


def _same(earlier: tuple[int, Entry], entry: Entry) -> Entry:
    """Return what two lines about one person say together."""
    number, known = earlier
    if known.role and entry.role and known.role != entry.role:
        raise InvalidInput(f"{entry.username} is {entry.role} here and {known.role} in line {number}.")
    return Entry(entry.username, known.role or entry.role, known.full_name or entry.full_name)


def _word(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _plain(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text
