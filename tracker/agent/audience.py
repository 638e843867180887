"""What the people at one camera look like: looks at their faces, averaged over a track, then counted by the hour.

Looks stay in memory until their track ends; what is stored are the counts.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Protocol

import numpy as np

from tracker.identity.known import KnownPeople
from tracker.identity.recognition import RecognitionResult
from tracker.presence.audience import Attribute, AudienceGroup, hour_of, is_closed, label_of
from tracker.presence.events import CameraRef
from tracker.presence.people import Role
from tracker.vision.engine import AnalysedFaces
from tracker.vision.faces import Faces, FloatArray, Image

LOOK_EVERY = timedelta(seconds=1)
MIN_LOOKS = 2
"""Looks from which somebody counts: one alone may be of half a blink."""
MAX_YAW_DEG = 30.0
MIN_WIDTH_PX = 48.0
_REMEMBERED = timedelta(days=1)


class Reader(Protocol):
    """Tells the class probabilities (N, classes) of faces of an image."""

    def read(self, image: Image, faces: Faces) -> FloatArray: ...


class Counted:
    """Who was counted already in each hour, by all cameras of a run. In memory only; thread-safe."""

    def __init__(self) -> None:
        self._people: dict[datetime, set[str]] = {}
        self._lock = threading.Lock()

    def add(self, hour: datetime, person_id: str) -> bool:
        """Count a person; False where the person was counted in that hour before."""
        with self._lock:
            self._people = {each: ids for each, ids in self._people.items() if abs(each - hour) <= _REMEMBERED}
            people = self._people.setdefault(hour, set())
            if person_id in people:
                return False
            people.add(person_id)
            return True


@dataclass(slots=True, eq=False)
class _Looks:
    """Looks at one track. sums: of the class probabilities. person_id: its name in the last frame; owner_id: its last
    name that was one.
    """

    sums: dict[Attribute, FloatArray] = field(default_factory=dict)
    count: int = 0
    looked_at: datetime | None = None
    person_id: str | None = None
    owner_id: str | None = None

    def name(self, person_id: str | None) -> None:
        """The name of the track in this frame; looks at somebody else are dropped."""
        if person_id is not None and self.owner_id not in (None, person_id):
            self.sums, self.count, self.looked_at = {}, 0, None
        self.person_id, self.owner_id = person_id, person_id or self.owner_id

    def add(self, probabilities: Mapping[Attribute, FloatArray], at: datetime) -> None:
        for attribute, each in probabilities.items():
            self.sums[attribute] = self.sums.get(attribute, np.zeros_like(each)) + each
        self.count, self.looked_at = self.count + 1, at


class Audience:
    """Counts the people of one camera. Not for several threads; `counted` and readers may be shared.

    Somebody counts at the end of a track with a name, that of a visitor included: once an hour, and only with a name,
    so that five tracks of one person are no group. Staff, people who were forgotten meanwhile, and those whose track
    outlasts the hour of its last look until that is published, do not count.
    """

    def __init__(
        self,
        camera: CameraRef,
        *,
        readers: Mapping[Attribute, Reader],
        known: KnownPeople,
        counted: Counted,
        zone: tzinfo,
    ) -> None:
        """zone: of the site, whose clock has the hours."""
        self._camera = camera
        self._readers = readers
        self._known = known
        self._counted = counted
        self._zone = zone
        self._since: datetime | None = None
        self._at: datetime | None = None
        self._tracks: dict[str, _Looks] = {}
        self._counts: dict[tuple[datetime, Attribute], Counter[str]] = {}
        self._unsaved: set[tuple[datetime, Attribute]] = set()

    def observe(self, image: Image, seen: AnalysedFaces, recognised: RecognitionResult, at: datetime) -> None:
        """Take in the next frame. Raises ModelError where a network fails."""
        self._since, self._at = self._since or at, at
        self._count(recognised.ended)
        due: list[tuple[int, _Looks]] = []
        for row, face in enumerate(recognised.faces):
            looks = self._tracks.setdefault(face.track_id, _Looks())
            looks.name(face.person_id)
            if (looks.looked_at is None or at - looks.looked_at >= LOOK_EVERY) and _is_frontal(seen, row):
                due.append((row, looks))
        if not due:
            return
        faces = seen.faces.take(np.array([row for row, _ in due]))
        found = {attribute: reader.read(image, faces) for attribute, reader in self._readers.items()}
        for place, (_, looks) in enumerate(due):
            looks.add({attribute: each[place] for attribute, each in found.items()}, at)

    def end(self) -> None:
        """All tracks are over."""
        self._count(tuple(self._tracks))

    @property
    def unsaved(self) -> tuple[AudienceGroup, ...]:
        """The groups that changed since they were saved, each with all its people."""
        return tuple(self._group(*key) for key in sorted(self._unsaved))

    def saved(self, groups: Iterable[AudienceGroup]) -> None:
        """Mark as saved."""
        for each in groups:
            if each == self._group(each.hour, each.attribute):
                self._unsaved.discard((each.hour, each.attribute))
        newest = max((hour for hour, _ in self._counts), default=None)
        for key in [key for key in self._counts if newest is not None and newest - key[0] > _REMEMBERED]:
            if key not in self._unsaved:
                del self._counts[key]

    def _count(self, ended: Sequence[str]) -> None:
        for track_id in ended:
            looks = self._tracks.pop(track_id, None)
            if looks is None or looks.looked_at is None or looks.count < MIN_LOOKS:
                continue
            hour = hour_of(looks.looked_at, self._zone)
            if self._at is not None and not is_closed(hour, self._at):
                self._count_person(looks, hour)

    def _count_person(self, looks: _Looks, hour: datetime) -> None:
        person = None if looks.person_id is None else self._known.person(looks.person_id)
        if person is None or person.role is Role.STAFF or not self._counted.add(hour, person.person_id):
            return
        for attribute, total in looks.sums.items():
            label = label_of(attribute, total.tolist())
            self._counts.setdefault((hour, attribute), Counter())[label] += 1
            self._unsaved.add((hour, attribute))

    def _group(self, hour: datetime, attribute: Attribute) -> AudienceGroup:
        return AudienceGroup(
            site_id=self._camera.site_id,
            camera_id=self._camera.camera_id,
            hour=hour,
            since=self._since or hour,
            attribute=attribute,
            people=dict(self._counts[hour, attribute]),
        )


def _is_frontal(seen: AnalysedFaces, row: int) -> bool:
    """Whether a face was examined, is usable, and shows enough of itself."""
    quality = seen.quality
    return bool(seen.usable[row] and quality.yaw[row] <= MAX_YAW_DEG and quality.widths_px[row] >= MIN_WIDTH_PX)
