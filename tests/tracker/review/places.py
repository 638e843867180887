"""A small place with faces that are known: people, visitors, visits and matches, written through the public store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import numpy as np

from config.recognition import MatchSettings
from tracker.presence.events import Event, EventKind, Match
from tracker.presence.people import Person, PersonKind
from tracker.review.rules import ReviewRules
from tracker.store.observation import Observation
from tracker.store.store import Store
from tracker.vision.embedders import SFACE
from tracker.vision.faces import FloatArray

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
SITE = "gym"
RULES = ReviewRules(
    site_id=SITE,
    zone=ZoneInfo("Europe/Berlin"),
    match=MatchSettings(max_distance=1.05, stranger_distance=1.13, min_margin=0.06, clear_by=0.06),
    embedder=SFACE,
    evidence=timedelta(days=7),
    visitors=timedelta(days=30),
)


def face(axis: int, distance: float = 0.0, towards: int = 127) -> FloatArray:
    """(128,) of length 1, at a distance from the face along `axis`; faces along two axes are 1.41 apart."""
    vector = np.zeros(128, np.float32)
    angle = 2 * np.arcsin(distance / 2)
    vector[axis], vector[towards] = np.cos(angle), np.sin(angle)
    return vector


def hours_ago(hours: float, now: datetime = NOW) -> datetime:
    return now - timedelta(hours=hours)


@dataclass
class Place:
    """Writes into a store what cameras and people at the desk would."""

    store: Store
    site_id: str = SITE
    now: datetime = NOW

    def __post_init__(self) -> None:
        self._numbers: Iterator[int] = count(1)

    def at(self, hours: float) -> datetime:
        """So many hours ago."""
        return hours_ago(hours, self.now)

    def enrol(self, name: str, *faces: FloatArray) -> str:
        """Returns the id."""
        person_id = f"p-{name.lower().replace(' ', '-')}"
        person = Person(person_id=person_id, name=name, created_at=self.at(999), consented_at=self.at(999))
        self.store.people.add(person, np.stack(faces))
        return person_id

    def visitor(self, number: int, *faces: FloatArray, name: str | None = None) -> str:
        """Returns the id."""
        person = Person(
            person_id=f"v-{number:010x}",
            name=name or f"Visitor {number}",
            created_at=self.at(999 - number),
            kind=PersonKind.VISITOR,
        )
        self.store.record(Observation(visitors=[(person, np.stack(faces))]))
        return person.person_id

    def visit(
        self, person_id: str, from_h: float, to_h: float | None, *, camera: str = "door", track: str | None = None
    ) -> str:
        """Hours ago, and to None while it goes on. Returns the id of the track."""
        track_id = track or f"{camera}-{next(self._numbers)}"
        ends = [(EventKind.ENTER, from_h)] + ([] if to_h is None else [(EventKind.EXIT, to_h)])
        events = [
            Event(
                kind=kind, site_id=self.site_id, camera_id=camera, person_id=person_id, at=self.at(hours),
                track_id=track_id,
            )
            for kind, hours in ends
        ]  # fmt: skip
        self.store.record(Observation(events=events))
        return track_id

    def match(
        self,
        person_id: str,
        hours: float,
        *faces: FloatArray,
        distance: float = 0.6,
        margin: float | None = 0.4,
        track: str = "door-1",
        camera: str = "door",
    ) -> Match:
        """A match hours ago, with the faces behind it."""
        match = Match(
            site_id=self.site_id, camera_id=camera, track_id=track, at=self.at(hours), person_id=person_id,
            distance=distance, margin=margin, quality=0.8, authorised=True, reason="near enough",
        )  # fmt: skip
        evidence = {match.match_id: np.stack(faces)} if faces else {}
        self.store.record(Observation(matches=[match], evidence=evidence))
        return match

    def doubtful_visit(self, person_id: str, hours: float, *faces: FloatArray, distance: float = 0.97) -> Match:
        """A visit of an hour that rests on one doubtful match."""
        track = self.visit(person_id, hours, hours - 1)
        return self.match(person_id, hours - 0.01, *faces, distance=distance, track=track)
