"""Stored corrections, line states and zone stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from config.errors import RecordError, StoreError
from tracker.presence.events import Action, CameraRef, Correction, Event
from tracker.presence.line import Crossing, LineState, SideRun
from tracker.presence.rules import Rules
from tracker.presence.zones import ZoneStay
from tracker.store.observation import Observation
from tracker.store.store import Store


def void(records: Any, event: Event, seconds: float = 100) -> Correction:
    return Correction(
        action=Action.VOID, event_id=event.event_id, by="ann", at=records.at(seconds), reason="that was Eve"
    )


def add(records: Any, event: Event, seconds: float = 100) -> Correction:
    return Correction(action=Action.ADD, event_id=event.event_id, by="ann", at=records.at(seconds), event=event)


def test_a_voided_event_is_hidden_and_kept_with_author_and_time(
    store: Store, records: Any, reopened: Callable[[], Store]
) -> None:
    first, second = records.event(0), records.event(9, "exit")
    store.record(Observation(events=[first, second]))
    store.events.correct([void(records, second)])
    again = reopened()
    assert again.events.select() == [first]
    assert again.events.corrections() == again.events.corrections(second.event_id) == [void(records, second)]
    assert again.events.corrections(first.event_id) == []


def test_an_added_event_is_read_like_any_other(store: Store, records: Any) -> None:
    store.record(Observation(events=[records.event(0)]))
    store.events.correct([add(records, records.event(9, "exit"))])
    assert store.events.select() == [records.event(0), records.event(9, "exit")]
    assert store.events.corrections() == [add(records, records.event(9, "exit"))]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_latest_correction_applies_in_any_order(store: Store, records: Any, order: tuple[int, ...]) -> None:
    event = records.event(0)
    store.record(Observation(events=[event]))
    corrections = [void(records, event, 1), add(records, event, 2), void(records, event, 3)]
    for index in order:
        store.events.correct([corrections[index]])
    assert store.events.select() == []
    store.events.correct([add(records, event, 4)])
    assert store.events.select() == [event]
    assert len(store.events.corrections()) == 4


def test_a_replay_of_corrections_and_events_changes_nothing(store: Store, records: Any) -> None:
    event = records.event(0)
    store.record(Observation(events=[event]))
    store.events.correct([void(records, event)])
    version = store.version()
    store.events.correct([void(records, event)])
    store.record(Observation(events=[event]))
    assert (store.version(), store.events.select()) == (version, [])


def test_corrections_move_the_version_of_events(store: Store, records: Any) -> None:
    store.record(Observation(events=[records.event(0)]))
    before = store.events.version()
    store.events.correct([void(records, records.event(0))])
    assert store.events.version() > before


def test_a_correction_of_an_unknown_event_is_refused(store: Store, records: Any) -> None:
    store.record(Observation(events=[records.event(0)]))
    with pytest.raises(RecordError, match="no event has the id"):
        store.events.correct([void(records, records.event(0)), void(records, records.event(5))])
    assert (store.events.select(), store.events.corrections()) == ([records.event(0)], [])


@pytest.mark.parametrize("erase", [True, False])
def test_corrections_go_with_the_person(store: Store, records: Any, erase: bool) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.record(Observation(events=[records.event(0), records.event(9, "exit")]))
    store.events.correct([void(records, records.event(9, "exit"))])
    store.people.forget("p-ada", erase)
    with pytest.raises(RecordError, match="forgotten"):
        store.events.correct([add(records, records.event(20))])
    assert [each.reason for each in store.events.corrections()] == ([] if erase else [""])
    assert len(store.events.select()) == (0 if erase else 1)
    for visit in store.sessions.select(site_id="gym", rules=Rules(), now=records.at(60)):
        assert visit.person_id.startswith("x-")


def run(records: Any, inside: bool) -> SideRun:
    return SideRun(
        inside=inside,
        frames=3,
        depth=0.2,
        first_at=records.at(1.5),
        first_x_frac=0.1,
        first_y_frac=0.2,
        x_frac=0.3,
        y_frac=0.4,
    )


def standing(records: Any, track_id: str = "t1", person_id: str | None = "p-ada") -> LineState:
    crossing = Crossing(track_id=track_id, inward=True, at=records.at(3), x_frac=0.5, y_frac=0.6)
    return LineState(
        track_id=track_id,
        person_id=person_id,
        seen_at=records.at(4),
        held=run(records, True),
        ahead=run(records, False),
        waiting=(crossing,),
    )


def zone_stay(records: Any, start: float = 0, seen: float = 5, person_id: str = "p-ada", **fields: Any) -> ZoneStay:
    return ZoneStay(
        site_id="gym",
        camera_id="front",
        zone="weights",
        person_id=person_id,
        started_at=records.at(start),
        seen_at=records.at(seen),
        **fields,
    )


FRONT = {"site_id": "gym", "camera_id": "front"}
AT_FRONT = CameraRef("gym", "front")


def test_line_states_are_read_back_unchanged(store: Store, records: Any, reopened: Callable[[], Store]) -> None:
    bare = LineState(track_id="t2", person_id=None, seen_at=records.at(4))
    store.record(Observation(camera=AT_FRONT, line_states=[standing(records), bare], events=[records.event(0)]))
    again = reopened()
    assert again.cameras.line_states(**FRONT) == [standing(records), bare]
    assert again.cameras.line_states(site_id="gym", camera_id="back") == []
    again.record(Observation(camera=AT_FRONT, events=[records.event(1)]))
    assert len(again.cameras.line_states(**FRONT)) == 2
    again.record(Observation(camera=AT_FRONT, line_states=[bare]))
    assert again.cameras.line_states(**FRONT) == [bare]


def test_line_states_without_a_camera_are_refused(store: Store, records: Any) -> None:
    with pytest.raises(ValueError, match="line_states"):
        store.record(Observation(line_states=[standing(records)]))


def test_line_states_follow_merges(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.people.add(records.person("p-bob", "Bob"), records.vectors(1))
    store.record(Observation(camera=AT_FRONT, line_states=[standing(records), standing(records, "t2", None)]))
    store.people.merge("p-ada", "p-bob")
    assert [each.person_id for each in store.cameras.line_states(**FRONT)] == ["p-bob", None]
    store.people.forget("p-bob", False)
    assert [each.person_id for each in store.cameras.line_states(**FRONT)] == [None]
    store.record(Observation(camera=AT_FRONT, line_states=[standing(records)]))
    assert store.cameras.line_states(**FRONT) == []


def test_an_invalid_line_state_row_is_reported(store: Store, records: Any) -> None:
    store.record(Observation(camera=AT_FRONT, line_states=[standing(records)]))
    for text in ("{}", "[", '{"seen_at": 3}', "[]"):
        with store.database.writing() as writing:
            writing.connection.execute("UPDATE line_states SET state = ?", (text,))
        with pytest.raises(StoreError, match="damaged row"):
            store.cameras.line_states(**FRONT)


def test_zone_stays_grow_end_and_never_shrink(store: Store, records: Any, reopened: Callable[[], Store]) -> None:
    store.record(Observation(zone_stays=[zone_stay(records)]))
    store.record(Observation(zone_stays=[zone_stay(records, seen=9)]))
    store.record(Observation(zone_stays=[zone_stay(records, seen=7)]))
    assert store.cameras.zone_stays(site_id="gym") == [zone_stay(records, seen=9)]
    store.record(Observation(zone_stays=[zone_stay(records, seen=9, over=True)]))
    store.record(Observation(zone_stays=[zone_stay(records, seen=9)]))
    assert reopened().cameras.zone_stays(site_id="gym", camera_id="front") == [zone_stay(records, seen=9, over=True)]


def test_zone_stays_are_selected_by_filters(store: Store, records: Any) -> None:
    stays = [zone_stay(records, start, start + 10, over=start < 30) for start in (0, 20, 40)]
    store.record(Observation(zone_stays=stays))
    assert store.cameras.zone_stays(site_id="gym", since=records.at(11), until=records.at(40)) == stays[1:2]
    assert store.cameras.zone_stays(site_id="gym", since=records.at(10), until=records.at(41)) == stays
    assert store.cameras.zone_stays(site_id="gym", over=False) == stays[2:]
    assert store.cameras.zone_stays(site_id="gym", over=True) == stays[:2]
    assert store.cameras.zone_stays(site_id="pool") == store.cameras.zone_stays(site_id="gym", camera_id="back") == []


@pytest.mark.parametrize("erase", [True, False])
def test_zone_stays_follow_merges(store: Store, records: Any, erase: bool) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.people.add(records.person("p-bob", "Bob"), records.vectors(1))
    store.record(Observation(zone_stays=[zone_stay(records), zone_stay(records, person_id="p-cyd")]))
    store.people.merge("p-ada", "p-bob")
    assert {each.person_id for each in store.cameras.zone_stays(site_id="gym")} == {"p-bob", "p-cyd"}
    store.people.forget("p-bob", erase)
    store.record(Observation(zone_stays=[zone_stay(records, seen=50)]))
    left = [each for each in store.cameras.zone_stays(site_id="gym") if each.person_id != "p-cyd"]
    if erase:
        assert left == []
    else:
        (stay,) = left
        assert stay.person_id.startswith("x-")
        assert stay == replace(zone_stay(records, over=True), person_id=stay.person_id, stay_id=stay.stay_id)
        assert stay.stay_id != zone_stay(records).stay_id
