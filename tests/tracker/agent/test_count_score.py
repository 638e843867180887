"""A count beside the truth: "in@12.5" is a passing inwards after 12.5 seconds."""

from __future__ import annotations

import pytest

from tracker.agent.count_score import CountScore, Passing, scored


def passings(text: str) -> list[Passing]:
    words = [word.split("@") for word in text.split()]
    return [Passing(at_s=float(at_s), inward=direction == "in") for direction, at_s in words]


@pytest.mark.parametrize(
    ("counted", "truth", "right", "missed", "false"),
    [
        pytest.param("in@5", "in@5", 1, (), (), id="same"),
        pytest.param("in@5", "in@7", 1, (), (), id="two-seconds-apart"),
        pytest.param("in@5", "in@7.1", 0, (7.1,), (5.0,), id="farther-apart"),
        pytest.param("in@5 in@5", "in@5", 1, (), (5.0,), id="counted-twice"),
        pytest.param("in@5", "in@5 in@5.5", 1, (5.5,), (), id="two-as-one"),
        pytest.param("in@6 in@4", "in@5 in@7.5", 2, (), (), id="as-many-pairs-as-can-be"),
        pytest.param("", "in@1", 0, (1.0,), (), id="nothing-counted"),
        pytest.param("in@1", "", 0, (), (1.0,), id="nothing-true"),
        pytest.param("", "", 0, (), (), id="nothing"),
        pytest.param("out@5", "in@5", 0, (5.0,), (), id="other-direction"),
    ],
)
def test_score_inwards(
    counted: str, truth: str, right: int, missed: tuple[float, ...], false: tuple[float, ...]
) -> None:
    score, _ = scored(passings(counted), passings(truth))
    assert score == CountScore(inward=True, right=right, missed_at_s=missed, false_at_s=false)


def test_directions_are_scored_apart() -> None:
    inwards, outwards = scored(passings("in@1 out@9"), passings("in@1 out@5"))
    assert (inwards.right, inwards.missed_at_s, inwards.false_at_s) == (1, (), ())
    assert outwards == CountScore(inward=False, right=0, missed_at_s=(5.0,), false_at_s=(9.0,))
