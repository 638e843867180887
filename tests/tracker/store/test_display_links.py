"""Links to the display at the door."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.errors import UserError
from tracker.store.backup import back_up, restore
from tracker.store.display_links import DisplayLink
from tracker.store.store import Store

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store.sqlite3", clock=lambda: NOW).open()


def test_a_key_opens_until_its_link_is_revoked(store: Store) -> None:
    door, bar = store.display_links.add("Door"), store.display_links.add("bar")
    assert store.display_links.all() == [
        DisplayLink(name="bar", created_at=NOW),
        DisplayLink(name="Door", created_at=NOW),
    ]
    assert store.display_links.opens(door)
    assert not any(map(store.display_links.opens, ("", "Door", door[:-1], f"{door} ")))
    assert store.display_links.revoke("DOOR").name == "Door"
    assert (store.display_links.opens(door), store.display_links.opens(bar)) == (False, True)


def test_names_are_unique_and_unknown_ones_are_reported(store: Store) -> None:
    key = store.display_links.add("Door")
    with pytest.raises(UserError, match="there is a link 'DOOR' already"):
        store.display_links.add("DOOR")
    assert store.display_links.opens(key)
    with pytest.raises(UserError, match="no link named 'Bar'"):
        store.display_links.revoke("Bar")


def test_the_file_does_not_hold_the_key(store: Store) -> None:
    key = store.display_links.add("Door")
    store.close()
    parts = [each.read_bytes() for each in store.path.parent.iterdir()]
    assert any(b"Door" in part for part in parts)
    assert not any(key.encode() in part for part in parts)


def test_a_restored_backup_opens_nothing(store: Store, tmp_path: Path) -> None:
    key = store.display_links.add("Door")
    back_up(store.path, tmp_path / "backup.sqlite3", force=False, progress=lambda _share: None)
    store.display_links.revoke("Door")
    store.close()
    restore(tmp_path / "backup.sqlite3", store.path, now=NOW, progress=lambda _share: None)
    with Store(store.path).open() as restored:
        assert not restored.display_links.opens(key)
        assert restored.display_links.all() == []
