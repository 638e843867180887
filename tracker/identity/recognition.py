"""Who is in front of one camera: faces become tracks, tracks get names, names reach back to where the track began."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from config.settings import MatchSettings, TrackSettings
from tracker.faces.engine import Seen
from tracker.faces.tracks import Track, Tracks
from tracker.identity.known import KnownPeople
from tracker.identity.match import Nearest, Verdict, judge, nearest
from tracker.identity.votes import Naming, NamingKind, Vote, weight
from tracker.presence.events import Match
from tracker.presence.people import PersonKind
from tracker.presence.room import Sighting

_WORTH_A_WORD = 3
"""A track that stayed without a name is recorded when it was seen this often; less is a flicker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceName:
    """What is known of one face of a frame, in the order of the frame's faces.

    person_id: enrolled person or visitor, None while undecided. reason: why.
    """

    track_id: str
    person_id: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What a frame tells: who was seen, the decisions that it changed, and one entry for each face."""

    sightings: tuple[Sighting, ...]
    matches: tuple[Match, ...]
    faces: tuple[FaceName, ...]


@dataclass(slots=True)
class _Followed:
    """What the faces of one track have said."""

    started_at: datetime
    vote: Vote = field(default_factory=Vote)
    naming: Naming | None = None
    visitor_id: str | None = None
    visitor_distance: float | None = None
    told: str | None = None
    """The person id of the last match, so that a decision is recorded once."""


class Recognition:
    """The tracks of one camera and their votes. Not for several threads; `known` may be shared."""

    def __init__(
        self, *, site_id: str, camera_id: str, known: KnownPeople, match: MatchSettings, track: TrackSettings
    ) -> None:
        self._site_id = site_id
        self._camera_id = camera_id
        self._known = known
        self._settings = match
        self._track_settings = track
        self._tracks = self._no_tracks()
        self._followed: dict[str, _Followed] = {}

    def update(self, seen: Seen, at: datetime, *, size_wh: tuple[int, int]) -> Recognised:
        """Take in the next frame. at: never before the last. size_wh: of the frame, px."""
        update = self._tracks.update(seen.faces, seen.vectors, at, seen.usable)
        matches = self._farewells(update.ended)
        closest = self._closest(seen)
        sightings: list[Sighting] = []
        faces: list[FaceName] = []
        for row, track_id in enumerate(update.track_ids):
            followed = self._following(track_id, at)
            self._vote(followed, seen, row, closest[row])
            person_id, reason = self._decide(followed, track_id, at)
            faces.append(FaceName(track_id=track_id, person_id=person_id, reason=reason))
            if person_id is None:
                continue
            since = at if person_id == followed.told else followed.started_at
            if person_id != followed.told:
                followed.told = person_id
                matches.append(self._match(followed, track_id, at, person_id, reason))
            sightings.append(_sighting(person_id, track_id, since, at, seen.faces.boxes[row], size_wh))
        return Recognised(sightings=tuple(sightings), matches=tuple(matches), faces=tuple(faces))

    def end(self) -> tuple[Match, ...]:
        """End every track, as when a recording is over; a record of why, for those that never got a name.

        The next `update` may be of any time.
        """
        ended = self._tracks.end()
        self._tracks = self._no_tracks()
        return tuple(self._farewells(ended))

    def _no_tracks(self) -> Tracks:
        return Tracks(
            camera_id=self._camera_id,
            max_gap_s=self._track_settings.max_gap_s,
            min_iou=self._track_settings.min_iou,
            max_vector_distance=self._settings.stranger_distance,
        )

    def _following(self, track_id: str, at: datetime) -> _Followed:
        """What the track has said so far; from now on anew when the person it showed was forgotten or merged away."""
        followed = self._followed.get(track_id)
        gone = followed is not None and followed.told is not None and self._known.person(followed.told) is None
        if followed is None or gone:
            followed = self._followed[track_id] = _Followed(at)
        return followed

    def _closest(self, seen: Seen) -> list[Nearest | None]:
        """For each face the nearest enrolled person; None for faces without a vector."""
        found: list[Nearest | None] = [None] * len(seen.faces)
        rows = np.flatnonzero(seen.usable)
        for row, each in zip(rows, nearest(self._known.gallery, seen.vectors[rows]), strict=True):
            found[row] = each
        return found

    def _vote(self, followed: _Followed, seen: Seen, row: int, closest: Nearest | None) -> None:
        reason = seen.rejections[row]
        if reason is not None:
            followed.vote = followed.vote.refuse(reason)
            return
        quality, verdict = seen.quality, judge(closest, self._settings)
        margin = closest.margin if closest is not None and verdict is Verdict.MATCH else None
        followed.vote = followed.vote.add(
            closest,
            verdict,
            weight=weight(float(quality.widths_px[row]), float(quality.sharpness[row]), margin),
            quality=float(quality.score[row]),
            vector=seen.vectors[row],
        )

    def _decide(self, followed: _Followed, track_id: str, at: datetime) -> tuple[str | None, str]:
        """The person id of the track, None while undecided, and why."""
        followed.naming = naming = followed.vote.name(self._settings, followed.naming)
        if naming.kind is NamingKind.PERSON:
            return naming.person_id, naming.reason
        if naming.kind is NamingKind.UNKNOWN:
            return None, naming.reason
        if followed.visitor_id is None:
            vectors = followed.vote.stranger_vectors
            visitor = self._known.visitor_for(vectors, at=at, camera_id=self._camera_id, track_id=track_id)
            if visitor is None:
                return None, "a stranger who may or may not be an earlier visitor"
            followed.visitor_id = visitor.person.person_id
            apart = np.linalg.norm(visitor.vectors[:, None] - vectors[None], axis=2)
            followed.visitor_distance = float(apart.min())
        return followed.visitor_id, naming.reason

    def _match(self, followed: _Followed, track_id: str, at: datetime, person_id: str | None, reason: str) -> Match:
        naming = followed.naming
        distance, margin = (naming.distance, naming.margin) if naming is not None else (None, None)
        if person_id is not None and person_id == followed.visitor_id:
            distance, margin = followed.visitor_distance, None
        person = self._known.person(person_id) if person_id is not None else None
        return Match(
            site_id=self._site_id,
            camera_id=self._camera_id,
            track_id=track_id,
            at=at,
            person_id=person_id,
            distance=distance,
            margin=margin if margin is not None and math.isfinite(margin) else None,
            quality=naming.quality if naming is not None else 0.0,
            authorised=person is not None and person.kind is PersonKind.ENROLLED and person.access,
            reason=reason,
        )

    def _farewells(self, ended: tuple[Track, ...]) -> list[Match]:
        """Forget tracks that have ended; a record at the last sighting of why, for those that never got a name."""
        matches = []
        for track in ended:
            followed = self._followed.pop(track.track_id, None)
            if followed is None or followed.told is not None or track.hits < _WORTH_A_WORD or followed.naming is None:
                continue
            matches.append(self._match(followed, track.track_id, track.seen_at, None, followed.naming.reason))
        return matches


def _sighting(
    person_id: str, track_id: str, since: datetime, at: datetime, box: np.ndarray, size_wh: tuple[int, int]
) -> Sighting:
    x_frac = float(np.clip((box[0] + box[2]) / 2 / size_wh[0], 0, 1))
    y_frac = float(np.clip((box[1] + box[3]) / 2 / size_wh[1], 0, 1))
    return Sighting(person_id=person_id, track_id=track_id, since=since, seen_at=at, x_frac=x_frac, y_frac=y_frac)
