"""`footfall people compare-rules`: which rule of recognition suits the people enrolled here, by cross-validation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import PeopleError
from tracker.cli.command import command
from tracker.cli.extras import require
from tracker.cli.lines import write_list
from tracker.cli.options import Reading, UsageError
from tracker.cli.output import Result, Table, note
from tracker.cli.people import names_in
from tracker.cli.store import reading
from tracker.identity.networks import embedder_of
from tracker.presence.people import PersonKind
from tracker.reports.sheets import Column, Kind
from tracker.reports.text import count_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from config.recognition import RuleName
    from tracker.identity.gallery import Gallery
    from tracker.identity.rates import Share
    from tracker.identity.rule_advice import Contrast, Recommendation, RuleScore
    from tracker.identity.rule_trials import Trial

_LEAST_PEOPLE = 2
_SHARES = {
    "right": "right",
    "wrong": "wrong person",
    "unnamed": "not named",
    "rejected": "strangers rejected",
    "named": "strangers named",
}
"""Value of an `Outcome` -> column."""


@command("footfall people compare-rules", "footfall people compare-rules --folds 10 --csv faces.csv")
def compare_rules(
    access: Reading,
    folds: Annotated[
        int, typer.Option("--folds", min=2, max=20, help="Parts into which pictures and people are divided.")
    ] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the division; the same seed divides the same.")] = 0,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE.csv", help="Write a line for each face to a file.")
    ] = None,
) -> Result:
    """Compare the rules of recognition on the people enrolled here, and recommend one.

    Cross-validates nearest, knn, softmax and svm (match.rule): every enrolled picture is compared with the others, once
    as its person's, without pictures like it, and once as a stranger's, without its person. Shares are of single
    pictures, with 95 % intervals as if pictures were independent. Another rule than nearest is recommended only where
    it is better by more than chance. Changes nothing. Needs the extra 'rules'.
    """
    from tracker.cli.terminal import with_progress
    from tracker.identity.gallery import Gallery
    from tracker.identity.rule_advice import recommend
    from tracker.identity.rule_trials import Candidates, rounds, same_views

    if csv is not None and csv.suffix.lower() != ".csv":
        raise UsageError(f"--csv: {csv.name[:80]!r} does not end in .csv", fix="write --csv faces.csv")
    require("the comparison of rules", "rules", "sklearn")
    with reading(access) as (settings, store):
        embedder, names = embedder_of(settings, store), names_in(store)
        vectors, owners, pictures = store.people.vectors_with_sources(PersonKind.ENROLLED)
        gallery = Gallery.of(vectors, owners).with_exceptions(store.people.limits(), *store.people.negatives())
    _require_people(gallery)
    views = same_views(gallery.vectors, gallery.person_ids, pictures, embedder.embedding.new_view)
    divisions = rounds(gallery.person_ids, views, folds=folds, seed=seed)
    candidates = Candidates(gallery=gallery, settings=settings.match, embedder=embedder)
    trials = candidates.trials(with_progress(divisions, "comparing rules", total=len(divisions)))
    found = recommend(trials, candidates.rules)
    if csv is not None:
        write_list(csv, _columns(candidates.rules), _rows(trials, candidates.rules, names, pictures))
        note(f"wrote {csv}")
    current = settings.match.rule
    document = {"folds": folds, "seed": seed, "vectors": len(gallery), "people": len(gallery.people)}
    return Result(
        document={**document, "current": current, **_document(found)},
        parts=[_table(found, current), *_sentences(found, current)],
    )


def _require_people(gallery: Gallery) -> None:
    """Raises PeopleError where there is nobody to tell apart."""
    if len(gallery.people) < _LEAST_PEOPLE:
        count = count_text(len(gallery.people), "person", "people")
        raise PeopleError(
            f"{count} enrolled: there is nobody to tell apart", fix="enrol more: footfall enroll PICTURES --name NAME"
        )


def _table(found: Recommendation, current: RuleName) -> Table:
    rows = [
        [
            f"{each.rule} (now)" if each.rule is current else each.rule,
            *(_share_text(each, outcome) for outcome in _SHARES),
        ]
        for each in found.scores
    ]
    return Table.of(["rule", *_SHARES.values()], rows)


def _share_text(score: RuleScore, outcome: str) -> str:
    """`39 of 40, 87 to 100%`; empty without a trial."""
    share = _share(score, outcome)
    low, high = (100 * each for each in share.interval)
    return f"{share.count} of {share.of}, {low:.0f} to {high:.0f}%" if share.of else ""


def _sentences(found: Recommendation, current: RuleName) -> list[str]:
    from tracker.identity.rule_advice import Advice

    keep = f"{found.rule} remains" if current is found.rule else f"{found.rule} is recommended, match.rule is {current}"
    return {
        Advice.SWITCH: [f"recommended: {found.reason}", f'Set it in footfall.toml: [match] rule = "{found.rule}"'],
        Advice.KEEP: [f"{found.reason}: {keep}"],
        Advice.SAME: [f"{found.reason}: {keep}"],
        Advice.TOO_SMALL: [f"too small to tell: {found.reason}; {keep}"],
    }[found.advice]


def _document(found: Recommendation) -> dict[str, object]:
    return {
        "people_with_several_pictures": found.people,
        "people_needed": found.needed,
        "advice": found.advice,
        "recommended": found.rule,
        "reason": found.reason,
        "rules": [_score_document(each) for each in found.scores],
    }


def _score_document(score: RuleScore) -> dict[str, object]:
    return {
        "rule": score.rule,
        **{name.replace(" ", "_"): _share_document(_share(score, outcome)) for outcome, name in _SHARES.items()},
        "names_against_nearest": _contrast_document(score.names),
        "false_accepts_against_nearest": _contrast_document(score.false_accepts),
    }


def _share(score: RuleScore, outcome: str) -> Share:
    from tracker.identity.rule_trials import Outcome

    return score.share(Outcome(outcome))


def _share_document(share: Share) -> dict[str, object]:
    low, high = share.interval
    return {
        "count": share.count,
        "of": share.of,
        "share": None if share.value is None else round(share.value, 4),
        "low": round(low, 4),
        "high": round(high, 4),
    }


def _contrast_document(contrast: Contrast | None) -> dict[str, object] | None:
    if contrast is None:
        return None
    return {
        "people_better": contrast.better,
        "people_worse": contrast.worse,
        "p_value": round(contrast.p_value, 4),
    }


def _columns(rules: Sequence[RuleName]) -> list[Column]:
    """Of the list of faces."""
    return [
        Column("person_id", "person id", Kind.WORD),
        Column("name", "name"),
        Column("picture", "picture"),
        Column("enrolled", "enrolled", Kind.FLAG),
        *(Column(rule, rule) for rule in rules),
    ]


def _rows(
    trials: Sequence[Trial], rules: Sequence[RuleName], names: Mapping[str, str], pictures: Sequence[str]
) -> list[dict[str, object]]:
    """A row for each face that was compared, by `_columns`: under each rule the outcome, and who was named wrongly."""
    return [
        {
            "person_id": each.person_id,
            "name": names.get(each.person_id, ""),
            "picture": pictures[each.row],
            "enrolled": each.enrolled,
            **{rule: _outcome_text(each, rule, names) for rule in rules},
        }
        for each in trials
    ]


def _outcome_text(trial: Trial, rule: RuleName, names: Mapping[str, str]) -> str:
    outcome, named = trial.outcome(rule), trial.named[rule]
    return f"{outcome}: {names.get(named or '', '')}" if outcome.is_false_accept else str(outcome)
