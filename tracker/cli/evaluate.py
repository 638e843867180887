"""`footfall evaluate`: recognition accuracy on labelled pairs of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.command import command
from tracker.cli.options import NoStoreModels
from tracker.cli.output import Result, Table
from tracker.cli.terminal import progress_bar
from tracker.identity.networks import load_engine

if TYPE_CHECKING:
    from tracker.identity.evaluation import Evaluation, PictureVectors, ScoredPair
    from tracker.vision.engine import FaceEngine

_WRONG_SHOWN = 10


@command("footfall evaluate --pairs pairs.csv --root pictures/ --plot roc.png")
def evaluate(
    pairs: Annotated[
        Path,
        typer.Option("--pairs", metavar="CSV", help="List with the columns file_x, file_y, same (yes/no, 1/0, …)."),
    ],
    access: NoStoreModels,
    root: Annotated[
        Path | None,
        typer.Option("--root", metavar="DIR", help="Folder of the pictures. Default: the list's folder."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE.png", help="Draw the ROC curve to a picture.")
    ] = None,
) -> Result:
    """Measure recognition accuracy on labelled pairs of pictures.

    Prints the accuracy at the current threshold, the best possible, and the true accept rate where at most 1 % or
    0.1 % of the pairs of different people pass. Pictures without a face are listed; their pairs do not count.
    """
    from tracker.identity.evaluation import evaluate as evaluated
    from tracker.identity.evaluation import files_of, read_pairs
    from tracker.identity.limits import match_settings

    settings = access.load()
    listed = read_pairs(pairs)
    engine = load_engine(settings)
    found = evaluated(
        listed,
        _vectors(engine, files_of(listed), root if root is not None else pairs.parent),
        threshold=match_settings(settings.match, engine.embedder, people=1).max_distance,
    )
    parts = _parts(found)
    if plot is not None:
        from tracker.identity.roc import save_roc

        save_roc(found, plot)
        parts.append(f"ROC curve written to {plot}")
    return Result(document=found.document(), parts=parts, notes=_notes(found))


def _vectors(engine: FaceEngine, files: tuple[str, ...], root: Path) -> PictureVectors:
    from tracker.identity.evaluation import read_vectors

    with progress_bar() as bar:
        task = bar.add_task("Reading pictures", total=len(files))
        return read_vectors(files, root, engine, lambda _file: bar.advance(task))


def _parts(found: Evaluation) -> list[str | Table]:
    rows: list[tuple[str, object]] = [
        ("pairs", f"{found.pairs}, {len(found.scored)} with a face in both pictures"),
        ("", f"{found.same} of one person, {found.different} of two"),
        (f"accuracy at the threshold {found.threshold:g}", _percent(found.accuracy)),
        ("  false accept rate", _percent(found.false_accept_rate)),
        ("  false reject rate", _percent(found.false_reject_rate)),
        (f"best accuracy, at {found.best_threshold:.3f}", _percent(found.best_accuracy)),
        ("equal error rate", _percent(found.equal_error_rate)),
    ]
    rows += [
        (f"true accept rate at FAR {each.far:g}, at {each.threshold:.3f}", _percent(each.tar)) for each in found.accepts
    ]
    rows += [("pictures without a face", len(found.no_face)), ("unreadable pictures", len(found.unreadable))]
    parts: list[str | Table] = [Table.of(["figure", "value"], rows)]
    if found.wrong:
        titles = ["first", "second", "truth", "distance"]
        parts.append(Table.of(titles, _wrong_rows(found.wrong), title="clearest errors"))
    parts += [f"no face found in {file}" for file in found.no_face]
    return parts + [f"skipped {file}: {reason}" for file, reason in found.unreadable]


def _notes(found: Evaluation) -> list[str]:
    """Where the list is too short for a figure."""
    notes = []
    short = [f"{each.far:g}" for each in found.accepts if not each.resolved]
    if short:
        notes.append(
            f"note: with {found.different} pairs of different people, a false accept rate of {' or '.join(short)} means"
            " none at all; use a longer list"
        )
    if not found.accepts:
        missing = "one person" if not found.same else "different people"
        notes.append(f"note: without pairs of {missing} there is no ROC curve, only the accuracy")
    return notes


def _wrong_rows(wrong: tuple[ScoredPair, ...]) -> list[list[object]]:
    return [
        [pair.first, pair.second, "one person" if pair.same else "two people", f"{pair.distance:.3f}"]
        for pair in wrong[:_WRONG_SHOWN]
    ]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
