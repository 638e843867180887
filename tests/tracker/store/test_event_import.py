"""Imported events: the same instant is the same event, and an import is atomic."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.errors import PeopleError, RecordError, StoreError
from tracker.presence.events import Action, CameraRef, Correction, Event, unidentified_id
from tracker.presence.people import Consent, PersonKind
from tracker.store.event_import import ImportedEvent, StagedEvents, Written, staging
from tracker.store.observation import Observation
from tracker.store.store import Store


def _staged(
    staged: StagedEvents, events: Iterable[Event], *, identified: bool = False, name: str | None = None
) -> None:
    staged.add(
        ImportedEvent(line=line, event=event, identified=identified, name=name)
        for line, event in enumerate(events, start=1)
    )


def _imported(store: Store, *events: Event, identified: bool = False, name: str | None = None) -> Written:
    with staging() as staged:
        _staged(staged, events, identified=identified, name=name)
        return store.events.write_staged(staged)


def test_an_event_imported_by_an_older_release_is_recognised(store: Store, records: Any) -> None:
    """Older releases made the track, and so the id, from the time as it was written in the file."""
    old = replace(records.event(0), track_id="front-2026-03-02T12:00:00Z", event_id="")
    store.record(Observation(events=[old]))
    store.events.correct([Correction(action=Action.VOID, event_id=old.event_id, by="ann", at=records.at(60))])
    new = replace(records.event(0), track_id="front-2026-03-02T12:00:00.000000Z", event_id="")
    assert new.event_id != old.event_id
    assert _imported(store, new).new == 0
    assert store.events.select() == []


def test_a_track_of_its_own_makes_another_event(store: Store, records: Any) -> None:
    store.record(Observation(events=[records.event(0)]))
    other = replace(records.event(0), track_id="another", event_id="")
    assert _imported(store, other, identified=True).new == 1


def test_an_id_of_another_event_is_refused_and_nothing_is_kept(store: Store, records: Any) -> None:
    first, second = (replace(records.event(seconds), event_id="17") for seconds in (0, 60))
    assert _imported(store, first, identified=True).new == 1
    with pytest.raises(RecordError, match="line 2: event_id: another event has the id '17'"):
        _imported(store, records.event(30), second, identified=True)
    assert store.events.select() == [first]
    with staging() as staged:
        _staged(staged, [records.event(30), second], identified=True)
        done = store.events.write_staged(staged, skip_conflicts=True)
    assert (done.new, [each.line for each in done.conflicts]) == (1, [2])


@pytest.mark.parametrize("after", [0, 5_000], ids=["first-batch", "second-batch"])
def test_an_interrupted_import_keeps_nothing(store: Store, records: Any, after: int) -> None:
    def interrupt(done: int) -> None:
        if done > after:
            raise KeyboardInterrupt

    with staging() as staged:
        _staged(staged, (records.event(seconds) for seconds in range(12_000)))
        with pytest.raises(KeyboardInterrupt):
            store.events.write_staged(staged, progress=interrupt)
        assert (store.events.select(), store.people.all()) == ([], [])
        assert store.events.write_staged(staged).new == 12_000


def test_a_full_disk_keeps_nothing(store: Store, records: Any) -> None:
    with store.database.writing() as writing:
        (pages,) = writing.connection.execute("PRAGMA page_count").fetchone()
        writing.connection.execute(f"PRAGMA max_page_count = {pages + 100}")
    with pytest.raises(StoreError, match="the disk is full"):
        _imported(store, *(records.event(seconds) for seconds in range(20_000)))
    assert (store.events.select(), store.people.all()) == ([], [])


def test_people_of_imports_are_people_without_vectors_and_consent(store: Store, records: Any) -> None:
    assert _imported(store, records.event(60, person_id="card-17"), records.event(0, person_id="card-17")).people == 1
    (person,) = store.people.all()
    assert (person.person_id, person.name, person.kind) == ("card-17", "card-17", PersonKind.ENROLLED)
    assert (person.consented_at, person.created_at) == (None, records.at(0))
    assert _imported(store, records.event(-90, person_id="card-17")).people == 0
    assert [each.created_at for each in store.people.all()] == [records.at(-90)]


def test_an_imported_name_is_numbered_if_it_is_in_use(store: Store, records: Any) -> None:
    store.people.add(records.person("p-ada", "Ada"), records.vectors(1))
    _imported(store, records.event(0, person_id="card-17"), name="ada")
    assert [each.name for each in store.people.all()] == ["Ada", "ada (2)"]
    store.people.rename("card-17", "Grace")
    _imported(store, records.event(60, person_id="card-17"), name="ada")
    assert [each.name for each in store.people.all()] == ["Ada", "Grace"]


def test_exported_visitors_stay_visitors(store: Store, records: Any) -> None:
    _imported(store, records.event(0, person_id="v-0123456789"), records.event(0, person_id="x-0123456789"))
    assert [(each.person_id, each.kind) for each in store.people.all()] == [("v-0123456789", PersonKind.VISITOR)]


def test_imported_people_are_renamed_merged_and_forgotten_like_others(store: Store, records: Any) -> None:
    store.people.add(records.person("p-ada", "Ada"), records.vectors(1))
    _imported(store, records.event(0, person_id="card-17"), records.event(0, person_id="card-18"))
    store.people.merge("card-17", "p-ada")
    assert [each.person_id for each in store.events.select(person_id="p-ada")] == ["p-ada"]
    assert _imported(store, records.event(0, person_id="card-17")) == Written(new=0, people=0, conflicts=[])
    store.people.forget("card-18", erase_history=False)
    assert _imported(store, records.event(0, person_id="card-18")).new == 0
    assert [each.name for each in store.people.all()] == ["Ada"]


def test_vectors_are_added_only_with_consent(store: Store, records: Any) -> None:
    _imported(store, records.event(0, person_id="card-17"))
    store.record(Observation(visitors=[(records.visitor("v-1", "Visitor 1"), records.vectors(2))]))
    with pytest.raises(PeopleError, match="card-17 did not agree") as refusal:
        store.people.merge("v-1", "card-17")
    assert "--consent" in refusal.value.fix
    store.people.merge("v-1", "card-17", consent=Consent(at=records.at(60)))
    (person,) = store.people.all()
    assert (person.consented_at, store.people.vector_counts()) == (records.at(60), {"card-17": 2})


def test_merging_keeps_consent(store: Store, records: Any) -> None:
    _imported(store, records.event(0, person_id="card-17"))
    enrolled = records.person("p-ada", "Ada")
    store.people.add(enrolled, records.vectors(1))
    store.people.merge("p-ada", "card-17")
    assert [each.consented_at for each in store.people.all()] == [enrolled.consented_at]


def test_pictures_of_an_imported_person_come_with_consent(store: Store, records: Any) -> None:
    _imported(store, records.event(0, person_id="card-17"))
    store.people.add_vectors("card-17", records.vectors(1), consent=Consent(at=records.at(5)))
    store.people.add_vectors("card-17", records.vectors(1, seed=2), consent=Consent(at=records.at(9)))
    assert [each.consented_at for each in store.people.all()] == [records.at(5)]


def test_staging_does_not_read_the_store(tmp_path: Path, records: Any) -> None:
    with Store(tmp_path / "s.sqlite3") as store, staging() as staged:
        blocker = sqlite3.connect(store.path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        _staged(staged, [records.event(0)])
        assert (staged.count(), staged.by_site()) == (1, {"gym": 1})
        blocker.execute("ROLLBACK")
        blocker.close()


def test_an_unidentified_person_of_an_import_becomes_nobody(store: Store, records: Any) -> None:
    nobody = unidentified_id(CameraRef("main", "front"), "t")
    written = _imported(store, records.event(0), replace(records.event(60), person_id=nobody, event_id=""))
    assert (written.new, written.people) == (2, 1)
    assert nobody not in {person.person_id for person in store.people.all()}
    assert nobody in {event.person_id for event in store.events.select()}
