"""The outbox: pages of pending records in order and current state, and deletions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tracker.presence.day import DayFigures
from tracker.presence.events import Action, CameraRef, Correction, Event
from tracker.presence.people import Person
from tracker.presence.rules import Rules
from tracker.presence.zones import ZoneStay
from tracker.store.cursors import Rejected, Stream
from tracker.store.inbox import Incoming
from tracker.store.observation import Observation
from tracker.store.outbox import Acknowledgement, Page
from tracker.store.outbox_rows import SOURCES
from tracker.store.store import Store


@pytest.fixture
def sent(store: Store) -> Store:
    """A store that is synchronised."""
    store.outbox.begin()
    return store


def pages(store: Store, stream: Stream, now: Any, *, limit: int = 7, scope: CameraRef | None = None) -> Iterator[Page]:
    """All pages of a stream from its cursor, each acknowledged before the next is read."""
    while True:
        page = store.outbox.page(stream, store.outbox.cursor(stream), now=now, limit=limit, scope=scope, vectors=False)
        yield page
        store.outbox.acknowledge(Acknowledgement(cursors={stream: page.cursor}))
        if page.is_last:
            return


def ids(found: Iterator[Page]) -> list[str]:
    return [each.record_id for page in found for each in page.messages]


def test_a_large_transaction_is_read_a_page_at_a_time(sent: Store, records: Any) -> None:
    events = [records.event(number) for number in range(40)]
    sent.record(Observation(events=events[:30]))
    sent.record(Observation(events=events[30:]))
    found = list(pages(sent, Stream.EVENTS, records.at(0)))
    assert [len(page.messages) for page in found] == [7, 7, 7, 7, 7, 5]
    assert ids(iter(found)) == [event.event_id for event in events]
    assert ids(pages(sent, Stream.EVENTS, records.at(0))) == []
    late = records.event(99)
    sent.record(Observation(events=[late]))
    assert ids(pages(sent, Stream.EVENTS, records.at(0))) == [late.event_id]


def test_the_cursor_survives_the_process(sent: Store, records: Any, reopened: Any) -> None:
    sent.record(Observation(events=[records.event(number) for number in range(10)]))
    next(both := pages(sent, Stream.EVENTS, records.at(0), limit=4))
    next(both)  # the first is noted now
    store = reopened()
    assert len(ids(pages(store, Stream.EVENTS, records.at(0)))) == 6
    assert store.outbox.backlog().counts == {}


def test_the_backlog_has_a_count_and_the_oldest_record(sent: Store, records: Any) -> None:
    sent.record(Observation(events=[records.event(5), records.event(7)]))
    sent.record(Observation(events=[records.event(9, camera_id="door")]))
    assert sent.outbox.backlog().counts == {"events": 3}
    assert sent.outbox.backlog().oldest_at == records.at(5)
    assert sent.outbox.backlog(sessions=True).counts["sessions"] == 1
    assert sent.outbox.backlog(people=False, scope=CameraRef("gym", "door")).counts == {"events": 1}


def test_a_device_key_reads_only_its_own_records(sent: Store, records: Any) -> None:
    mine, other = records.event(1, camera_id="door"), records.event(2)
    sent.record(Observation(events=[mine, other]))
    assert ids(pages(sent, Stream.EVENTS, records.at(0), scope=CameraRef("gym", "door"))) == [mine.event_id]


def test_downloaded_records_are_skipped_until_changed_locally(sent: Store, records: Any) -> None:
    sent.people.add(records.person(), records.vectors(1))
    with sent.database.writing() as writing:
        writing.connection.execute("UPDATE people SET downloaded = changed")
    assert ids(pages(sent, Stream.PEOPLE, records.at(0))) == []
    sent.people.rename("p-ada", "Ada Lovelace")
    assert ids(pages(sent, Stream.PEOPLE, records.at(0))) == ["p-ada"]


def test_added_vectors_are_a_change_of_the_person(sent: Store, records: Any) -> None:
    sent.people.add(records.person(), records.vectors(1))
    sent.record(Observation(visitors=[(records.visitor(), records.vectors(1))]))
    assert ids(pages(sent, Stream.PEOPLE, records.at(0))) == ["p-ada", "v-1"]
    sent.people.add_vectors("p-ada", records.vectors(2))
    sent.record(Observation(visitors=[(records.visitor(), records.vectors(2))]))
    assert ids(pages(sent, Stream.PEOPLE, records.at(0))) == ["p-ada"]


def test_a_day_is_read_once_a_page_with_its_figures(sent: Store, records: Any) -> None:
    sent.record(Observation(events=[records.event(0), records.event(4 * 3600, "exit")]))
    sent.record(
        Observation(events=[records.event(60, person_id="p-bob"), records.event(120, "exit", person_id="p-bob")])
    )
    (page,) = pages(sent, Stream.DAYS, records.at(9 * 3600), limit=100)
    (figures,) = [each.record for each in page.messages]
    assert isinstance(figures, DayFigures)
    assert (figures.entries, figures.exits, figures.visitors, figures.measured) == (2, 2, 2, 2)
    assert (figures.peak, figures.peak_at) == (2, records.at(60))
    assert figures.dwell_s == 4 * 3600 + 60


def test_a_day_whose_session_was_deleted_is_read_again(sent: Store, records: Any) -> None:
    event = records.event(0)
    sent.record(Observation(events=[event]))
    list(pages(sent, Stream.DAYS, records.at(3600)))
    sent.events.correct([_void(records, event)])
    (page,) = pages(sent, Stream.DAYS, records.at(3600))
    (figures,) = [each.record for each in page.messages]
    assert isinstance(figures, DayFigures)
    assert (figures.entries, figures.visitors) == (0, 0)
    assert ids(pages(sent, Stream.DAYS, records.at(3600))) == []


# -- deletions


def deleted(store: Store) -> list[tuple[str, str]]:
    return sorted((each.kind, each.record_id) for each in store.outbox.deletions(limit=100).rows)


def _void(records: Any, event: Event) -> Correction:
    return Correction(action=Action.VOID, event_id=event.event_id, by="ann", at=records.at(9000), reason="")


def test_a_session_that_was_deleted_is_remembered(sent: Store, records: Any) -> None:
    event = records.event(0)
    sent.record(Observation(events=[event]))
    assert deleted(sent) == []
    sent.events.correct([_void(records, event)])
    assert deleted(sent) == [("session", event.event_id)]
    found = sent.outbox.deletions(limit=100)
    assert [each.collection for each in found.messages] == ["sessions"]
    sent.outbox.acknowledge(Acknowledgement(deletions=found.rows))
    assert deleted(sent) == []


def test_a_session_that_begins_with_another_event_at_the_same_time_leaves_its_old_id(sent: Store, records: Any) -> None:
    first = records.event(0)
    same = replace(first, camera_id="back", event_id="")
    low, high = sorted((first, same), key=lambda event: event.event_id)
    sent.record(Observation(events=[high]))
    sent.record(Observation(events=[low]))
    assert [each.record_id for each in sent.outbox.deletions(limit=100).messages] == [high.event_id]


def test_a_session_that_is_there_again_is_not_deleted(sent: Store, records: Any) -> None:
    events = [records.event(0), records.event(60, "exit")]
    sent.record(Observation(events=events))
    sent.sites.use_default_rules(Rules(merge_gap=timedelta(minutes=7)))  # all are derived again
    assert ("session", events[0].event_id) in deleted(sent)
    assert sent.outbox.deletions(limit=100).messages == []


def test_merging_people_is_no_erasure_and_deletes_no_session(sent: Store, records: Any) -> None:
    for name, one_id in (("Ada", "p-ada"), ("Zoe", "p-zoe")):
        person = Person(person_id=one_id, name=name, created_at=records.at(0), consented_at=records.at(0))
        sent.people.add(person, records.vectors(1))
    sent.record(Observation(events=[records.event(0, person_id="p-zoe"), records.event(60, "exit", person_id="p-zoe")]))
    sent.people.merge("p-zoe", "p-ada")
    found = sent.outbox.deletions(limit=100)
    assert (found.messages, found.erasures) == ([], [])


def test_a_local_store_keeps_no_deletions(store: Store, records: Any, tmp_path: Path) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.record(Observation(events=[records.event(0)]))
    store.people.forget("p-ada", erase_history=True)
    assert deleted(store) == []
    store.close()
    assert not [path for path in tmp_path.iterdir() if b"p-ada" in path.read_bytes()]


def made(store: Store) -> set[str]:
    with store.database.reading() as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type <> 'table'")}


def test_a_local_store_has_no_outbox_triggers(store: Store, records: Any, reopened: Any) -> None:
    store.record(Observation(events=[records.event(0)]))
    alone = made(store)
    assert not [name for name in alone if name.endswith(("_changed", "_deleted"))]
    store.outbox.begin()
    tracked = made(store)
    assert {"events_changed", "sessions_deleted", "people_deleted", "vectors_added"} <= tracked - alone
    store.outbox.begin()
    assert made(reopened()) == tracked


def test_a_store_with_downloads_keeps_erasures(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.inbox.apply(Incoming(at=records.at(0), cursors={"download people gym": "2026-01-05"}))
    store.people.forget("p-ada", erase_history=True)
    assert [each.person_id for each in store.outbox.deletions(limit=100).erasures] == ["p-ada"]


def test_pending_records_are_found_by_an_index(sent: Store) -> None:
    sent.version()  # EXPLAIN alone does not look whether the schema is still the one that this connection knows
    with sent.database.reading() as connection:
        for kind, source in SOURCES.items():
            asked = f"SELECT {source.select} FROM {source.table} WHERE {source.condition} AND changed > 1"  # noqa: S608 - fixed names
            ordered = f"{asked} ORDER BY changed, {', '.join(source.keys)} LIMIT 7"
            plan = " ".join(str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {ordered}"))
            assert f"{source.table}_changed" in plan, kind


def test_an_erasure_has_all_ids_of_the_person(sent: Store, records: Any) -> None:
    sent.people.add(records.person(), records.vectors(1))
    sent.record(Observation(visitors=[(records.visitor(), records.vectors(1))]))
    sent.people.merge("v-1", "p-ada")
    sent.people.forget("p-ada", erase_history=True)
    found = sent.outbox.deletions(limit=100)
    assert {(each.person_id, each.erase_history) for each in found.erasures} == {("p-ada", True), ("v-1", True)}
    sent.outbox.acknowledge(Acknowledgement(deletions=found.rows))
    assert deleted(sent) == []


def test_the_backlog_counts_erasures_and_deletions(sent: Store, records: Any) -> None:
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
    for stream in Stream:
        list(pages(sent, stream, records.at(86400)))
    assert sent.outbox.backlog(sessions=True).total == 0
    sent.people.forget("p-ada", erase_history=True)
    session, in_a_zone = 1, 1
    assert sent.outbox.backlog(sessions=True).counts == {"forgotten": 2, "deletions": session + in_a_zone}
    assert sent.outbox.backlog().counts == {"forgotten": 2, "deletions": in_a_zone}, "derived elsewhere"
    own = sent.outbox.backlog(people=False, scope=CameraRef("gym", "entrance"))
    assert own.counts == {"forgotten": 2}, "a camera machine deletes nothing"
    sent.outbox.acknowledge(Acknowledgement(deletions=sent.outbox.deletions(limit=100).rows))
    assert sent.outbox.backlog(sessions=True).counts == {}


def test_merged_people_are_not_pending_erasures(sent: Store, records: Any) -> None:
    sent.record(Observation(visitors=[(records.visitor(), records.vectors(1))]))
    sent.people.add(records.person(), records.vectors(1))
    sent.people.merge("v-1", "p-ada")
    assert sent.outbox.backlog().counts == {"people": 1, "aliases": 1}


# -- refusals


def test_a_rejected_record_is_kept_with_its_reason_until_delivered(sent: Store, records: Any) -> None:
    event = records.event(0)
    sent.record(Observation(events=[event]))
    list(pages(sent, Stream.EVENTS, records.at(0)))
    refused = Rejected(collection="events", record_id=event.event_id, reason="too large", at=records.at(1))
    sent.outbox.acknowledge(Acknowledgement(rejected=[refused]))
    sent.outbox.acknowledge(Acknowledgement(rejected=[replace(refused, reason="still too large")]))
    assert sent.outbox.rejected() == [replace(refused, reason="still too large", attempts=2)]
    assert ids(pages(sent, Stream.EVENTS, records.at(0))) == []
    assert sent.outbox.requeue() == 1
    assert ids(pages(sent, Stream.EVENTS, records.at(0))) == [event.event_id]
    sent.outbox.acknowledge(Acknowledgement(delivered=[("events", event.event_id)]))
    assert sent.outbox.rejected() == []


def test_a_rejected_record_that_was_deleted_is_dropped(sent: Store, records: Any) -> None:
    sent.outbox.acknowledge(
        Acknowledgement(rejected=[Rejected(collection="events", record_id="e-1", reason="too large", at=records.at(1))])
    )
    sent.outbox.requeue()
    assert sent.outbox.rejected() == []


def test_an_erasure_that_is_refused_is_kept_and_can_be_requeued(sent: Store, records: Any) -> None:
    sent.people.add(records.person(), records.vectors(1))
    sent.people.forget("p-ada", erase_history=True)
    found = sent.outbox.deletions(limit=100)
    (erasure,) = found.erasures
    refused = Rejected(
        collection=erasure.deletion.collection, record_id="p-ada", reason="a camera machine may not", at=records.at(1)
    )
    sent.outbox.acknowledge(Acknowledgement(rejected=[refused]))
    assert deleted(sent) == []
    assert sent.outbox.rejected() == [refused]
    assert sent.outbox.requeue() == 1
    assert [each.person_id for each in sent.outbox.deletions(limit=100).erasures] == ["p-ada"]


def test_the_sites_are_those_of_records_and_those_that_were_uploaded_to(sent: Store, records: Any) -> None:
    sent.record(Observation(events=[records.event(0), replace(records.event(0), site_id="pool", event_id="")]))
    sent.outbox.acknowledge(Acknowledgement(sites=["spa"]))
    assert sent.outbox.sites() == ["gym", "pool", "spa"]


def test_a_store_keeps_its_machine_id(sent: Store, reopened: Any) -> None:
    known = sent.outbox.machine_id()
    assert known.startswith("m-")
    assert reopened().outbox.machine_id() == known
