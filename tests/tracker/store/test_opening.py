"""Opening a store: creation, refusals that change nothing, full and read-only disks."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from config.errors import StoreBusyError, StoreError
from tests.files import digest
from tracker.presence.events import CameraRef
from tracker.store.migrations import APPLICATION_ID, MIGRATIONS, VERSION, is_current, migrate
from tracker.store.observation import Observation
from tracker.store.store import Store

_NOBODY_UID = 65534


@pytest.fixture
def folder_of_a_plain_user() -> Iterator[Path]:
    """A folder owned by a user without special rights, as whom the test then runs; root may write everywhere."""
    folder = Path(tempfile.mkdtemp(prefix="footfall-"))
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root:
        os.chown(folder, _NOBODY_UID, -1)
        os.seteuid(_NOBODY_UID)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o700)
        shutil.rmtree(folder)


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def _open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_the_folder_is_made_when_missing(tmp_path: Path, records: Any) -> None:
    path = tmp_path / "new" / "deep" / "footfall.sqlite3"
    with Store(path) as store:
        store.record(Observation(events=[records.event(0)]))
    assert [item.name for item in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["a b.sqlite3", "what?#.sqlite3", "100%25.sqlite3", "ünïcode-人.db", ":memory:"])
def test_any_file_name_names_a_file(tmp_path: Path, records: Any, name: str) -> None:
    with Store(tmp_path / name) as store:
        store.record(Observation(events=[records.event(0)]))
    with Store(tmp_path / name).open(create=False) as store:
        assert store.events.select() == [records.event(0)]
    assert {item.name.removesuffix("-wal").removesuffix("-shm") for item in tmp_path.iterdir()} == {name}


def test_without_create_a_missing_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store at") as refusal:
        Store(tmp_path / "none.sqlite3").open(create=False)
    assert "footfall track" in refusal.value.fix
    assert f"with --store or settings that lead to {tmp_path / 'none.sqlite3'}" in refusal.value.fix
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_becomes_a_store_only_with_create(tmp_path: Path, records: Any) -> None:
    path = tmp_path / "empty.sqlite3"
    path.touch()
    with pytest.raises(StoreError, match="no store at"):
        Store(path).open(create=False)
    with Store(path) as store:
        assert store.record(Observation(events=[records.event(0)])) == 1


@pytest.mark.parametrize("create", [True, False])
def test_a_folder_is_refused(tmp_path: Path, create: bool) -> None:
    with pytest.raises(StoreError, match="it is a folder"):
        Store(tmp_path).open(create=create)


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path / "file" / "footfall.sqlite3").open()


@pytest.mark.parametrize("create", [True, False])
def test_a_name_that_is_too_long_is_reported(tmp_path: Path, create: bool) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path / ("x" * 300)).open(create=create)


@pytest.mark.parametrize("create", [True, False])
def test_a_folder_without_access_is_reported(folder_of_a_plain_user: Path, create: bool) -> None:
    folder_of_a_plain_user.chmod(0)
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(folder_of_a_plain_user / "sub" / "footfall.sqlite3").open(create=create)


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("text", ["x", "Dear Ada, " * 10, "Dear Ada, " * 500], ids=["byte", "note", "letter"])
def test_a_file_that_is_no_database_is_refused_and_unchanged(tmp_path: Path, create: bool, text: str) -> None:
    path = tmp_path / "letter.txt"
    path.write_text(text)
    before = _contents(tmp_path)
    with pytest.raises(StoreError, match="not a Footfall store"):
        Store(path).open(create=create)
    assert _contents(tmp_path) == before


@pytest.mark.parametrize("create", [True, False])
def test_the_database_of_another_program_is_refused_and_left(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "photos.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE photos (id)")
    other.execute("PRAGMA user_version = 1")
    other.commit()
    other.close()
    before = _contents(tmp_path)
    with pytest.raises(StoreError, match="database of another program"):
        Store(path).open(create=create)
    assert _contents(tmp_path) == before


@pytest.mark.parametrize("create", [True, False])
def test_a_store_of_a_newer_version_is_refused_and_left(tmp_path: Path, records: Any, create: bool) -> None:
    path = tmp_path / "footfall.sqlite3"
    with Store(path) as store:
        store.record(Observation(events=[records.event(0)]))
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.close()
    before = _contents(tmp_path)
    with pytest.raises(StoreError, match=f"has version {VERSION + 1}") as refusal:
        Store(path).open(create=create)
    assert "update Footfall" in refusal.value.fix
    after = _contents(tmp_path)
    assert after[path.name] == before[path.name]
    assert not any(content for name, content in after.items() if name.endswith("-wal"))


def test_half_a_store_is_refused(tmp_path: Path, records: Any) -> None:
    path = tmp_path / "footfall.sqlite3"
    with Store(path) as store:
        store.record(Observation(events=[records.event(second) for second in range(500)]))
    whole = path.read_bytes()
    for size in (1, 50, 100, 4096, len(whole) // 2, len(whole) - 4096, len(whole) - 1):
        path.write_bytes(whole[:size])
        for create in (True, False):
            with pytest.raises(StoreError, match=r"damaged|not a Footfall store"):
                Store(path).open(create=create)
        assert digest(path) == digest(whole[:size])


def test_an_overwritten_page_is_reported(tmp_path: Path, records: Any) -> None:
    path = tmp_path / "footfall.sqlite3"
    with Store(path) as store:
        store.record(Observation(events=[records.event(second) for second in range(500)]))
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"), Store(path).open(create=False) as store:
        store.events.select()


def test_an_invalid_event_row_is_reported(store: Store, records: Any) -> None:
    store.record(Observation(events=[records.event(0)]))
    with store.database.writing() as writing:
        writing.connection.execute("UPDATE events SET at = 'yesterday'")
    with pytest.raises(StoreError, match="damaged row"):
        store.events.select()


def test_a_full_disk_keeps_what_was_stored(store: Store, records: Any) -> None:
    """SQLite's page limit stops the file from growing as a full disk does: the same error, for real."""
    store.record(
        Observation(events=[records.event(0)], camera=CameraRef("gym", "front"), presences=[records.presence(seen=0)])
    )
    with store.database.writing() as writing:
        pages = writing.connection.execute("PRAGMA page_count").fetchone()[0]
        writing.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    version = store.version()
    with pytest.raises(StoreError, match="the disk is full") as refusal:
        store.record(
            Observation(
                events=[records.event(second) for second in range(1, 2000)],
                camera=CameraRef("gym", "front"),
                presences=[records.presence(seen=2000)],
            )
        )
    assert not isinstance(refusal.value, StoreBusyError)
    assert store.events.select() == [records.event(0)]
    assert store.cameras.presences() == [records.presence(seen=0)]
    assert store.version() == version
    with store.database.writing() as writing:
        writing.connection.execute("PRAGMA max_page_count = 1000000")
    assert store.record(Observation(events=[records.event(second) for second in range(2000)])) == 1999


