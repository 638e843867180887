"""Who is in front of one camera: faces become tracks, tracks get names, names reach back to where the track began."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from config.settings import MatchSettings, TrackSettings
from tracker.identity.known import KnownPeople
from tracker.identity.match import Nearest, Verdict, judge, nearest
from tracker.identity.votes import Naming, NamingKind, Vote, clearance, weight
from tracker.presence.events import Match
from tracker.presence.people import PersonKind
from tracker.presence.room import Sighting
from tracker.vision.engine import Seen
from tracker.vision.face_tracks import Track, Tracks
from tracker.vision.faces import FloatArray

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
class Retraction:
    """A name that a track had and that its faces now speak against: all that it told of was somebody else.

    into_id: whom it shows, None while that is undecided.
    """

    track_id: str
    person_id: str
    into_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What a frame tells: who was seen, the decisions that it changed, and one entry for each face.

    evidence: the vectors (N, D) behind matches that name an enrolled person, by match_id. withdrawn: names that were
    wrong, to be taken back before the sightings are looked at. ended: tracks that are over.
    """

    sightings: tuple[Sighting, ...]
    matches: tuple[Match, ...]
    faces: tuple[FaceName, ...]
    evidence: Mapping[str, FloatArray] = field(default_factory=dict)
    retracted: tuple[Retraction, ...] = ()
    ended: tuple[str, ...] = ()


