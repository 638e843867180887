"""One person, one track: the tracks of faces joined with those of the bodies that they belong to.

A face belongs to the body in whose head it is. Its name goes over to the body and stays there while the face is turned
away; a face without a body counts by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracker.agent.looks import foot_point
from tracker.agent.roles.role import View
from tracker.identity.recognition import FaceName, RecognitionResult, Retraction
from tracker.presence.events import CameraRef, unidentified_id
from tracker.presence.line import Line, TrackPoint
from tracker.presence.room import Sighting
from tracker.vision.body_tracks import KEPT_S, BodyTrack
from tracker.vision.faces import Faces, FloatArray

_HEAD_WIDTHS = 0.4
"""A face is no farther from the middle of its body than this, in widths of the body's box."""
_HEAD_HEIGHTS = (-0.1, 0.5)
"""Nor from its top, in heights of the box: half a body is in sight where somebody is close to the camera."""
_HEAD_TOP = 0.1
"""Where the middle of a face usually is, in heights of the box."""
_LEAST_FACE = 0.05
"""A face is taller than this part of its body; smaller ones are of people farther away."""
_STAYS = 0.2
"""So much worse a face may fit the body that it was joined with before."""
_NO_FIT = 1e3


@dataclass(slots=True, eq=False)
class _Person:
    """A body, the face that is joined with it, and whose they are.

    track_id: of the body that it began with. since: when it began, or was left by the name that it had. body: as last
    seen. face_id: None without a face in sight. named_by: the track of the face that gave the name.
    """

    track_id: str
    since: datetime
    body: BodyTrack
    confirmed: bool
    face_id: str | None = None
    person_id: str | None = None
    named_by: str | None = None

    def see(self, body: BodyTrack) -> None:
        self.body, self.confirmed = body, self.confirmed or body.confirmed

    def unname(self) -> None:
        self.person_id = self.named_by = None


