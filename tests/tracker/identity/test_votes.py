"""The vote on a track's identity."""

from __future__ import annotations

import math

import numpy as np
import pytest

from config.recognition import MatchSettings
from tracker.identity.match import Nearest, Verdict
from tracker.identity.votes import MAX_VECTORS, Vote, VoteOutcome, verdict_margin, verdict_of, weight

SETTINGS = MatchSettings(
    max_distance=0.55, stranger_distance=0.6, clear_by=0.05, min_margin=0.05, min_sightings=2, visitor_sightings=4
)


def add_faces(vote: Vote, *symbols: str, weight: float = 1.0, distance: float | None = None) -> Vote:
    """Add faces: "a" a match with a, "?" unsure and near a, "x" a stranger, "-" unusable."""
    for word in symbols:
        if word == "-":
            vote = vote.skip("too small: 12 px wide, at least 32 needed")
            continue
        verdict = {"?": Verdict.UNSURE, "x": Verdict.STRANGER}.get(word, Verdict.MATCH)
        default = {"?": 0.58, "x": 0.8}.get(word, 0.4)
        found = Nearest(person_id=word if word not in "?x" else "a", distance=distance or default, margin=0.2)
        vote = vote.add(found, verdict, weight=weight, quality=0.5)
    return vote


@pytest.mark.parametrize(
    ("symbols", "name"),
    [
        pytest.param("", None, id="nothing-seen"),
        pytest.param("a", None, id="one-sighting-is-not-enough"),
        pytest.param("aa", "a", id="two-are"),
        pytest.param("a?????a", "a", id="unknown-never-dilutes"),
        pytest.param("a-----a", "a", id="poor-faces-never-dilute"),
        pytest.param("????????", None, id="dead-zone-names-nobody"),
        pytest.param("--------", None, id="poor-faces-name-nobody"),
        pytest.param("aabb", None, id="tie-stays-unknown"),
        pytest.param("aaabb", "a", id="clear-lead"),
        pytest.param("aaaabbb", None, id="no-clear-lead"),
        pytest.param("aaxxxxxxxx", "stranger", id="two-odd-matches-do-not-make-a-stranger-a-member"),
        pytest.param("aaxx", None, id="half-stranger-is-nobody"),
        pytest.param("xxx", None, id="stranger-needs-more-sightings"),
        pytest.param("xxxx", "stranger", id="stranger"),
        pytest.param("b" + "a" * 4, "a", id="one-slip-is-outvoted"),
    ],
)
def test_name(symbols: str, name: str | None) -> None:
    result = add_faces(Vote(), *symbols).result(SETTINGS)
    expected = {None: VoteOutcome.UNKNOWN, "stranger": VoteOutcome.STRANGER}.get(name, VoteOutcome.PERSON)
    assert result.kind is expected
    assert result.person_id == (name if expected is VoteOutcome.PERSON else None)
    assert result.reason


@pytest.mark.parametrize(
    ("distances", "limit", "name"),
    [
        pytest.param((0.54, 0.52, 0.53, 0.51), None, None, id="always-at-the-edge"),
        pytest.param((0.54, 0.50, 0.53), None, "a", id="once-near-for-certain"),
        pytest.param((0.43, 0.42), 0.45, None, id="at-the-edge-of-the-own-limit"),
        pytest.param((0.43, 0.40), 0.45, "a", id="clear-of-the-own-limit"),
    ],
)
def test_faces_only_near_the_limit_do_not_name_a_person(
    distances: tuple[float, ...], limit: float | None, name: str | None
) -> None:
    vote = Vote()
    for distance in distances:
        found = Nearest(person_id="a", distance=distance, margin=1, limit=limit)
        vote = vote.add(found, Verdict.MATCH, weight=1, quality=1)
    result = vote.result(SETTINGS)
    assert result.person_id == name
    assert ("a only near the limit: nearest" in result.reason) is (name is None)


def test_name_does_not_change_to_somebody_near_the_limit() -> None:
    vote = add_faces(Vote(), *"aa")
    previous = vote.result(SETTINGS)
    assert add_faces(vote, *"bbbbbb", distance=0.54).result(SETTINGS, previous).person_id == "a"
    assert add_faces(vote, *"bbbbbb", distance=0.44).result(SETTINGS, previous).person_id == "b"


