"""Records and stores for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tracker.presence.events import Event, EventKind, Match
from tracker.presence.health import CameraHealth, CameraState
from tracker.presence.people import Person, PersonKind
from tracker.presence.room import Presence
from tracker.store.store import Store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Records:
    """Valid records with sensible defaults; times are seconds after noon."""

    @staticmethod
    def at(seconds: float) -> datetime:
        return NOON + timedelta(seconds=seconds)

    def event(
        self, seconds: float, kind: str = "enter", person_id: str = "p-ada", camera_id: str = "front", site: str = "gym"
    ) -> Event:
        return Event(
            kind=EventKind(kind),
            site_id=site,
            camera_id=camera_id,
            person_id=person_id,
            at=self.at(seconds),
            track_id=f"{camera_id}-t{seconds:g}",
            x_frac=0.25,
            y_frac=0.75,
        )

    def match(self, seconds: float, person_id: str | None = "p-ada", reason: str = "near enough") -> Match:
        return Match(
            site_id="gym",
            camera_id="front",
            track_id="front-t0",
            at=self.at(seconds),
            person_id=person_id,
            distance=0.41,
            margin=0.2,
            quality=0.9,
            authorised=person_id is not None,
            reason=reason,
        )

    def presence(
        self, person_id: str = "p-ada", since: float = 0, seen: float = 5, camera_id: str = "front"
    ) -> Presence:
        return Presence(
            site_id="gym",
            camera_id=camera_id,
            person_id=person_id,
            track_id="front-t0",
            entered_at=self.at(since),
            seen_at=self.at(seen),
            x_frac=0.5,
            y_frac=0.5,
        )

    def health(self, camera_id: str = "front", frames: int = 10, state: CameraState = CameraState.LIVE) -> CameraHealth:
        return CameraHealth(
            site_id="gym",
            camera_id=camera_id,
            source="0",
            state=state,
            last_frame_at=self.at(frames),
            fps=12.5,
            frames=frames,
            dropped=1,
            started_at=NOON,
            updated_at=self.at(frames),
            problem=None,
        )

    def person(self, person_id: str = "p-ada", name: str = "Ada") -> Person:
        return Person(person_id=person_id, name=name, created_at=NOON, consented_at=NOON)

    def visitor(self, person_id: str = "v-1", name: str = "Visitor 1") -> Person:
        return Person(person_id=person_id, name=name, created_at=NOON, kind=PersonKind.VISITOR)

    def vectors(self, count: int, seed: int = 0, dimension: int = 128) -> NDArray[np.float32]:
        return np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "footfall.sqlite3", busy_timeout_s=1.0) as opened:
        yield opened


@pytest.fixture
def reopened(store: Store) -> Callable[[], Store]:
    """Closes and reopens the store, so that it is read from the disk."""

    def reopen() -> Store:
        store.close()
        return store.open()

    return reopen
