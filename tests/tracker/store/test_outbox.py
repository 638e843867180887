"""What Firestore does not have yet: pages in order, in the newest state, and what vanished; only where it is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tracker.store.unsent_visits import UnsentUsage

from tracker.presence.events import Action, Correction, Event
from tracker.presence.people import Person
from tracker.presence.rules import Rules
from tracker.presence.zones import ZoneStay
from tracker.store.arrivals import Arrivals
from tracker.store.observation import Observation
from tracker.store.outbox import Receipt
from tracker.store.outbox_pages import Page, Scope
from tracker.store.outbox_rows import SOURCES
from tracker.store.store import Store
from tracker.store.sync_rows import MADE_HERE, Kind, Parked, Position


@pytest.fixture
def sent(store: Store) -> Store:
    """A store that is kept in step."""
    store.outbox.begin()
    return store


def pages(store: Store, kind: Kind, now: Any, *, limit: int = 7, scope: Scope | None = None) -> Iterator[Page]:
    """All pages of a kind from where it stands, each noted as sent before the next is read."""
    while True:
        page = store.outbox.page(kind, store.outbox.cursor(kind), now=now, limit=limit, scope=scope, vectors=False)
        yield page
        store.outbox.acknowledge(Receipt(positions={kind: page.reached}))
        if page.is_last:
            return


def ids(found: Iterator[Page]) -> list[str]:
    return [each.record_id for page in found for each in page.records]


def test_a_large_transaction_is_read_a_page_at_a_time(sent: Store, records: Any) -> None:
    events = [records.event(number) for number in range(40)]
    sent.record(Observation(events=events[:30]))
    sent.record(Observation(events=events[30:]))
    found = list(pages(sent, Kind.EVENTS, records.at(0)))
    assert [len(page.records) for page in found] == [7, 7, 7, 7, 7, 5]
    assert ids(iter(found)) == [event.event_id for event in events]
    assert ids(pages(sent, Kind.EVENTS, records.at(0))) == []
    late = records.event(99)
    sent.record(Observation(events=[late]))
    assert ids(pages(sent, Kind.EVENTS, records.at(0))) == [late.event_id]


def test_the_place_outlives_the_process(sent: Store, records: Any, reopened: Any) -> None:
    sent.record(Observation(events=[records.event(number) for number in range(10)]))
    next(both := pages(sent, Kind.EVENTS, records.at(0), limit=4))
    next(both)  # the first is noted now
    store = reopened()
    assert len(ids(pages(store, Kind.EVENTS, records.at(0)))) == 6
    assert store.outbox.backlog(visits=False, people=True).counts == {}


def test_the_backlog_counts_what_is_left_and_names_the_oldest(sent: Store, records: Any) -> None:
    sent.record(Observation(events=[records.event(5), records.event(7)]))
    sent.record(Observation(events=[records.event(9, camera_id="door")]))
    assert sent.outbox.backlog(visits=False, people=True).counts == {"events": 3}
    assert sent.outbox.backlog(visits=False, people=True).oldest_at == records.at(5)
    assert sent.outbox.backlog(visits=True, people=True).counts["sessions"] == 1
    assert sent.outbox.backlog(visits=False, people=False, scope=Scope("gym", "door")).counts == {"events": 1}


def test_a_camera_machine_reads_only_its_own(sent: Store, records: Any) -> None:
    mine, other = records.event(1, camera_id="door"), records.event(2)
    sent.record(Observation(events=[mine, other]))
    assert ids(pages(sent, Kind.EVENTS, records.at(0), scope=Scope("gym", "door"))) == [mine.event_id]


def test_what_came_down_is_skipped_until_it_is_changed_here(sent: Store, records: Any) -> None:
    sent.people.add(records.person(), records.vectors(1))
    with sent.database.writing() as writing:
        writing.connection.execute("UPDATE people SET came_down = changed")
    assert ids(pages(sent, Kind.PEOPLE, records.at(0))) == []
    sent.people.rename("p-ada", "Ada Lovelace")
    assert ids(pages(sent, Kind.PEOPLE, records.at(0))) == ["p-ada"]


def test_more_vectors_of_somebody_enrolled_are_a_change_of_the_person(sent: Store, records: Any) -> None:
    sent.people.add(records.person(), records.vectors(1))
    sent.record(Observation(visitors=[(records.visitor(), records.vectors(1))]))
    assert ids(pages(sent, Kind.PEOPLE, records.at(0))) == ["p-ada", "v-1"]
    sent.people.add_vectors("p-ada", records.vectors(2))
    sent.record(Observation(visitors=[(records.visitor(), records.vectors(2))]))
    assert ids(pages(sent, Kind.PEOPLE, records.at(0))) == ["p-ada"]


def test_a_day_of_usage_is_read_once_however_many_of_its_hours_changed(sent: Store, records: Any) -> None:
    sent.record(Observation(events=[records.event(0), records.event(4 * 3600, "exit")]))
    (page,) = pages(sent, Kind.USAGE, records.at(9 * 3600), limit=100)
    (usage,) = [each.record for each in page.records]
    assert isinstance(usage, UnsentUsage)
    assert [figures[0] for figures in usage.hours.values()] == [1, 0, 0, 0, 0]
    assert sum(figures[2] for figures in usage.hours.values()) == 4 * 3600 * 1_000_000
    for limit in (1, 2, 3):
        sent.outbox.acknowledge(Receipt(positions={Kind.USAGE: Position()}))
        assert len(ids(pages(sent, Kind.USAGE, records.at(9 * 3600), limit=limit))) == 1


# -- what vanished


def _gone(store: Store, records: Any) -> list[tuple[str, str]]:
    found, _, _ = store.outbox.deletions(limit=100, now=records.at(10 * 86400))
    return sorted((each.kind, each.record_id) for each in found)


def _void(records: Any, event: Event) -> Correction:
    return Correction(action=Action.VOID, event_id=event.event_id, by="ann", at=records.at(9000), reason="")


def test_a_visit_that_is_no_more_is_remembered(sent: Store, records: Any) -> None:
    event = records.event(0)
    sent.record(Observation(events=[event]))
    assert _gone(sent, records) == []
    sent.events.correct([_void(records, event)])
    assert _gone(sent, records) == [("usage", "p-ada"), ("visit", event.event_id)]
    found, said, _ = sent.outbox.deletions(limit=100)
    assert {each.collection for each in said} == {"sessions", "usage"}
    sent.outbox.acknowledge(Receipt(gone=found))
    assert _gone(sent, records) == []


def test_a_visit_that_begins_with_another_event_at_the_same_time_leaves_its_old_id(sent: Store, records: Any) -> None:
    """The row is replaced, not deleted: same site, person and start."""
    first = records.event(0)
    same = replace(first, camera_id="back", event_id="")
    low, high = sorted((first, same), key=lambda event: event.event_id)
    sent.record(Observation(events=[high]))
    sent.record(Observation(events=[low]))
    assert _gone(sent, records) == [("visit", high.event_id)]
    _, said, _ = sent.outbox.deletions(limit=100)
    assert [each.record_id for each in said] == [high.event_id]


def test_a_visit_that_is_there_again_is_not_said_to_be_gone(sent: Store, records: Any) -> None:
    events = [records.event(0), records.event(60, "exit")]
    sent.record(Observation(events=events))
    sent.sites.use_default_rules(Rules(merge_gap=timedelta(minutes=7)))  # all are made anew
    assert ("visit", events[0].event_id) in _gone(sent, records)
    _, said, _ = sent.outbox.deletions(limit=100)
    assert [each.collection for each in said] == ["usage"]


def test_a_visit_of_two_people_made_one_is_not_said_to_be_gone(sent: Store, records: Any) -> None:
    for name, one_id in (("Ada", "p-ada"), ("Zoe", "p-zoe")):
        sent.people.add(Person(person_id=one_id, name=name, created_at=records.at(0)), records.vectors(1))
    sent.record(Observation(events=[records.event(0, person_id="p-zoe"), records.event(60, "exit", person_id="p-zoe")]))
    sent.people.merge("p-zoe", "p-ada")
    _, said, forgotten = sent.outbox.deletions(limit=100)
    assert [each.collection for each in said] == ["usage"]
    assert forgotten == []


def test_a_store_of_this_machine_alone_remembers_nothing(store: Store, records: Any, tmp_path: Path) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.record(Observation(events=[records.event(0)]))
    store.people.forget("p-ada", erase_history=True)
    assert store.outbox.deletions(limit=100) == ([], [], [])
    store.close()
    assert not [path for path in tmp_path.iterdir() if b"p-ada" in path.read_bytes()]


def made(store: Store) -> set[str]:
    with store.database.reading() as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type <> 'table'")}


def test_a_store_of_this_machine_alone_pays_for_nothing_of_it(store: Store, records: Any, reopened: Any) -> None:
    store.record(Observation(events=[records.event(0)]))
    alone = made(store)
    assert not [name for name in alone if name.endswith(("_changed", "_gone"))]
    store.outbox.begin()
    in_step = made(store)
    assert {"events_changed", "visits_gone", "usage_gone", "people_gone", "vectors_added"} <= in_step - alone
    store.outbox.begin()
    assert made(reopened()) == in_step


def test_a_store_into_which_something_came_down_is_in_step(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.inbox.apply(Arrivals(came=records.at(0), cursors={"down people gym": "2026-01-05"}))
    store.people.forget("p-ada", erase_history=True)
    assert [each.person_id for each in store.outbox.deletions(limit=100)[2]] == ["p-ada"]


def test_what_is_unsent_is_found_by_an_index(sent: Store) -> None:
    sent.version()  # EXPLAIN alone does not look whether the schema is still the one that this connection knows
    with sent.database.reading() as connection:
        for kind, source in SOURCES.items():
            asked = f"SELECT {source.select} FROM {source.table} WHERE {source.condition} AND changed > 1"  # noqa: S608 - fixed names
            ordered = f"{asked} ORDER BY changed, {', '.join(source.keys)} LIMIT 7"
            plan = " ".join(str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {ordered}"))
            assert f"{source.table}_changed" in plan, kind


def test_who_was_forgotten_is_told_with_all_ids(sent: Store, records: Any) -> None:
    sent.people.add(records.person(), records.vectors(1))
    sent.record(Observation(visitors=[(records.visitor(), records.vectors(1))]))
    sent.people.merge("v-1", "p-ada")
    sent.people.forget("p-ada", erase_history=True)
    found, _, forgotten = sent.outbox.deletions(limit=100)
    assert {(each.person_id, each.erase_history) for each in forgotten} == {("p-ada", True), ("v-1", True)}
    sent.outbox.acknowledge(Receipt(gone=found))
    assert sent.outbox.deletions(limit=100) == ([], [], [])


def test_the_backlog_counts_who_was_forgotten_and_what_vanished_with_them(sent: Store, records: Any) -> None:
    sent.people.add(records.person(), records.vectors(1))
    sent.record(Observation(visitors=[(records.visitor(), records.vectors(1))]))
    sent.people.merge("v-1", "p-ada")
    stay = ZoneStay(
        site_id="gym",
        camera_id="front",
        zone="desk",
        person_id="p-ada",
        started_at=records.at(0),
        seen_at=records.at(9),
        over=True,
    )
    sent.record(Observation(events=[records.event(0), records.event(60, "exit")], zone_stays=[stay]))
    for kind in Kind:
        list(pages(sent, kind, records.at(86400)))
    sent.outbox.acknowledge(Receipt(notes={MADE_HERE: "1"}))
    assert sent.outbox.backlog(visits=True, people=True).total == 0
    sent.people.forget("p-ada", erase_history=True)
    visit_and_its_hour, in_a_zone = 2, 1
    deletions = visit_and_its_hour + in_a_zone
    assert sent.outbox.backlog(visits=True, people=True).counts == {"forgotten": 2, "deletions": deletions}
    assert sent.outbox.backlog(visits=False, people=True).counts == {"forgotten": 2, "deletions": in_a_zone}, (
        "the functions do it"
    )
    own = sent.outbox.backlog(visits=False, people=False, scope=Scope("gym", "entrance"))
    assert own.counts == {"forgotten": 2}, "a camera machine takes nothing back"
    sent.outbox.acknowledge(Receipt(gone=sent.outbox.deletions(limit=100)[0]))
    assert sent.outbox.backlog(visits=True, people=True).counts == {}


def test_who_was_merged_does_not_wait_to_be_forgotten(sent: Store, records: Any) -> None:
    sent.record(Observation(visitors=[(records.visitor(), records.vectors(1))]))
    sent.people.add(records.person(), records.vectors(1))
    sent.people.merge("v-1", "p-ada")
    assert sent.outbox.backlog(visits=False, people=True).counts == {"people": 1, "aliases": 1}


def test_visits_of_events_that_came_down_do_not_wait(sent: Store, records: Any) -> None:
    """Whoever saw them says how they were; here they would wait for ever."""
    sent.inbox.apply(Arrivals(came=records.at(0), events=[records.event(0), records.event(60, "exit")]))
    assert sent.outbox.backlog(visits=True, people=True).counts == {}
    sent.record(Observation(events=[records.event(7)]))
    assert sent.outbox.backlog(visits=True, people=True).counts == {"events": 1, "sessions": 1, "usage": 1}


# -- refusals


def test_what_is_refused_is_kept_with_its_reason_until_it_goes_through(sent: Store, records: Any) -> None:
    event = records.event(0)
    sent.record(Observation(events=[event]))
    list(pages(sent, Kind.EVENTS, records.at(0)))
    refused = Parked(collection="events", record_id=event.event_id, reason="too large", at=records.at(1))
    sent.outbox.acknowledge(Receipt(refused=[refused]))
    sent.outbox.acknowledge(Receipt(refused=[replace(refused, reason="still too large")]))
    assert sent.outbox.rejected() == [replace(refused, reason="still too large", attempts=2)]
    assert ids(pages(sent, Kind.EVENTS, records.at(0))) == []
    assert sent.outbox.requeue() == 1
    assert ids(pages(sent, Kind.EVENTS, records.at(0))) == [event.event_id]
    sent.outbox.acknowledge(Receipt(delivered=[("events", event.event_id)]))
    assert sent.outbox.rejected() == []


def test_what_is_refused_and_not_there_any_more_is_struck_off(sent: Store, records: Any) -> None:
    sent.outbox.acknowledge(
        Receipt(refused=[Parked(collection="events", record_id="e-1", reason="too large", at=records.at(1))])
    )
    sent.outbox.requeue()
    assert sent.outbox.rejected() == []
