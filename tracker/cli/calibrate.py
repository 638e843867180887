"""`footfall people calibrate`: thresholds for the people at hand, with what they cost."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer
from rich.table import Table
from rich.text import Text

from config.settings import Settings
from tracker.cli.door import JsonOption, SettingsOption, StoreOption, UsageError, open_store, settings_for
from tracker.cli.output import console, errors, print_json, print_table
from tracker.identity.calibration import Calibration, PersonCalibration
from tracker.identity.calibration import calibrate as calibrated
from tracker.identity.gallery import Gallery
from tracker.presence.people import PersonKind
from tracker.store.store import Store
from tracker.vision.faces import FloatArray

_BIN = 0.05
_BAR_WIDTH = 24
_SAME_STYLE, _DIFFERENT_STYLE = "green", "dark_orange"


def calibrate(
    far: Annotated[
        float, typer.Option("--far", metavar="SHARE", help="Share of faces of others that may pass for somebody.")
    ] = 0.001,
    apply: Annotated[
        bool, typer.Option("--apply", help="Save a limit for each person; running agents follow.")
    ] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Take back all limits; the setting holds again.")] = False,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Work out how near a face must come to be somebody, for the people enrolled here.

    Compares every enrolled picture with its own person and with everybody else, and shows both as histograms. People
    who resemble each other get a stricter limit. Few comparisons never make a limit looser than the setting.
    """
    if not 0 < far < 1:
        raise UsageError(f"--far {far}: not a share between 0 and 1", fix="give 0.01 or 0.001")
    if apply and reset:
        raise UsageError("--apply and --reset contradict each other", fix="leave one out")
    chosen = settings_for(settings, store=store)
    with open_store(chosen, create=False) as opened:
        if reset:
            opened.people.replace_limits({})
            console.print(f"own limits taken back; {chosen.match.max_distance:g} holds for everybody")
            return
        names = {person.person_id: person.name for person in opened.people.all(kind=PersonKind.ENROLLED)}
        found = calibrated(Gallery.of(*opened.people.vectors(PersonKind.ENROLLED)), chosen.match, rate=far)
        if apply:
            _save(opened, found, chosen)
    if as_json:
        print_json(as_document(found, names, current=chosen.match.max_distance, applied=apply))
    else:
        _tell(found, names, chosen, applied=apply)


def as_document(found: Calibration, names: dict[str, str], *, current: float, applied: bool) -> dict[str, object]:
    """The figures with stable keys; histograms count distances in bins of 0.05 that begin at `from`."""
    edges = _edges(found)
    return {
        "far": found.rate,
        "current": current,
        "threshold": round(found.threshold, 4),
        "confirmed": found.confirmed,
        "comparisons_of_one": len(found.same),
        "comparisons_of_two": len(found.different),
        "comparisons_needed": found.needed,
        "missed": round(found.missed_at(found.threshold), 4),
        "applied": applied,
        "people": [
            {
                "person_id": person.person_id,
                "name": names.get(person.person_id),
                "vectors": person.vectors,
                "limit": round(person.limit, 4),
                "missed": person.missed,
                "nearest": person.nearest_other,
                "lookalike": names.get(person.lookalike) if person.lookalike is not None else None,
            }
            for person in found.people
        ],
        "histogram": {
            "from": [round(float(edge), 2) for edge in edges[:-1]],
            "one": np.histogram(found.same, edges)[0].tolist(),
            "two": np.histogram(found.different, edges)[0].tolist(),
        },
    }


def _save(store: Store, found: Calibration, settings: Settings) -> None:
    """An own limit for everybody whose limit is not the setting."""
    usual = settings.match.max_distance
    limits = {person.person_id: round(person.limit, 4) for person in found.people}
    store.people.replace_limits({person_id: limit for person_id, limit in limits.items() if limit != usual})


