"""What a person has to look at: strangers who are probably one person, and matches that were nearly none."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from config.recognition import MatchSettings
from tracker.identity.enrolment_checks import duplicates
from tracker.identity.gallery import Gallery
from tracker.identity.limits import confident_distance
from tracker.identity.match import distances, nearest
from tracker.vision.faces import FloatArray

MAX_CONFIRMED = 2
"""Vectors that one confirmed match adds to a person."""
MAX_VECTORS = 24
"""Vectors of a person, after which confirmed matches add no more."""
_DIFFERENT = 4.0
"""More than any distance between two vectors of length 1."""


class Resemblance(StrEnum):
    """How much a stranger resembles somebody: most faces confidently, one face within the match distance, or less."""

    STRONG = "strong"
    NEAR = "near"
    SLIGHT = "slight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """The person whom a stranger resembles most. distance: between the nearest two of their vectors."""

    person_id: str
    distance: float
    resemblance: Resemblance


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerUp:
    """The next person after the one who was matched. distance: Euclidean, of the nearest vectors."""

    person_id: str
    distance: float


def clusters(
    visitors: Gallery, settings: MatchSettings, *, apart: Collection[frozenset[str]] = ()
) -> list[tuple[str, ...]]:
    """The visitors, those who are probably one person together, in the order of the gallery.

    Everybody in a cluster resembles everybody else in it confidently: the median distance of their vectors is
    `clear_by` below `max_distance`, in both directions. apart: pairs of ids known to be two people.
    """
    count = len(visitors.people)
    if count < 2:
        return [(person_id,) for person_id in visitors.people]
    measured = distances(visitors, visitors.vectors)
    medians = np.stack([np.median(measured[visitors.rows_of(index)], axis=0) for index in range(count)])
    between = np.maximum(medians, medians.T)
    index_of = {person_id: index for index, person_id in enumerate(visitors.people)}
    for pair in apart:
        if pair <= index_of.keys() and len(pair) == 2:
            one, other = (index_of[person_id] for person_id in pair)
            between[one, other] = between[other, one] = _DIFFERENT
    np.fill_diagonal(between, 0)
    from scipy.cluster.hierarchy import fcluster, linkage  # here: it takes as long to import as half of the pages
    from scipy.spatial.distance import squareform

    tree = linkage(squareform(between, checks=False), method="complete")
    labels = fcluster(tree, t=confident_distance(settings), criterion="distance").tolist()
    found: dict[int, list[str]] = {}
    for person_id, label in zip(visitors.people, labels, strict=True):
        found.setdefault(label, []).append(person_id)
    return [tuple(members) for members in found.values()]


def likeness(measured: FloatArray, people: Gallery, settings: MatchSettings) -> Likeness | None:
    """Whom a stranger resembles most among these people; None beyond `stranger_distance`.

    measured: (K, P), `distances` of the stranger's K vectors.
    """
    if not measured.size:
        return None
    index = int(np.argmin(measured.min(axis=0)))
    person_id, distance = people.people[index], float(measured[:, index].min())
    if distance > settings.stranger_distance:
        return None
    if distance > people.limits.get(person_id, settings.max_distance):
        resemblance = Resemblance.SLIGHT
    elif float(np.median(measured[:, index])) <= confident_distance(settings):
        resemblance = Resemblance.STRONG
    else:
        resemblance = Resemblance.NEAR
    return Likeness(person_id=person_id, distance=distance, resemblance=resemblance)


def doubt(distance: float | None, margin: float | None, limit: float, settings: MatchSettings) -> float:
    """How doubtful a match is, 0 not at all to 1 barely a match.

    A match is in doubt by its distance within `clear_by` of the greatest with which a track gets a name, and by its
    margin up to twice `min_margin`; the greater doubt counts. limit: the greatest match distance of the person.
    """
    found = 0.0
    if distance is not None and settings.clear_by:
        found = 1 - (limit - settings.clear_by - distance) / settings.clear_by
    if margin is not None and settings.min_margin:
        found = max(found, 1 - (margin - settings.min_margin) / settings.min_margin)
    return min(max(found, 0.0), 1.0)


def runner_up(vectors: FloatArray, person_id: str, enrolled: Gallery) -> RunnerUp | None:
    """Whom the vectors (K, D) behind a match resemble most besides the person; None without anybody else."""
    measured = distances(enrolled, vectors)
    if person_id in enrolled.people:
        measured[:, enrolled.people.index(person_id)] = np.inf
    closest = measured.min(axis=0) if len(vectors) else np.empty(0)
    if not np.isfinite(closest).any():
        return None
    index = int(np.argmin(closest))
    return RunnerUp(person_id=enrolled.people[index], distance=float(closest[index]))


def learnable(
    vectors: FloatArray, person_id: str, enrolled: Gallery, settings: MatchSettings, *, new_view: float
) -> list[int]:
    """Which of the vectors (K, D) behind a confirmed match improve the recognition of the person, best first.

    Left out is what enrolment would refuse (it matches somebody else, or does not match the person), and what differs
    by less than `new_view` from a vector that is there. At most MAX_CONFIRMED, and none beyond MAX_VECTORS of a person.
    """
    if person_id not in enrolled.people:
        return []
    own = enrolled.vectors[enrolled.rows_of(enrolled.people.index(person_id))]
    matched = nearest(enrolled, vectors)
    of_others = duplicates(enrolled.without(person_id), vectors, settings)
    fit = [
        row
        for row, each in enumerate(matched)
        if each is not None and each.person_id == person_id and each.within(settings) and row not in of_others
    ]
    chosen: list[int] = []
    kept = own
    for row in sorted(fit, key=lambda row: matched[row].distance):  # type: ignore[union-attr] # fit has none without
        room = len(chosen) < MAX_CONFIRMED and len(kept) < MAX_VECTORS
        if room and np.linalg.norm(kept - vectors[row], axis=1).min() >= new_view:
            chosen.append(row)
            kept = np.concatenate([kept, vectors[row][None]])
    return chosen