class PersonTracks:
    """The people in the picture of one camera. Not for several threads.

    line: of a door, at which people cross with their feet. Where no bodies are looked for, every face is by itself.
    """

    def __init__(self, camera: CameraRef, *, line: Line | None = None) -> None:
        self._camera = camera
        self._line = line
        self._people: list[_Person] = []
        self._faces: set[str] = set()
        self._joined: set[str] = set()
        self._ended: list[str] = []

    @property
    def person_ids(self) -> frozenset[str]:
        """Of the names that bodies have."""
        return frozenset(each.person_id for each in self._people if each.person_id is not None)

    def has_new(self, faces: Iterable[FaceName]) -> bool:
        """Whether a face begins a track: the next `update` should have bodies, so that it finds its own at once."""
        return any(face.track_id not in self._faces for face in faces)

    def update(
        self,
        recognised: RecognitionResult,
        faces: Faces,
        bodies: Sequence[BodyTrack] | None,
        at: datetime,
        *,
        size_wh: tuple[int, int],
    ) -> View:
        """What the next frame shows, for a camera's role. bodies: None where they were not looked for in this frame."""
        rows = {face.track_id: row for row, face in enumerate(recognised.faces)}
        self._end_faces(recognised.ended)
        self._faces |= rows.keys()
        for wrong in recognised.retracted:
            self._withdraw(wrong)
        looked = [] if bodies is None else self._join(bodies, faces, rows)
        retractions = list(recognised.retracted)
        sightings = [self._named(each, retractions) for each in recognised.sightings]
        unnamed: list[Sighting] = []
        if bodies is not None:
            turned_away = self._seen_without(looked, rows, {each.person_id for each in sightings})
            sightings += [self._sighting(each, at, size_wh) for each in turned_away if each.person_id is not None]
            unnamed = [self._sighting(each, at, size_wh) for each in turned_away if each.person_id is None]
        return View(
            at=at,
            sightings=tuple(sightings),
            unnamed=tuple(unnamed),
            points=tuple(self._points(recognised.faces, faces, looked, size_wh)),
            retractions=tuple(retractions),
            ended_tracks=self._drop_ended(at),
        )

    def move(self, gone_id: str, into_id: str | None) -> None:
        """A person goes on under another id, as when two people were merged; None: the person was forgotten."""
        for each in self._people:
            if each.person_id == gone_id and into_id is None:
                each.unname()
            elif each.person_id == gone_id:
                each.person_id = into_id

    def end(self) -> None:
        """End all tracks; the next frame may have any time."""
        self._ended += [*self._faces, *(each.track_id for each in self._people)]
        self._people.clear()
        self._faces.clear()
        self._joined.clear()

    def _end_faces(self, face_ids: Sequence[str]) -> None:
        self._ended += face_ids
        self._faces.difference_update(face_ids)
        self._joined.difference_update(face_ids)
        for each in self._people:
            if each.face_id in face_ids:
                each.face_id = None

    def _withdraw(self, wrong: Retraction) -> None:
        """A face's name was wrong, so it is on its body too; since when the body is in sight stays."""
        for each in self._people:
            if each.named_by == wrong.track_id and each.person_id == wrong.person_id:
                each.unname()

    # -- joining

    def _join(self, bodies: Sequence[BodyTrack], faces: Faces, rows: Mapping[str, int]) -> list[_Person]:
        """The people of these bodies, each joined with the face in its head."""
        owners = {each.body.track_id: each for each in self._people}
        before = {owners[body.track_id].face_id: row for row, body in enumerate(bodies) if body.track_id in owners}
        face_ids = list(rows)
        boxes = np.array([body.box for body in bodies], np.float32).reshape(-1, 4)
        found = _pairs(faces.boxes, boxes, {face: before[key] for key, face in rows.items() if key in before})
        joined = {bodies[body].track_id: face_ids[face] for face, body in found}
        in_sight = {body.track_id for body in bodies}
        people = []
        for body in bodies:
            person = owners.get(body.track_id) or self._taken_up(joined.get(body.track_id), in_sight)
            if person is None:
                person = _Person(body.track_id, body.started_at, body, body.confirmed)
                self._people.append(person)
            person.see(body)
            people.append(person)
        for person in people:
            self._give(joined.get(person.body.track_id), person)
        return people

    def _taken_up(self, face_id: str | None, in_sight: set[str]) -> _Person | None:
        """Whose body was lost while the face went on: a new body in the same place is theirs."""
        lost = (each for each in self._people if each.face_id == face_id and each.body.track_id not in in_sight)
        return None if face_id is None else next(lost, None)

    def _give(self, face_id: str | None, person: _Person) -> None:
        """Make this the face of the person, and of nobody else."""
        for each in self._people:
            if face_id is not None and each.face_id == face_id:
                each.face_id = None
        person.face_id = face_id
        if face_id is not None:
            self._joined.add(face_id)

    # -- names

    def _named(self, sighting: Sighting, retractions: list[Retraction]) -> Sighting:
        """The sighting of a face, since its body is in sight where that had no name; the body has it from now on.

        A person is on one body: the one whose face was seen last. A face that is out of its body's head for a moment,
        as of somebody who bends, leaves the name there.
        """
        person_id, at = sighting.person_id, sighting.seen_at
        own = next((each for each in self._people if each.face_id == sighting.track_id), None)
        for each in self._people:
            elsewhere = own is not None or each.named_by != sighting.track_id
            if each is not own and each.person_id == person_id and elsewhere:
                each.unname()
                each.since = at
        if own is None:
            return sighting
        if own.person_id is None:
            sighting = replace(sighting, since=min(sighting.since, own.since))
            if own.confirmed:
                retractions.append(
                    Retraction(track_id=own.track_id, person_id=self._unidentified(own), into_id=person_id)
                )
        own.person_id, own.named_by = person_id, sighting.track_id
        return sighting

    def _unidentified(self, person: _Person) -> str:
        return unidentified_id(self._camera, person.track_id)

    # -- what roles see

    def _seen_without(self, looked: Sequence[_Person], rows: Mapping[str, int], person_ids: set[str]) -> list[_Person]:
        """Those in sight, by body or face, whom no face shows in this frame. person_ids: of those whom one shows."""
        faced = [each for each in self._people if each.face_id in rows and each not in looked]
        people = [each for each in (*looked, *faced) if each.confirmed or each.person_id is not None]
        return [each for each in people if each.person_id not in person_ids]

    def _sighting(self, person: _Person, at: datetime, size_wh: tuple[int, int]) -> Sighting:
        """Of somebody whose face is not recognised in this frame, where the head is."""
        x1, y1, x2, y2 = map(float, person.body.box)
        known = person.person_id is not None
        return Sighting(
            person_id=person.person_id or self._unidentified(person),
            track_id=person.named_by or person.track_id,
            since=at if known else person.since,
            seen_at=at,
            x_frac=_fraction((x1 + x2) / 2, size_wh[0]),
            y_frac=_fraction(y1 + _HEAD_TOP * (y2 - y1), size_wh[1]),
        )

    def _points(
        self, names: Sequence[FaceName], faces: Faces, looked: Sequence[_Person], size_wh: tuple[int, int]
    ) -> list[TrackPoint]:
        """Where people are: the feet of bodies, the middle of faces that never had one.

        Somebody whose face alone is in sight has a name and no place.
        """
        owners = {each.face_id: each for each in self._people if each not in looked}
        points = [self._at_line(each, foot_point(each.body, self._line, size_wh)) for each in looked if self._line]
        centres = np.clip((faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2 / np.array(size_wh, np.float32), 0, 1)
        for name, (x_frac, y_frac) in zip(names, centres, strict=True):
            point = TrackPoint(
                track_id=name.track_id, person_id=name.person_id, x_frac=float(x_frac), y_frac=float(y_frac)
            )
            if name.track_id in owners and self._line:
                points.append(self._at_line(owners[name.track_id], replace(point, band=np.inf, is_body=True)))
            elif name.track_id not in self._joined:
                points.append(point)
        return points

    def _at_line(self, person: _Person, point: TrackPoint) -> TrackPoint:
        return replace(
            point,
            track_id=person.track_id,
            person_id=person.person_id,
            named_by=person.named_by,
            counted_as=self._unidentified(person) if person.confirmed else None,
        )

    def _drop_ended(self, at: datetime) -> tuple[str, ...]:
        """Drop people of whom neither body nor face is in sight; the ids of tracks that nobody goes on with."""
        kept_s = timedelta(seconds=KEPT_S)
        gone = [each for each in self._people if each.face_id is None and at - each.body.seen_at > kept_s]
        self._ended += [each.track_id for each in gone]
        self._people = [each for each in self._people if each not in gone]
        held = {each.named_by for each in self._people}
        ended = tuple(each for each in self._ended if each not in held)
        self._ended = [each for each in self._ended if each in held]
        return ended


def _pairs(faces: FloatArray, bodies: FloatArray, before: Mapping[int, int]) -> list[tuple[int, int]]:
    """Rows of faces (N, 4) and of the bodies (M, 4) that they belong to, one to one; px, x1 y1 x2 y2.

    before: row of a face -> row of the body that it was joined with.
    """
    if not len(faces) or not len(bodies):
        return []
    cost = _misfit(faces.astype(np.float64), bodies.astype(np.float64))
    for face, body in before.items():
        cost[face, body] -= _STAYS
    pairs = zip(*linear_sum_assignment(cost), strict=True)
    return [(int(face), int(body)) for face, body in pairs if cost[face, body] < _NO_FIT / 2]


def _misfit(faces: NDArray[np.float64], bodies: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, M) how far each face is from where that of each body usually is; _NO_FIT outside of its head."""
    width, height = bodies[:, 2] - bodies[:, 0], bodies[:, 3] - bodies[:, 1]
    beside = np.abs((faces[:, None, 0] + faces[:, None, 2]) - (bodies[:, 0] + bodies[:, 2])) / 2 / width
    below = ((faces[:, None, 1] + faces[:, None, 3]) / 2 - bodies[:, 1]) / height
    tall = (faces[:, None, 3] - faces[:, None, 1]) / height
    inside = (beside <= _HEAD_WIDTHS) & (below >= _HEAD_HEIGHTS[0]) & (below <= _HEAD_HEIGHTS[1])
    return np.where(inside & (tall >= _LEAST_FACE), beside + np.abs(below - _HEAD_TOP), _NO_FIT)


def _fraction(px: float, size_px: int) -> float:
    return min(max(px / size_px, 0.0), 1.0)
