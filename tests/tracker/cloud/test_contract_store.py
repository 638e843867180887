"""The contract of a store: what is written at one end is read at the other, with and without Firestore."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.firestore.fixtures import EVERY, Firestore
from tests.tracker.cloud.machines import SITE
from tests.tracker.cloud.shared_stores import (
    NOW,
    RULES,
    START,
    OneFile,
    TwoMachines,
    at,
    event,
    person,
    vectors,
    visit,
)
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import ANONYMOUS_PREFIX, Action, Correction, Event
from tracker.presence.health import CameraHealth, CameraState
from tracker.presence.people import Consent, PersonKind, Role
from tracker.presence.sessions import sessions
from tracker.presence.zones import ZoneStay
from tracker.store.observation import Observation
from tracker.store.store import Store

SERVERS = {"ours": "firestore_server", "npm": "npm_emulator", "official": "official_emulator"}
ODD = ("köln", "a/b", "..", "__x__", "%2F", "Ada  Lovelace", "🦊", "p " + "x" * 150, "null", "$[0]`'\"\\")


@pytest.fixture(params=["file", *EVERY])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OneFile]:
    if request.param == "file":
        made = OneFile(tmp_path)
    else:
        firestore: Firestore = request.getfixturevalue(SERVERS[request.param])
        made = TwoMachines(tmp_path, firestore)
    with made:
        yield made


def assert_visits(store: Store, events: list[Event]) -> None:
    """The sessions equal those derived from the events."""
    assert store.sessions.select(site_id=SITE, now=NOW) == sessions(events, rules=RULES, now=NOW)


def test_events_are_read_once_including_late_ones(ends: OneFile) -> None:
    events = [*visit(0, 60), *visit(70, 100), *visit(300, 400, "p-bob"), event(500, person="p-cyd")]
    for some in (events[2:5], events[3:], [], events[:2], events):
        ends.a.record(Observation(events=some))
        ends.sync()
    assert ends.b.events.select() == events
    assert ends.b.events.select(site_id=SITE, person_id="p-bob") == events[4:6]
    assert_visits(ends.b, events)


def test_two_writers_of_a_site_have_the_same_records(ends: OneFile) -> None:
    ends.a.record(Observation(events=visit(0, 60, camera="front")))
    ends.b.record(Observation(events=visit(30, 90, camera="back")))
    ends.sync()
    ends.a.record(Observation(events=[event(200, camera="front")]))
    ends.b.record(Observation(events=[event(201, camera="back", person="p-bob"), event(250, "exit", camera="back")]))
    ends.sync()
    assert ends.a.events.select() == ends.b.events.select()
    assert len(ends.a.events.select()) == 7
    for store in (ends.a, ends.b):
        assert_visits(store, ends.a.events.select())


def test_people_are_equal_at_both_ends(ends: OneFile) -> None:
    ends.a.people.add(replace(person(), role=Role.STAFF), vectors(3))
    ends.a.people.add(replace(person("p-bob", "Bob"), access=False), vectors(1, seed=1))
    ends.sync()
    assert ends.b.people.all() == ends.a.people.all()
    assert [each.role for each in ends.b.people.all()] == [Role.STAFF, Role.MEMBER]
    assert ends.b.people.vector_counts() == {"p-ada": 3, "p-bob": 1}
    ends.b.people.rename("p-ada", "Countess")
    ends.sync()
    assert [each.name for each in ends.a.people.all()] == ["Bob", "Countess"]


def test_an_enrolled_visitor_is_enrolled_at_both_ends(ends: OneFile) -> None:
    visitor = replace(person("v-1", "Visitor 1"), kind=PersonKind.VISITOR, consented_at=None)
    ends.a.record(Observation(visitors=[(visitor, vectors(2))], events=visit(0, 60, "v-1")))
    ends.sync()
    assert [each.name for each in ends.b.people.all(kind=PersonKind.VISITOR)] == ["Visitor 1"]
    ends.a.people.promote("v-1", "Ada", consent=Consent(at=at(100)))
    ends.sync()
    assert [(each.name, each.kind) for each in ends.b.people.all()] == [("Ada", PersonKind.ENROLLED)]
    assert ends.b.people.vector_counts() == {"v-1": 2}


def test_merged_people_have_one_history_at_both_ends(ends: OneFile) -> None:
    for each in (person(), person("p-old", "Ada L."), person("p-older", "A. L.")):
        ends.a.people.add(each, vectors(1, seed=len(each.name)))
    ends.a.record(Observation(events=[*visit(0, 60), *visit(100, 160, "p-old"), *visit(200, 260, "p-older")]))
    ends.sync()
    ends.a.people.merge("p-older", "p-old")
    ends.sync()
    ends.b.people.merge("p-old", "p-ada")
    ends.sync()
    for store in (ends.a, ends.b):
        assert [each.name for each in store.people.all()] == ["Ada"]
        assert {each.person_id for each in store.events.select()} == {"p-ada"}
        person_found = store.people.get("p-older")
        assert person_found is not None
        assert person_found.name == "Ada"
        assert_visits(store, store.events.select())
        assert store.people.vector_counts() == {"p-ada": 3}


@pytest.mark.parametrize("erase_history", [True, False], ids=["erase-history", "keep-counts"])
def test_a_forgotten_person_is_forgotten_everywhere(ends: OneFile, erase_history: bool) -> None:
    ends.a.people.add(person(), vectors(2))
    ends.a.people.add(person("p-bob", "Bob"), vectors(1))
    ends.a.record(Observation(events=[*visit(0, 60), *visit(10, 20, "p-bob")]))
    ends.b.record(Observation(events=visit(100, 160, camera="back")))
    ends.sync()
    ends.a.people.forget("p-ada", erase_history)
    ends.sync()
    ends.sync()
    for store in (ends.a, ends.b):
        assert [each.name for each in store.people.all()] == ["Bob"]
        others = {each.person_id for each in store.events.select()} - {"p-bob"}
        assert all(each.startswith(ANONYMOUS_PREFIX) for each in others)
        assert len(store.events.select()) == (2 if erase_history else 6)
        assert_visits(store, store.events.select())
    assert ends.a.events.select() == ends.b.events.select()
    ends.b.record(Observation(events=[event(900)]))
    ends.sync()
    assert len(ends.a.events.select()) == (2 if erase_history else 6)


def test_corrections_apply_at_both_ends(ends: OneFile) -> None:
    kept, wrong = visit(0, 60), visit(100, 160)
    ends.a.record(Observation(events=[*kept, *wrong]))
    ends.sync()
    ends.b.events.correct(
        [Correction(action=Action.VOID, event_id=each.event_id, by="Ann", at=at(900)) for each in wrong]
    )
    missed = event(55, "enter", "p-bob", camera="@operator")
    ends.b.events.correct(
        [Correction(action=Action.ADD, event_id=missed.event_id, by="Ann", at=at(901), event=missed, reason="saw him")]
    )
    ends.sync()
    assert ends.a.events.select() == [kept[0], missed, kept[1]]
    assert [each.reason for each in ends.a.events.corrections(missed.event_id)] == ["saw him"]
    assert_visits(ends.a, ends.a.events.select())
    ends.a.events.correct(
        [Correction(action=Action.ADD, event_id=wrong[0].event_id, by="Ben", at=at(999), event=wrong[0])]
    )
    ends.sync()
    assert ends.b.events.select() == [kept[0], missed, kept[1], wrong[0]]
    assert ends.b.events.corrections() == ends.a.events.corrections()


def test_camera_health_and_coverage_are_equal_at_both_ends(ends: OneFile) -> None:
    health = CameraHealth(
        site_id=SITE,
        camera_id="front",
        source="rtsp://10.0.0.7/live",
        state=CameraState.LIVE,
        started_at=at(0),
        updated_at=at(60),
        last_frame_at=at(59),
        fps=12.5,
        frames=700,
        dropped=3,
    )
    first = CoverageSpan(site_id=SITE, camera_id="front", started_at=at(1), ended_at=at(59))
    ends.a.record(Observation(health=health, coverage=[first]))
    ends.sync()
    second = CoverageSpan(site_id=SITE, camera_id="front", started_at=at(500), ended_at=at(600))
    lost = replace(health, state=CameraState.LOST, updated_at=at(700), last_frame_at=at(600), problem="no signal")
    ends.a.record(Observation(health=lost, coverage=[second]))
    ends.sync()
    assert ends.b.cameras.coverage(SITE) == [first, second]
    (found,) = ends.b.cameras.health(SITE)
    assert replace(found, source=health.source) == lost


def test_ended_zone_stays_are_equal_at_both_ends(ends: OneFile) -> None:
    stays = [
        ZoneStay(
            site_id=SITE,
            camera_id="front",
            zone=zone,
            person_id="p-ada",
            started_at=at(start),
            seen_at=at(start + 30),
            over=True,
        )
        for zone, start in (("bar", 0), ("Theke / links", 100))
    ]
    ends.a.record(Observation(zone_stays=[replace(stays[0], over=False, seen_at=at(10), stay_id=stays[0].stay_id)]))
    ends.sync()
    ends.a.record(Observation(zone_stays=stays))
    ends.sync()
    assert ends.b.cameras.zone_stays(site_id=SITE) == stays


@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_any_id_and_name_is_read_unchanged(ends: OneFile, odd: str) -> None:
    ends.a.people.add(person(odd, odd), vectors(1))
    ends.a.record(Observation(events=[event(0, person=odd, track=odd), event(60, "exit", person=odd, track=odd)]))
    ends.sync()
    assert ends.b.people.all() == ends.a.people.all()
    assert ends.b.events.select() == ends.a.events.select()
    assert ends.b.people.vector_counts() == {odd: 1}
    assert_visits(ends.b, ends.a.events.select())


def test_nothing_is_uploaded_twice_or_returned_changed(ends: OneFile) -> None:
    ends.a.people.add(person(), vectors(1))
    ends.a.record(Observation(events=visit(0, 60)))
    ends.sync()
    ends.sync()
    versions = [(store.events.version(), store.people.version()) for store in (ends.a, ends.b)]
    ends.sync()
    assert [(store.events.version(), store.people.version()) for store in (ends.a, ends.b)] == versions


def test_open_visits_continue(ends: OneFile) -> None:
    ends.a.record(Observation(events=[event(0)]))
    ends.sync()
    soon = START + timedelta(hours=1)
    assert ends.b.sessions.select(site_id=SITE, now=soon) == sessions([event(0)], rules=RULES, now=soon)
