"""A gym with Ada, Bob and a visitor, whose clock stands still."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tracker.actions.actor import Actor
from tracker.presence.documents import Document, encode
from tracker.presence.events import Event, EventKind, Match
from tracker.presence.people import Person, PersonKind
from tracker.store.observation import Observation
from tracker.store.store import Store
from tracker.store.users import UserRole

NOW = datetime(2026, 3, 2, 18, tzinfo=UTC)
SITE = "gym"
ACTORS = {role: Actor(role.capitalize(), role) for role in UserRole}
DESK, ADMIN = ACTORS[UserRole.DESK], ACTORS[UserRole.ADMIN]


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def event(kind: str, minutes: float, person_id: str = "p-ada") -> Event:
    """An event so many minutes ago; its track is named after the person."""
    return Event(
        kind=EventKind(kind), site_id=SITE, camera_id="door", person_id=person_id, at=ago(minutes),
        track_id=f"t-{person_id}",
    )  # fmt: skip


@dataclass
class Gym:
    """The store, and the ids of Ada's visit that is over and of the one that goes on."""

    store: Store
    now: list[datetime] = field(default_factory=lambda: [NOW])
    over: str = event("enter", 300).event_id
    current: str = event("enter", 60).event_id

    def visits(self) -> list[tuple[str, float, float | None]]:
        """(person, began, ended), in minutes ago."""
        return [
            (each.person_id, _minutes(each.started_at), None if each.ended_at is None else _minutes(each.ended_at))
            for each in self.store.sessions.select(site_id=SITE, now=self.now[0])
        ]

    def state(self) -> list[object]:
        """All that actions change but the audit trail and the list of corrections."""
        people: list[Document] = [encode(each) for each in self.store.people.all()]
        vectors, owners = self.store.people.negatives()
        reviewed = self.store.reviews.reviewed_people() | self.store.reviews.reviewed_matches()
        known = [self.store.people.vector_counts(), self.store.people.limits(), self.store.users.all()]
        return [people, self.visits(), vectors.tolist(), owners, reviewed, *known]


def _minutes(at: datetime) -> float:
    return (NOW - at).total_seconds() / 60


def vector(seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """(1, 128), far from that of another seed."""
    found = np.zeros((1, 128), np.float32)
    found[0, seed] = 1
    return found


@pytest.fixture
def gym(tmp_path: Path) -> Iterator[Gym]:
    now = [NOW]
    with Store(tmp_path / "footfall.sqlite3", clock=lambda: now[0]) as store:
        for number, (person_id, name) in enumerate((("p-ada", "Ada"), ("p-bob", "Bob"))):
            person = Person(person_id=person_id, name=name, created_at=ago(9000), consented_at=ago(9000))
            store.people.add(person, vector(number))
        visitor = Person(person_id="v-0000000001", name="Visitor 1", created_at=ago(9000), kind=PersonKind.VISITOR)
        store.people.add(visitor, vector(2))
        match = Match(
            site_id=SITE, camera_id="door", track_id="t-p-ada", at=ago(300), person_id="p-ada", distance=0.9,
            margin=0.2, quality=0.8, authorised=True, reason="near enough",
        )  # fmt: skip
        store.record(
            Observation(
                events=[event("enter", 300), event("exit", 240), event("enter", 60)],
                matches=[match],
                evidence={match.match_id: np.concatenate([vector(7), vector(0)])},
            )
        )
        yield Gym(store, now)