def test_a_read_only_folder_is_reported(folder_of_a_plain_user: Path) -> None:
    folder_of_a_plain_user.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(folder_of_a_plain_user / "footfall.sqlite3").open()
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(folder_of_a_plain_user / "new" / "footfall.sqlite3").open()


def test_a_read_only_file_is_reported(folder_of_a_plain_user: Path, records: Any) -> None:
    path = folder_of_a_plain_user / "footfall.sqlite3"
    with Store(path) as store:
        store.record(Observation(events=[records.event(0)]))
    path.chmod(0o400)
    with pytest.raises(StoreError, match="read-only"):
        Store(path).open()
    with Store(path).open(create=False) as store:
        assert store.events.select() == [records.event(0)]
        with pytest.raises(StoreError, match="read-only"):
            store.record(Observation(events=[records.event(1)]))


def test_an_unreadable_file_is_reported(folder_of_a_plain_user: Path) -> None:
    path = folder_of_a_plain_user / "footfall.sqlite3"
    Store(path).open().close()
    path.chmod(0)
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(path).open(create=False)


def test_a_read_only_lease_is_reported(folder_of_a_plain_user: Path) -> None:
    folder_of_a_plain_user.chmod(0o500)
    store = Store(folder_of_a_plain_user / "footfall.sqlite3")
    with pytest.raises(StoreError, match="cannot be written"), store.camera_lease("front"):
        pass


