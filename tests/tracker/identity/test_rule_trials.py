"""Cross-validation of the rules: what is compared with what, and what comes of it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from config.recognition import MatchSettings, RuleName
from tests.tracker.identity.galleries import faces, gallery_of
from tracker.identity.gallery import Gallery
from tracker.identity.match import Verdict, classify, nearest
from tracker.identity.rule_trials import Candidates, Outcome, Round, rounds, same_views
from tracker.vision.embedders import SFACE

NEW_VIEW = SFACE.embedding.new_view


def line(*positions: float) -> np.ndarray:
    """Vectors on one line, so far apart."""
    vectors = np.zeros((len(positions), 128), np.float32)
    vectors[:, 0] = positions
    return vectors


def candidates(gallery: Gallery, *rules: RuleName, **settings: float) -> Candidates:
    return Candidates(gallery=gallery, settings=MatchSettings(**settings), embedder=SFACE, rules=rules)


@pytest.mark.parametrize(
    ("positions", "sources", "expected"),
    [
        pytest.param((0, 1, 2), ("", "", ""), (0, 1, 2), id="all-differ-and-unknown-pictures-are-not-one"),
        pytest.param((0, 0.3, 2), ("a", "b", "c"), (0, 0, 1), id="alike"),
        pytest.param((0, 0.3, 0.6), ("a", "b", "c"), (0, 0, 0), id="alike-through-another"),
        pytest.param((0, 1, 2), ("a.png", "b.png", "a.png"), (0, 1, 0), id="one-picture"),
        pytest.param((0, 1, 2), ("door-1-7", "door-1-8", "door-1-7"), (0, 1, 0), id="one-track"),
        pytest.param((0, 1, 2), ("shadow door-7", "shadow door-8", "shadow door-7"), (0, 1, 0), id="shadow-track"),
        pytest.param((0, 1, 2), ("shadow", "shadow", "shadow"), (0, 1, 2), id="shadow-of-older-versions"),
        pytest.param((0, 1, 2), ("firestore", "firestore", "firestore"), (0, 1, 2), id="downloaded"),
        pytest.param((0, 1, 2), ("firestore p-1", "firestore p-1", "firestore"), (0, 1, 2), id="merged-and-downloaded"),
        pytest.param((0, 1, 2), ("picture 1", "picture 2", "picture 1"), (0, 1, 2), id="numbers-of-the-dashboard"),
        pytest.param((0, 1, 2), ("picture 1.png", "b.png", "picture 1.png"), (0, 1, 0), id="file-named-so"),
    ],
)
def test_views_of_one_person(positions: tuple[float, ...], sources: tuple[str, ...], expected: tuple[int, ...]) -> None:
    assert same_views(line(*positions), ["p"] * 3, sources, NEW_VIEW).tolist() == list(expected)


def test_views_of_different_people_are_never_one() -> None:
    groups = same_views(line(0, 0, 1, 1), ["a", "b", "a", "b"], ["x", "x", "x", "y"], NEW_VIEW)
    assert groups[0] == groups[2]
    assert len({groups[0], groups[1], groups[3]}) == 3


@pytest.mark.parametrize("folds", [2, 3, 5, 20])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_face_is_tested_once_as_known_and_once_as_a_strangers(folds: int, seed: int) -> None:
    counts = (1, 2, 5, 9)
    owners = [f"p{person}" for person, count in enumerate(counts) for _ in range(count)]
    groups = np.array([0, 1, 2, 3, 3, 4, 5, 5, *range(6, 15)])
    found = rounds(owners, groups, folds=folds, seed=seed)
    tested: Counter[tuple[int, bool]] = Counter()
    for each in found:
        enrolled = {owners[row] for row in each.enrolled}
        assert sorted([*each.tested.tolist(), *each.enrolled.tolist()]) == list(range(len(owners)))
        assert not set(groups[each.tested]) & set(groups[each.enrolled])
        assert enrolled
        for row in each.tested.tolist():
            tested[row, each.known] += 1
            assert (owners[row] in enrolled) == each.known
    assert set(tested.values()) == {1}
    assert sum(known for _, known in tested) == sum(counts) - 1  # all but the one picture of p0
    assert sum(not known for _, known in tested) == sum(counts)


def test_person_with_one_view_only_is_never_tested_as_known() -> None:
    found = rounds(["a", "a", "b", "b"], np.array([0, 0, 1, 2]), folds=5, seed=0)
    assert {row for each in found if each.known for row in each.tested.tolist()} == {2, 3}


def test_seed_decides_the_division() -> None:
    owners, groups = [f"p{row // 3}" for row in range(30)], np.arange(30)
    first, same, other = (
        [each.tested.tolist() for each in rounds(owners, groups, folds=5, seed=seed)] for seed in (1, 1, 2)
    )
    assert first == same != other


@pytest.mark.parametrize(("folds", "owners"), [(1, ["a", "b"]), (5, ["a", "a"])])
def test_one_fold_or_person_is_rejected(folds: int, owners: list[str]) -> None:
    with pytest.raises(ValueError, match="expected two folds and two people"):
        rounds(owners, np.arange(2), folds=folds, seed=0)


def test_outcomes_of_the_nearest_are_those_of_matching() -> None:
    gallery = gallery_of(3, 4, 2, spread=0.7)
    gallery = gallery.with_person("twin", faces(8, 3, resembles=0))
    divisions = rounds(gallery.person_ids, np.arange(len(gallery)), folds=3, seed=4)
    trials = candidates(gallery, RuleName.NEAREST).trials(divisions)
    by_key = {(each.row, each.enrolled): each for each in trials}
    assert len(by_key) == len(trials) == 2 * len(gallery)
    for division in divisions:
        rows = division.enrolled.tolist()
        rest = Gallery.of(gallery.vectors[rows], [gallery.person_ids[row] for row in rows])
        for row in division.tested.tolist():
            (expected,) = nearest(rest, gallery.vectors[row][None])
            assert expected is not None
            named = expected.person_id if classify(expected, MatchSettings()) is Verdict.MATCH else None
            found = by_key[row, division.known]
            assert (found.person_id, found.named[RuleName.NEAREST]) == (gallery.person_ids[row], named)
    assert {each.outcome(RuleName.NEAREST) for each in trials} >= {Outcome.RIGHT, Outcome.REJECTED, Outcome.NAMED}


def test_limits_and_negatives_count_and_settings_that_are_set() -> None:
    gallery, one = gallery_of(2, 2), Round(tested=np.array([0]), enrolled=np.array([1, 2, 3]), known=True)

    def outcome(gallery: Gallery, **settings: float) -> Outcome:
        (trial,) = candidates(gallery, RuleName.NEAREST, **settings).trials([one])
        return trial.outcome(RuleName.NEAREST)

    assert outcome(gallery) is Outcome.RIGHT
    assert outcome(gallery.with_exceptions({"p0": 0.1}, faces(9, 1), ["p1"])) is Outcome.UNNAMED
    assert outcome(gallery.with_exceptions({}, gallery.vectors[:1], ["p0"])) is not Outcome.RIGHT
    assert outcome(gallery, max_distance=0.2) is Outcome.UNNAMED


@pytest.mark.parametrize(("people", "expected"), [(100, Outcome.RIGHT), (101, Outcome.UNNAMED)])
def test_limits_are_those_for_the_people_of_the_round(people: int, expected: Outcome) -> None:
    gallery = Gallery.of(np.eye(people, 128, k=1, dtype=np.float32) * 2, [f"p{number}" for number in range(people)])
    gallery = gallery.with_person("p0", gallery.vectors[:1] + line(1.02))
    rows = np.arange(len(gallery))
    division = Round(tested=rows[1:2], enrolled=rows[rows != 1], known=True)
    (trial,) = candidates(gallery, RuleName.NEAREST).trials([division])
    assert trial.outcome(RuleName.NEAREST) is expected


def test_every_rule_names_easy_people_and_rejects_strangers() -> None:
    gallery = gallery_of(3, 3, 3, 1)
    divisions = rounds(gallery.person_ids, np.arange(len(gallery)), folds=2, seed=0)
    trials = Candidates(gallery=gallery, settings=MatchSettings(), embedder=SFACE).trials(divisions)
    for rule in RuleName:
        assert Counter(each.outcome(rule) for each in trials) == {Outcome.RIGHT: 9, Outcome.REJECTED: 10}


def test_two_people_leave_one_to_compare_a_stranger_with() -> None:
    gallery = gallery_of(2, 2)
    trials = Candidates(gallery=gallery, settings=MatchSettings(), embedder=SFACE).trials(
        rounds(gallery.person_ids, np.arange(4), folds=5, seed=0)
    )
    assert {each.outcome(rule) for each in trials for rule in RuleName} == {Outcome.RIGHT, Outcome.REJECTED}
