"""Visits to be sent, for the benchmarks of sending: one camera of a gym, and the figures that are told."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from config.storage import FirestoreAddress
from tracker.cloud.client import Connection, connect
from tracker.cloud.upload import Terms
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import Event, EventKind, Match
from tracker.presence.health import CameraHealth, CameraState
from tracker.store.observation import Observation
from tracker.store.store import Store

PROJECT = "benchmark"
SITE = "gym"
START = datetime(2026, 1, 5, 6, tzinfo=UTC)
TERMS = Terms(site_id=SITE, version="0.1.0", site={"name": "Gym", "time_zone": "UTC", "capacity": 80})


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One figure. unit: of value. target: in words, met: whether it is."""

    case: str
    value: float
    unit: str
    target: str | None = None
    met: bool | None = None
    note: str | None = None

    def record(self) -> dict[str, object]:
        return {**asdict(self), "value": round(self.value, 4)}


def connected(project: str = PROJECT) -> Connection:
    return connect(FirestoreAddress(project), None)


def count_of(collection: str) -> int:
    with connected() as connection:
        found = connection.client.collection(f"sites/{SITE}/{collection}").count().get()
        return int(found[0][0].value)


def record_visits(store: Store, numbers: range) -> None:
    made = [visit(number) for number in numbers]
    store.record(
        Observation(
            events=[event for events, _ in made for event in events],
            matches=[match for _, found in made for match in found],
        )
    )


def visit(number: int) -> tuple[list[Event], list[Match]]:
    """Half an hour of one of 400 members, one a minute."""
    who, at = f"p-{number % 400:012x}", START + timedelta(minutes=number)
    track = f"front-{at:%Y%m%dT%H%M%S.%f}-{number % 7}"
    common = {"site_id": SITE, "camera_id": "front", "person_id": who, "track_id": track}
    reason = f"{who} by 4 sightings, nearest 0.41, the next 0.23 farther"
    match = Match(at=at, distance=0.4127, margin=0.2311, quality=0.8125, authorised=True, reason=reason, **common)
    place = {"x_frac": 0.5 + number % 50 / 113, "y_frac": 0.3 + number % 40 / 97}
    return [
        Event(kind=EventKind.ENTER, at=at, **place, **common),
        Event(kind=EventKind.EXIT, at=at + timedelta(minutes=30, seconds=number % 60), **place, **common),
    ], [match]


def health(number: int) -> CameraHealth:
    at = START + timedelta(minutes=5 * number)
    return CameraHealth(site_id=SITE, camera_id="front", source="rtsp://10.0.0.7/live", state=CameraState.LIVE,
                        started_at=START, updated_at=at, last_frame_at=at, fps=12.4, frames=3720 * number)  # fmt: skip


def watch(number: int) -> CoverageSpan:
    return CoverageSpan(
        site_id=SITE, camera_id="front", started_at=START, ended_at=START + timedelta(minutes=5 * number, seconds=1)
    )
