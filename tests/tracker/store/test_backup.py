"""Backups: complete while others write, verified, and restored without an old write-ahead log."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.errors import StoreBusyError, StoreError
from tracker.presence.people import PersonKind
from tracker.store.backup import back_up, restore
from tracker.store.migrations import VERSION
from tracker.store.observation import Observation
from tracker.store.store import Store

NOW = datetime(2026, 11, 29, 8, 30, tzinfo=UTC)
Names = Callable[[Path], list[str]]


def _silent(_share: float) -> None:
    pass


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix not in (".lock", ".pid")}


def _backed_up(store: Store, tmp_path: Path, **options: bool) -> Path:
    to = tmp_path / "backup" / "monday.sqlite3"
    to.parent.mkdir(exist_ok=True)
    back_up(store.path, to, **{"force": False, **options}, progress=_silent)
    return to


@pytest.fixture
def filled(store: Store, records: Any) -> Store:
    store.people.add(records.person("p-ada", "Ada"), records.vectors(3))
    store.record(Observation(events=[records.event(seconds) for seconds in range(50)]))
    return store


def test_a_backup_holds_what_is_in_the_log_of_an_open_store(filled: Store, records: Any, tmp_path: Path) -> None:
    log = filled.path.with_name(f"{filled.path.name}-wal")
    assert log.stat().st_size > 0  # a copy of the file alone would miss it
    shares: list[float] = []
    to = tmp_path / "copy.sqlite3"
    contents = back_up(filled.path, to, force=False, progress=shares.append)
    assert (contents.people, contents.vectors, contents.events, contents.newest_at) == (1, 3, 50, records.at(49))
    assert contents.bytes == to.stat().st_size
    assert shares[-1] == 1.0
    assert stat.S_IMODE(to.stat().st_mode) == stat.S_IMODE(filled.path.stat().st_mode)
    assert {name for name in _names(tmp_path) if "copy" in name} == {"copy.sqlite3"}
    with Store(to) as copy:
        assert copy.events.select() == filled.events.select()
        assert copy.people.vectors(PersonKind.ENROLLED)[0].shape == (3, 128)


def test_a_backup_during_writes_is_consistent(filled: Store, records: Any, tmp_path: Path) -> None:
    done = threading.Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            pair = [records.event(1000 + number, kind, person_id=f"p-{number}") for kind in ("enter", "exit")]
            filled.record(Observation(events=[replace(each, event_id="") for each in pair]))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            to = tmp_path / f"copy-{number}.sqlite3"
            assert back_up(filled.path, to, force=False, progress=_silent).events % 2 == 0
    finally:
        done.set()
        writer.join()


def test_an_existing_file_is_replaced_only_with_force(filled: Store, tmp_path: Path) -> None:
    to = tmp_path / "copy.sqlite3"
    to.write_bytes(b"precious")
    with pytest.raises(StoreError, match="the file exists") as refusal:
        back_up(filled.path, to, force=False, progress=_silent)
    assert "--force" in refusal.value.fix
    assert to.read_bytes() == b"precious"
    assert back_up(filled.path, to, force=True, progress=_silent).events == 50


@pytest.mark.parametrize("force", [True, False])
def test_the_store_itself_and_folders_are_refused(filled: Store, tmp_path: Path, force: bool) -> None:
    for to, problem in ((filled.path, "the store itself"), (tmp_path, "a folder"), (tmp_path / "no" / "x", "cannot")):
        with pytest.raises(StoreError, match=problem):
            back_up(filled.path, to, force=force, progress=_silent)
    with pytest.raises(StoreError, match="no store at"):
        back_up(tmp_path / "none.sqlite3", tmp_path / "copy.sqlite3", force=force, progress=_silent)


def test_a_damaged_store_makes_no_backup(filled: Store, tmp_path: Path) -> None:
    to = _backed_up(filled, tmp_path)
    before = to.read_bytes()
    filled.close()
    _overwrite_pages(filled.path)
    with pytest.raises(StoreError, match="damaged"):
        back_up(filled.path, to, force=True, progress=_silent)
    assert to.read_bytes() == before
    assert _names(to.parent) == {to.name}


def test_a_restore_has_the_content_of_the_backup_and_keeps_the_previous_store(
    filled: Store, records: Any, tmp_path: Path
) -> None:
    to = _backed_up(filled, tmp_path)
    filled.record(Observation(events=[records.event(100)]))
    filled.close()
    done = restore(to, filled.path, now=NOW, progress=_silent)
    assert (done.contents.events, done.forgotten) == (50, 0)
    assert done.kept == filled.path.with_name(f"{filled.path.name}.replaced-20261129T083000")
    with Store(filled.path) as store, Store(done.kept) as kept:
        assert (len(store.events.select()), len(kept.events.select())) == (50, 51)
        store.record(Observation(events=[records.event(200)]))
        assert len(store.events.select()) == 51


def test_the_log_of_a_crashed_agent_does_not_undo_a_restore(filled: Store, records: Any, tmp_path: Path) -> None:
    to = _backed_up(filled, tmp_path)
    filled.record(Observation(events=[records.event(100)]))
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for end in ("", "-wal"):  # a copy of file and log, as a crash leaves them
        (crashed / f"store{end}").write_bytes(filled.path.with_name(f"{filled.path.name}{end}").read_bytes())
    done = restore(to, crashed / "store", now=NOW, progress=_silent)
    assert _names(crashed) == {"store", "store.replaced-20261129T083000"}
    with Store(crashed / "store") as store:
        assert len(store.events.select()) == 50
    assert done.kept is not None
    with Store(done.kept) as kept:
        assert len(kept.events.select()) == 51


def test_a_damaged_store_is_restored_with_its_log_out_of_the_way(filled: Store, tmp_path: Path) -> None:
    to = _backed_up(filled, tmp_path)
    filled.close()
    filled.path.write_bytes(b"\0" * 100_000)
    filled.path.with_name(f"{filled.path.name}-wal").write_bytes(b"old log")
    done = restore(to, filled.path, now=NOW, progress=_silent)
    assert done.forgotten is None
    assert (filled.path.parent / f"{filled.path.name}.replaced-20261129T083000-wal").read_bytes() == b"old log"
    with Store(filled.path) as store:
        assert len(store.events.select()) == 50


def test_a_store_is_restored_where_there_is_none(filled: Store, tmp_path: Path) -> None:
    place = tmp_path / "new" / "store.sqlite3"
    done = restore(_backed_up(filled, tmp_path), place, now=NOW, progress=_silent)
    assert (done.kept, done.forgotten) == (None, 0)
    with Store(place) as store:
        assert len(store.events.select()) == 50


def test_a_restored_file_of_another_tool_is_in_wal_mode(filled: Store, tmp_path: Path) -> None:
    to = _backed_up(filled, tmp_path)
    filled.close()
    with closing(sqlite3.connect(to)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    restore(to, filled.path, now=NOW, progress=_silent)
    with Store(filled.path) as store, store.database.reading() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_link_to_the_store_stays_a_link(filled: Store, tmp_path: Path) -> None:
    to = _backed_up(filled, tmp_path)
    filled.close()
    link = tmp_path / "link.sqlite3"
    link.symlink_to(filled.path)
    restore(to, link, now=NOW, progress=_silent)
    assert link.is_symlink()


def test_a_store_that_is_open_is_refused(filled: Store, tmp_path: Path) -> None:
    to = _backed_up(filled, tmp_path)
    before = filled.path.read_bytes()
    with pytest.raises(StoreBusyError, match="has the store open") as refusal:
        restore(to, filled.path, now=NOW, progress=_silent)
    assert "stop agents, dashboards" in refusal.value.fix
    assert filled.path.read_bytes() == before
    filled.close()
    with filled.camera_lease("front"), pytest.raises(StoreBusyError, match="in use by this process itself"):
        restore(to, filled.path, now=NOW, progress=_silent)
    restore(to, filled.path, now=NOW, progress=_silent)


_READER = """
import sys
from pathlib import Path
from tracker.store.store import Store

