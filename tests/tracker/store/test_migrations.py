"""What migrations make of the records in older stores."""

from __future__ import annotations

import gzip
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.tracker.store.test_released_stores import RELEASED
from tracker.presence.people import PersonKind
from tracker.store.cursors import Stream
from tracker.store.store import Store

_INSERT = (
    "INSERT INTO events (event_id, kind, site_id, camera_id, person_id, at, track_id, inferred, schema, changed,"
    " came_down) VALUES (?, 'enter', 'gym', 'gate', ?, ?, 't', 0, 1, 1, ?)"
)
_IDS = ("p-ada", "ada", "card-17", "CARD-17", "v-0123456789", "x-0123456789", "from-the-cloud")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of 0.1.0."""
    path = tmp_path / "footfall.sqlite3"
    path.write_bytes(gzip.decompress((RELEASED / "store-0.1.0.db.gz").read_bytes()))
    return path


def layout(path: Path) -> dict[str, set[tuple[object, ...]]]:
    """The columns of each table and index of a store, without their order."""
    Store(path).open().close()
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name, type FROM sqlite_master WHERE name NOT GLOB '*_changed'").fetchall()
        return {
            name: {row[1:] for row in connection.execute(f"PRAGMA {kind}_{'x' * (kind == 'table')}info('{name}')")}
            for name, kind in names
            if kind != "trigger"
        }


def test_a_migrated_store_has_the_tables_of_a_new_one(path: Path, tmp_path: Path) -> None:
    migrated, new = layout(path), layout(tmp_path / "new.sqlite3")
    assert new
    assert {name: migrated[name] for name in new} == new
    assert set(migrated) - set(new) == {"events_track"}  # of a store that is replicated


def test_people_of_earlier_imports_exist_after_the_migration(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        known = {row[0] for row in connection.execute("SELECT person_id FROM people")}
        (before,) = connection.execute("SELECT version FROM state").fetchone()
        for person_id in _IDS:
            for hour in (9, 8):
                at = f"2026-03-02T{hour:02}:00:00.000000Z"
                connection.execute(_INSERT, (f"{person_id}-{hour}", person_id, at, person_id == "from-the-cloud"))
        connection.commit()
    with Store(path) as store:
        new = {each.person_id: each for each in store.people.all() if each.person_id not in known}
        assert {one_id: each.name for one_id, each in new.items()} == {
            "ada": "ada (2)",
            "CARD-17": "CARD-17",
            "card-17": "card-17 (2)",
            "v-0123456789": "v-0123456789",
        }
        assert [each for each in new if new[each].kind is PersonKind.VISITOR] == ["v-0123456789"]
        assert new["card-17"].created_at == datetime(2026, 3, 2, 8, tzinfo=UTC)
        assert new["card-17"].consented_at is None
        assert store.people.version() > before
        store.people.rename("card-17", "Grace")


def test_the_state_of_replication_is_kept_under_new_names(path: Path) -> None:
    synced_at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    notes = [
        ("since", "1"),
        ("up events", "3"),
        ("up derives", '["gym"]'),
        ("down gym events", "2026-03-02"),
        ("down.heard gym", synced_at.isoformat()),
    ]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM sync_cursors")
        connection.executemany("INSERT INTO sync_cursors VALUES (?, ?)", notes)
        connection.execute("INSERT INTO cloud_settings VALUES ('gym', '{\"name\": \"Gym\"}', 1)")
        connection.execute("INSERT INTO refused_arrivals VALUES ('events', 'e-1', 'at is missing', ?)", (notes[4][1],))
    with Store(path) as store:
        assert store.outbox.cursor(Stream.EVENTS).changed == 3
        assert store.outbox.state("upload ") == {"events": "3", "derives": '["gym"]'}
        assert store.inbox.cursor("download gym events") == "2026-03-02"
        assert store.inbox.synced_at("gym") == synced_at
        assert store.inbox.site_document("gym") == {"name": "Gym"}
        assert [(each.record_id, at) for each, at in store.inbox.unreadable()] == [("e-1", synced_at)]
