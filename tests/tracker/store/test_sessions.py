"""Stored sessions equal those derived from all events, whatever happens to facts, rules and the clock."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker.presence.events import Action, CameraRef, Correction, Event, EventKind, time_text
from tracker.presence.people import Person
from tracker.presence.room import Presence
from tracker.presence.rules import Rules, Site, decode_rules, encode_rules
from tracker.presence.sessions import sessions
from tracker.store.observation import Observation
from tracker.store.store import Store

NIGHT = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # clocks in Berlin go forward half an hour later
BERLIN = ZoneInfo("Europe/Berlin")
ADELAIDE = ZoneInfo("Australia/Adelaide")
SHORT = Rules(merge_gap=timedelta(minutes=5), max_visit=timedelta(hours=1), min_visit=timedelta(minutes=1), zone=BERLIN)
RULES = [
    SHORT,
    Rules(merge_gap=timedelta(0), closes_at=time(3), zone=ADELAIDE),
    Rules(merge_gap=timedelta(minutes=5), entrances=frozenset("a"), exits=frozenset("ab"), zone=BERLIN),
    Rules(
        entrances=frozenset("a"),
        exits=frozenset("a"),
        rooms=frozenset("bc"),
        max_unseen=timedelta(hours=1),
        zone=BERLIN,
    ),
    Rules(
        entrances=frozenset("a"),
        exits=frozenset("b"),
        rooms=frozenset("c"),
        closes_at=time(5),
        zone=BERLIN,
        merge_gap=timedelta(minutes=30),
        max_unseen=timedelta(minutes=20),
        max_visit=timedelta(hours=2),
    ),
]
PEOPLE = "pqrs"


def at(minutes: float) -> datetime:
    return NIGHT + timedelta(minutes=minutes)


def event(kind: str, minutes: float, person: str = "p", camera: str = "c", track: str = "x", site: str = "s") -> Event:
    return Event(kind=EventKind(kind), site_id=site, camera_id=camera, person_id=person, at=at(minutes), track_id=track)


def enrol(store: Store, *people: str) -> None:
    for person_id in people:
        person = Person(person_id=person_id, name=person_id, created_at=NIGHT, consented_at=NIGHT)
        store.people.add(person, np.zeros((0, 128), np.float32))


@contextmanager
def fresh_store() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "footfall.sqlite3", clock=CLOCK) as store:
        yield store


class ScriptedClock:
    """A manual clock."""

    def __init__(self) -> None:
        self.minutes = 500.0

    def __call__(self) -> datetime:
        return at(self.minutes)


CLOCK = ScriptedClock()


def agrees(store: Store, rules: Rules, now: datetime) -> None:
    for site in "st":
        expected = sessions(
            store.events.select(site_id=site), rules=rules, now=now, presences=store.cameras.presences(site_id=site)
        )
        assert store.sessions.select(site_id=site, now=now) == expected
        assert store.sessions.select(site_id=site, now=now, rules=rules) == expected


minutes = st.integers(0, 400)
one_event = st.builds(
    event,
    st.sampled_from(["enter", "exit"]),
    minutes,
    st.sampled_from(PEOPLE),
    st.sampled_from("abc"),
    st.sampled_from("xy"),
    st.sampled_from("sssst"),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.lists(one_event, min_size=1, max_size=8)),
        st.tuples(st.just("record"), st.lists(one_event, min_size=1, max_size=8)),
        st.tuples(st.just("void"), st.integers(0, 40)),
        st.tuples(st.just("add"), one_event),
        st.tuples(st.just("merge"), st.sampled_from(PEOPLE), st.sampled_from(PEOPLE)),
        st.tuples(st.just("forget"), st.sampled_from(PEOPLE), st.booleans()),
        st.tuples(st.just("presence"), st.sampled_from(PEOPLE), st.sampled_from("abc"), minutes, minutes),
        st.tuples(st.just("rules"), st.sampled_from(RULES)),
        st.tuples(st.just("clock"), st.integers(0, 900)),
        st.tuples(st.just("tick")),
    ),
    max_size=9,
)


def take(store: Store, step: tuple[Any, ...], number: int) -> None:
    known = {person.person_id for person in store.people.all()}
    match step:
        case ("record", events):
            store.record(Observation(events=events))
        case ("void", index) if index < len(store.events.select()):
            event_id = store.events.select()[index].event_id
            store.events.correct([Correction(action=Action.VOID, event_id=event_id, by="ann", at=at(number))])
        case ("add", missed) if missed.person_id in known:
            correction = Correction(action=Action.ADD, event_id=missed.event_id, by="ann", at=at(number), event=missed)
            store.events.correct([correction])
        case ("merge", gone, kept) if gone != kept and {gone, kept} <= known:
            store.people.merge(gone, kept)
        case ("forget", person_id, erase) if person_id in known:
            store.people.forget(person_id, erase)
        case ("presence", person_id, camera, entered, length):
            held = Presence(
                site_id="s",
                camera_id=camera,
                person_id=person_id,
                track_id="x",
                entered_at=at(entered),
                seen_at=at(entered + length),
                x_frac=0.5,
                y_frac=0.5,
            )
            store.record(Observation(camera=CameraRef("s", camera), presences=[held]))
        case ("rules", rules):
            store.sites.use_default_rules(rules)
        case ("clock", now):
            CLOCK.minutes = now
        case ("tick",):
            store.sessions.tick()


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(RULES), steps, st.integers(0, 900))
def test_stored_sessions_equal_the_batch_after_any_history(
    rules: Rules, script: list[tuple[Any, ...]], now: int
) -> None:
    CLOCK.minutes = 500.0
    with fresh_store() as store:
        enrol(store, *PEOPLE)
        store.sites.use_default_rules(rules)
        for number, step in enumerate(script):
            take(store, step, number)
        in_use = next((step[1] for step in reversed(script) if step[0] == "rules"), rules)
        agrees(store, in_use, at(now))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.sampled_from(RULES), st.lists(one_event, max_size=25), st.data())
def test_any_batches_and_order_give_the_same_sessions(rules: Rules, events: list[Event], data: st.DataObject) -> None:
    with fresh_store() as store:
        store.sites.use_default_rules(rules)
        waiting = data.draw(st.permutations(events))
        while waiting:
            size = data.draw(st.integers(1, len(waiting)))
            store.record(Observation(events=waiting[:size]))
            waiting = waiting[size:]
        agrees(store, rules, at(500))


def test_sessions_by_other_rules_are_derived_from_events(store: Store) -> None:
    store.record(Observation(events=[event("enter", 0), event("exit", 10), event("enter", 12), event("exit", 20)]))
    assert len(store.sessions.select(site_id="s", now=at(30))) == 1
    assert len(store.sessions.select(site_id="s", rules=Rules(merge_gap=timedelta(0)), now=at(30))) == 2


def stored(store: Store) -> list[tuple[object, ...]]:
    with store.database.reading() as connection:
        return connection.execute("SELECT * FROM sessions ORDER BY site_id, started_at, session_id").fetchall()


def test_new_rules_derive_all_sessions_again_and_once(store: Store) -> None:
    store.record(Observation(events=[event("enter", 0), event("exit", 10), event("enter", 12), event("exit", 20)]))
    apart = Rules(merge_gap=timedelta(0))
    site = Site(site_id="s", name="Studio", capacity=20, rules=apart)
    assert store.sites.save(site)
    version = store.version()
    assert not store.sites.save(site)
    assert store.version() == version
    assert len(stored(store)) == 2
    agrees(store, apart, at(30))
    assert not store.sites.save(replace(site, name="Atelier"))
    assert store.sites.get("s") == replace(site, name="Atelier")


def test_each_site_has_rules_of_its_own(store: Store) -> None:
    day = [(0, 10), (12, 20)]
    for site in "st":
        for start, end in day:
            store.record(Observation(events=[event("enter", start, site=site), event("exit", end, site=site)]))
    store.sites.save(Site(site_id="t", rules=Rules(merge_gap=timedelta(0), zone=ADELAIDE)))
    assert [len(store.sessions.select(site_id=site, now=at(30))) for site in "st"] == [1, 2]
    store.sites.use_default_rules(Rules(merge_gap=timedelta(hours=1)))
    assert [len(store.sessions.select(site_id=site, now=at(30))) for site in "st"] == [1, 2]
    assert [site.site_id for site in store.sites.all()] == ["s", "t"]


def test_time_closes_sessions_in_the_table(tmp_path: Path) -> None:
    clock = ScriptedClock()
    with Store(tmp_path / "footfall.sqlite3", clock=clock) as store:
        store.sites.use_default_rules(SHORT)
        clock.minutes = 5
        store.record(Observation(events=[event("enter", 0)]))
        clock.minutes = 60
        store.sessions.tick()
        assert [row[4] for row in stored(store)] == [None]
        version = store.version()
        clock.minutes = 61
        assert [each.ended_at for each in store.sessions.select(site_id="s", now=clock())] == [at(0)]
        assert (store.version(), [row[4] for row in stored(store)]) == (version, [None])
        store.sessions.tick()
        assert store.version() == version + 1
        assert [row[4] for row in stored(store)] == [time_text(at(0))]
        store.sessions.tick()
        assert store.version() == version + 1
        clock.minutes = 30  # the clock is set back
        assert [each.ended_at for each in store.sessions.select(site_id="s", now=clock())] == [None]
        store.sessions.tick()
        assert [row[4] for row in stored(store)] == [None]


def test_a_future_event_takes_effect_at_its_time(tmp_path: Path) -> None:
    clock = ScriptedClock()
    with Store(tmp_path / "footfall.sqlite3", clock=clock) as store:
        clock.minutes = 5
        store.record(Observation(events=[event("enter", 0), event("exit", 120)]))
        assert [row[4] for row in stored(store)] == [None]
        assert [each.state for each in store.sessions.select(site_id="s", now=at(119))] == ["open"]
        assert [each.ended_at for each in store.sessions.select(site_id="s", now=at(121))] == [at(120)]
        clock.minutes = 121
        store.sessions.tick()
        assert [row[4] for row in stored(store)] == [time_text(at(120))]


def test_a_person_in_view_beyond_max_visit_is_in(tmp_path: Path) -> None:
    clock = ScriptedClock()
    with Store(tmp_path / "footfall.sqlite3", clock=clock) as store:
        store.record(Observation(events=[event("enter", 0, track="x")]))
        for hour in range(41):
            clock.minutes = hour * 60 + 1
            held = Presence(
                site_id="s", camera_id="c", person_id="p", track_id="x", entered_at=at(0), seen_at=clock(),
                x_frac=0.5, y_frac=0.5,
            )  # fmt: skip
            store.record(Observation(camera=CameraRef("s", "c"), presences=[held]))
        (visit,) = store.sessions.select(site_id="s", now=clock(), since=at(40 * 60), until=at(41 * 60))
        assert (visit.started_at, visit.ended_at) == (at(0), None)
        changed = [row[-1] for row in stored(store)]
        assert changed == [1], "being in sight still does not change what is uploaded"


def test_sessions_and_events_are_written_in_one_transaction(store: Store, records: Any) -> None:
    store.record(Observation(events=[event("enter", 0)]))
    with pytest.raises(ValueError, match="given for"):
        store.record(
            Observation(
                events=[event("exit", 10)], camera=CameraRef("s", "c"), presences=[records.presence(camera_id="z")]
            )
        )
    assert [visit.ended_at for visit in store.sessions.select(site_id="s", now=at(20))] == [None]


def test_unchanged_sessions_are_not_written(store: Store) -> None:
    store.record(Observation(events=[event("enter", 0), event("exit", 10), event("enter", 100), event("exit", 110)]))
    version = store.version()
    store.record(Observation(events=[event("enter", 200)]))
    with store.database.reading() as connection:
        changed = connection.execute("SELECT count(*) FROM sessions WHERE changed > ?", (version,)).fetchone()
    assert changed == (1,)


def test_a_range_selects_the_sessions_that_overlap_it(store: Store) -> None:
    pairs = [(0, 10), (20, 90), (100, 110), (300, 310)]
    store.record(
        Observation(events=[each for start, end in pairs for each in (event("enter", start), event("exit", end))])
    )
    store.record(Observation(events=[event("enter", 50, "q")]))

    def starts(since: float, until: float) -> list[datetime]:
        found = store.sessions.select(site_id="s", now=at(320), since=at(since), until=at(until))
        return [visit.started_at for visit in found]

    assert starts(15, 101) == [at(20), at(50), at(100)]
    assert starts(11, 20) == []
    assert starts(200, 400) == [at(50), at(300)]


@pytest.mark.parametrize("since_day", [None, 0, 39, 99])
@pytest.mark.parametrize("people", [None, ["p", "q"], []])
def test_columns_hold_the_sessions_of_a_long_history(
    tmp_path: Path, since_day: int | None, people: list[str] | None
) -> None:
    day, clock = 24 * 60, ScriptedClock()
    with Store(tmp_path / "footfall.sqlite3", clock=clock) as store:
        store.sites.use_default_rules(SHORT)
        clock.minutes = 100 * day
        pairs = [(PEOPLE[number % 2], number * day, number * day + 30) for number in range(0, 100, 3)]
        events = [
            event(kind, minutes, who)
            for who, *pair in pairs
            for kind, minutes in zip(("enter", "exit"), pair, strict=True)
        ]
        store.record(Observation(events=[*events, event("enter", 100 * day, "q"), event("enter", 40 * day, "s")]))
        clock.minutes += 90  # who is in has left by now, which the table does not say yet
        since = None if since_day is None else at(since_day * day)
        wanted = {"site_id": "s", "now": clock(), "since": since, "until": at(101 * day), "person_ids": people}
        expected = store.sessions.select(**wanted)
        portions = list(store.sessions.columns(**wanted))
    names = ("session_id", "person_id", "started_at", "ended_at", "exit_inferred", "enter_camera_id")
    found = [row for each in portions for row in zip(*(each[name] for name in names), strict=True)]
    assert sorted(found) == sorted(
        (each.session_id, each.person_id, time_text(each.started_at), time_text(each.ended_at), each.exit_inferred, "c")
        for each in expected
        if each.ended_at
    )
    assert bool(found) == (people != [])


@pytest.mark.parametrize("rules", [*RULES, Rules()], ids=["short", "closing", "doors", "proof", "tight", "default"])
def test_rules_are_written_as_a_text_and_read_back(rules: Rules) -> None:
    assert decode_rules(encode_rules(rules)) == rules


WRITTEN = json.loads(encode_rules(Rules()))


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"zone": "UTC"}', "null"),
        pytest.param("[" * 9000, id="nested-lists"),
        pytest.param('{"a":' * 9000, id="nested-objects"),
        pytest.param(json.dumps({**WRITTEN, "max_visit": 1e15}), id="longer-than-all-time"),
        pytest.param(json.dumps({**WRITTEN, "skew": float("inf")}), id="endless"),
        pytest.param(json.dumps({**WRITTEN, "skew": float("nan")}), id="no-number"),
        pytest.param(json.dumps({**WRITTEN, "zone": "Europe"}), id="zone-is-a-folder"),
        pytest.param(json.dumps({**WRITTEN, "zone": "A" * 5000}), id="zone-too-long-for-a-file"),
        pytest.param(json.dumps({**WRITTEN, "zone": ["UTC"]}), id="zone-is-a-list"),
        pytest.param(json.dumps({**WRITTEN, "exits": "door"}), id="cameras-are-a-text"),
        pytest.param(json.dumps({**WRITTEN, "rooms": [1, "hall"]}), id="cameras-of-two-kinds"),
        pytest.param(json.dumps({**WRITTEN, "closes_at": 22}), id="closes-at-a-number"),
    ],
)
def test_invalid_rules_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected the rules of visits") as refused:
        decode_rules(text)
    assert len(str(refused.value)) < 300


def test_rules_in_a_zone_without_a_name_are_refused() -> None:
    with pytest.raises(ValueError, match="IANA"):
        encode_rules(Rules(zone=timezone(timedelta(hours=2))))