with Store(Path(sys.argv[1])).open(create=False) as store:
    store.events.select(limit=1)
    print("open", flush=True)
    sys.stdin.read()
"""


def test_a_reader_in_another_process_is_noticed(filled: Store, tmp_path: Path) -> None:
    to = _backed_up(filled, tmp_path)
    filled.close()
    reader = subprocess.Popen(
        [sys.executable, "-c", _READER, str(filled.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    try:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "open\n"
        with pytest.raises(StoreBusyError, match="has the store open"):
            restore(to, filled.path, now=NOW, progress=_silent)
    finally:
        reader.communicate(timeout=30)
    restore(to, filled.path, now=NOW, progress=_silent)


def _overwrite_pages(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(os.urandom(4096 * 4))


def _other_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")


def _empty_database(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 0")
        connection.execute("VACUUM")


BAD = {
    "missing": (Path.unlink, "no store at"),
    "text": (lambda path: path.write_text("Dear Ada, " * 500), "not a Footfall store"),
    "cut-off": (lambda path: path.write_bytes(path.read_bytes()[:20_000]), "damaged"),
    "overwritten": (_overwrite_pages, "damaged"),
    "another-program": (lambda path: (path.unlink(), _other_program(path)), "another program"),
    "newer": (_newer, "the store has version"),
    "empty": (_empty_database, "no store at"),
}


@pytest.mark.parametrize(("spoil", "problem"), BAD.values(), ids=BAD)
def test_a_bad_backup_is_refused_and_the_store_stays(
    spoil: Callable[[Path], object], problem: str, filled: Store, tmp_path: Path
) -> None:
    to = _backed_up(filled, tmp_path)
    filled.close()
    names = _names(filled.path.parent)
    spoil(to)
    with pytest.raises(StoreError, match=problem):
        restore(to, filled.path, now=NOW, progress=_silent)
    assert _names(filled.path.parent) == names
    with Store(filled.path) as store, store.database.reading() as connection:
        assert len(store.events.select()) == 50
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("erase_history", [True, False])
def test_people_forgotten_since_the_backup_are_forgotten_again(
    filled: Store, records: Any, tmp_path: Path, erase_history: bool
) -> None:
    filled.people.add(records.person("p-bob", "Bob"), records.vectors(1))
    to = _backed_up(filled, tmp_path)
    filled.people.forget("p-ada", erase_history=erase_history)
    filled.close()
    assert restore(to, filled.path, now=NOW, progress=_silent).forgotten == 1
    with Store(filled.path) as store:
        assert [person.name for person in store.people.all()] == ["Bob"]
        assert store.people.is_forgotten("p-ada")
        assert len(store.events.select()) == (0 if erase_history else 50)