@dataclass(slots=True)
class _Followed:
    """What the faces of one track have said.

    started_at: since when it shows one person. turned_at: since when good faces all speak for `spoken_for`.
    """

    started_at: datetime
    turned_at: datetime
    spoken_for: str | None = None
    vote: Vote = field(default_factory=Vote)
    naming: Naming | None = None
    visitor_id: str | None = None
    visitor_distance: float | None = None
    told: str | None = None
    """The person id of the last match, so that a decision is recorded once."""
    named: str | None = None
    """The person id of the last sighting."""
    reason: str = ""
    """Why it has, or has not, a name at this moment."""

    @property
    def distance(self) -> float:
        """Of the nearest face that speaks for the name, infinite without one."""
        if self.naming is None or self.naming.kind is NamingKind.UNKNOWN:
            return math.inf
        found = self.naming.distance if self.naming.kind is NamingKind.PERSON else self.visitor_distance
        return math.inf if found is None else found


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
        decided: list[str | None] = []
        wrong: list[str | None] = []
        for row, track_id in enumerate(update.track_ids):
            followed = self._following(track_id, at)
            self._vote(followed, seen, row, closest[row], at)
            person_id, followed.reason = self._decide(followed, track_id, at)
            decided.append(person_id)
            wrong.append(self._wrong_name(followed, person_id))
        decided = self._one_place_each(update.track_ids, decided)
        sightings: list[Sighting] = []
        evidence: dict[str, FloatArray] = {}
        for row, (track_id, person_id) in enumerate(zip(update.track_ids, decided, strict=True)):
            followed = self._followed[track_id]
            since = at if person_id == followed.told else followed.started_at
            if person_id != followed.told:
                followed.told = person_id
                match = self._match(followed, track_id, at, person_id, followed.reason)
                matches.append(match)
                if person_id is not None and person_id != followed.visitor_id:
                    evidence[match.match_id] = followed.vote.vectors_of(person_id)
            if person_id is not None:
                followed.named = person_id
                sightings.append(_sighting(person_id, track_id, since, at, seen.faces.boxes[row], size_wh))
        faces = tuple(
            FaceName(track_id=track_id, person_id=person_id, reason=self._followed[track_id].reason)
            for track_id, person_id in zip(update.track_ids, decided, strict=True)
        )
        retracted = tuple(
            Retraction(track_id=track_id, person_id=gone_id, into_id=person_id)
            for track_id, gone_id, person_id in zip(update.track_ids, wrong, decided, strict=True)
            if gone_id is not None
        )
        return Recognised(
            sightings=tuple(sightings),
            matches=tuple(matches),
            faces=faces,
            evidence=evidence,
            retracted=retracted,
            ended=tuple(track.track_id for track in update.ended),
        )

    def _one_place_each(self, track_ids: tuple[str, ...], decided: list[str | None]) -> list[str | None]:
        """Nobody is in two places of one frame: of tracks with the same name the nearest keeps it."""
        named = [person_id for person_id in decided if person_id is not None]
        if len(named) > 1:
            self._known.seen_together(named)
        if len(set(named)) == len(named):
            return decided
        only = list(decided)
        for person_id in {each for each in named if named.count(each) > 1}:
            rows = [row for row, each in enumerate(decided) if each == person_id]
            best = min(rows, key=lambda row: self._followed[track_ids[row]].distance)
            for row in rows:
                if row != best:
                    only[row] = None
                    self._followed[track_ids[row]].reason = f"like {person_id}, who is elsewhere in the picture"
        return only

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
            followed = self._followed[track_id] = _Followed(at, turned_at=at)
        return followed

    def _closest(self, seen: Seen) -> list[Nearest | None]:
        """For each face the nearest enrolled person; None for faces without a vector."""
        found: list[Nearest | None] = [None] * len(seen.faces)
        rows = np.flatnonzero(seen.usable)
        for row, each in zip(rows, nearest(self._known.gallery, seen.vectors[rows]), strict=True):
            found[row] = each
        return found

    def _vote(self, followed: _Followed, seen: Seen, row: int, closest: Nearest | None, at: datetime) -> None:
        reason = seen.rejections[row]
        if reason is not None:
            followed.vote = followed.vote.refuse(reason)
            return
        quality, verdict = seen.quality, judge(closest, self._settings)
        spoken_for = closest.person_id if closest is not None and verdict is Verdict.MATCH else None
        if verdict is not Verdict.UNSURE and spoken_for != followed.spoken_for:
            followed.spoken_for, followed.turned_at = spoken_for, at
        clear = clearance(closest, verdict, self._settings)
        followed.vote = followed.vote.add(
            closest,
            verdict,
            weight=weight(float(quality.widths_px[row]), float(quality.sharpness[row]), clear),
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

    def _wrong_name(self, followed: _Followed, voted_id: str | None) -> str | None:
        """The name that the track had, if its faces now speak for somebody else; None for nothing to take back.

        Where a track has passed from one person to another, as when one steps in front of the other, what it told of
        the first stays, and it begins anew with the second.
        """
        gone_id, naming = followed.named, followed.naming
        if gone_id is None or gone_id == voted_id or naming is None or naming.kind is NamingKind.UNKNOWN:
            return None
        followed.named = None
        candidate = None if gone_id == followed.visitor_id else gone_id
        if self._has_shown(candidate, followed.vote, instead=naming.person_id):
            followed.started_at = followed.turned_at
            return None
        return gone_id

    def _has_shown(self, candidate: str | None, vote: Vote, *, instead: str | None) -> bool:
        """Whether a track did show a person, None for a stranger, before its name turned.

        More faces have spoken for that person than for the one `instead`, and the best of them would today.
        """
        before, now = vote.tallies.get(candidate), vote.tallies.get(instead)
        if before is None or now is None or candidate == instead or now.sightings > before.sightings:
            return False
        vectors = vote.vectors_of(candidate)
        found = nearest(self._known.gallery, vectors) if len(vectors) else []
        verdicts = [(judge(each, self._settings), each) for each in found]
        if candidate is None:
            still = sum(verdict is Verdict.STRANGER for verdict, _ in verdicts)
        else:
            still = sum(
                verdict is Verdict.MATCH and each is not None and each.person_id == candidate
                for verdict, each in verdicts
            )
        return 2 * still > len(verdicts)

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
            matches.append(self._match(followed, track.track_id, track.seen_at, None, followed.reason))
        return matches


def _sighting(
    person_id: str, track_id: str, since: datetime, at: datetime, box: np.ndarray, size_wh: tuple[int, int]
) -> Sighting:
    x_frac = float(np.clip((box[0] + box[2]) / 2 / size_wh[0], 0, 1))
    y_frac = float(np.clip((box[1] + box[3]) / 2 / size_wh[1], 0, 1))
    return Sighting(person_id=person_id, track_id=track_id, since=since, seen_at=at, x_frac=x_frac, y_frac=y_frac)