@pytest.mark.parametrize(
    ("found", "verdict", "clear"),
    [
        pytest.param(None, Verdict.STRANGER, None, id="nobody-enrolled"),
        pytest.param(Nearest(person_id="a", distance=0.3, margin=0.1), Verdict.MATCH, 0.1, id="next-person-near"),
        pytest.param(Nearest(person_id="a", distance=0.54, margin=1), Verdict.MATCH, 0.06, id="at-the-edge"),
        pytest.param(Nearest(person_id="a", distance=0.4, margin=1, limit=0.4), Verdict.MATCH, 0.05, id="own-limit"),
        pytest.param(Nearest(person_id="a", distance=0.61, margin=0), Verdict.STRANGER, 0.06, id="hardly-a-stranger"),
        pytest.param(Nearest(person_id="a", distance=0.8, margin=0), Verdict.STRANGER, 0.25, id="surely-a-stranger"),
        pytest.param(
            Nearest(person_id="a", distance=0.4, margin=-0.1, excluded=True), Verdict.STRANGER, None, id="marked"
        ),
    ],
)
def test_verdict_margin(found: Nearest | None, verdict: Verdict, clear: float | None) -> None:
    assert verdict_margin(found, verdict, SETTINGS) == (None if clear is None else pytest.approx(clear))


def test_order_does_not_matter() -> None:
    for symbols in ("aaabb", "bbaaa", "ababa"):
        assert add_faces(Vote(), *symbols).result(SETTINGS).person_id == "a"


def test_few_heavy_faces_outvote_many_light_ones() -> None:
    vote = add_faces(add_faces(Vote(), "a", "a", weight=1.0), "b", "b", "b", "b", weight=0.1)
    assert vote.result(SETTINGS).person_id == "a"


def test_name_is_kept_in_a_tie_and_changes_with_a_clear_lead() -> None:
    vote = add_faces(Vote(), *"aa")
    previous = vote.result(SETTINGS)
    vote = add_faces(vote, *"bb")
    assert vote.result(SETTINGS).kind is VoteOutcome.UNKNOWN
    assert vote.result(SETTINGS, previous).person_id == "a"
    assert add_faces(vote, "b").result(SETTINGS, previous).person_id == "b"


def test_stranger_is_kept_until_a_person_clearly_leads() -> None:
    vote = add_faces(Vote(), *"xxxx")
    previous = vote.result(SETTINGS)
    assert add_faces(vote, *"aaaa").result(SETTINGS, previous).kind is VoteOutcome.STRANGER
    assert add_faces(vote, *"aaaaaa").result(SETTINGS, previous).person_id == "a"


def test_name_can_change_after_many_faces() -> None:
    vote = add_faces(Vote(), *"a" * 5000)
    previous = vote.result(SETTINGS)
    vote = add_faces(vote, *"b" * 60)
    assert vote.result(SETTINGS, previous).person_id == "b"


def test_result_has_the_nearest_counted_face() -> None:
    vote = add_faces(Vote(), "a", distance=0.45)
    vote = vote.add(Nearest(person_id="a", distance=0.31, margin=0.33), Verdict.MATCH, weight=1, quality=0.9)
    vote = add_faces(vote, "a", distance=0.5)
    result = vote.result(SETTINGS)
    assert (result.distance, result.margin, result.quality) == (0.31, 0.33, 0.9)
    assert "3 sightings" in result.reason


@pytest.mark.parametrize(
    ("symbols", "reason"),
    [
        ("", "no faces yet"),
        ("---", "among 3; the last is too small: 12 px wide"),
        ("??", "between match and stranger: a at 0.58"),
        ("a", "a so far: 1 of 2 good sightings"),
        ("ab", "undecided between a and b"),
        ("aaxx", "undecided between a stranger and a"),
    ],
)
def test_reason_without_a_name(symbols: str, reason: str) -> None:
    assert reason in add_faces(Vote(), *symbols).result(SETTINGS).reason


def test_reason_of_a_tie() -> None:
    vote = Vote().add(Nearest(person_id="a", distance=0.4, margin=0.01), Verdict.UNSURE, weight=1, quality=1)
    assert "only 0.01 farther" in vote.result(SETTINGS).reason


