"""Stores with a long history: so many visits of a few thousand people, at the pace of a large gym, up to now."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.measure import SEED
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import CameraRef, Event, EventKind
from tracker.presence.health import CameraHealth, CameraState
from tracker.presence.people import Person, PersonKind, Role
from tracker.presence.room import Presence
from tracker.presence.rules import Rules, Site
from tracker.store.observation import Observation
from tracker.store.store import Store

SITE, CAMERA = "gym", "door"
ZONE = ZoneInfo("Europe/Berlin")
VISITS_A_DAY = 913
"""A million in three years."""
_MEMBERS, _STAFF, _VISITORS = 400, 20, 3_600
_HOURS = np.array([0, 0, 0, 0, 0, 0, 2, 5, 6, 4, 3, 4, 6, 4, 2, 3, 5, 9, 11, 8, 4, 1, 0, 0], float)
_VECTOR = np.zeros((1, 128), np.float32)
_PORTION = 20_000
SETTINGS = f'[site]\nid = "{SITE}"\nname = "Northside Gym"\ntime_zone = "{ZONE.key}"\ncapacity = 300\n'


def store_of(visits: int) -> Path:
    """The path of a store of so many visits up to today, made where it is not there yet. Beside it: footfall.toml."""
    today = datetime.now(ZONE).date()
    folder = Path(tempfile.gettempdir()) / "footfall-reading" / f"{today}-{visits}"
    path = folder / "footfall.sqlite3"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "footfall.toml").write_text(SETTINGS, encoding="utf-8")
        made = folder / "unfinished.sqlite3"
        for rest in folder.glob("unfinished*"):
            rest.unlink()
        print(f"a store of {visits:,} visits ...", file=sys.stderr, flush=True)
        begun = time.monotonic()
        with Store(made) as store:
            _fill(store, visits, datetime.now(UTC))
        made.rename(path)
        print(f"made in {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return path


def happen(store: Store, number: int) -> None:
    """Somebody goes, or with an odd number comes, now: answers that were kept hold no longer."""
    at = datetime.now(UTC)
    kind = EventKind.ENTER if number % 2 else EventKind.EXIT
    store.record(Observation(events=[_event(kind, "v-0000000001", at, f"bench-{at.timestamp()}")]))


def _fill(store: Store, visits: int, now: datetime) -> None:
    rng = np.random.default_rng(SEED)
    first_day = now - timedelta(days=(visits - 1) // VISITS_A_DAY)
    people = _people(first_day)
    store.record(Observation(visitors=[(person, _VECTOR) for person in people if person.kind is PersonKind.VISITOR]))
    for person in people:
        if person.kind is PersonKind.ENROLLED:
            store.people.add(person, _VECTOR)
    store.sites.save(Site(site_id=SITE, name="Northside Gym", capacity=300, rules=Rules(zone=ZONE)))
    ids = [person.person_id for person in people]
    portion: list[Event] = []
    inside: list[Presence] = []
    for person_id, entered_at, left_at, track_id in _visits(rng, ids, visits, first_day, now):
        portion.append(_event(EventKind.ENTER, person_id, entered_at, track_id))
        if left_at < now:
            portion.append(_event(EventKind.EXIT, person_id, left_at, track_id))
        else:
            inside.append(_presence(person_id, entered_at, now, track_id))
        if len(portion) >= _PORTION:
            store.record(Observation(events=portion))
            portion = []
    health = CameraHealth(
        site_id=SITE, camera_id=CAMERA, source="0", state=CameraState.LIVE, started_at=first_day, updated_at=now,
        last_frame_at=now, fps=10.0, frames=1,
    )  # fmt: skip
    span = CoverageSpan(site_id=SITE, camera_id=CAMERA, started_at=first_day, ended_at=now)
    camera = CameraRef(SITE, CAMERA)
    store.record(Observation(events=portion, presences=inside, camera=camera, health=health, coverage=[span]))


def _people(created_at: datetime) -> list[Person]:
    members = [
        Person(
            person_id=f"p-{number:012x}",
            name=f"Member {number}",
            created_at=created_at,
            consented_at=created_at,
            role=Role.STAFF if number < _STAFF else Role.MEMBER,
        )
        for number in range(_MEMBERS + _STAFF)
    ]
    visitors = [
        Person(person_id=f"v-{number:010x}", name=f"Visitor {number}", created_at=created_at, kind=PersonKind.VISITOR)
        for number in range(1, _VISITORS + 1)
    ]
    return [*members, *visitors]


def _visits(
    rng: np.random.Generator, ids: list[str], visits: int, first_day: datetime, now: datetime
) -> Iterator[tuple[str, datetime, datetime, str]]:
    """(person, entered, left, track) by day; members come more often than visitors, nobody twice at once."""
    weights = np.array([8.0 if one_id.startswith("p-") else 1.0 for one_id in ids])
    chances, hours = weights / weights.sum(), _HOURS / _HOURS.sum()
    made, day = 0, 0
    midnight = first_day.replace(hour=0, minute=0, second=0, microsecond=0)
    while made < visits:
        count = min(VISITS_A_DAY, visits - made)
        who = rng.choice(len(ids), size=count, replace=False, p=chances)
        starts_s = rng.choice(24, size=count, p=hours) * 3600 + rng.integers(0, 3600, size=count)
        lengths_s = np.clip(rng.lognormal(4.05, 0.5, size=count) * 60, 30, 4 * 3600)
        for place in np.argsort(starts_s):
            entered_at = midnight + timedelta(days=day, seconds=int(starts_s[place]))
            if entered_at < now:
                left_at = entered_at + timedelta(seconds=float(lengths_s[place]))
                yield ids[who[place]], entered_at, left_at, f"{day}-{place}"
        made, day = made + count, day + 1


def _event(kind: EventKind, person_id: str, at: datetime, track_id: str) -> Event:
    return Event(kind=kind, site_id=SITE, camera_id=CAMERA, person_id=person_id, at=at, track_id=track_id)


def _presence(person_id: str, entered_at: datetime, now: datetime, track_id: str) -> Presence:
    return Presence(
        site_id=SITE, camera_id=CAMERA, person_id=person_id, track_id=track_id, entered_at=entered_at, seen_at=now,
        x_frac=0.5, y_frac=0.5,
    )  # fmt: skip
