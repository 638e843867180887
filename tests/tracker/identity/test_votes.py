"""A track's name: who says it, when it is said, when it turns."""

from __future__ import annotations

import math

import numpy as np
import pytest

from config.settings import MatchSettings
from tracker.identity.match import Nearest, Verdict
from tracker.identity.votes import VECTORS_KEPT, NamingKind, Vote, clearance, weight

SETTINGS = MatchSettings(min_sightings=2, visitor_sightings=4)


def said(vote: Vote, *words: str, weight: float = 1.0, distance: float | None = None) -> Vote:
    """Add faces: "a" a match of a, "?" in the dead zone near a, "x" a stranger, "-" refused."""
    for word in words:
        if word == "-":
            vote = vote.refuse("too small: 12 px wide, at least 32 needed")
            continue
        verdict = {"?": Verdict.UNSURE, "x": Verdict.STRANGER}.get(word, Verdict.MATCH)
        default = {"?": 0.58, "x": 0.8}.get(word, 0.4)
        found = Nearest(person_id=word if word not in "?x" else "a", distance=distance or default, margin=0.2)
        vote = vote.add(found, verdict, weight=weight, quality=0.5)
    return vote


@pytest.mark.parametrize(
    ("words", "name"),
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
def test_name(words: str, name: str | None) -> None:
    naming = said(Vote(), *words).name(SETTINGS)
    expected = {None: NamingKind.UNKNOWN, "stranger": NamingKind.STRANGER}.get(name, NamingKind.PERSON)
    assert naming.kind is expected
    assert naming.person_id == (name if expected is NamingKind.PERSON else None)
    assert naming.reason


@pytest.mark.parametrize(
    ("distances", "limit", "name"),
    [
        pytest.param((0.54, 0.52, 0.53, 0.51), None, None, id="always-at-the-edge"),
        pytest.param((0.54, 0.50, 0.53), None, "a", id="once-near-for-certain"),
        pytest.param((0.43, 0.42), 0.45, None, id="at-the-edge-of-the-own-limit"),
        pytest.param((0.43, 0.40), 0.45, "a", id="clear-of-the-own-limit"),
    ],
)
def test_somebody_who_only_ever_comes_just_near_enough_is_not_named(
    distances: tuple[float, ...], limit: float | None, name: str | None
) -> None:
    vote = Vote()
    for distance in distances:
        found = Nearest(person_id="a", distance=distance, margin=1, limit=limit)
        vote = vote.add(found, Verdict.MATCH, weight=1, quality=1)
    naming = vote.name(SETTINGS)
    assert naming.person_id == name
    assert ("a only at the edge: nearest" in naming.reason) is (name is None)


def test_a_name_does_not_turn_to_somebody_at_the_edge() -> None:
    vote = said(Vote(), *"aa")
    held = vote.name(SETTINGS)
    assert said(vote, *"bbbbbb", distance=0.54).name(SETTINGS, held).person_id == "a"
    assert said(vote, *"bbbbbb", distance=0.44).name(SETTINGS, held).person_id == "b"


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
            Nearest(person_id="a", distance=0.4, margin=-0.1, denied=True), Verdict.STRANGER, None, id="marked"
        ),
    ],
)
def test_clearance_says_how_much_a_verdict_could_be_off(
    found: Nearest | None, verdict: Verdict, clear: float | None
) -> None:
    assert clearance(found, verdict, SETTINGS) == (None if clear is None else pytest.approx(clear))


def test_order_does_not_matter() -> None:
    for words in ("aaabb", "bbaaa", "ababa"):
        assert said(Vote(), *words).name(SETTINGS).person_id == "a"


def test_heavy_faces_outvote_many_light_ones() -> None:
    vote = said(said(Vote(), "a", "a", weight=1.0), "b", "b", "b", "b", weight=0.1)
    assert vote.name(SETTINGS).person_id == "a"


def test_name_once_given_stays_through_a_tie_and_turns_with_a_clear_lead() -> None:
    vote = said(Vote(), *"aa")
    held = vote.name(SETTINGS)
    vote = said(vote, *"bb")
    assert vote.name(SETTINGS).kind is NamingKind.UNKNOWN
    assert vote.name(SETTINGS, held).person_id == "a"
    assert said(vote, "b").name(SETTINGS, held).person_id == "b"


