"""Rosters as spreadsheets and offices write them."""

from __future__ import annotations

import pytest

from labkit.errors import InvalidInput
from labkit_hub.service.people.roster import Entry
from labkit_hub.service.people.sheet import read_sheet, write_sheet
from labkit_hub.service.people.wire import MemberItem

ANNA = Entry("anna", "assistant", "Anna Ä")


@pytest.mark.parametrize(
    "data",
    [
        "username,role,name\nanna,assistant,Anna Ä\n".encode(),
        "\ufeffUser Name;ROLE;Full Name\r\nAnna;TA;Anna Ä\r\n".encode(),
        "Kennung\tStatus\tVorname\tNachname\nanna\tTutorin\tAnna\tÄ".encode(),
        "Nachname;Vorname;E-Mail;Benutzername;Rolle\nÄ;Anna;a@b.c; anna ;Assistent\n".encode("cp1252"),
        "login,role,name\n\nanna,teaching assistant,Anna Ä\n\n".encode("utf-16"),
        'user_id,role,name\n"anna","assistant","Anna Ä"\n'.encode(),
        "username,role,name\nanna,assistant,Anna Ä\nANNA,,\nanna,assistant,\n".encode(),
    ],
    ids=["plain", "mark and semicolons", "tabs and two names", "Windows", "UTF-16", "quotes", "twice"],
)
def test_a_list_is_understood(data) -> None:
    """However it is written, it says the same."""
    assert read_sheet(data) == [ANNA]


@pytest.mark.parametrize("data", [b"anna\nben\n", b"username\nanna\nben", b"name\nanna\nben\n", b"\n\nanna\nben\nanna\n"])
def test_one_column_is_a_list_of_user_names(data) -> None:
    """With or without a header."""
    assert read_sheet(data) == [Entry("anna"), Entry("ben")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"first,second\n1,2\n", "first, second"),
        (b"username,role\nanna,student\nanna,professor\n", "line 3: anna is professor here and student in line 2"),
        (b"username,name\nanna," + b"x" * 301, "301 characters"),
        (b"username\na/b\n", "line 2: 'a/b'"),
        (b'username,name\nanna,"' + b"x" * 200_000, "cannot be read"),
        (b"x" * 2_000_001, "2.0 MB"),
        (b"username\n" + b"a\n" * 20_001, "20000 lines"),
        (b"\x89PNG\r\n\x1a\n\0\0,\0", "cannot be a user name"),
    ],
    ids=["nothing", "blank", "no user names", "two roles", "long name", "slash", "no end", "huge", "many", "a picture"],
)
def test_a_list_that_cannot_be_used_is_refused_in_words(data, message) -> None:
    """With the line where there is one."""
    with pytest.raises(InvalidInput, match=message):
        read_sheet(data)


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    """Blank lines and line breaks inside quotes included."""
    with pytest.raises(InvalidInput) as caught:
        read_sheet(b'username,role,name\n\nanna,student,"two\nlines"\nben,king,\n')
    assert caught.value.facts["lines"] == ("line 5: 'king' is no role (professor, assistant or student).",)


def test_no_cell_becomes_a_formula(tmp_path) -> None:
    """A spreadsheet shows what begins like one as text, and it comes back as it was."""
    from datetime import UTC, datetime

    members = [MemberItem(username="anna", role="student", full_name="=HYPERLINK(1)", added=datetime.now(UTC))]
    text = write_sheet(members)
    assert "'=HYPERLINK(1)" in text
    assert read_sheet(text.encode()) == [Entry("anna", "student", "=HYPERLINK(1)")]
