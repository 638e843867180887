"""Which rule trials recommend, and when they are too few to tell."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from config.recognition import RuleName
from tracker.identity.rule_advice import Advice, Recommendation, RuleScore, recommend
from tracker.identity.rule_trials import Outcome, Trial

NEAREST, KNN, SOFTMAX, SVM = RuleName
RULES = tuple(RuleName)


def trial(person: int, *, enrolled: bool = True, **named: str | None) -> Trial:
    """A face of p0, p1 and so on, rightly decided under all rules but those given."""
    right = f"p{person}" if enrolled else None
    return Trial(
        row=0, person_id=f"p{person}", enrolled=enrolled, named={rule: named.get(rule, right) for rule in RULES}
    )


def usual(people: int) -> list[Trial]:
    return [trial(person, enrolled=enrolled) for person in range(people) for enrolled in (True, False)]


def score_of(found: Recommendation, rule: RuleName) -> RuleScore:
    return next(each for each in found.scores if each.rule is rule)


def test_rules_that_decide_alike_are_the_same() -> None:
    found = recommend(usual(20), RULES)
    assert (found.advice, found.rule, found.people) == (Advice.SAME, NEAREST, 20)
    assert "20 people" in found.reason


def test_too_few_people_tell_nothing_even_if_all_decide_alike() -> None:
    found = recommend(usual(7), RULES)
    assert (found.advice, found.rule, found.needed) == (Advice.TOO_SMALL, NEAREST, 8)
    assert found.reason.startswith("7 of 7 people have pictures that differ enough; it takes at least 8")
    strangers_only = recommend([trial(person, enrolled=False) for person in range(30)], RULES)
    assert strangers_only.advice is Advice.TOO_SMALL
    assert strangers_only.reason.startswith("0 of 30 people")


@pytest.mark.parametrize(
    ("better", "advice", "rule"),
    [pytest.param(7, Advice.TOO_SMALL, NEAREST, id="chance"), pytest.param(8, Advice.SWITCH, SVM, id="significant")],
)
@pytest.mark.parametrize(
    "wrongly",
    [
        pytest.param({"enrolled": True, "named": None}, id="names-more"),
        pytest.param({"enrolled": True, "named": "p99"}, id="fewer-wrong-names"),
        pytest.param({"enrolled": False, "named": "p99"}, id="fewer-strangers-named"),
    ],
)
def test_rule_is_recommended_where_enough_people_do_better(
    wrongly: Mapping[str, str | None], better: int, advice: Advice, rule: RuleName
) -> None:
    others = dict.fromkeys((NEAREST, KNN, SOFTMAX), wrongly["named"])
    trials = usual(20) + [trial(person, enrolled=bool(wrongly["enrolled"]), **others) for person in range(better)]
    found = recommend(trials, RULES)
    assert (found.advice, found.rule) == (advice, rule)
    assert "svm" in found.reason
    assert f"better for {better} people and worse for 0" in found.reason


def test_many_faces_of_few_people_are_no_evidence() -> None:
    found = recommend(usual(20) + [trial(person, nearest=None) for person in (1, 2, 3) for _ in range(100)], RULES)
    assert found.advice is Advice.TOO_SMALL
    contrast = score_of(found, SVM).names
    assert contrast is not None
    assert (contrast.better, contrast.worse, contrast.p_value) == (3, 0, 0.25)


def test_faces_of_one_person_that_go_either_way_cancel_out() -> None:
    found = recommend([*usual(20), trial(1, nearest=None), trial(1, svm=None), trial(2, svm=None)], RULES)
    contrast = score_of(found, SVM).names
    assert contrast is not None
    assert (contrast.better, contrast.worse) == (0, 1)


def test_more_names_for_more_strangers_named_is_no_improvement() -> None:
    trials = usual(20) + [trial(person, nearest=None) for person in range(12)]
    trials += [trial(15, enrolled=False, **dict.fromkeys((KNN, SOFTMAX, SVM), "p99"))]
    found = recommend(trials, RULES)
    assert (found.advice, found.rule) == (Advice.KEEP, NEAREST)


def test_rules_that_are_worse_are_not_recommended() -> None:
    trials = usual(20) + [trial(person, **dict.fromkeys((KNN, SOFTMAX, SVM), None)) for person in range(12)]
    assert recommend(trials, RULES).advice is Advice.KEEP


def test_of_several_better_rules_fewest_false_accepts_win() -> None:
    trials = usual(20) + [trial(person, nearest=None, softmax=None, svm=None) for person in range(12)]
    trials += [trial(person, enrolled=False, nearest="p99", knn="p99", softmax="p99") for person in range(9)]
    found = recommend(trials, RULES)
    assert (found.advice, found.rule) == (Advice.SWITCH, SVM)
    assert found.reason.startswith("svm makes 9 fewer false accepts, and is better for 9 people")


def test_rule_that_is_better_for_one_and_worse_for_many_is_not_recommended() -> None:
    trials = usual(20) + [trial(19, nearest=None) for _ in range(30)]
    trials += [trial(person, **dict.fromkeys((KNN, SOFTMAX, SVM), None)) for person in range(12)]
    found = recommend(trials, RULES)
    contrast = score_of(found, SVM).names
    assert contrast is not None
    assert (contrast.better, contrast.worse, contrast.p_value < 0.01) == (1, 12, True)
    assert (found.advice, found.rule) == (Advice.TOO_SMALL, NEAREST)


def test_shares_are_of_people_enrolled_or_of_strangers() -> None:
    trials = [trial(0), trial(1), trial(1, nearest=None), trial(2, nearest="p9")]
    trials += [trial(0, enrolled=False), trial(1, enrolled=False, nearest="p9")]
    score = score_of(recommend(trials, RULES), NEAREST)
    shares = {outcome: (score.share(outcome).count, score.share(outcome).of) for outcome in Outcome}
    assert shares == {
        Outcome.RIGHT: (2, 4), Outcome.WRONG: (1, 4), Outcome.UNNAMED: (1, 4), Outcome.NAMED: (1, 2),
        Outcome.REJECTED: (1, 2),
    }  # fmt: skip
    assert score.wrong == 2
