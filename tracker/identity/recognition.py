"""Recognition at one camera: tracks faces, identifies the tracks, and dates names back to the start of a track."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

import numpy as np
from numpy.typing import NDArray

from config.settings import TrackSettings
from tracker.identity.known import KnownPeople
from tracker.identity.match import Nearest, Verdict, classify
from tracker.identity.track_identity import TrackIdentity
from tracker.identity.votes import Vote, VoteOutcome, verdict_margin, verdict_of, weight
from tracker.presence.events import Match
from tracker.presence.people import is_authorised
from tracker.presence.room import Sighting
from tracker.vision.engine import AnalysedFaces
from tracker.vision.face_tracks import Track, Tracks
from tracker.vision.faces import Faces, FloatArray

_MIN_HITS_RECORDED = 3
"""Sightings from which a track that was never identified is recorded."""
_CONFIRM_AFTER, _CONFIRM_EARLY = timedelta(seconds=1), timedelta(seconds=0.75)
"""How long a settled track goes on without a comparison; the second where no other face is compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceName:
    """The identity of one face of a frame.

    person_id: enrolled person or visitor, None while undecided. reason: why, as text. clear: this face by itself shows
    the person, who is enrolled, with a wide margin.
    """

    track_id: str
    person_id: str | None
    reason: str
    clear: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraction:
    """Withdraws a name that a track had wrongly from its start.

    into_id: the correct person, None while undecided.
    """

    track_id: str
    person_id: str
    into_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionResult:
    """The result of one frame: sightings, new matches, and the identity of each face, in order.

    evidence: by match_id, the vectors (N, D) of matches with an enrolled person. retracted: to be applied before the
    sightings. ended: ids of ended tracks.
    """

    sightings: tuple[Sighting, ...]
    matches: tuple[Match, ...]
    faces: tuple[FaceName, ...]
    evidence: Mapping[str, FloatArray] = field(default_factory=dict)
    retracted: tuple[Retraction, ...] = ()
    ended: tuple[str, ...] = ()


