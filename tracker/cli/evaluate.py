"""`footfall evaluate`: how often the engine is right on pairs of pictures that somebody has judged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from models.runtime import ensure_built
from tracker.cli.door import JsonOption, ModelsOption, SettingsOption, UnusedStoreOption, settings_for
from tracker.cli.output import console, errors, print_json, print_table
from tracker.identity.evaluation import Evaluation, PictureVectors, ScoredPair, files_of, read_pairs, read_vectors
from tracker.identity.evaluation import evaluate as evaluated
from tracker.identity.roc import save_roc
from tracker.vision.engine import FaceEngine

_WRONG_SHOWN = 10


def evaluate(
    pairs: Annotated[
        Path,
        typer.Option("--pairs", metavar="CSV", help="List with the columns file_x, file_y, same (yes/no, 1/0, …)."),
    ],
    root: Annotated[
        Path | None,
        typer.Option("--root", metavar="DIR", help="Where the file names start from. Default: the list's folder."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE.png", help="Draw the curve of true and false accepts.")
    ] = None,
    store: UnusedStoreOption = None,
    settings: SettingsOption = None,
    models: ModelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how often two faces are rightly taken for one person's, on pairs of pictures you have judged.

    Prints the accuracy at the current threshold, the best there is, and how many pairs of one person pass where at
    most 1 % or 0.1 % of the pairs of two people do. Pictures without a face are named; their pairs do not count.
    """
    chosen = settings_for(settings, store=store, models=models)
    listed = read_pairs(pairs)
    ensure_built(chosen.models.dir, chosen.models.precision)
    engine = FaceEngine.load(models=chosen.models, detect=chosen.detect, quality=chosen.quality)
    found = evaluated(
        listed,
        _vectors(engine, files_of(listed), root if root is not None else pairs.parent),
        threshold=chosen.match.max_distance,
    )
    if plot is not None:
        save_roc(found, plot)
    if as_json:
        print_json(as_document(found))
    else:
        _tell(found)
        if plot is not None:
            console.print(f"curve drawn to {plot}", markup=False)


def as_document(found: Evaluation) -> dict[str, object]:
    """The figures with stable keys; shares are 0..1."""
    rates = {f"tar_at_far_{each.far:g}": each.tar for each in found.accepts}
    return {
        "pairs": found.pairs,
        "pairs_scored": len(found.scored),
        "same": found.same,
        "different": found.different,
        "threshold": found.threshold,
        "accuracy": found.accuracy,
        "false_accept_rate": found.false_accept_rate,
        "false_reject_rate": found.false_reject_rate,
        "best_threshold": found.best_threshold,
        "best_accuracy": found.best_accuracy,
        "equal_error_rate": found.equal_error_rate,
        **rates,
        "tar_at_far": found.accepts,
        "no_face": found.no_face,
        "unreadable": [{"file": file, "reason": reason} for file, reason in found.unreadable],
        "wrong": found.wrong,
    }


def _vectors(engine: FaceEngine, files: tuple[str, ...], root: Path) -> PictureVectors:
    with Progress(console=errors, disable=not errors.is_terminal) as progress:
        task = progress.add_task("Reading pictures", total=len(files))
        return read_vectors(files, root, engine, lambda _file: progress.advance(task))


def _tell(found: Evaluation) -> None:
    rows: list[tuple[str, object]] = [
        ("pairs", f"{found.pairs}, {len(found.scored)} with a face in both pictures"),
        ("", f"{found.same} of one person, {found.different} of two"),
        (f"accuracy at the threshold {found.threshold:g}", _percent(found.accuracy)),
        ("  two people taken for one", _percent(found.false_accept_rate)),
        ("  one person taken for two", _percent(found.false_reject_rate)),
        (f"best accuracy, at {found.best_threshold:.3f}", _percent(found.best_accuracy)),
        ("equal error rate", _percent(found.equal_error_rate)),
    ]
    rows += [
        (f"true accepts at {each.far:g} false accepts, at {each.threshold:.3f}", _percent(each.tar))
        for each in found.accepts
    ]
    rows += [("pictures without a face", len(found.no_face)), ("unreadable pictures", len(found.unreadable))]
    print_table("", ["figure", "value"], rows, empty="")
    if found.wrong:
        print_table("clearest errors", ["first", "second", "truth", "distance"], _wrong_rows(found.wrong), empty="")
    for file in found.no_face:
        console.print(f"no face found in {file}", markup=False)
    for file, reason in found.unreadable:
        console.print(f"left out {file}: {reason}", markup=False)
    _warn(found)


def _warn(found: Evaluation) -> None:
    """Say where the list is too short to carry a figure."""
    short = [f"{each.far:g}" for each in found.accepts if not each.resolved]
    if short:
        errors.print(
            f"note: with {found.different} pairs of two people, a false-accept rate of {' or '.join(short)} means none"
            " at all; a longer list tells more",
            markup=False,
        )
    if not found.accepts:
        missing = "one person" if not found.same else "two people"
        errors.print(f"note: without pairs of {missing} there is no curve, only the accuracy", markup=False)


def _wrong_rows(wrong: tuple[ScoredPair, ...]) -> list[list[object]]:
    return [
        [pair.first, pair.second, "one person" if pair.same else "two people", f"{pair.distance:.3f}"]
        for pair in wrong[:_WRONG_SHOWN]
    ]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
