"""Visitors who are probably one person, or somebody enrolled: what people may want to merge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from config.settings import MatchSettings
from tracker.identity.gallery import Gallery
from tracker.identity.match import distances
from tracker.identity.visitors import SAME_SHARE
from tracker.vision.faces import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Somebody whom a visitor resembles. distance: between the nearest two of their vectors.

    strong: most vectors of the one are near some of the other, so that hardly anybody else can be meant.
    """

    person_id: str
    other_id: str
    distance: float
    strong: bool


def likenesses(visitors: Gallery, enrolled: Gallery, settings: MatchSettings) -> dict[str, Likeness]:
    """For each visitor who resembles somebody, enrolled or another visitor, the nearest of them.

    Only what is within `max_distance` (of an enrolled person: within their own limit) counts.
    """
    found: dict[str, Likeness] = {}
    for place, person_id in enumerate(visitors.people):
        vectors = visitors.vectors[visitors.rows_of(place)]
        candidates = [
            likeness
            for gallery in (visitors, enrolled)
            if (likeness := _nearest(person_id, vectors, gallery, settings)) is not None
        ]
        if candidates:
            found[person_id] = min(candidates, key=lambda each: each.distance)
    return found


def groups(found: dict[str, Likeness]) -> list[tuple[str, ...]]:
    """Visitors to be merged on strong evidence, each group with the visitors in the order of `found`.

    Two are in one group only when each is the other's nearest: a chain of likenesses proves nothing.
    """
    pairs: list[tuple[str, ...]] = []
    for person_id, likeness in found.items():
        back = found.get(likeness.other_id)
        if likeness.strong and back is not None and back.strong and back.other_id == person_id:
            pair = (person_id, likeness.other_id)
            if pair[::-1] not in pairs:
                pairs.append(pair)
    return pairs


def _nearest(person_id: str, vectors: FloatArray, gallery: Gallery, settings: MatchSettings) -> Likeness | None:
    apart = distances(gallery, vectors)
    if person_id in gallery.people:
        apart[:, gallery.people.index(person_id)] = np.inf
    if not apart.size:
        return None
    place = int(np.argmin(apart.min(axis=0)))
    other_id, distance = gallery.people[place], float(apart[:, place].min())
    if distance > gallery.limits.get(other_id, settings.max_distance):
        return None
    strong = float(np.median(apart[:, place])) <= SAME_SHARE * settings.max_distance
    return Likeness(person_id=person_id, other_id=other_id, distance=distance, strong=strong)
