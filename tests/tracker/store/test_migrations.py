"""Migration: ids known only from events become people."""

from __future__ import annotations

import gzip
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from tests.tracker.store.test_released_stores import RELEASED
from tracker.presence.people import PersonKind
from tracker.store.store import Store

_INSERT = (
    "INSERT INTO events (event_id, kind, site_id, camera_id, person_id, at, track_id, inferred, schema, changed,"
    " came_down) VALUES (?, 'enter', 'gym', 'gate', ?, ?, 't', 0, 1, 1, ?)"
)
_IDS = ("p-ada", "ada", "card-17", "CARD-17", "v-0123456789", "x-0123456789", "from-the-cloud")


def test_people_of_earlier_imports_exist_after_the_migration(tmp_path: Path) -> None:
    path = tmp_path / "footfall.sqlite3"
    path.write_bytes(gzip.decompress((RELEASED / "store-0.1.0.db.gz").read_bytes()))
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