def _tell(found: Calibration, names: dict[str, str], settings: Settings, *, applied: bool) -> None:
    if not found.people:
        console.print("Nobody is enrolled yet. 'footfall enroll PICTURES --name NAME' adds somebody.")
        return
    _draw(found, settings.match.max_distance)
    rows = [_row(person, names, settings.match.max_distance) for person in found.people]
    print_table("limits", ["name", "vectors", "limit", "own pictures missed", "nearest other"], rows, empty="")
    _say_threshold(found, settings.match.max_distance)
    for person in found.lookalikes:
        other = names.get(person.lookalike or "", "somebody")
        errors.print(
            f"note: {names.get(person.person_id)} and {other} are {person.nearest_other:.2f} apart, as one person is;"
            " 'footfall people merge' makes one of two",
            markup=False,
            soft_wrap=True,
        )
    stricter = sum(person.limit < settings.match.max_distance for person in found.people)
    if applied:
        console.print(f"saved: {stricter} of {len(found.people)} have a limit of their own", markup=False)
    elif stricter:
        console.print("'footfall people calibrate --apply' saves these limits", markup=False)


def _say_threshold(found: Calibration, current: float) -> None:
    count = len(found.different)
    if not count:
        console.print(
            f"One person alone says nothing about others: {current:g} stays. Enrol more people, then ask again.",
            soft_wrap=True,
        )
        return
    kept = float(np.mean(found.different <= found.threshold))
    line = f"threshold for everybody: {found.threshold:.3f} (now {current:g}); {kept:.2%} of {count} comparisons pass"
    if len(found.same):
        line += f", {found.missed_at(found.threshold):.1%} of {len(found.same)} own pictures are missed"
    console.print(line, soft_wrap=True)
    if not found.confirmed:
        console.print(
            f"too few to confirm a rate of {found.rate:g}: that takes {found.needed} comparisons of different people,"
            f" here are {count}. Until then limits are only made stricter, never looser.",
            soft_wrap=True,
        )


def _row(person: PersonCalibration, names: dict[str, str], current: float) -> list[object]:
    other = "" if person.lookalike is None else f"{names.get(person.lookalike, '?')} ({person.nearest_other:.2f})"
    mark = "" if person.limit == current else " own"
    missed = f"{person.missed} of {len(person.same)}" if len(person.same) else "one picture only"
    return [names.get(person.person_id, person.person_id), person.vectors, f"{person.limit:.3f}{mark}", missed, other]


def _draw(found: Calibration, current: float) -> None:
    """Two histograms back to back, distance downwards: one person's pictures on the left, two people's on the right."""
    edges = _edges(found)
    same, different = (np.histogram(each, edges)[0] for each in (found.same, found.different))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("the same person", justify="right")
    table.add_column("distance", justify="center")
    table.add_column("different people")
    for place, (one, two) in enumerate(zip(same, different, strict=True)):
        low, high = edges[place], edges[place + 1]
        words = Text(f"{low:.2f}")
        for threshold, label in ((current, "now"), (found.threshold, "new")):
            if low <= threshold < high and (label == "now" or abs(threshold - current) > 1e-6):
                words.append(f" ◄ {label}", style="bold")
        table.add_row(
            _bar(int(one), int(same.max()), _SAME_STYLE, left=True),
            words,
            _bar(int(two), int(different.max()), _DIFFERENT_STYLE, left=False),
        )
    console.print(table)


def _bar(count: int, most: int, style: str, *, left: bool) -> Text:
    if not count:
        return Text("")
    bar = Text("█" * max(1, round(_BAR_WIDTH * count / most)), style=style)
    number = Text(f"{count}")
    return Text(" ").join((number, bar) if left else (bar, number))


def _edges(found: Calibration) -> FloatArray:
    """Bins of 0.05 from the smallest distance there is to the largest."""
    everything = np.concatenate([found.same, found.different])
    low, high = (float(everything.min()), float(everything.max())) if len(everything) else (0.0, 1.0)
    first, last = int(low / _BIN), int(high / _BIN) + 1
    return (np.arange(first, last + 1) * _BIN).astype(np.float32)