def test_reasons_mention_own_limits_and_negatives() -> None:
    strict = Nearest(person_id="a", distance=0.5, margin=1, limit=0.45)
    assert "a at 0.50" in Vote().add(strict, Verdict.UNSURE, weight=1, quality=1).result(SETTINGS).reason
    vote = Vote()
    for _ in range(4):
        marked = Nearest(person_id="a", distance=0.4, margin=-0.1, excluded=True)
        vote = vote.add(marked, Verdict.STRANGER, weight=1, quality=1)
    result = vote.result(SETTINGS)
    assert result.kind is VoteOutcome.STRANGER
    assert "nearer to a face marked as not a" in result.reason


def test_without_enrolled_people_a_stranger_has_no_distance() -> None:
    vote = Vote()
    for _ in range(4):
        vote = vote.add(None, Verdict.STRANGER, weight=1, quality=1)
    result = vote.result(SETTINGS)
    assert result.kind is VoteOutcome.STRANGER
    assert result.distance is None


def test_a_face_votes_for_those_that_were_not_compared() -> None:
    found = Nearest(person_id="a", distance=0.4, margin=0.2)
    once = add_faces(Vote(), *"aaaa", weight=0.5)
    bulk = Vote().add(found, Verdict.MATCH, weight=0.5, quality=0.5, vector=np.ones(4, np.float32), faces=4)
    assert (bulk.counts["a"].sightings, bulk.counts["a"].weight) == (once.counts["a"].sightings, 2.0)
    assert len(bulk.vectors_of("a")) == 1


def test_kept_stranger_faces_are_bounded() -> None:
    vote = Vote()
    for number in range(1, 51):
        face = np.full(128, number, np.float32)
        vote = vote.add(None, Verdict.STRANGER, weight=number / 50, quality=1, vector=face)
    assert vote.stranger_vectors.shape == (MAX_VECTORS, 128)
    assert sorted(vote.stranger_vectors[:, 0]) == list(range(43, 51))
    matched = Vote().add(
        Nearest(person_id="a", distance=0.1, margin=1), Verdict.MATCH, weight=1, quality=1, vector=np.ones(128)
    )
    assert len(matched.stranger_vectors) == 0


def test_kept_faces_are_copies() -> None:
    face = np.ones(128, np.float32)
    vote = Vote().add(None, Verdict.STRANGER, weight=1, quality=1, vector=face)
    face[:] = 9
    assert vote.stranger_vectors[0, 0] == 1


def test_vote_is_immutable() -> None:
    before = add_faces(Vote(), "a")
    add_faces(before, "a")
    assert before.result(SETTINGS).kind is VoteOutcome.UNKNOWN


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_invalid_weights_are_rejected(bad: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        add_faces(Vote(), "a", weight=bad)


def heavy(width_px: float, sharpness: float, margin: float | None, yaw: float = 0.0) -> float:
    return weight(width_px, sharpness, yaw, margin, full_margin=0.2)


def test_a_turned_face_can_be_somebody_but_proves_no_stranger() -> None:
    far, near = (Nearest(person_id="a", distance=distance, margin=0.5) for distance in (1.5, 0.3))
    kinds = [verdict_of(far, yaw, 1, SETTINGS) for yaw in (0, 45, 46, 80)]
    assert kinds == [Verdict.STRANGER] * 2 + [Verdict.UNSURE] * 2
    assert [verdict_of(near, yaw, 1, SETTINGS) for yaw in (0, 80)] == [Verdict.MATCH] * 2
    assert verdict_of(None, 80, 1, SETTINGS) is Verdict.UNSURE


def test_a_covered_face_can_be_somebody_but_proves_no_stranger() -> None:
    far, near = (Nearest(person_id="a", distance=distance, margin=0.5) for distance in (1.5, 0.3))
    assert [verdict_of(far, 0, eyes, SETTINGS) for eyes in (0, 0.29, 0.31)] == [
        Verdict.UNSURE, Verdict.UNSURE, Verdict.STRANGER,
    ]  # fmt: skip
    assert verdict_of(near, 0, 0, SETTINGS) is Verdict.MATCH


def test_weight_falls_as_a_face_turns() -> None:
    assert heavy(80, 6, None, yaw=60) == pytest.approx(0.5)
    assert heavy(80, 6, None, yaw=90) == pytest.approx(0.1)


def test_weight_grows_with_size_sharpness_and_margin() -> None:
    assert heavy(80, 6, 0.2) == heavy(500, 9999, math.inf) == heavy(80, 6, None) == 1.0
    for less in (heavy(40, 6, 0.2), heavy(80, 1.5, 0.2), heavy(80, 6, 0.1)):
        assert 0 < less < 1
    assert heavy(0, 0, 0) > 0
