"""The identity of a track, by a weighted vote over its faces."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from config.recognition import MatchSettings
from tracker.identity.match import Nearest, Verdict, classify
from tracker.vision.faces import FloatArray
from tracker.vision.quality import frontality

MIN_LEAD_RATIO = 1.5
"""Required ratio of the winner's weight to the runner-up's; less is a tie."""
MAX_TOTAL_WEIGHT = 30.0
"""Weights are scaled down to this total, so that old faces count less and the result can change."""
MAX_VECTORS = 8
_FULL_WIDTH_PX = 80.0
_FULL_SHARPNESS = 6.0
_STRANGER = None
_MAX_STRANGER_YAW = 45.0
"""Degrees. Turned further, a face is far from frontal pictures of anybody, the same person included."""
_MIN_STRANGER_EYES = 0.3
"""See `Quality.eyes`. Faces of which less is seen are like one another, and far from open ones of the same person."""


class VoteOutcome(StrEnum):
    PERSON = "person"
    STRANGER = "stranger"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteResult:
    """The current outcome of a vote, with the reason as text.

    person_id: for PERSON, else None. distance, margin, quality: of the nearest face of the winner (for UNKNOWN: of any
    face), None without one. margin is infinite where there is nobody else in the gallery.
    """

    kind: VoteOutcome
    person_id: str | None
    distance: float | None
    margin: float | None
    quality: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteCount:
    """The votes for one candidate: number of faces, their total weight, and the nearest of them."""

    sightings: int
    weight: float
    nearest: Nearest | None
    quality: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vote:
    """The votes of a track's faces so far; immutable, `add` and `skip` return the next state.

    counts: by person_id, None for a stranger. unsure: number of faces between match and stranger, which do not count.
    closest: the nearest person of any face. skipped: number of faces of insufficient quality, `skip_reason` of the last
    one. faces: those with the highest weights of each candidate. Size is bounded by the number of candidates.
    """

    counts: Mapping[str | None, VoteCount] = field(default_factory=lambda: MappingProxyType({}))
    unsure: int = 0
    closest: VoteCount | None = None
    skipped: int = 0
    skip_reason: str = ""
    faces: Mapping[str | None, tuple[tuple[float, FloatArray], ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )

    def add(
        self,
        found: Nearest | None,
        verdict: Verdict,
        *,
        weight: float,
        quality: float,
        vector: FloatArray | None = None,
        faces: int = 1,
    ) -> Vote:
        """Add a face. weight: see `weight`, above 0. quality: 0..1. vector: (D,), kept for the highest weights.

        faces: how many it votes for, itself included: on a settled track most are not compared.
        Raises ValueError when the weight is not positive, or a match has no person.
        """
        if not (weight > 0 and math.isfinite(weight)):
            raise ValueError(f"weight: expected more than 0, got {weight}")
        face = VoteCount(sightings=faces, weight=faces * weight, nearest=found, quality=quality)
        closest = _nearer(self.closest, face)
        if verdict is Verdict.UNSURE:
            return replace(self, unsure=self.unsure + 1, closest=closest)
        if verdict is Verdict.MATCH and found is None:
            raise ValueError("found: expected somebody for a match, got None")
        candidate = found.person_id if found is not None and verdict is Verdict.MATCH else _STRANGER
        counts = {**self.counts, candidate: _summed(self.counts.get(candidate), face)}
        kept = self.faces
        if vector is not None:
            best = _highest_weights((*kept.get(candidate, ()), (weight, np.array(vector, np.float32))))
            kept = MappingProxyType({**kept, candidate: best})
        return replace(self, counts=MappingProxyType(_limited(counts)), closest=closest, faces=kept)

    def skip(self, reason: str) -> Vote:
        """Count a face of insufficient quality; it does not change the result."""
        return replace(self, skipped=self.skipped + 1, skip_reason=reason)

    def vectors_of(self, candidate: str | None) -> FloatArray:
        """(K, D) vectors with the highest weights for a person or stranger (None), K <= MAX_VECTORS; else (0, 0)."""
        kept = self.faces.get(candidate, ())
        return np.stack([vector for _, vector in kept]) if kept else np.empty((0, 0), np.float32)

    @property
    def stranger_vectors(self) -> FloatArray:
        """(K, D) vectors with the highest weights for a stranger; see `vectors_of`."""
        return self.vectors_of(_STRANGER)

    def result(self, settings: MatchSettings, previous: VoteResult | None = None) -> VoteResult:
        """The identity of the track.

        previous: the last result of this vote. It is kept until another candidate clearly leads, which avoids flicker.
        """
        ranked = sorted(self.counts.items(), key=lambda item: (-item[1].weight, item[0] or ""))
        if not ranked:
            return self._unknown(self._why_unknown(settings))
        for candidate, count in ranked:
            if _is_previous(candidate, previous) and not self._clearly_behind(count, ranked[0], settings):
                return _named(candidate, count)
        (candidate, count), rivals = ranked[0], ranked[1:]
        if rivals and count.weight < MIN_LEAD_RATIO * rivals[0][1].weight:
            return self._unknown(f"undecided between {_label(candidate)} and {_label(rivals[0][0])}")
        missing = _missing(candidate, count, settings)
        return _named(candidate, count) if missing is None else self._unknown(missing)

    def _clearly_behind(self, count: VoteCount, best: tuple[str | None, VoteCount], settings: MatchSettings) -> bool:
        candidate, winner = best
        return winner.weight >= MIN_LEAD_RATIO * count.weight and _missing(candidate, winner, settings) is None

    def _why_unknown(self, settings: MatchSettings) -> str:
        found = self.closest.nearest if self.closest is not None else None
        if found is not None and found.within(settings) and found.confidence is not None:
            return f"{found.person_id} at {found.distance:.2f}, but with a confidence of only {found.confidence:.2f}"
        if found is not None and found.within(settings):
            return f"{found.person_id} at {found.distance:.2f}, but the next person is only {found.margin:.2f} farther"
        if found is not None:
            return f"between match and stranger: {found.person_id} at {found.distance:.2f}"
        if self.skipped:
            return f"no usable face among {self.skipped}; the last is {self.skip_reason}"
        return "no faces yet"

    def _unknown(self, reason: str) -> VoteResult:
        found = self.closest.nearest if self.closest is not None else None
        return VoteResult(
            kind=VoteOutcome.UNKNOWN,
            person_id=None,
            distance=None if found is None else found.distance,
            margin=None if found is None else found.margin,
            quality=0.0 if self.closest is None else self.closest.quality,
            reason=reason,
        )


def weight(width_px: float, sharpness: float, yaw: float, margin: float | None, *, full_margin: float) -> float:
    """The weight of a face's vote: size, root of sharpness, visible width, and margin of the verdict; 0.0002..1.

    yaw: degrees, 0 frontal. margin: see `verdict_margin`; None, or `full_margin` and more, for the full weight.
    """
    size = min(max(width_px / _FULL_WIDTH_PX, 0.1), 1.0)
    sharp = min(max(math.sqrt(max(sharpness, 0.0) / _FULL_SHARPNESS), 0.1), 1.0)
    clear = 1.0 if margin is None else min(max(margin / full_margin, 0.2), 1.0)
    return size * sharp * clear * max(float(frontality(yaw)), 0.1)


def verdict_of(found: Nearest | None, yaw: float, eyes: float, settings: MatchSettings) -> Verdict:
    """The verdict on a face. A turned or covered face can show who it is, but not that it is a stranger.

    yaw: degrees. eyes: see `Quality`.
    """
    verdict = classify(found, settings)
    open_face = yaw <= _MAX_STRANGER_YAW and eyes >= _MIN_STRANGER_EYES
    return Verdict.UNSURE if verdict is Verdict.STRANGER and not open_face else verdict


def verdict_margin(found: Nearest | None, verdict: Verdict, settings: MatchSettings) -> float | None:
    """The margin of a face's verdict, for `weight`; None where there is none.

    Match: the smaller of the margin to the next person and the distance below the limit. Stranger: the distance above
    `stranger_distance`. `clear_by` is added to both distances.
    """
    if found is None or found.excluded or verdict is Verdict.UNSURE:
        return None
    if verdict is Verdict.MATCH:
        return min(found.margin, found.limit_by(settings) - found.distance + settings.clear_by)
    return max(0.0, found.distance - settings.stranger_distance + settings.clear_by)


def _named(candidate: str | None, count: VoteCount) -> VoteResult:
    found = count.nearest
    if found is None:
        reason = f"a stranger by {count.sightings} sightings: nobody is enrolled"
    elif candidate is _STRANGER and found.excluded:
        reason = f"a stranger by {count.sightings} sightings: nearer to a face marked as not {found.person_id}"
    elif candidate is _STRANGER:
        reason = f"a stranger by {count.sightings} sightings: nobody nearer than {found.distance:.2f}"
    else:
        reason = f"{candidate} by {count.sightings} sightings, nearest {found.distance:.2f}{_next_person(found)}"
    return VoteResult(
        kind=VoteOutcome.STRANGER if candidate is _STRANGER else VoteOutcome.PERSON,
        person_id=candidate,
        distance=None if found is None else found.distance,
        margin=None if found is None else found.margin,
        quality=count.quality,
        reason=reason,
    )


def _next_person(found: Nearest) -> str:
    """How the next person compares, as the end of a sentence; empty without one."""
    confidence = "" if found.confidence is None else f", confidence {found.confidence:.2f}"
    if math.isinf(found.margin):
        return confidence
    apart = f", the next {found.margin:.2f} farther" if found.margin >= 0 else f", another {-found.margin:.2f} nearer"
    return apart + confidence


def _missing(candidate: str | None, count: VoteCount, settings: MatchSettings) -> str | None:
    """Why a leading candidate does not win yet, None when it does.

    A person needs at least one face well below the limit: a look-alike stays near the limit, and over many frames some
    of its faces fall just below it.
    """
    needed = settings.visitor_sightings if candidate is _STRANGER else settings.min_sightings
    if count.sightings < needed:
        return f"{_label(candidate)} so far: {count.sightings} of {needed} good sightings"
    if candidate is not _STRANGER and count.nearest is not None:
        clear = count.nearest.limit_by(settings) - settings.clear_by
        if count.nearest.distance > clear:
            return f"{candidate} only near the limit: nearest {count.nearest.distance:.2f}, {clear:.2f} required"
    return None


def _is_previous(candidate: str | None, previous: VoteResult | None) -> bool:
    return previous is not None and previous.kind is not VoteOutcome.UNKNOWN and previous.person_id == candidate


def _label(candidate: str | None) -> str:
    return "a stranger" if candidate is _STRANGER else candidate


def _summed(before: VoteCount | None, face: VoteCount) -> VoteCount:
    if before is None:
        return face
    best = _nearer(before, face)
    return replace(best, sightings=before.sightings + face.sightings, weight=before.weight + face.weight)


def _nearer(before: VoteCount | None, face: VoteCount) -> VoteCount:
    """The one with the smaller distance."""
    if before is None:
        return face
    was = math.inf if before.nearest is None else before.nearest.distance
    now = math.inf if face.nearest is None else face.nearest.distance
    return face if now < was else before


def _limited(counts: dict[str | None, VoteCount]) -> dict[str | None, VoteCount]:
    total = sum(count.weight for count in counts.values())
    if total <= MAX_TOTAL_WEIGHT:
        return counts
    return {key: replace(count, weight=count.weight * MAX_TOTAL_WEIGHT / total) for key, count in counts.items()}


def _highest_weights(faces: tuple[tuple[float, FloatArray], ...]) -> tuple[tuple[float, FloatArray], ...]:
    """The faces with the highest weights; of equal ones, the earlier."""
    return tuple(sorted(faces, key=lambda kept: -kept[0])[:MAX_VECTORS])
