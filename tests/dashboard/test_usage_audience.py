"""The card of the audience on the page Usage."""

from __future__ import annotations

from pathlib import Path

from config.audience import AudienceSettings
from dashboard import usage_audience
from dashboard.queries import Board
from dashboard.views import Days
from tests.dashboard import boards, gym
from tracker.presence.audience import Attribute, AudienceGroup
from tracker.store.observation import Observation
from tracker.store.store import Store

TODAY = Days(boards.NOW.date(), boards.NOW.date())


def words_of(element: object) -> list[str]:
    """All texts of an element, in order."""
    if isinstance(element, str):
        return [element]
    if isinstance(element, list | tuple):
        return [word for each in element for word in words_of(each)]
    return words_of(element["props"]["children"]) if isinstance(element, dict) else []


def board_of(path: Path, clock: boards.Clock) -> Board:
    settings = boards.settings(path, kind="gym").model_copy(update={"audience": AudienceSettings(expression=True)})
    return Board(path, settings, clock=clock)


def record(store: Store, hours_ago: int, **people: int) -> None:
    hour = boards.minutes_ago(60 * hours_ago)
    group = AudienceGroup(
        site_id=gym.SITE,
        camera_id="door",
        hour=hour,
        since=hour,
        attribute=Attribute.EXPRESSION,
        people=people,
    )
    store.record(Observation(audience=[group]))


def test_there_is_no_card_without_the_setting(store: Store, board: Board) -> None:
    record(store, 3, happy=9)
    view = board.usage(TODAY)
    assert view.audience is None
    assert usage_audience.card(view) is None


def test_the_card_waits_for_an_hour_with_five_people(store: Store, path: Path, clock: boards.Clock) -> None:
    record(store, 3, happy=4)
    record(store, 1, happy=50)
    record(store, 0, happy=50)
    words = words_of(usage_audience.card(board_of(path, clock).usage(TODAY)))
    assert words[:2] == ["Audience", "groups of at least five"]
    assert "No hour of this range had 5 people" in words[2]
    assert len(words) == 3


def test_the_card_has_the_sums_of_the_hours(store: Store, path: Path, clock: boards.Clock) -> None:
    record(store, 3, happy=9, sad=1)
    record(store, 4, happy=9, neutral=6, sad=2)
    record(store, 5, happy=4)
    words = words_of(usage_audience.card(board_of(path, clock).usage(TODAY)))
    assert words[2:-1] == ["Looks", "People", "Share", "", "Expression", "happy", "9", "33 %", "other", "18", "67 %"]
    assert "fewer than 5" in words[-1]
