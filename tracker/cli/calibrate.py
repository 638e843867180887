"""`footfall people calibrate`: recognition thresholds for the enrolled people, with their error rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table as RichTable
from rich.text import Text

from tracker.cli.acting import actor_of
from tracker.cli.command import command
from tracker.cli.options import Acting, UsageError
from tracker.cli.output import Result, Table
from tracker.cli.store import open_store
from tracker.identity.networks import embedder_of, match_of
from tracker.presence.people import PersonKind

if TYPE_CHECKING:
    from tracker.identity.calibration import Calibration, PersonCalibration

_BAR_WIDTH = 24
_SAME_STYLE, _DIFFERENT_STYLE = "green", "dark_orange"


@command("footfall people calibrate --far 0.01", "footfall people calibrate --apply")
def calibrate(
    access: Acting,
    far: Annotated[
        float, typer.Option("--far", metavar="SHARE", help="False accept rate to allow: the share of other people.")
    ] = 0.001,
    apply: Annotated[
        bool, typer.Option("--apply", help="Save a limit for each person; running agents use it at once.")
    ] = False,
    reset: Annotated[
        bool, typer.Option("--reset", help="Remove all limits; match.max_distance applies again.")
    ] = False,
) -> Result:
    """Calibrate recognition thresholds for the people enrolled here.

    Compares every enrolled picture with its own person, with everybody else and with the visitors, and shows both as
    histograms. People who look alike get a stricter limit. With few comparisons limits only get stricter, never looser.
    Without --apply nothing is saved.
    """
    from tracker.actions.recognition import set_limits
    from tracker.identity.calibration import calibrate as calibrated
    from tracker.identity.gallery import Gallery

    if not 0 < far < 1:
        raise UsageError(f"--far {far}: not between 0 and 1", fix="give 0.01 or 0.001")
    if apply and reset:
        raise UsageError("--apply and --reset cannot be used together", fix="specify one of them")
    settings = access.load()
    with open_store(settings, create=False) as store:  # limits stay on this machine
        embedder, match = embedder_of(settings, store), match_of(settings, store)
        current = match.max_distance
        if reset:
            set_limits(store, actor_of(access), {})
            return Result(
                document={"reset": True, "current": current},
                parts=[f"limits removed; {current:g} applies to everybody"],
            )
        names = {person.person_id: person.name for person in store.people.all()}
        enrolled, visitors = (Gallery.of(*store.people.vectors(kind)) for kind in PersonKind)
        found = calibrated(enrolled, match, embedder, rate=far, strangers=visitors)
        before = store.people.limits()
        if apply:
            set_limits(store, actor_of(access), _limits(found, current))
    return Result(
        document={
            **found.document(names),
            "current": current,
            "applied": apply,
            "changes": _changes(found, before, current),
        },
        parts=_parts(found, names, current, before, applied=apply),
        notes=_notes(found, names),
    )


def _limits(found: Calibration, current: float) -> dict[str, float]:
    """The limits to save: of everybody whose limit is not the setting."""
    limits = {person.person_id: round(person.limit, 4) for person in found.people}
    return {person_id: limit for person_id, limit in limits.items() if limit != current}


def _changes(found: Calibration, before: dict[str, float], current: float) -> dict[str, int]:
    """How many people get a limit that is stricter or looser than their present one, and how many keep it."""
    after = _limits(found, current)
    steps = [after.get(person.person_id, current) - before.get(person.person_id, current) for person in found.people]
    stricter, looser = sum(step < 0 for step in steps), sum(step > 0 for step in steps)
    return {"stricter": stricter, "looser": looser, "unchanged": len(steps) - stricter - looser}


def _changes_line(changes: dict[str, int], *, applied: bool) -> str:
    kept = f"{changes['unchanged']} unchanged"
    counts = f"{changes['stricter']} stricter, {changes['looser']} looser, {kept}"
    if applied:
        return f"saved limits: {counts}"
    if not changes["stricter"] and not changes["looser"]:
        return f"'footfall people calibrate --apply' would change nothing: {kept}"
    return f"'footfall people calibrate --apply' would save these limits: {counts}"


def _parts(
    found: Calibration, names: dict[str, str], current: float, before: dict[str, float], *, applied: bool
) -> list[str | RichTable | Table]:
    if not found.people:
        return ["Nobody is enrolled yet. Try: footfall enroll PICTURES --name NAME"]
    rows = [_row(person, names, current) for person in found.people]
    titles = ["name", "vectors", "limit", "own pictures missed", "nearest other"]
    parts: list[str | RichTable | Table] = [
        _histograms(found, current),
        Table.of(titles, rows, title="limits"),
        *_threshold_lines(found, current),
    ]
    parts.append(_changes_line(_changes(found, before, current), applied=applied))
    return parts


def _notes(found: Calibration, names: dict[str, str]) -> list[str]:
    return [
        f"note: {names.get(person.person_id)} and {names.get(person.lookalike or '', 'somebody')} are"
        f" {person.nearest_other:.2f} apart, like one person; 'footfall people merge' merges them"
        for person in found.lookalikes
    ]


def _threshold_lines(found: Calibration, current: float) -> list[str]:
    count = len(found.different)
    if not count and not len(found.strangers):
        return [f"One person alone allows no comparison: {current:g} remains. Enrol more people, then run this again."]
    if not count:
        nearest = float(found.strangers.min())
        compared = f"compared with {len(found.strangers)} faces of strangers, the nearest at {nearest:.2f}"
        return [f"{compared}; they can only make a limit stricter"]
    kept = float((found.different <= found.threshold).mean())
    line = f"threshold for everybody: {found.threshold:.3f} (now {current:g}); {kept:.2%} of {count} comparisons pass"
    if len(found.same):
        line += f", {found.missed_at(found.threshold):.1%} of {len(found.same)} own pictures are missed"
    if found.confirmed:
        return [line]
    too_few = (
        f"too few to confirm a rate of {found.rate:g}: that takes {found.needed} comparisons of different people,"
        f" there are {count}. Until then limits only get stricter, never looser."
    )
    return [line, too_few]


def _row(person: PersonCalibration, names: dict[str, str], current: float) -> list[object]:
    other = "" if person.lookalike is None else f"{names.get(person.lookalike, '?')} ({person.nearest_other:.2f})"
    mark = "" if person.limit == current else " own"
    missed = f"{person.missed} of {len(person.same)}" if len(person.same) else "one picture only"
    return [names.get(person.person_id, person.person_id), person.vectors, f"{person.limit:.3f}{mark}", missed, other]


def _histograms(found: Calibration, current: float) -> RichTable:
    """Two histograms back to back, distance downwards: same person on the left, different people on the right."""
    from tracker.identity.calibration import BIN

    starts, same, different = found.histogram()
    table = RichTable(box=None, pad_edge=False, header_style="bold")
    table.add_column("the same person", justify="right")
    table.add_column("distance", justify="center")
    table.add_column("different people")
    for low, one, two in zip(starts, same, different, strict=True):
        words = Text(f"{low:.2f}")
        for threshold, label in ((current, "now"), (found.threshold, "new")):
            if low <= threshold < round(low + BIN, 2) and (label == "now" or abs(threshold - current) > 1e-6):
                words.append(f" ◄ {label}", style="bold")
        table.add_row(
            _bar(one, max(same), _SAME_STYLE, left=True),
            words,
            _bar(two, max(different), _DIFFERENT_STYLE, left=False),
        )
    return table


def _bar(count: int, most: int, style: str, *, left: bool) -> Text:
    if not count:
        return Text("")
    bar = Text("█" * max(1, round(_BAR_WIDTH * count / most)), style=style)
    number = Text(f"{count}")
    return Text(" ").join((number, bar) if left else (bar, number))
