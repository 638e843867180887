"""A board over a shared store: its settings, and the age of its data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.address import VisitQuery
from dashboard.queries import Board
from dashboard.views import Condition, Days
from tests.dashboard import gym
from tracker.presence.events import EventKind, time_text
from tracker.presence.health import CameraHealth, CameraState
from tracker.presence.rules import Rules, Site
from tracker.store.camera_rows import MachineReport
from tracker.store.inbox import Incoming, synced_cursor
from tracker.store.site_settings import settings_at_site
from tracker.store.store import Store

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@dataclass
class Copy:
    """A copy of the shared store of the gym, and a board over it."""

    store: Store
    board: Board
    now: list[datetime] = field(default_factory=lambda: [NOW])

    def arrive(self, **parts: Any) -> None:
        self.store.inbox.apply(Incoming(at=self.now[0], **parts))


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    path = tmp_path / "copy.sqlite3"
    flags: dict[str, dict[str, object]] = {
        "store": {"url": "firestore://my-gym-1234", "file": str(path)},
        "site": {"id": gym.SITE, "time_zone": "UTC"},
    }
    now = [NOW]
    with Store(path) as store:
        board = Board(
            path,
            settings_at_site(None, flags)[0],
            clock=lambda: now[0],
            reread=lambda: settings_at_site(None, flags)[0],
        )
        yield Copy(store, board, now)


def test_shared_settings_apply_at_once(copy: Copy) -> None:
    start = NOW - timedelta(hours=1)
    stay = [gym.event(EventKind.ENTER, "p-1", start), gym.event(EventKind.EXIT, "p-1", start + timedelta(seconds=30))]
    copy.arrive(events=stay)
    today = Days.until(NOW.date(), days=1)
    assert [row["bounce"] for row in copy.board.visits(VisitQuery(days=today)).rows] == [False]
    assert copy.board.capacity is None
    copy.arrive(site={gym.SITE: {"capacity": 40, "settings": {"presence": {"min_visit_s": 60}}}})
    assert [row["bounce"] for row in copy.board.visits(VisitQuery(days=today)).rows] == [False]
    assert copy.board.capacity == 40
    copy.store.sites.save(Site(site_id=gym.SITE, rules=Rules(min_visit=timedelta(minutes=1))))  # as the listener does
    assert [row["bounce"] for row in copy.board.visits(VisitQuery(days=today)).rows] == [True]
    assert copy.board.bounce_words == "visits under 1 min"


def test_a_page_notes_when_nothing_was_received(copy: Copy) -> None:
    assert copy.board.behind() == ("Nothing has been downloaded from Firestore to this machine yet.",)
    copy.arrive(cursors={synced_cursor(gym.SITE): time_text(NOW)})
    copy.now[0] = NOW + timedelta(minutes=2)
    assert copy.board.behind() == ()
    copy.now[0] = NOW + timedelta(minutes=30)
    (notice,) = copy.board.behind()
    assert notice.startswith("Nothing was received from Firestore since 12:00:")
    copy.now[0] = NOW + timedelta(days=3)
    (notice,) = copy.board.behind()
    assert "10 Mar at 12:00" in notice


@pytest.mark.parametrize(
    ("minutes", "condition"), [(4, Condition.GOOD), (60, Condition.BAD)], ids=["between-reports", "silent"]
)
def test_a_camera_elsewhere_is_judged_by_its_last_report(copy: Copy, minutes: float, condition: Condition) -> None:
    reported_at = NOW - timedelta(minutes=minutes)
    health = CameraHealth(
        site_id=gym.SITE,
        camera_id="front-door",
        source="",
        state=CameraState.LIVE,
        started_at=NOW - timedelta(hours=5),
        updated_at=reported_at,
        last_frame_at=reported_at - timedelta(seconds=1),
        fps=9.0,
    )
    copy.arrive(healths=[health])
    (camera,) = copy.board.now_view().cameras
    assert camera.condition is condition


def test_two_machines_that_report_one_camera_warn_beside_the_camera(copy: Copy) -> None:
    def reports(camera_id: str, machine_id: str) -> list[MachineReport]:
        times = [NOW - timedelta(minutes=minutes) for minutes in (12, 2)]
        return [MachineReport(site_id=gym.SITE, camera_id=camera_id, machine_id=machine_id, at=at) for at in times]

    machines = [*reports("door", "m-1"), *reports("door", "m-2"), *reports("weights", "m-1")]
    copy.arrive(healths=[gym.health("door", NOW), gym.health("weights", NOW)], machines=machines)
    door, weights = copy.board.now_view().cameras
    assert door.condition is Condition.WARN
    assert "2 machines report camera door (m-1, m-2)" in door.words
    assert (weights.condition, weights.words) == (Condition.GOOD, "live")
