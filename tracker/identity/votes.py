"""A track's name, by a vote over its faces."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from config.settings import MatchSettings
from tracker.identity.match import Nearest, Verdict
from tracker.vision.faces import FloatArray

LEAD = 1.5
"""The winner must weigh this much more than the next; less is a tie, and a tie names nobody."""
MEMORY = 30.0
"""Weight that a vote remembers. What is older fades, so that a name can turn when the evidence turns."""
VECTORS_KEPT = 8
_FULL_WIDTH_PX = 80.0
_FULL_SHARPNESS = 6.0
_FULL_MARGIN = 0.2
_STRANGER = None


class NamingKind(StrEnum):
    PERSON = "person"
    STRANGER = "stranger"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What the vote says at this moment, and why.

    person_id: for PERSON, else None. distance, margin, quality: of the nearest face that counted for it (for UNKNOWN:
    of any), None without one. margin is infinite where the gallery holds nobody else.
    """

    kind: NamingKind
    person_id: str | None
    distance: float | None
    margin: float | None
    quality: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What speaks for one candidate: how many faces, their weight, and the nearest of them."""

    sightings: int
    weight: float
    nearest: Nearest | None
    quality: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vote:
    """Everything a track's faces have said so far; `add` and `refuse` give the next state.

    tallies: by person_id, None for "a stranger". unsure: faces in the dead zone; they dilute nothing. closest: the
    nearest person that any face came to. refused: faces too poor to vote, `refusal` says why the last one was. faces:
    the heaviest of each candidate, with their weights. Size is bounded by the number of people that the track was taken
    for.
    """

    tallies: Mapping[str | None, Tally] = field(default_factory=lambda: MappingProxyType({}))
    unsure: int = 0
    closest: Tally | None = None
    refused: int = 0
    refusal: str = ""
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
    ) -> Vote:
        """One more good face. weight: see `weight`, above 0. quality: 0..1. vector: (D,), kept if among the heaviest.

        Raises ValueError when the weight is not a positive number, or a match matches nobody.
        """
        if not (weight > 0 and math.isfinite(weight)):
            raise ValueError(f"weight: expected more than 0, got {weight}")
        seen = Tally(sightings=1, weight=weight, nearest=found, quality=quality)
        closest = _nearer(self.closest, seen)
        if verdict is Verdict.UNSURE:
            return replace(self, unsure=self.unsure + 1, closest=closest)
        if verdict is Verdict.MATCH and found is None:
            raise ValueError("found: expected somebody for a match, got None")
        candidate = found.person_id if found is not None and verdict is Verdict.MATCH else _STRANGER
        tallies = {**self.tallies, candidate: _summed(self.tallies.get(candidate), seen)}
        faces = self.faces
        if vector is not None:
            kept = _heaviest((*faces.get(candidate, ()), (weight, np.array(vector, np.float32))))
            faces = MappingProxyType({**faces, candidate: kept})
        return replace(self, tallies=MappingProxyType(_faded(tallies)), closest=closest, faces=faces)

    def refuse(self, reason: str) -> Vote:
        """One more face, too poor to vote for the reason given. It changes no name."""
        return replace(self, refused=self.refused + 1, refusal=reason)

    def vectors_of(self, candidate: str | None) -> FloatArray:
        """(K, D) the best faces of a person, None for a stranger; K at most VECTORS_KEPT; (0, 0) without any."""
        kept = self.faces.get(candidate, ())
        return np.stack([vector for _, vector in kept]) if kept else np.empty((0, 0), np.float32)

    @property
    def stranger_vectors(self) -> FloatArray:
        """(K, D) the best faces that were nobody's, K at most VECTORS_KEPT; (0, 0) without any."""
        return self.vectors_of(_STRANGER)

    def name(self, settings: MatchSettings, held: Naming | None = None) -> Naming:
        """Who the track is.

        held: what this vote said before. A name, once given, stays until another candidate leads clearly, so that it
        does not come and go.
        """
        ranked = sorted(self.tallies.items(), key=lambda item: (-item[1].weight, item[0] or ""))
        if not ranked:
            return self._unknown(self._why_nobody(settings))
        for candidate, tally in ranked:
            if _is_held(candidate, held) and not self._clearly_beaten(tally, ranked[0], settings):
                return _named(candidate, tally)
        (candidate, tally), rivals = ranked[0], ranked[1:]
        if rivals and tally.weight < LEAD * rivals[0][1].weight:
            return self._unknown(f"undecided between {_label(candidate)} and {_label(rivals[0][0])}")
        doubt = _doubt(candidate, tally, settings)
        return _named(candidate, tally) if doubt is None else self._unknown(doubt)

    def _clearly_beaten(self, tally: Tally, best: tuple[str | None, Tally], settings: MatchSettings) -> bool:
        candidate, winner = best
        return winner.weight >= LEAD * tally.weight and _doubt(candidate, winner, settings) is None

    def _why_nobody(self, settings: MatchSettings) -> str:
        found = self.closest.nearest if self.closest is not None else None
        if found is not None and found.within(settings):
            return f"{found.person_id} is near ({found.distance:.2f}), but another is only {found.margin:.2f} farther"
        if found is not None:
            return f"neither match nor stranger: {found.person_id} is {found.distance:.2f} away"
        if self.refused:
            return f"no face good enough in {self.refused}, the last {self.refusal}"
        return "no face seen yet"

    def _unknown(self, reason: str) -> Naming:
        found = self.closest.nearest if self.closest is not None else None
        return Naming(
            kind=NamingKind.UNKNOWN,
            person_id=None,
            distance=None if found is None else found.distance,
            margin=None if found is None else found.margin,
            quality=0.0 if self.closest is None else self.closest.quality,
            reason=reason,
        )


