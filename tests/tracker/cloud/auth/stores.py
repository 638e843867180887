"""A store with every kind of record that may, and that must not, be uploaded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.tracker.cloud.auth.conftest import CAMERA, SITE
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import OPERATOR, Action, Correction, Event, EventKind, Match
from tracker.presence.health import CameraHealth, CameraState
from tracker.presence.people import Person, PersonKind
from tracker.presence.zones import ZoneStay
from tracker.store.observation import Observation
from tracker.store.store import Store

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
LATER = START + timedelta(days=1)
SECRET_SOURCE = "rtsp://ann:pass-word@10.0.0.7/live"
PICTURE = "/pictures/of-ada-lovelace.jpg"
AGREED, DID_NOT, VISITOR, GONE = "p-aaaaaaaaaaaa", "p-bbbbbbbbbbbb", "v-cccccccccccc", "p-eeeeeeeeeeee"


def vectors(seed: int, count: int = 2) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((count, 128)).astype(np.float32)


VECTORS = {AGREED: vectors(1), DID_NOT: vectors(2), VISITOR: vectors(3), "negative": vectors(4), "evidence": vectors(5)}


def event(kind: EventKind, person_id: str, minute: int, camera_id: str = CAMERA) -> Event:
    return Event(
        kind=kind,
        site_id=SITE,
        camera_id=camera_id,
        person_id=person_id,
        at=START + timedelta(minutes=minute),
        track_id=f"{camera_id}-{minute}",
        x_frac=0.5,
        y_frac=0.25,
    )


def match(of: Event) -> Match:
    return Match(
        site_id=SITE,
        camera_id=of.camera_id,
        track_id=of.track_id,
        at=of.at,
        person_id=of.person_id,
        distance=0.4,
        margin=None,
        quality=0.9,
        authorised=True,
        reason=f"{of.person_id} by 4 sightings, {DID_NOT} 0.2 farther",
    )


def filled(path: Path, *, cameras: tuple[str, ...] = (CAMERA, "back")) -> Store:
    """An open store with people with and without consent, visitors, negatives, corrections, zones and cameras."""
    store = Store(path).open()
    for person_id, name, consented_at in ((AGREED, "Ada Lovelace", START), (DID_NOT, "Bob", None)):
        person = Person(person_id=person_id, name=name, created_at=START, consented_at=consented_at)
        store.people.add(person, VECTORS[person_id], sources=[PICTURE] * 2)
    store.people.add_negatives(AGREED, VECTORS["negative"], sources=[PICTURE] * 2)
    visitor = Person(person_id=VISITOR, name="Visitor 1", created_at=START, kind=PersonKind.VISITOR)
    store.record(Observation(visitors=[(visitor, VECTORS[VISITOR])]))
    for place, camera_id in enumerate(cameras):
        for number, person_id in enumerate((AGREED, DID_NOT, VISITOR)):
            minute = 60 * place + 10 * number
            entered = event(EventKind.ENTER, person_id, minute, camera_id)
            events = [entered, event(EventKind.EXIT, person_id, minute + 5, camera_id)]
            matches = [match(each) for each in events]
            store.record(
                Observation(events=events, matches=matches, evidence={matches[0].match_id: VECTORS["evidence"]})
            )
        stay = {"site_id": SITE, "camera_id": camera_id, "zone": "rack", "person_id": AGREED}
        store.record(
            Observation(
                zone_stays=[ZoneStay(started_at=START, seen_at=START + timedelta(seconds=40), over=True, **stay)]
            )
        )
        watched = CoverageSpan(site_id=SITE, camera_id=camera_id, started_at=START, ended_at=START + timedelta(hours=2))
        store.record(Observation(health=health(camera_id), coverage=[watched]))
    store.events.correct([voided(event(EventKind.EXIT, VISITOR, 25)), added()])
    return store


def forget_somebody(store: Store) -> None:
    """Forget a person who had been uploaded."""
    store.outbox.begin()
    store.people.add(Person(person_id=GONE, name="Eve", created_at=START, consented_at=START), vectors(6))
    store.people.forget(GONE, True)


def voided(wrong: Event) -> Correction:
    return Correction(action=Action.VOID, event_id=wrong.event_id, by="Ann", at=START, reason="her sister")


def added() -> Correction:
    event_ = event(EventKind.EXIT, AGREED, 300, OPERATOR)
    return Correction(action=Action.ADD, event_id=event_.event_id, by="Ann", at=START, event=event_)


def health(camera_id: str) -> CameraHealth:
    return CameraHealth(
        site_id=SITE,
        camera_id=camera_id,
        source=SECRET_SOURCE,
        state=CameraState.LOST,
        started_at=START,
        updated_at=START + timedelta(hours=2),
        last_frame_at=START + timedelta(hours=2),
        problem=f"{SECRET_SOURCE} does not answer; kept {PICTURE}",
    )
