"""Stores made by earlier releases open in this one and lose nothing."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tracker.presence.people import PersonKind
from tracker.presence.sessions import sessions
from tracker.store.backup import restore
from tracker.store.cursors import Stream
from tracker.store.outbox import Backlog
from tracker.store.store import Store

RELEASED = Path(__file__).parent / "released"
DAY = datetime(2026, 3, 2, tzinfo=UTC)
NOW = DAY + timedelta(days=20)


@pytest.fixture
def old_store(tmp_path: Path) -> Path:
    path = tmp_path / "footfall.sqlite3"
    path.write_bytes(gzip.decompress((RELEASED / "store-0.1.0.db.gz").read_bytes()))
    return path


@pytest.mark.parametrize("create", [True, False], ids=["agent", "reader"])
def test_the_store_of_0_1_0_keeps_everything_and_gets_its_sessions(old_store: Path, create: bool) -> None:
    with Store(old_store).open(create=create) as store:
        events = store.events.select()
        assert len(events) == 51
        rules = store.sites.rules("gym")
        assert (rules.entrances, rules.zone.key) == ({"door"}, "Europe/Berlin")
        found = store.sessions.select(site_id="gym", now=NOW)
        assert found == sessions(events, rules=rules, now=NOW, presences=store.cameras.presences(site_id="gym"))
        assert len(found) == 21
        assert {person.name for person in store.people.all(kind=PersonKind.ENROLLED)} == {"Ada", "Ben", "Cleo", "Eve"}
        assert store.people.vector_counts()["p-ada"] == 3
        assert store.people.limits() == {"p-ada": 0.5}
        assert [each.by for each in store.events.corrections()] == ["Ben", "Ben"]
        assert [each.zone for each in store.cameras.zone_stays(site_id="gym")] == ["desk", "desk"]
        assert [each.track_id for each in store.cameras.line_states(site_id="gym", camera_id="door")] == ["x"]
        assert len(store.cameras.coverage("gym")) == 1


def test_the_backlog_survives_the_migration(old_store: Path) -> None:
    with Store(old_store) as store:
        waiting = store.outbox.backlog()
        assert isinstance(waiting, Backlog)
        assert store.outbox.cursor(Stream.EVENTS).changed == 3
        assert [each.reason for each in store.outbox.rejected()] == ["too old"]
        assert waiting.counts["forgotten"] == 1
        store.people.rename("p-ben", "Benjamin")
        assert store.outbox.backlog().counts["people"] >= 1


def test_a_backup_of_0_1_0_is_restored(old_store: Path, tmp_path: Path) -> None:
    place = tmp_path / "restored.sqlite3"
    done = restore(old_store, place, now=NOW, progress=lambda _share: None)
    assert (done.contents.people, done.contents.events) == (5, 52)
    with Store(place) as store:
        assert len(store.sessions.select(site_id="gym", now=NOW)) == 21
