"""Columns of the platform's gradebook, tokens of the platform, and the key that LabKit shows for them."""

from __future__ import annotations

import stat

import httpx
import pytest

from labkit.errors import CorruptStore
from labkit.testing.passback import set_points, states
from labkit_hub.service.courses.tables import AssignmentRow
from labkit_hub.service.passback import Passback, keys
from labkit_hub.service.passback.keys import load_key
from labkit_hub.service.passback.platform import Platform
from labkit_hub.service.passback.tables import LineItemRow
from labkit_hub.settings import PassbackSettings


def test_a_column_that_was_removed_is_made_again(passback, platform, database, clock, course) -> None:
    """A teacher deletes the column: the next score makes a new one."""
    passback.look()
    platform.items.clear()
    set_points(database, "ada", 8)
    passback.look()
    passback.look()
    assert list(platform.items) == ["item1"]
    assert platform.points()["id of ada"] == 8


def test_a_column_that_is_there_is_found_and_kept(passback, platform, database, course) -> None:
    """After the database was lost the column is known by the assignment's id; what the platform put there stays."""
    passback.look()
    with database.transaction() as session:
        session.delete(session.get(LineItemRow, "aaaaaaaaaaaa"))
        session.get(AssignmentRow, "aaaaaaaaaaaa").title = "Sheet 1, again"
    set_points(database, "ada", 8)
    passback.look()
    assert [(item["label"], item["gradebookColumnId"]) for item in platform.items.values()] == [("Sheet 1, again", "kept")]


def test_a_long_title_gets_a_column(passback, platform, database, course) -> None:
    """Cut to what the platform takes; its end does not make a new one each time."""
    with database.transaction() as session:
        session.get(AssignmentRow, "aaaaaaaaaaaa").title = "long " * 60
    passback.look()
    set_points(database, "ada", 8)
    passback.look()
    assert [len(item["label"]) for item in platform.items.values()] == [255]


def test_a_token_that_was_taken_back_is_renewed(passback, platform, database, course) -> None:
    """The platform forgets its tokens: one more is asked for, and nothing is lost."""
    passback.look()
    platform.tokens.clear()
    set_points(database, "ada", 8)
    passback.look()
    assert platform.points()["id of ada"] == 8
    assert platform.token_requests == 2


def test_a_token_is_sent_to_no_unsafe_address(database, clock, platform, course) -> None:
    """The platform is https, the column's address is not: nothing is sent there."""
    secure = Platform("https://platform.example/token", "", platform.key, transport=httpx.MockTransport(lambda _: pytest.fail("asked")))
    Passback(database, secure, PassbackSettings(token_url="https://platform.example/token"), clock=clock).look()
    assert states(database)["ada"] == ("failed", "The platform gave an address that is not safe (http:).")


def test_the_key_is_kept_and_is_nobody_elses(tmp_path, monkeypatch) -> None:
    """Made once, readable by its owner; a file that is no key is refused."""
    monkeypatch.setattr(keys, "_BITS", 2048)
    path = tmp_path / "var" / "lti_key.pem"
    first = load_key(path)
    assert load_key(path).public == first.public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(first.public) == {"alg", "e", "kid", "kty", "n", "use"}
    path.write_text("no key")
    with pytest.raises(CorruptStore, match="is no key"):
        load_key(path)