def weight(width_px: float, sharpness: float, margin: float | None = None) -> float:
    """What a face's voice is worth: its size, its sharpness (root), and how clear its verdict is; 0.002..1.

    margin: see `clearance`; None for full.
    """
    size = min(max(width_px / _FULL_WIDTH_PX, 0.1), 1.0)
    sharp = min(max(math.sqrt(max(sharpness, 0.0) / _FULL_SHARPNESS), 0.1), 1.0)
    clear = 1.0 if margin is None else min(max(margin / _FULL_MARGIN, 0.2), 1.0)
    return size * sharp * clear


def clearance(found: Nearest | None, verdict: Verdict, settings: MatchSettings) -> float | None:
    """How clear a face's verdict is, for `weight`; None where nothing limits it.

    Of a match: the margin to the next person, or how far inside the limit it is, whichever is less. Of a stranger: how
    far beyond the distance at which strangers begin. Both with `clear_by` on top.
    """
    if found is None or found.denied or verdict is Verdict.UNSURE:
        return None
    if verdict is Verdict.MATCH:
        return min(found.margin, found.limit_by(settings) - found.distance + settings.clear_by)
    return max(0.0, found.distance - settings.stranger_distance + settings.clear_by)


def _named(candidate: str | None, tally: Tally) -> Naming:
    found = tally.nearest
    if found is None:
        reason = f"a stranger by {tally.sightings} sightings: nobody is enrolled"
    elif candidate is _STRANGER and found.denied:
        reason = f"a stranger by {tally.sightings} sightings: nearer to a face marked as not {found.person_id}"
    elif candidate is _STRANGER:
        reason = f"a stranger by {tally.sightings} sightings: nobody nearer than {found.distance:.2f}"
    else:
        clear = "" if math.isinf(found.margin) else f", the next {found.margin:.2f} farther"
        reason = f"{candidate} by {tally.sightings} sightings, nearest {found.distance:.2f}{clear}"
    return Naming(
        kind=NamingKind.STRANGER if candidate is _STRANGER else NamingKind.PERSON,
        person_id=candidate,
        distance=None if found is None else found.distance,
        margin=None if found is None else found.margin,
        quality=tally.quality,
        reason=reason,
    )


def _doubt(candidate: str | None, tally: Tally, settings: MatchSettings) -> str | None:
    """What still speaks against a candidate who leads, None for nothing.

    A known person must have been near for certain once: somebody who is only alike stays at the edge of the limit, and
    a track has many frames in which to come just under it.
    """
    needed = settings.visitor_sightings if candidate is _STRANGER else settings.min_sightings
    if tally.sightings < needed:
        return f"{_label(candidate)} so far: {tally.sightings} of {needed} good sightings"
    if candidate is not _STRANGER and tally.nearest is not None:
        clear = tally.nearest.limit_by(settings) - settings.clear_by
        if tally.nearest.distance > clear:
            return f"{candidate} only at the edge: nearest {tally.nearest.distance:.2f}, {clear:.2f} needed once"
    return None


def _is_held(candidate: str | None, held: Naming | None) -> bool:
    return held is not None and held.kind is not NamingKind.UNKNOWN and held.person_id == candidate


def _label(candidate: str | None) -> str:
    return "a stranger" if candidate is _STRANGER else candidate


def _summed(before: Tally | None, seen: Tally) -> Tally:
    if before is None:
        return seen
    best = _nearer(before, seen)
    return replace(best, sightings=before.sightings + 1, weight=before.weight + seen.weight)


def _nearer(before: Tally | None, seen: Tally) -> Tally:
    """The one whose face came nearer to somebody."""
    if before is None:
        return seen
    was = math.inf if before.nearest is None else before.nearest.distance
    now = math.inf if seen.nearest is None else seen.nearest.distance
    return seen if now < was else before


def _faded(tallies: dict[str | None, Tally]) -> dict[str | None, Tally]:
    total = sum(tally.weight for tally in tallies.values())
    if total <= MEMORY:
        return tallies
    return {key: replace(tally, weight=tally.weight * MEMORY / total) for key, tally in tallies.items()}


def _heaviest(faces: tuple[tuple[float, FloatArray], ...]) -> tuple[tuple[float, FloatArray], ...]:
    """The best few; of two alike the earlier."""
    return tuple(sorted(faces, key=lambda kept: -kept[0])[:VECTORS_KEPT])
