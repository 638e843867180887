"""A store file that is deleted or replaced while an agent runs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.errors import StoreError
from tests.tracker.fake_cameras import ADA, NOON, AgentHarness, face_of, scene
from tracker.presence.people import Person
from tracker.store.store import Store


@pytest.fixture
def harness(tmp_path: Path) -> AgentHarness:
    return AgentHarness(tmp_path / "gym.sqlite3")


def replace_store(path: Path) -> bytes:
    """Put another store in its place, as somebody does who copies a backup over it. Returns its bytes."""
    backup = path.with_name("backup.sqlite3")
    with Store(backup) as other:
        other.people.add(
            Person(person_id="p-backup", name="Backup", created_at=NOON, consented_at=NOON), face_of(9)[None]
        )
    whole = backup.read_bytes()
    backup.replace(path)
    return whole


def test_store_that_is_deleted_is_reported_and_what_was_not_stored_is_counted(
    harness: AgentHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.enrol("Ada", ADA)
    script = [*scene(0, 1), harness.path.unlink, *scene(1.5, 5, ADA), *scene(5.5, 60)]
    with pytest.raises(StoreError, match=r"deleted or replaced while in use; 3 records of front are not stored"):
        harness.play(script)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "the store was deleted or replaced while in use" in caplog.text
    assert not harness.path.exists()


def test_a_store_file_that_replaced_another_is_not_written(harness: AgentHarness) -> None:
    harness.enrol("Ada", ADA)
    backup: list[bytes] = []
    script = [*scene(0, 5, ADA), lambda: backup.append(replace_store(harness.path)), *scene(5.5, 20, ADA)]
    with pytest.raises(StoreError, match="deleted or replaced while in use"):
        harness.play(script)
    log = harness.path.with_name(f"{harness.path.name}-wal")
    assert not log.exists() or log.stat().st_size == 0, "it would be applied to the new file"
    harness.store.close()
    assert harness.path.read_bytes() == backup[0]
    with Store(harness.path).open(create=False) as found:
        assert [each.name for each in found.people.all()] == ["Backup"]
        assert found.events.select() == []


def test_a_replaced_store_is_not_opened_again_by_another_thread(harness: AgentHarness) -> None:
    replace_store(harness.path)
    with ThreadPoolExecutor(1) as pool, pytest.raises(StoreError, match="deleted or replaced while in use"):
        pool.submit(harness.store.people.all).result()
    harness.store.close()
    with harness.store.open(create=False) as opened_again:
        assert [each.name for each in opened_again.people.all()] == ["Backup"]


def test_a_store_that_is_put_back_loses_nothing(harness: AgentHarness, caplog: pytest.LogCaptureFixture) -> None:
    ada = harness.enrol("Ada", ADA)
    aside = harness.path.with_name("aside.sqlite3")
    harness.play([
        *scene(0, 1), lambda: harness.path.rename(aside), *scene(1.5, 5, ADA), *scene(5.5, 60),
        lambda: aside.rename(harness.path), *scene(60.5, 120),
    ])  # fmt: skip
    assert harness.reported() == [(ada, "enter", 1.5, False), (ada, "exit", 5, False)]
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
