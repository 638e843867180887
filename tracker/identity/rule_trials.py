"""Cross-validation of the rules on the enrolled people: with other pictures of theirs, and with people held out.

Each face is compared twice with what is left: once without the part of the pictures that it belongs to, as a face of
somebody enrolled, and once without the part of the people that its person belongs to, as a face of a stranger. Pictures
that are much alike are in one part, as a face that was nearly seen before says nothing. Single faces are tested, which
takes more than a track with its vote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from config.recognition import MatchSettings, RuleName
from tracker.identity.fitting import fit, is_fitted, unfitted_rule
from tracker.identity.gallery import Gallery
from tracker.identity.limits import match_settings
from tracker.identity.match import Verdict, classify
from tracker.identity.rules import Comparison
from tracker.store.vector_rows import origin_of
from tracker.vision.embedders import EmbedderSpec
from tracker.vision.faces import FloatArray

Rows: TypeAlias = NDArray[np.intp]
LEAST_FOLDS = 2


class Outcome(StrEnum):
    """Of one face under a rule: of somebody enrolled right, wrong or unnamed, of a stranger named or rejected."""

    RIGHT = "right"
    WRONG = "wrong"
    UNNAMED = "unnamed"
    NAMED = "named"
    REJECTED = "rejected"

    @property
    def is_false_accept(self) -> bool:
        """Whether somebody was named who was not in sight."""
        return self in (Outcome.WRONG, Outcome.NAMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One face compared with the others. row: of the face. enrolled: whether its person was in the gallery.

    named: by rule the id of the person who was named, None for nobody.
    """

    row: int
    person_id: str
    enrolled: bool
    named: Mapping[RuleName, str | None]

    def outcome(self, rule: RuleName) -> Outcome:
        """What became of the face under a rule."""
        named = self.named[rule]
        if not self.enrolled:
            return Outcome.REJECTED if named is None else Outcome.NAMED
        if named is None:
            return Outcome.UNNAMED
        return Outcome.RIGHT if named == self.person_id else Outcome.WRONG


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Round:
    """One division of the rows: those tested, those enrolled meanwhile, and whether the tested people are enrolled."""

    tested: Rows
    enrolled: Rows
    known: bool


def same_views(vectors: FloatArray, person_ids: Sequence[str], sources: Sequence[str], new_view: float) -> Rows:
    """(N,) a number that rows of one person share that are of one picture or track, or whose vectors (N, D) are alike.

    sources: as stored; some identify a picture or track, others nothing. new_view: distance from which two faces
    differ; alike is transitive.
    """
    from scipy.sparse.csgraph import connected_components  # here, as a running agent does not need it
    from scipy.spatial.distance import cdist

    owners, pictures = np.array(person_ids, np.str_), np.array([origin_of(each) for each in sources], np.str_)
    groups, count = np.zeros(len(owners), np.intp), 0
    for person_id in np.unique(owners):
        rows = np.flatnonzero(owners == person_id)
        one_picture = (pictures[rows][:, None] == pictures[rows][None]) & (pictures[rows] != "")
        found, labels = connected_components((cdist(vectors[rows], vectors[rows]) < new_view) | one_picture, False)
        groups[rows] = labels + count
        count += found
    return groups


def rounds(person_ids: Sequence[str], groups: Rows, *, folds: int, seed: int) -> list[Round]:
    """Divisions in which each row is tested once as a stranger's, and once as known where its person has two groups.

    groups: see `same_views`; one is never divided. Raises ValueError for fewer than two folds or people.
    """
    owners = np.array(person_ids, np.str_)
    people = np.unique(owners)
    if folds < LEAST_FOLDS or len(people) < 2:
        raise ValueError(f"expected two folds and two people, got {folds} and {len(people)}")
    rng = np.random.default_rng(seed)
    part = np.full(len(owners), -1)
    for person_id in people:
        own = rng.permutation(np.unique(groups[owners == person_id]))
        first = int(rng.integers(folds))
        for place, group in enumerate(own if len(own) > 1 else ()):
            part[groups == group] = (first + place) % folds
    parts = [(part == fold, True) for fold in range(folds)]
    held_out = np.array_split(rng.permutation(people), min(folds, len(people)))
    parts += [(np.isin(owners, fold), False) for fold in held_out]
    return [
        Round(tested=np.flatnonzero(tested), enrolled=np.flatnonzero(~tested), known=known)
        for tested, known in parts
        if tested.any()
    ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """The rules to compare, and what they are compared with.

    gallery: the enrolled people with their limits and negatives. settings: as given; distances left unset are those of
    the embedder for the people of each round.
    """

    gallery: Gallery
    settings: MatchSettings
    embedder: EmbedderSpec
    rules: Sequence[RuleName] = tuple(RuleName)

    def trials(self, divisions: Iterable[Round]) -> list[Trial]:
        """Every face of every round under every rule. Raises ModelError where scikit-learn is missing."""
        found: list[Trial] = []
        for each in divisions:
            named = {rule: self._named(rule, each) for rule in self.rules}
            found += [
                Trial(
                    row=row,
                    person_id=self.gallery.person_ids[row],
                    enrolled=each.known,
                    named={rule: named[rule][place] for rule in self.rules},
                )
                for place, row in enumerate(each.tested.tolist())
            ]
        return found

    def _named(self, rule: RuleName, division: Round) -> list[str | None]:
        """Whom a rule names for each tested face."""
        whole = self.gallery
        kept = [whole.person_ids[row] for row in division.enrolled]
        negatives = Gallery.empty() if whole.negatives is None else whole.negatives
        gallery = Gallery.of(whole.vectors[division.enrolled], kept)
        gallery = gallery.with_exceptions(whole.limits, negatives.vectors, negatives.person_ids)
        given = self.settings.model_copy(update={"rule": rule})
        match = match_settings(given, self.embedder, people=len(gallery.people))
        chosen = fit(rule, gallery) if is_fitted(match, gallery) else unfitted_rule(match, gallery)
        found = Comparison(gallery, match, chosen).closest(whole.vectors[division.tested])
        return [each.person_id if each and classify(each, match) is Verdict.MATCH else None for each in found]
