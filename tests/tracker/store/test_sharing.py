"""Several threads and processes on one store, also after `kill -9`."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import pytest

from config.errors import StoreBusyError
from tracker.store.observation import Observation
from tracker.store.store import Store

_BATCH = 5
_ROOT = Path(__file__).parents[3]

_WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tracker.presence.events import CameraRef, Event, EventKind
from tracker.presence.room import Presence
from tracker.store.observation import Observation
from tracker.store.store import Store

path, camera_id, steps = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
with Store(path) as store:
    for step in range(steps):
        at = noon + timedelta(seconds=step)
        events = [
            Event(kind=EventKind.ENTER, site_id="gym", camera_id=camera_id, person_id=f"p-{step}-{part}",
                  at=at, track_id=f"t{step}")
            for part in range(5)
        ]
        presences = [
            Presence(site_id="gym", camera_id=camera_id, person_id=f"p-{step}-{part}", track_id=f"t{step}",
                     entered_at=noon, seen_at=at, x_frac=0.5, y_frac=0.5)
            for part in range(5)
        ]
        store.record(
            Observation(camera=CameraRef("gym", camera_id), events=events, presences=presences)
        )
        if step == 0:
            print("started", flush=True)
"""

_HOLDER = """
import sys, time
from pathlib import Path
from tracker.store.store import Store

with Store(Path(sys.argv[1])).camera_lease(sys.argv[2]):
    print("started", flush=True)
    sys.stdin.read()
"""

_OPENER = """
import sys
from pathlib import Path
from tracker.store.store import Store

sys.stdin.read(1)
with Store(Path(sys.argv[1])) as store:
    print(store.version(), flush=True)
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a Python process of the product; what still runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def launch(script: str, *arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", script, *map(str, arguments)],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield launch
    for process in running:
        process.kill()
        process.communicate()


def _wait_started(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"


def test_two_processes_write_while_one_reads(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "footfall.sqlite3"
    with Store(path) as store:
        writers = [start(_WRITER, path, camera_id, 100) for camera_id in ("front", "back")]
        versions, halves = [store.version()], 0
        while any(writer.poll() is None for writer in writers):
            halves += sum(1 for count in Counter(_steps(store)).values() if count != _BATCH)
            versions.append(store.version())
        assert [writer.wait() for writer in writers] == [0, 0]
        assert halves == 0
        assert versions == sorted(versions)
        assert len(set(versions)) > 2  # the reader saw them work
        assert store.version() == 200
        assert len(store.events.select()) == 2 * 100 * _BATCH
        assert len(store.cameras.presences()) == 2 * _BATCH


def _steps(store: Store) -> list[tuple[str, str]]:
    return [(event.camera_id, event.track_id) for event in store.events.select()]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_killed_writer_leaves_whole_transactions(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "footfall.sqlite3"
    for kill_after_steps in (0, 3, 17):
        writer = start(_WRITER, path, f"camera-{kill_after_steps}", 1_000_000)
        _wait_started(writer)
        with Store(path) as store:
            begun = store.version()
            while store.version() < begun + kill_after_steps:
                assert writer.poll() is None
            os.kill(writer.pid, signal.SIGKILL)
            writer.wait()
        with Store(path) as store:
            counts = Counter(_steps(store))
            assert set(counts.values()) == {_BATCH}
            for camera_id in {camera_id for camera_id, _ in counts}:
                last = max(event.at for event in store.events.select() if event.camera_id == camera_id)
                presences = store.cameras.presences(camera_id=camera_id)
                assert {presence.seen_at for presence in presences} == {last}
                assert len(presences) == _BATCH
            with store.database.reading() as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_many_processes_create_the_store_concurrently(tmp_path: Path, start: Start) -> None:
    for attempt in range(5):
        path = tmp_path / f"{attempt}.sqlite3"
        openers = [start(_OPENER, path) for _ in range(6)]
        for opener in openers:
            assert opener.stdin is not None
            opener.stdin.write("x")
            opener.stdin.flush()
        assert [opener.communicate()[0] for opener in openers] == ["0\n"] * 6


@pytest.mark.skipif(sys.platform == "win32", reason="the locks that this is about are those of POSIX")
def test_opening_twice_in_a_process_keeps_its_locks(tmp_path: Path, records: Any, start: Start) -> None:
    """Closing any descriptor of a file drops a process's POSIX locks on it; then others would remove the log in use."""
    path = tmp_path / "footfall.sqlite3"
    with Store(path) as store:
        store.record(Observation(events=[records.event(0)]))
        Store(path).open(create=True).close()
        Store(path).open(create=False).close()
        assert start(_OPENER, path).communicate("x")[0] == "1\n"
        assert path.with_name(f"{path.name}-wal").exists()
        store.record(Observation(events=[records.event(1)]))
    with Store(path) as store:
        assert store.events.select() == [records.event(0), records.event(1)]


def test_threads_write_and_read_at_once(store: Store, records: Any) -> None:
    faults: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(20):
                store.record(Observation(events=[records.event(step, person_id=f"p-{number}")]))
                assert len(store.events.select(person_id=f"p-{number}")) == step + 1
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            faults.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(store.events.select()) == 120
    assert store.version() == 120


