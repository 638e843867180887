"""Compares the pictures of a dataset with one another: duplicates, and pictures of somebody else."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from config.recognition import MatchSettings
from tracker.dataset.examination import ExaminedPicture, Problem
from tracker.identity.enrolment_checks import outliers
from tracker.vision.embedders import EmbedderSpec
from tracker.vision.faces import FloatArray

_Found: TypeAlias = Mapping[Path, tuple[Problem, str]]
"""What is wrong with pictures, and the reason as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlikePeople:
    """Two people of a dataset who are probably one person. distance: of the picture of one that fits the other best."""

    first: str
    second: str
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Likeness:
    """Median distances of a picture to the other pictures of its person, infinite without any, and to those of whoever
    else is nearest; infinite where nobody else matches. A median: single pictures may be of anybody.
    """

    own: float
    other: float = math.inf
    other_person: str = ""


def compare(
    pictures: Sequence[ExaminedPicture], embedder: EmbedderSpec, match: MatchSettings
) -> tuple[list[ExaminedPicture], list[AlikePeople]]:
    """The pictures, in order, with what is wrong with good ones beside the others; and people who are probably one.

    match: the distances that decide, for as many people as there are.
    """
    marked = _marked(pictures, _copies(_good(pictures)))
    good = _good(marked)
    likeness = _likeness(good, match.max_distance)
    marked = _marked(marked, _mislabelled(good, likeness, embedder, match))
    marked = _marked(marked, _outliers(_good(marked), match.stranger_distance))
    marked = _marked(marked, _shared(_good(marked), embedder.embedding.new_view))
    marked = _marked(marked, _near_duplicates(_good(marked), embedder.embedding.new_view))
    return marked, _alike(good, likeness, embedder)


def distances_by_row(vectors: FloatArray) -> Iterator[FloatArray]:
    """For each of N vectors (N, D) its Euclidean distances (N,) to all, accurate to 1e-3 close to zero."""
    halves = np.einsum("nd,nd->n", vectors, vectors) / 2
    for half, vector in zip(halves, vectors, strict=True):
        yield np.sqrt(2 * np.maximum(halves + half - vectors @ vector, 0))


def vectors_of(pictures: Sequence[ExaminedPicture]) -> FloatArray:
    """(N, D) float32: one row for each picture that has one."""
    return np.stack([each.vector for each in pictures if each.vector is not None])


def _good(pictures: Iterable[ExaminedPicture]) -> list[ExaminedPicture]:
    return [each for each in pictures if each.problem is None]


def _marked(pictures: Iterable[ExaminedPicture], found: _Found) -> list[ExaminedPicture]:
    marked = []
    for each in pictures:
        problem, reason = found.get(each.path, (each.problem, each.reason))
        marked.append(replace(each, problem=problem, reason=reason))
    return marked


def _by_person(pictures: Iterable[ExaminedPicture]) -> list[list[ExaminedPicture]]:
    found: dict[str, list[ExaminedPicture]] = defaultdict(list)
    for each in pictures:
        found[each.person].append(each)
    return list(found.values())


def _copies(pictures: Sequence[ExaminedPicture]) -> _Found:
    """Files that are there twice: for one person the first stays, for several people none."""
    owners = Counter(content for content, _person in {(each.content, each.person) for each in pictures})
    first: dict[tuple[str, str], ExaminedPicture] = {}
    found = {}
    for each in pictures:
        original = first.setdefault((each.person, each.content), each)
        if owners[each.content] > 1:
            found[each.path] = (Problem.SHARED, f"the same picture is given for {owners[each.content]} people")
        elif original is not each:
            found[each.path] = (Problem.DUPLICATE, f"the same picture as {original.path.name}")
    return found


def _likeness(pictures: Sequence[ExaminedPicture], max_distance: float) -> list[_Likeness]:
    if not pictures:
        return []
    names, people = np.unique([each.person for each in pictures], return_inverse=True)
    found = []
    for row, distances in enumerate(distances_by_row(vectors_of(pictures))):
        person = people[row]
        near = np.setdiff1d(people[distances <= max_distance], person)
        medians = {int(other): _median(distances[people == other]) for other in near}
        distances[row] = np.nan  # itself
        own = _median(distances[(people == person) & ~np.isnan(distances)])
        other = min(medians, key=lambda one: medians[one], default=None)
        if other is None or medians[other] > max_distance:
            found.append(_Likeness(own=own))
        else:
            found.append(_Likeness(own=own, other=medians[other], other_person=str(names[other])))
    return found