class Recognition:
    """The tracks of one camera and their votes. Not thread-safe; `known` may be shared."""

    def __init__(self, *, site_id: str, camera_id: str, known: KnownPeople, track: TrackSettings, zone: tzinfo) -> None:
        """zone: of the site, for the days on which people may be there."""
        self._zone = zone
        self._site_id = site_id
        self._camera_id = camera_id
        self._known = known
        self._track_settings = track
        self._tracks = self._new_tracks()
        self._identities: dict[str, TrackIdentity] = {}

    def due(self, faces: Faces, at: datetime) -> NDArray[np.bool_]:
        """(N,) which faces of the next frame to examine before `update` is called with them. at: as in `update`.

        All but those that continue a settled track without doubt, and of those the ones whose identity was not
        confirmed for a second; a little earlier one by one, so that they do not all fall on the same frame.
        """
        waits = [self._unconfirmed(track_id, at) for track_id in self._tracks.continued(faces, at)]
        due = np.array([wait >= _CONFIRM_AFTER for wait in waits], np.bool_)
        if waits and not due.any() and max(waits) >= _CONFIRM_EARLY:
            due[waits.index(max(waits))] = True
        return due

    def update(self, analysed: AnalysedFaces, at: datetime, *, size_wh: tuple[int, int]) -> RecognitionResult:
        """Process the next frame. at: not earlier than the previous frame. size_wh: of the frame, px.

        Faces that were not examined continue their tracks by their boxes.
        """
        update = self._tracks.update(analysed.faces, analysed.vectors, at, analysed.usable)
        matches = self._close(update.ended)
        closest = self._closest(analysed)
        decided: list[str | None] = []
        wrong: list[str | None] = []
        for row, track_id in enumerate(update.track_ids):
            identity = self._identity_of(track_id, at)
            self._vote(identity, analysed, row, closest[row], at)
            person_id, identity.reason = self._decide(identity, track_id, at)
            decided.append(person_id)
            wrong.append(self._wrong_name(identity, person_id))
        decided = self._resolve_duplicates(update.track_ids, decided)
        sightings: list[Sighting] = []
        evidence: dict[str, FloatArray] = {}
        for row, (track_id, person_id) in enumerate(zip(update.track_ids, decided, strict=True)):
            identity = self._identities[track_id]
            since = at if person_id == identity.recorded_id else identity.started_at
            if person_id != identity.recorded_id:
                identity.recorded_id = person_id
                match = self._match(identity, track_id, at, person_id, identity.reason)
                matches.append(match)
                if person_id is not None and person_id != identity.visitor_id:
                    evidence[match.match_id] = identity.vote.vectors_of(person_id)
            if person_id is not None:
                identity.sighted_id = person_id
                sightings.append(_sighting(person_id, track_id, since, at, analysed.faces.boxes[row], size_wh))
        faces = tuple(
            FaceName(
                track_id=track_id,
                person_id=person_id,
                reason=self._identities[track_id].reason,
                clear=self._is_clear(closest[row], person_id),
            )
            for row, (track_id, person_id) in enumerate(zip(update.track_ids, decided, strict=True))
        )
        retracted = tuple(
            Retraction(track_id=track_id, person_id=previous_id, into_id=person_id)
            for track_id, previous_id, person_id in zip(update.track_ids, wrong, decided, strict=True)
            if previous_id is not None
        )
        return RecognitionResult(
            sightings=tuple(sightings),
            matches=tuple(matches),
            faces=faces,
            evidence=evidence,
            retracted=retracted,
            ended=tuple(track.track_id for track in update.ended),
        )

    def _resolve_duplicates(self, track_ids: tuple[str, ...], decided: list[str | None]) -> list[str | None]:
        """A person appears once per frame: of tracks with one identity, the one with the smallest distance keeps it."""
        named = [person_id for person_id in decided if person_id is not None]
        if len(named) > 1:
            self._known.seen_together(named)
        if len(set(named)) == len(named):
            return decided
        unique = list(decided)
        for person_id in {each for each in named if named.count(each) > 1}:
            rows = [row for row, each in enumerate(decided) if each == person_id]
            best = min(rows, key=lambda row: self._identities[track_ids[row]].distance)
            for row in rows:
                if row != best:
                    unique[row] = None
                    self._identities[track_ids[row]].reason = f"looks like {person_id}, who is elsewhere in the frame"
        return unique

    def end(self) -> tuple[Match, ...]:
        """End all tracks, for example at the end of a recording; returns matches of those never identified.

        The next `update` may have any time.
        """
        ended = self._tracks.end()
        self._tracks = self._new_tracks()
        return tuple(self._close(ended))

    def _new_tracks(self) -> Tracks:
        return Tracks(
            camera_id=self._camera_id,
            max_gap_s=self._track_settings.max_gap_s,
            min_iou=self._track_settings.min_iou,
            max_vector_distance=self._known.match.stranger_distance,
        )

    def _unconfirmed(self, track_id: str | None, at: datetime) -> timedelta:
        """See `TrackIdentity.unconfirmed`; no limit for a face that continues no track without doubt."""
        identity = None if track_id is None else self._identities.get(track_id)
        return timedelta.max if identity is None or self._is_stale(identity) else identity.unconfirmed(at)

    def _identity_of(self, track_id: str, at: datetime) -> TrackIdentity:
        """The state of the track; reset when its person was forgotten or merged."""
        identity = self._identities.get(track_id)
        if identity is None or self._is_stale(identity):
            identity = self._identities[track_id] = TrackIdentity(at, changed_at=at)
        return identity

    def _is_stale(self, identity: TrackIdentity) -> bool:
        """Whether the person of the track was forgotten or merged."""
        return identity.recorded_id is not None and self._known.person(identity.recorded_id) is None

    def _closest(self, analysed: AnalysedFaces) -> list[Nearest | None]:
        """The enrolled person of each face; None without a vector."""
        found: list[Nearest | None] = [None] * len(analysed.faces)
        rows = np.flatnonzero(analysed.usable)
        for row, each in zip(rows, self._known.closest(analysed.vectors[rows]), strict=True):
            found[row] = each
        return found

    def _is_clear(self, closest: Nearest | None, person_id: str | None) -> bool:
        """Whether a face matches the person of its track with the margin that gives a vote its full weight."""
        if closest is None or closest.person_id != person_id:
            return False
        match = self._known.match
        margin = verdict_margin(closest, classify(closest, match), match)
        return margin is not None and margin >= self._known.embedder.embedding.full_margin

    def _vote(
        self, identity: TrackIdentity, analysed: AnalysedFaces, row: int, closest: Nearest | None, at: datetime
    ) -> None:
        reason = analysed.rejections[row]
        if reason is not None:
            identity.vote = identity.vote.skip(reason)
            return
        if not analysed.usable[row]:
            identity.followed += 1
            return
        quality, yaw = analysed.quality, float(analysed.quality.yaw[row])
        verdict = verdict_of(closest, yaw, float(quality.eyes[row]), self._known.match)
        matched_id = closest.person_id if closest is not None and verdict is Verdict.MATCH else None
        margin = verdict_margin(closest, verdict, self._known.match)
        identity.vote = identity.vote.add(
            closest,
            verdict,
            weight=weight(
                float(quality.widths_px[row]),
                float(quality.sharpness[row]),
                yaw,
                margin,
                full_margin=self._known.embedder.embedding.full_margin,
            ),
            quality=float(quality.score[row]),
            vector=analysed.vectors[row],
            faces=identity.note(verdict, matched_id, margin, at, self._known.match),
        )

    def _decide(self, identity: TrackIdentity, track_id: str, at: datetime) -> tuple[str | None, str]:
        """The person id of the track, None while undecided, and why."""
        identity.result = result = identity.vote.result(self._known.match, identity.result)
        if result.kind is VoteOutcome.PERSON:
            return result.person_id, result.reason
        if result.kind is VoteOutcome.UNKNOWN:
            return None, result.reason
        if identity.visitor_id is None:
            vectors = identity.vote.stranger_vectors
            visitor = self._known.visitor_for(vectors, at=at, camera_id=self._camera_id, track_id=track_id)
            if visitor is None:
                return None, "a stranger, undecided between a returning and a new visitor"
            identity.visitor_id = visitor.person.person_id
            pairwise = np.linalg.norm(visitor.vectors[:, None] - vectors[None], axis=2)
            identity.visitor_distance = float(pairwise.min())
        return identity.visitor_id, result.reason

    def _wrong_name(self, identity: TrackIdentity, voted_id: str | None) -> str | None:
        """The previous name of the track if it was wrong from the start; None otherwise.

        Where a track switched from one person to another, for example by occlusion, the name was right until then: it
        is kept, and the track starts again with the other person.
        """
        previous_id, result = identity.sighted_id, identity.result
        if previous_id is None or previous_id == voted_id or result is None or result.kind is VoteOutcome.UNKNOWN:
            return None
        identity.sighted_id = None
        candidate = None if previous_id == identity.visitor_id else previous_id
        if self._was_right(candidate, identity.vote, instead=result.person_id):
            identity.started_at = identity.changed_at
            return None
        return previous_id

    def _was_right(self, candidate: str | None, vote: Vote, *, instead: str | None) -> bool:
        """Whether a track showed a person (None for a stranger) before its identity changed to `instead`.

        True when more faces matched that person, and most of the best of them still do.
        """
        before, now = vote.counts.get(candidate), vote.counts.get(instead)
        if before is None or now is None or candidate == instead or now.sightings > before.sightings:
            return False
        vectors = vote.vectors_of(candidate)
        found = self._known.closest(vectors) if len(vectors) else []
        verdicts = [(classify(each, self._known.match), each) for each in found]
        if candidate is None:
            still = sum(verdict is Verdict.STRANGER for verdict, _ in verdicts)
        else:
            still = sum(
                verdict is Verdict.MATCH and each is not None and each.person_id == candidate
                for verdict, each in verdicts
            )
        return 2 * still > len(verdicts)

    def _match(self, identity: TrackIdentity, track_id: str, at: datetime, person_id: str | None, reason: str) -> Match:
        result = identity.result
        distance, margin = (result.distance, result.margin) if result is not None else (None, None)
        if person_id is not None and person_id == identity.visitor_id:
            distance, margin = identity.visitor_distance, None
        person = self._known.person(person_id) if person_id is not None else None
        return Match(
            site_id=self._site_id,
            camera_id=self._camera_id,
            track_id=track_id,
            at=at,
            person_id=person_id,
            distance=distance,
            margin=margin if margin is not None and math.isfinite(margin) else None,
            quality=result.quality if result is not None else 0.0,
            authorised=person is not None and is_authorised(person, at, self._zone),
            reason=reason,
        )

    def _close(self, ended: tuple[Track, ...]) -> list[Match]:
        """Drop ended tracks; returns matches, dated at the last sighting, of those never identified."""
        matches = []
        for track in ended:
            identity = self._identities.pop(track.track_id, None)
            if (
                identity is None
                or identity.recorded_id is not None
                or track.hits < _MIN_HITS_RECORDED
                or identity.result is None
            ):
                continue
            matches.append(self._match(identity, track.track_id, track.seen_at, None, identity.reason))
        return matches


def _sighting(
    person_id: str, track_id: str, since: datetime, at: datetime, box: np.ndarray, size_wh: tuple[int, int]
) -> Sighting:
    x_frac = float(np.clip((box[0] + box[2]) / 2 / size_wh[0], 0, 1))
    y_frac = float(np.clip((box[1] + box[3]) / 2 / size_wh[1], 0, 1))
    return Sighting(person_id=person_id, track_id=track_id, since=since, seen_at=at, x_frac=x_frac, y_frac=y_frac)
