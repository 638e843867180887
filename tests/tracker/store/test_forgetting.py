"""Erasure: afterwards no byte of the store's files identifies the person."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.errors import PeopleError, StoreBusyError
from tracker.presence.documents import encode
from tracker.presence.events import ANONYMOUS_PREFIX, Action, CameraRef, Correction, EventKind
from tracker.presence.people import PersonKind
from tracker.presence.rules import Rules
from tracker.store.observation import Observation
from tracker.store.store import Store


def _traces(store: Store, secrets: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """(file, secret) of everything found in the raw bytes of the store's files, as a thief of the disk reads them."""
    files = sorted(store.path.parent.glob(f"{store.path.name}*"))
    return [(file.name, secret) for file in files for secret in secrets if secret in file.read_bytes()]


def _vector_bytes(vectors: np.ndarray[Any, np.dtype[np.float32]]) -> list[bytes]:
    return [row[start : start + 4].tobytes() for row in vectors for start in range(0, 128, 16)]


def _scrub_due(store: Store) -> int:
    with store.database.reading() as connection:
        return int(connection.execute("SELECT scrub_due FROM state").fetchone()[0])


def _fill(store: Store, records: Any) -> list[bytes]:
    """A store with a crowd and one person to forget among them. Returns what must vanish."""
    for number in range(20):
        store.people.add(records.person(f"p-crowd{number}", f"Crowd {number}"), records.vectors(2, seed=number))
    store.people.add(
        records.person("p-secret", "Sekretessa"), records.vectors(5, seed=99), sources=[f"sek{n}.jpg" for n in range(5)]
    )
    store.record(Observation(visitors=[(records.visitor("v-secret", "Visitor 77"), records.vectors(3, seed=98))]))
    for step in range(60):
        person_id = ("p-secret", "v-secret", f"p-crowd{step % 20}")[step % 3]
        store.record(
            Observation(
                events=[records.event(step, "enter" if step % 2 else "exit", person_id=person_id)],
                matches=[
                    records.match(step, person_id),
                    records.match(step, None, reason=f"between p-secret and {step}"),
                ],
                camera=CameraRef("gym", "front"),
                presences=[records.presence(person_id, seen=step)],
            )
        )
    crowd = records.person("p-crowd3", "Crowd 3")
    store.people.update(replace(crowd, groups=("Clients of Sekretessa",), consent_by="sekretessa"))
    store.people.merge("v-secret", "p-secret")
    store.people.rename("p-secret", "Sekretessa Renamed")
    vectors = [*_vector_bytes(records.vectors(5, seed=99)), *_vector_bytes(records.vectors(3, seed=98))]
    return [b"p-secret", b"v-secret", b"Sekretessa", b"sekretessa", b"Visitor 77", b"sek3.jpg", *vectors]


@pytest.mark.parametrize("erase_history", [True, False], ids=["erase-history", "keep-counts"])
def test_nothing_of_a_forgotten_person_stays_in_the_files(store: Store, records: Any, erase_history: bool) -> None:
    secrets = _fill(store, records)
    assert {secret for _, secret in _traces(store, secrets)} == set(secrets)  # the search would find them
    store.people.forget("p-secret", erase_history=erase_history)
    assert _traces(store, secrets) == []
    store.close()
    assert _traces(store, secrets) == []


@pytest.mark.parametrize("erase_history", [True, False], ids=["erase-history", "keep-counts"])
def test_a_forgotten_name_is_removed_from_corrections_of_others(
    store: Store, records: Any, erase_history: bool
) -> None:
    store.people.add(records.person("p-secret", "Sekretessa Roe"), records.vectors(1))
    store.people.add(records.person("p-bob", "Bob"), records.vectors(1))
    events = [records.event(number, person_id="p-bob") for number in range(3)]
    store.record(Observation(events=events))
    written = [
        ("Ann", "that was Sekretessa's sister"),
        ("sekretessa", "a reflection"),
        ("footfall", "p-secret is here"),
    ]
    store.events.correct(
        Correction(action=Action.VOID, event_id=each.event_id, by=by, at=records.at(60), reason=reason)
        for each, (by, reason) in zip(events, written, strict=True)
    )
    store.people.add_negatives("p-bob", records.vectors(1), sources=["pictures/Sekretessa-1.jpg"])
    with store.database.writing() as writing:  # of an event that is not here yet
        document = json.dumps(encode(store.events.corrections()[0]) | {"reason": "Sekretessa left"})
        writing.connection.execute("INSERT INTO waiting_corrections VALUES ('c', 'e', 'p-bob', ?)", (document,))
    before = store.version()
    store.people.forget("p-secret", erase_history=erase_history)
    assert sorted((each.by, each.reason) for each in store.events.corrections()) == [
        ("Ann", "that was somebody's sister"),
        ("footfall", "somebody is here"),
        ("somebody", "a reflection"),
    ]
    with store.database.reading() as connection:
        assert connection.execute("SELECT min(changed) FROM corrections").fetchone()[0] > before
    store.close()
    assert _traces(store, [b"Sekretessa", b"sekretessa", b"p-secret"]) == []