def _median(distances: FloatArray) -> float:
    """The upper median, infinite of nothing: of two, the larger."""
    return float(np.sort(distances)[len(distances) // 2]) if len(distances) else math.inf


def _mislabelled(
    pictures: Sequence[ExaminedPicture], likeness: Sequence[_Likeness], embedder: EmbedderSpec, match: MatchSettings
) -> _Found:
    """Pictures that match somebody else, and better than the person; without others of the person, surely."""
    found = {}
    for each, like in zip(pictures, likeness, strict=True):
        limit = match.max_distance if math.isfinite(like.own) else embedder.embedding.same_face
        if like.other <= limit and like.other + match.min_margin <= like.own:
            own = f", {like.own:.2f} to {each.person}" if math.isfinite(like.own) else ""
            found[each.path] = (Problem.MISLABELLED, f"matches {like.other_person} (distance {like.other:.2f}{own})")
    return found


def _shared(pictures: Sequence[ExaminedPicture], new_view: float) -> _Found:
    """Near-duplicates of a picture of somebody else; which of the two is wrong, nothing shows."""
    if not pictures:
        return {}
    _, people = np.unique([each.person for each in pictures], return_inverse=True)
    found = {}
    for row, distances in enumerate(distances_by_row(vectors_of(pictures))):
        distances[people == people[row]] = np.inf
        nearest = int(np.argmin(distances))
        if distances[nearest] < new_view:
            other = pictures[nearest]
            reason = f"shows hardly more than {other.path.name} of {other.person} (distance {distances[nearest]:.2f})"
            found[pictures[row].path] = (Problem.SHARED, reason)
    return found


def _outliers(pictures: Sequence[ExaminedPicture], stranger_distance: float) -> _Found:
    reasons: dict[Path, str] = {}
    for own in _by_person(pictures):
        name = own[0].person
        found = outliers(vectors_of(own), vectors_of(own)[:0], max_distance=stranger_distance)
        if found is None:
            reasons |= {each.path: f"the pictures of {name} show different people" for each in own}
        else:
            reasons |= {
                own[row].path: f"does not match the other pictures of {name} (distance {distance:.2f})"
                for row, distance in found.items()
            }
    return {path: (Problem.OUTLIER, reason) for path, reason in reasons.items()}


def _near_duplicates(pictures: Sequence[ExaminedPicture], new_view: float) -> _Found:
    """Pictures that show hardly more than one before of the same person."""
    found = {}
    for own in _by_person(pictures):
        vectors = vectors_of(own)
        kept = [0]
        for row in range(1, len(own)):
            distances = np.linalg.norm(vectors[kept] - vectors[row], axis=1)
            nearest = int(np.argmin(distances))
            if distances[nearest] < new_view:
                reason = f"shows hardly more than {own[kept[nearest]].path.name} (distance {distances[nearest]:.2f})"
                found[own[row].path] = (Problem.NEAR_DUPLICATE, reason)
            else:
                kept.append(row)
    return found


def _alike(
    pictures: Sequence[ExaminedPicture], likeness: Sequence[_Likeness], embedder: EmbedderSpec
) -> list[AlikePeople]:
    """Pairs of people where at least half the pictures of one match the other; a single match has to be sure."""
    counts = Counter(each.person for each in pictures)
    matches: dict[tuple[str, str], list[float]] = defaultdict(list)
    for each, like in zip(pictures, likeness, strict=True):
        if like.other_person:
            matches[each.person, like.other_person].append(like.other)
    found: dict[tuple[str, str], float] = {}
    for (person, other), distances in sorted(matches.items()):
        sure = len(distances) > 1 or distances[0] <= embedder.embedding.same_face
        if sure and 2 * len(distances) >= counts[person]:
            first, second = sorted((person, other))
            found[first, second] = min(found.get((first, second), math.inf), *distances)
    return [AlikePeople(first=one, second=two, distance=distance) for (one, two), distance in sorted(found.items())]
