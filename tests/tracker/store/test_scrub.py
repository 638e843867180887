"""Overwriting erased bytes: without disk space nothing else fails, and it is done later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.errors import StoreError
from tests.tracker.conftest import compact, no_file_above
from tracker.presence.events import content_id
from tracker.store.inbox import Incoming
from tracker.store.inbox_erasures import IncomingErasure
from tracker.store.observation import Observation
from tracker.store.store import Store

CAME = datetime(2026, 3, 3, tzinfo=UTC)
NOT_YET = "erased, but not overwritten on the disk yet: the disk reports an error"


@pytest.fixture
def large(tmp_path: Path, records: Any) -> Store:
    """A store of some megabytes that knows Ada; closed, and as small as its rows allow."""
    store = Store(tmp_path / "s.sqlite3")
    with store:
        store.people.add(records.person("p-crowd", "Crowd"), records.vectors(10_000))
        store.people.add(records.person(), records.vectors(1, seed=99))
    compact(store.path)
    return store


@contextmanager
def no_room(store: Store) -> Iterator[None]:
    """As good as none: the file itself may be written, not a log of all its pages."""
    with no_file_above(store.path.stat().st_size):
        yield


def _traces(store: Store, records: Any) -> list[str]:
    """The files beside the store, and itself, that hold Ada's vector."""
    secret = records.vectors(1, seed=99)[0].tobytes()
    return [each.name for each in store.path.parent.glob(f"{store.path.name}*") if secret in each.read_bytes()]


def test_forgetting_on_a_full_disk_reports_erasure_and_space_to_free(large: Store, records: Any) -> None:
    with large, no_room(large):
        with pytest.raises(StoreError, match=NOT_YET) as refusal:
            large.people.forget("p-ada", erase_history=True)
        size_mb = large.path.stat().st_size / 1e6
        assert 5 < size_mb < 8
        assert refusal.value.fix.startswith(f"check the disk and its cable, free about {int(size_mb) + 1} MB on its")
        assert (large.people.is_forgotten("p-ada"), large.scrub_due()) == (True, True)
        assert [person.person_id for person in large.people.all()] == ["p-crowd"]
        assert large.record(Observation(events=[records.event(0, person_id="p-crowd")])) == 1
        log = large.path.with_name(f"{large.path.name}-wal")
        assert log.stat().st_size < 100_000, "the attempt gives back the room that it took"


def test_a_pending_scrub_on_a_full_disk_does_not_prevent_opening(
    large: Store, records: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with no_room(large):
        with large, pytest.raises(StoreError):
            large.people.forget("p-ada", erase_history=True)
        for _ in range(2):
            caplog.clear()
            with large:
                assert large.scrub_due()
            (warning,) = caplog.records
            assert (warning.levelname, warning.name) == ("WARNING", "footfall.store")
            assert NOT_YET in warning.message
            assert "MB on its disk" in warning.message
    caplog.clear()
    with large:
        assert not large.scrub_due()
    assert (_traces(large, records), caplog.records) == ([], [])


def test_forgetting_again_completes_the_scrub(large: Store, records: Any) -> None:
    with large:
        with no_room(large), pytest.raises(StoreError):
            large.people.forget("p-ada", erase_history=False)
        large.people.forget("p-ada", erase_history=False)
        assert not large.scrub_due()
        assert _traces(large, records) == []


def test_a_remote_erasure_is_applied_on_a_full_disk(large: Store, caplog: pytest.LogCaptureFixture) -> None:
    gone = IncomingErasure(digest=content_id("forgotten", "p-ada"), at=CAME, erase_history=True)
    with large:
        with no_room(large):
            large.inbox.apply(Incoming(at=CAME, erasures=[gone], cursors={"down": "7"}))
        assert (large.people.get("p-ada"), large.scrub_due(), large.inbox.cursor("down")) == (None, True, "7")
    assert NOT_YET in caplog.text