def test_other_people_are_unchanged(store: Store, records: Any) -> None:
    _fill(store, records)
    before = [event for event in store.events.select() if event.person_id.startswith("p-crowd")]
    store.people.forget("p-secret", erase_history=True)
    assert store.events.select() == before
    assert len(store.people.all(kind=PersonKind.ENROLLED)) == 20
    assert sum(store.people.vector_counts().values()) == 40


def test_kept_history_counts_one_anonymous_person(store: Store, records: Any) -> None:
    _fill(store, records)
    count = len(store.events.select())
    store.people.forget("p-secret", erase_history=False)
    events = store.events.select()
    strangers = {event.person_id for event in events if not event.person_id.startswith("p-crowd")}
    assert len(events) == count
    assert len(strangers) == 1
    assert strangers.pop().startswith(ANONYMOUS_PREFIX)
    assert all(len(event.event_id) == 32 for event in events)
    assert store.record(Observation(events=events)) == 0


def test_an_open_visit_of_a_forgotten_person_ends_at_the_last_sighting(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.record(
        Observation(events=[records.event(0)], camera=CameraRef("gym", "front"), presences=[records.presence(seen=42)])
    )
    store.people.forget("p-ada", erase_history=False)
    enter, leave = store.events.select()
    assert store.cameras.presences() == []
    assert (leave.kind, leave.at, leave.inferred) == (EventKind.EXIT, records.at(42), True)
    assert leave.person_id == enter.person_id


@pytest.mark.parametrize("rooms", [frozenset(), frozenset({"hall"})], ids=["door", "door-and-room"])
def test_a_forgotten_person_is_not_in_behind_a_door(store: Store, records: Any, rooms: frozenset[str]) -> None:
    doors = frozenset({"front"})
    rules = Rules(entrances=doors, exits=doors, rooms=rooms)
    store.sites.use_default_rules(rules)
    store.people.add(records.person(), records.vectors(1))
    store.record(Observation(events=[records.event(0)]))
    store.record(Observation(events=[records.event(20, camera_id="hall")]))
    (before,) = store.sessions.select(site_id="gym", now=records.at(60))
    assert before.ended_at is None
    store.people.forget("p-ada", erase_history=False)
    (after,) = store.sessions.select(site_id="gym", now=records.at(61))
    assert (after.started_at, after.ended_at, after.exit_inferred) == (records.at(0), records.at(20), True)


def test_rows_that_become_equal_are_merged(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.record(
        Observation(
            visitors=[(records.visitor(), records.vectors(1))],
            events=[records.event(0), records.event(0, person_id="v-1")],
        )
    )
    store.people.merge("v-1", "p-ada")
    store.people.forget("p-ada", erase_history=False)
    assert len(store.events.select()) == 1


def test_a_forgotten_id_is_never_used_again(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.people.forget("p-ada", erase_history=True)
    with pytest.raises(PeopleError, match="was forgotten"):
        store.people.add(records.person(), records.vectors(1))
    assert store.people.all() == []


def test_a_running_agent_cannot_bring_a_forgotten_person_back(store: Store, records: Any) -> None:
    store.record(Observation(visitors=[(records.visitor(), records.vectors(2))]))
    store.people.forget("v-1", erase_history=True)
    new = store.record(
        Observation(
            events=[records.event(1, person_id="v-1"), records.event(2)],
            matches=[records.match(1, "v-1"), records.match(2, None)],
            camera=CameraRef("gym", "front"),
            presences=[records.presence("v-1"), records.presence("p-ada")],
            visitors=[(records.visitor(), records.vectors(2))],
        )
    )
    assert new == 1
    assert store.people.all() == []
    assert store.people.vectors(PersonKind.VISITOR)[1] == ()
    assert [event.person_id for event in store.events.select()] == ["p-ada"]
    assert [match.person_id for match in store.matches.select()] == [None]
    assert [presence.person_id for presence in store.cameras.presences()] == ["p-ada"]


def test_forgetting_again_is_no_error(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.people.forget("p-ada", erase_history=True)
    store.people.forget("p-ada", erase_history=True)
    assert store.people.all() == []


def test_a_name_is_free_again(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.people.forget("p-ada", erase_history=True)
    store.people.add(records.person("p-new"), records.vectors(1))
    assert store.people.all() == [records.person("p-new")]


def test_a_reader_of_old_pages_is_reported_and_scrubbed_later(tmp_path: Path, records: Any) -> None:
    secrets = _vector_bytes(records.vectors(1))
    with Store(tmp_path / "s.sqlite3", busy_timeout_s=0.05) as store:
        store.people.add(records.person(), records.vectors(1))
        with Store(store.path) as other, other.database.reading() as connection:
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM people").fetchone()
            with pytest.raises(StoreBusyError, match="keeps old pages alive"):
                store.people.forget("p-ada", erase_history=True)
            assert store.people.all() == []
            assert _traces(store, secrets) != []
            assert _scrub_due(store) == 1
            connection.execute("COMMIT")
            with Store(store.path) as later:
                assert _traces(later, secrets) == []
                assert _scrub_due(later) == 0