def test_closing_under_readers_breaks_nothing(tmp_path: Path, records: Any) -> None:
    for _ in range(10):
        store = Store(tmp_path / "footfall.sqlite3").open()
        store.record(Observation(events=[records.event(second) for second in range(200)]))
        faults: list[str] = []

        def read(store: Store = store, faults: list[str] = faults) -> None:
            try:
                while True:
                    assert len(store.events.select()) == 200
            except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
                faults.append(str(error))

        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        store.close()
        for thread in threads:
            thread.join()
        assert all("the store is closed" in fault for fault in faults)
        assert len(faults) == 3


def test_a_reader_never_waits_for_a_writer(store: Store, records: Any) -> None:
    store.record(Observation(events=[records.event(0)]))
    with store.database.writing() as writing:
        writing.connection.execute("DELETE FROM events")
        began = time.monotonic()
        assert store.events.select() == [records.event(0)]
        assert time.monotonic() - began < 0.5


def test_a_store_kept_by_another_writer_is_busy_and_recovers(store: Store, records: Any) -> None:
    with Store(store.path, busy_timeout_s=0.05) as other:
        with store.database.writing(), pytest.raises(StoreBusyError, match="another program is writing") as refusal:
            other.record(Observation(events=[records.event(0)]))
        assert refusal.value.retryable
        assert other.record(Observation(events=[records.event(0)])) == 1


def _refusals(stores: Store, writers: int, patience_s: float | None) -> tuple[int, float]:
    """How many of so many concurrent writers get StoreBusyError, and after how many seconds."""

    def write(_number: int) -> bool:
        with stores.patience(patience_s) if patience_s is not None else nullcontext():
            try:
                stores.record(Observation())
            except StoreBusyError:
                return True
        return False

    began = time.monotonic()
    with ThreadPoolExecutor(writers) as pool:
        refused = sum(pool.map(write, range(writers)))
    return refused, time.monotonic() - began


@pytest.mark.parametrize(
    ("timeout_s", "patience_s"),
    [pytest.param(0.5, None, id="timeout-of-the-store"), pytest.param(60, 0.5, id="patience-of-the-threads")],
)
def test_threads_wait_for_another_program_concurrently(
    tmp_path: Path, timeout_s: float, patience_s: float | None
) -> None:
    with Store(tmp_path / "s.sqlite3", busy_timeout_s=timeout_s) as store:
        with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused, waited_s = _refusals(store, 10, patience_s)
        assert refused == 10
        assert 0.4 < waited_s < 2.5
        assert _refusals(store, 10, patience_s)[0] == 0


def test_a_short_timeout_of_one_thread_does_not_affect_others(tmp_path: Path, records: Any) -> None:
    """Who waits long gets the store when it is free, though others gave up meanwhile."""
    with Store(tmp_path / "s.sqlite3", busy_timeout_s=60) as store, ThreadPoolExecutor(1) as pool:
        with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with store.patience(0.05), pytest.raises(StoreBusyError):
                store.record(Observation(events=[records.event(0)]))
            patient = pool.submit(store.record, Observation(events=[records.event(0)]))
            with store.patience(0.05), pytest.raises(StoreBusyError):
                store.record(Observation(events=[records.event(1)]))
        assert patient.result(10) == 1
        assert store.record(Observation(events=[records.event(1)])) == 1


def test_an_error_in_a_write_releases_the_lock(store: Store, records: Any) -> None:
    def interrupted() -> None:
        with store.database.writing() as writing:
            writing.connection.execute("DELETE FROM state")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert store.record(Observation(events=[records.event(0)])) == 1


# -- one agent a camera


def test_a_second_agent_on_a_camera_is_refused_by_name(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "footfall.sqlite3"
    holder = start(_HOLDER, path, "front")
    _wait_started(holder)
    store = Store(path)
    with pytest.raises(StoreBusyError, match=f"camera front .* by process {holder.pid}") as refusal:
        store.camera_lease("front").__enter__()
    assert "--camera-id" in refusal.value.fix
    with store.camera_lease("back"):
        pass
    with Store(tmp_path / "other.sqlite3").camera_lease("front"):
        pass


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_the_lease_of_a_killed_agent_is_released(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "footfall.sqlite3"
    holder = start(_HOLDER, path, "front")
    _wait_started(holder)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with Store(path).camera_lease("front"):
        pass


def test_a_lease_ends_with_its_block(tmp_path: Path) -> None:
    store = Store(tmp_path / "footfall.sqlite3")

    def tracked_until_a_fault() -> None:
        with store.camera_lease("front"):
            with pytest.raises(StoreBusyError, match="this process itself"):
                store.camera_lease("front").__enter__()
            raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            tracked_until_a_fault()


def test_one_store_under_two_paths_has_one_lease(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.sqlite3"
    with Store(tmp_path / "s.sqlite3") as store:
        link.symlink_to(store.path)
        with store.camera_lease("front"), pytest.raises(StoreBusyError), Store(link).camera_lease("front"):
            pass


@pytest.mark.parametrize("camera_id", ["../up", "a/b", "x" * 300, "caméra 人", ""])
def test_any_camera_id_can_be_held(tmp_path: Path, camera_id: str) -> None:
    with Store(tmp_path / "s.sqlite3").camera_lease(camera_id):
        assert {path.parent for path in tmp_path.rglob("*")} == {tmp_path}