def test_stranger_once_found_stays_until_clearly_somebody() -> None:
    vote = said(Vote(), *"xxxx")
    held = vote.name(SETTINGS)
    assert said(vote, *"aaaa").name(SETTINGS, held).kind is NamingKind.STRANGER
    assert said(vote, *"aaaaaa").name(SETTINGS, held).person_id == "a"


def test_name_can_turn_after_hours() -> None:
    vote = said(Vote(), *"a" * 5000)
    held = vote.name(SETTINGS)
    vote = said(vote, *"b" * 60)
    assert vote.name(SETTINGS, held).person_id == "b"


def test_naming_tells_of_the_nearest_face_that_counted() -> None:
    vote = said(Vote(), "a", distance=0.45)
    vote = vote.add(Nearest(person_id="a", distance=0.31, margin=0.33), Verdict.MATCH, weight=1, quality=0.9)
    vote = said(vote, "a", distance=0.5)
    naming = vote.name(SETTINGS)
    assert (naming.distance, naming.margin, naming.quality) == (0.31, 0.33, 0.9)
    assert "3 sightings" in naming.reason


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("", "no face seen yet"),
        ("---", "in 3, the last too small: 12 px wide"),
        ("??", "neither match nor stranger: a is 0.58 away"),
        ("a", "a so far: 1 of 2 good sightings"),
        ("ab", "undecided between a and b"),
        ("aaxx", "undecided between a stranger and a"),
    ],
)
def test_reason_says_why_there_is_no_name(words: str, reason: str) -> None:
    assert reason in said(Vote(), *words).name(SETTINGS).reason


def test_torn_between_two_says_so() -> None:
    vote = Vote().add(Nearest(person_id="a", distance=0.4, margin=0.01), Verdict.UNSURE, weight=1, quality=1)
    assert "only 0.01 farther" in vote.name(SETTINGS).reason


def test_reasons_tell_of_a_persons_own_limit_and_of_marked_faces() -> None:
    strict = Nearest(person_id="a", distance=0.5, margin=1, limit=0.45)
    assert "a is 0.50 away" in Vote().add(strict, Verdict.UNSURE, weight=1, quality=1).name(SETTINGS).reason
    vote = Vote()
    for _ in range(4):
        marked = Nearest(person_id="a", distance=0.4, margin=-0.1, denied=True)
        vote = vote.add(marked, Verdict.STRANGER, weight=1, quality=1)
    naming = vote.name(SETTINGS)
    assert naming.kind is NamingKind.STRANGER
    assert "nearer to a face marked as not a" in naming.reason


def test_where_nobody_is_enrolled_a_stranger_has_no_distance() -> None:
    vote = Vote()
    for _ in range(4):
        vote = vote.add(None, Verdict.STRANGER, weight=1, quality=1)
    naming = vote.name(SETTINGS)
    assert naming.kind is NamingKind.STRANGER
    assert naming.distance is None


def test_best_strangers_faces_are_kept_and_no_more() -> None:
    vote = Vote()
    for number in range(1, 51):
        face = np.full(128, number, np.float32)
        vote = vote.add(None, Verdict.STRANGER, weight=number / 50, quality=1, vector=face)
    assert vote.stranger_vectors.shape == (VECTORS_KEPT, 128)
    assert sorted(vote.stranger_vectors[:, 0]) == list(range(43, 51))
    matched = Vote().add(
        Nearest(person_id="a", distance=0.1, margin=1), Verdict.MATCH, weight=1, quality=1, vector=np.ones(128)
    )
    assert len(matched.stranger_vectors) == 0


def test_kept_faces_do_not_change_with_the_callers_array() -> None:
    face = np.ones(128, np.float32)
    vote = Vote().add(None, Verdict.STRANGER, weight=1, quality=1, vector=face)
    face[:] = 9
    assert vote.stranger_vectors[0, 0] == 1


def test_earlier_state_is_left_alone() -> None:
    before = said(Vote(), "a")
    said(before, "a")
    assert before.name(SETTINGS).kind is NamingKind.UNKNOWN


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_senseless_weights_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        said(Vote(), "a", weight=bad)


def test_weight_grows_with_size_sharpness_and_margin() -> None:
    assert weight(80, 6, 0.2) == weight(500, 9999, math.inf) == weight(80, 6) == 1.0
    for less in (weight(40, 6, 0.2), weight(80, 1.5, 0.2), weight(80, 6, 0.1)):
        assert 0 < less < 1
    assert weight(0, 0, 0) > 0
