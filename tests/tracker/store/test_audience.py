"""Counts of the audience in the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from config.errors import StoreError
from tests.tracker.store.conftest import NOON
from tracker.presence.audience import Attribute, AudienceGroup
from tracker.store.observation import Observation
from tracker.store.store import Store

HOUR = timedelta(hours=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "footfall.sqlite3"


def group(people: Mapping[str, int], hours: int = 0, **more: object) -> AudienceGroup:
    made = AudienceGroup(
        site_id="gym",
        camera_id="front",
        hour=NOON + hours * HOUR,
        since=NOON,
        attribute=Attribute.EXPRESSION,
        people=people,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def stored(store: Store, **more: object) -> list[AudienceGroup]:
    return store.audience.groups("gym", since=NOON, until=NOON + 24 * HOUR, **more)  # type: ignore[arg-type]


def test_a_group_replaces_what_was_stored_of_it_and_no_other(path: Path) -> None:
    kept = [
        group({"sad": 7}, 1),
        group({"18-34": 3}, attribute=Attribute.AGE),
        group({"sad": 2}, camera_id="back"),
        group({"sad": 1}, since=NOON + HOUR),
    ]
    with Store(path).open() as store:
        store.record(Observation(audience=[group({"happy": 2, "sad": 1}), *kept]))
        for _ in range(2):  # a write whose outcome is unknown is repeated
            store.record(Observation(audience=[group({"happy": 3})]))
        found = stored(store)
        assert sorted(map(str, found)) == sorted(map(str, [group({"happy": 3}), *kept]))
        assert [each.camera_id for each in stored(store, camera_id="back")] == ["back"]
        assert store.audience.groups("gym", since=NOON, until=NOON) == []
        assert store.audience.groups("office", since=NOON, until=NOON + HOUR) == []


def test_hours_that_are_over_keep_only_what_may_be_published(path: Path) -> None:
    with Store(path).open() as store:
        small, mixed, open_ = group({"happy": 4}), group({"happy": 6, "sad": 7, "angry": 1}, 1), group({"sad": 1}, 2)
        store.record(Observation(audience=[small, mixed, open_]))
        store.audience.seal(NOON + 2 * HOUR + timedelta(minutes=5))
        assert stored(store) == [group({"sad": 7, "other": 7}, 1), open_]
        version = store.version()
        store.audience.seal(NOON + 2 * HOUR + timedelta(minutes=5))
        assert store.version() == version
        store.record(Observation(audience=[replace(small, people={"happy": 6})]))  # a recording is played again
        assert stored(store)[0].people == {"happy": 6}


def test_small_groups_are_not_in_the_file_any_more(path: Path) -> None:
    with Store(path).open() as store:
        store.record(Observation(audience=[group({"surprised": 1})]))
        store.audience.seal(NOON + 2 * HOUR)
    assert b"surprised" not in path.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM audience").fetchone() == (0,)


def test_no_column_can_hold_a_person(path: Path) -> None:
    with Store(path).open():
        pass
    with closing(sqlite3.connect(path)) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info('audience')")}
    assert columns == {
        "site_id", "camera_id", "hour", "since", "attribute", "label", "people", "sealed", "changed",
    }  # fmt: skip


def test_a_damaged_row_is_reported(path: Path) -> None:
    with Store(path).open() as store:
        store.record(Observation(audience=[group({"happy": 6})]))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE audience SET since = 'noon'")
        connection.commit()
    with Store(path).open() as store, pytest.raises(StoreError, match="damaged row"):
        stored(store)
