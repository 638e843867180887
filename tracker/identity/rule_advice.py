"""What trials of the rules say: how often each is right, and whether one is better than the nearest person.

Faces of one person are not independent, so that differences are tested by people: the people for whom a rule does
better, against those for whom it does worse.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from config.recognition import RuleName
from tracker.identity.rates import Share, sign_test
from tracker.identity.rule_trials import Outcome, Trial
from tracker.reports.text import count_text

SIGNIFICANT = 0.05
_MEASURES = 2


class Advice(StrEnum):
    """SWITCH: another rule is better than the nearest. KEEP: none is. SAME: all decide alike. TOO_SMALL: no telling."""

    SWITCH = "switch"
    KEEP = "keep"
    SAME = "same"
    TOO_SMALL = "too small"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Number of people for whom a rule does better than the nearest, and for whom worse."""

    better: int
    worse: int

    @property
    def p_value(self) -> float:
        """How likely so uneven numbers are by chance; two-sided."""
        return sign_test(self.better, self.worse)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleScore:
    """How a rule did. counts: faces by outcome. names, false_accepts: against the nearest; None for that itself."""

    rule: RuleName
    counts: Counter[Outcome]
    names: Contrast | None = None
    false_accepts: Contrast | None = None

    def share(self, outcome: Outcome) -> Share:
        """The share of an outcome, among faces of people enrolled or of strangers."""
        of_strangers = (Outcome.NAMED, Outcome.REJECTED)
        kinds = of_strangers if outcome in of_strangers else (Outcome.RIGHT, Outcome.WRONG, Outcome.UNNAMED)
        return Share(self.counts[outcome], sum(self.counts[each] for each in kinds))

    @property
    def wrong(self) -> int:
        """Number of false accepts: of people enrolled and of strangers."""
        return sum(count for outcome, count in self.counts.items() if outcome.is_false_accept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """A rule to use, and why. scores: of all rules, the nearest first. people: who were tested with other pictures.

    needed: people for whom a rule must do better, and none worse, to be recommended.
    """

    scores: tuple[RuleScore, ...]
    advice: Advice
    rule: RuleName
    reason: str
    people: int
    needed: int


def recommend(trials: Sequence[Trial], rules: Sequence[RuleName]) -> Recommendation:
    """The rule to use by trials that cover the nearest and others.

    Another rule than the nearest is recommended where it names no fewer faces rightly, makes no more false accepts, and
    is significantly better in one of the two, at 5 % for all comparisons together (Bonferroni).
    """
    base = _score(trials, RuleName.NEAREST)
    others = [_against(trials, rule) for rule in rules if rule is not RuleName.NEAREST]
    level = SIGNIFICANT / (_MEASURES * max(1, len(others)))
    promising = sorted(
        (each for each in others if _is_no_worse(each, base) and _gain(each, base) != (0, 0)),
        key=lambda each: _gain(each, base),
        reverse=True,
    )
    better = [each for each in promising if _is_significant(each, level)]
    people = len({each.person_id for each in trials if each.enrolled})
    needed = _needed(level)
    if better:
        advice, chosen = Advice.SWITCH, better[0]
        reason = f"{chosen.rule} {_words(chosen, base)}, and is {_people_of(chosen)}, which is more than chance"
    elif people < needed or promising:
        advice, chosen = Advice.TOO_SMALL, base
        everybody = len({each.person_id for each in trials})
        reason = _why_too_small(promising, base, f"{people} of {everybody} people", needed)
    elif all(len(set(each.named.values())) == 1 for each in trials):
        advice, chosen = Advice.SAME, base
        reason = f"all rules decide alike on the faces of {people} people; what differs for few would not show"
    else:
        advice, chosen = Advice.KEEP, base
        reason = "no other rule is better in one respect without being worse in another"
    return Recommendation(
        scores=(base, *others), advice=advice, rule=chosen.rule, reason=reason, people=people, needed=needed
    )


def _score(trials: Sequence[Trial], rule: RuleName) -> RuleScore:
    return RuleScore(rule=rule, counts=Counter(each.outcome(rule) for each in trials))


def _against(trials: Sequence[Trial], rule: RuleName) -> RuleScore:
    return RuleScore(
        rule=rule,
        counts=_score(trials, rule).counts,
        names=_contrast(trials, rule, lambda outcome: outcome is Outcome.RIGHT),
        false_accepts=_contrast(trials, rule, lambda outcome: not outcome.is_false_accept),
    )


def _contrast(trials: Sequence[Trial], rule: RuleName, is_good: Callable[[Outcome], bool]) -> Contrast:
    """By person, more or fewer good outcomes than under the nearest."""
    gains: defaultdict[str, int] = defaultdict(int)
    for each in trials:
        gains[each.person_id] += is_good(each.outcome(rule)) - is_good(each.outcome(RuleName.NEAREST))
    return Contrast(better=sum(gain > 0 for gain in gains.values()), worse=sum(gain < 0 for gain in gains.values()))


def _gain(score: RuleScore, base: RuleScore) -> tuple[int, int]:
    """By how many false accepts and by how many right names a rule is better."""
    return base.wrong - score.wrong, score.counts[Outcome.RIGHT] - base.counts[Outcome.RIGHT]


def _is_no_worse(score: RuleScore, base: RuleScore) -> bool:
    return min(_gain(score, base)) >= 0


def _is_significant(score: RuleScore, level: float) -> bool:
    contrasts = (score.names, score.false_accepts)
    return any(each is not None and each.better > each.worse and each.p_value < level for each in contrasts)


def _needed(level: float) -> int:
    """The fewest people, all for the better, that are significant."""
    return next(count for count in range(1, 100) if sign_test(count, 0) < level)


def _words(score: RuleScore, base: RuleScore) -> str:
    """`names 3 more faces rightly and makes 2 fewer false accepts`."""
    fewer, more = _gain(score, base)
    words = [f"names {more} more faces rightly"] if more else []
    words += [f"makes {fewer} fewer false accepts"] if fewer else []
    return " and ".join(words)


def _people_of(score: RuleScore) -> str:
    """`better for 9 people and worse for 1`, by the clearer of the two contrasts."""
    contrasts = [each for each in (score.names, score.false_accepts) if each is not None]
    best = min(contrasts, key=lambda each: (each.p_value, -each.better))
    return f"better for {count_text(best.better, 'person', 'people')} and worse for {best.worse}"


def _why_too_small(promising: Sequence[RuleScore], base: RuleScore, tested: str, needed: int) -> str:
    if promising:
        best = promising[0]
        enough = f"it takes at least {needed} people for the better"
        return f"{best.rule} {_words(best, base)}, but is {_people_of(best)}, which may be chance; {enough}"
    return f"{tested} have pictures that differ enough; it takes at least {needed} to tell a difference from chance"