def test_closing_and_opening_are_idempotent(store: Store, records: Any) -> None:
    assert store.open() is store
    store.record(Observation(events=[records.event(0)]))
    store.close()
    store.close()
    assert store.open().events.select() == [records.event(0)]


def test_using_a_closed_store_is_an_error(store: Store, records: Any) -> None:
    store.close()
    for use in (store.events.select, store.version, lambda: store.record(Observation(events=[records.event(0)]))):
        with pytest.raises(StoreError, match="the store is closed"):
            use()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts descriptors in /proc, which only Linux has")
def test_no_descriptor_is_left_open(tmp_path: Path, records: Any) -> None:
    def use() -> None:
        with Store(tmp_path / "footfall.sqlite3") as store:
            store.record(Observation(events=[records.event(0)]))
            thread = threading.Thread(target=store.events.select)
            thread.start()
            thread.join()
            with store.camera_lease("front"):
                store.events.select()

    def refused() -> None:
        with pytest.raises(StoreError):
            Store(Path(__file__)).open()

    use()
    refused()
    before = _open_descriptors()
    for _ in range(200):
        use()
    for _ in range(50):
        refused()
    assert _open_descriptors() == before


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts descriptors in /proc, which only Linux has")
def test_threads_that_ended_keep_no_connection(store: Store) -> None:
    store.version()
    before = _open_descriptors()
    for _ in range(50):
        thread = threading.Thread(target=store.version)
        thread.start()
        thread.join()
    assert _open_descriptors() <= before + 4  # the last one's, which the next thread closes


# -- versions


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_an_older_store_is_migrated(tmp_path: Path, records: Any) -> None:
    """Version n + 1 does not exist yet, so the test plays it: this version's file, opened by the next one's list."""
    path = tmp_path / "footfall.sqlite3"
    with Store(path) as store:
        store.record(Observation(events=[records.event(0)]))
    connection = sqlite3.connect(path, isolation_level=None)
    following = {
        VERSION: ("CREATE TABLE zones (zone_id TEXT)", "ALTER TABLE events ADD COLUMN zone_id TEXT"),
        VERSION + 1: (),
    }
    assert not is_current(connection, path, following)
    migrate(connection, path, following)
    assert is_current(connection, path, following)
    assert "zones" in _tables(connection)
    assert connection.execute("SELECT event_id, zone_id FROM events").fetchall() == [(records.event(0).event_id, None)]
    connection.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, records: Any) -> None:
    path = tmp_path / "footfall.sqlite3"
    with Store(path) as store:
        store.record(Observation(events=[records.event(0)]))
    connection = sqlite3.connect(path, isolation_level=None)
    failing = {VERSION: ("CREATE TABLE zones (zone_id TEXT)", "DROP TABLE no_such_table"), VERSION + 1: ()}
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        migrate(connection, path, failing)
    assert "zones" not in _tables(connection)
    assert is_current(connection, path)
    connection.close()
    with Store(path) as store:
        assert store.events.select() == [records.event(0)]


@pytest.mark.parametrize("create", [True, False])
def test_opening_migrates_automatically(tmp_path: Path, records: Any, create: bool) -> None:
    """A file whose creation stopped before its tables were there (version 0) is the oldest one there is."""
    path = tmp_path / "footfall.sqlite3"
    begun = sqlite3.connect(path, isolation_level=None)
    begun.execute("PRAGMA journal_mode = WAL")
    begun.close()
    with Store(path).open(create=create) as store:
        assert store.record(Observation(events=[records.event(0)])) == 1
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    connection.close()


@pytest.mark.parametrize("version", sorted({*range(1, VERSION)} - {*MIGRATIONS}))
def test_a_store_of_a_version_that_was_never_released_is_refused(tmp_path: Path, version: int) -> None:
    path = tmp_path / "footfall.sqlite3"
    Store(path).open().close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(StoreError, match=f"has version {version}, which was never released"):
        Store(path).open()


def test_readers_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError, match="read-only"), store.database.reading() as connection:
        connection.execute("UPDATE state SET version = 99")


def test_commits_are_flushed_and_deletes_overwritten(store: Store) -> None:
    with store.database.writing() as writing:
        settings = {
            name: writing.connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
