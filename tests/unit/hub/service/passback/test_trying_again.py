"""A platform that is busy, refuses or is away."""

from __future__ import annotations

from labkit.testing.passback import actions, set_points, states
from labkit_hub.service.passback import Passback
from labkit_hub.service.passback.platform import Platform
from labkit_hub.service.passback.tables import LinkRow
from labkit_hub.settings import PassbackSettings


def test_a_score_is_tried_again_with_pauses(passback, platform, database, clock, course) -> None:
    """Twice the platform is busy: nothing is sent before the pause is over, and the pause doubles."""
    platform.moods = [(503, {}), (503, {})]  # ada's and bob's first
    passback.look()
    passback.look()
    assert platform.points() == {}
    platform.moods = [(429, {"Retry-After": "600"}), (500, {})]
    clock.later(seconds=61)
    passback.look()
    clock.later(seconds=130)
    passback.look()
    assert platform.points() == {"id of bob": 10}
    clock.later(seconds=500)
    passback.look()
    assert platform.points() == {"id of ada": 7.5, "id of bob": 10}


def test_a_score_is_given_up_in_words_and_can_be_asked_for_again(passback, platform, database, clock, course) -> None:
    """After three attempts it has failed, which the audit says; a change of the points starts anew."""
    platform.moods = [(500, {})] * 6
    for _ in range(5):
        passback.look()
        clock.later(hours=1)
    assert states(database)["ada"] == ("failed", 'The platform answered 500: {"error": "mood"}.')
    assert actions(database).count("grade.not-sent") == 3
    passback.look()
    assert platform.points() == {}
    set_points(database, "ada", 8)
    passback.look()
    assert platform.points() == {"id of ada": 8}


def test_a_refusal_is_not_repeated(passback, platform, database, course) -> None:
    """What the platform will not take, it is not asked to take again."""
    platform.moods = [(403, {}), (403, {})]
    passback.look()
    assert [states(database)[name][0] for name in ("ada", "bob")] == ["failed", "failed"]


def test_a_platform_that_is_away_is_waited_for(database, clock, tmp_path, platform, course) -> None:
    """Nobody answers: all waits."""
    settings = PassbackSettings(token_url="http://127.0.0.1:9/token")
    with database.transaction() as session:
        session.get(LinkRow, "c").lineitems = "http://127.0.0.1:9/items"
    Passback(database, Platform(settings.token_url, "", platform.key, timeout_s=1), settings, clock=clock).look()
    assert states(database)["ada"] == ("waiting", "The platform does not answer (ConnectError).")
