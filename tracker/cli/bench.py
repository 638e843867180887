"""`footfall models bench`: detectors and embedders compared on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tracker.cli.command import command
from tracker.cli.extras import require
from tracker.cli.lines import write_list
from tracker.cli.options import PLOT_SUFFIXES, NoStoreModels, UsageError
from tracker.cli.output import Result, Table, note
from tracker.cli.terminal import progress_bar
from tracker.reports.sheets import Column, Kind, Row
from tracker.reports.text import count_text

if TYPE_CHECKING:
    from tracker.bench.collection import Collection
    from tracker.bench.contenders import Contenders
    from tracker.bench.measuring import Measured
    from tracker.bench.results import Comparison

_FAR = 0.001
PairsOption = Annotated[
    Path | None,
    typer.Option("--pairs", metavar="CSV", help="List with the columns file_x, file_y, same, as for 'evaluate'."),
]


_TIMES = (
    Column("median_ms", "ms", Kind.NUMBER),
    Column("p95_ms", "p95", Kind.NUMBER),
    Column("megabytes", "MB", Kind.NUMBER),
)
"""MB are millions of bytes."""
_DETECTORS = (
    Column("name", "detector", Kind.WORD),
    *_TIMES,
    Column("faces", "faces", Kind.COUNT),
    Column("missed", "missed", Kind.COUNT),
    Column("false_positives", "false pos.", Kind.COUNT),
    Column("mtcnn_recall", "MTCNN recall", Kind.WORD),
)
_EMBEDDERS = (
    Column("name", "embedder", Kind.WORD),
    *_TIMES,
    Column("accuracy", "accuracy", Kind.WORD),
    Column("equal_error_rate", "EER", Kind.WORD),
    Column(f"tar_at_far_{_FAR:g}", "TAR at FAR 0.1 %", Kind.WORD),
)


@command(
    "footfall models bench",
    "footfall models bench --pictures people/ --plot bench.html",
    "footfall models bench mtcnn yunet sface --pairs pairs.csv --pictures photos/ --json",
)
def bench(
    access: NoStoreModels,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Detectors and embedders. Default: all that are there."),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(
            "--pictures",
            metavar="DIR",
            help="Pictures; with a folder for each person, of one face each, accuracy is measured too.",
        ),
    ] = None,
    pairs: PairsOption = None,
    samples: Annotated[int, typer.Option("--samples", min=1, max=10_000, help="Measurements of each, at least.")] = 60,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE.csv", help="Write a line for each of them to a file.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", metavar="FILE", help="Draw time against accuracy: .html opens everywhere, .png needs Chromium."
        ),
    ] = None,
) -> Result:
    """Compare detectors and embedders on this machine: time, size, faces found, accuracy.

    Detectors are timed on whole pictures of up to 1280 px, embedders on one face with its crop. They take turns in
    random order, so that what slows the machine down slows all alike. Without --pictures, the portraits of the demo
    are used, which measure time only.
    """
    _require_writable(csv, plot)
    from tracker.bench.collection import chosen
    from tracker.bench.contenders import contenders
    from tracker.bench.results import COLUMNS

    settings = access.load()
    opened = contenders(names or [], settings)
    collection = chosen(pictures, pairs)
    found = _measured(collection, opened, samples)
    comparison = _comparison(collection, opened, found)
    if csv is not None:
        write_list(csv, COLUMNS, comparison.rows())
        note(f"wrote {csv}")
    if plot is not None:
        _draw(comparison, plot, title=f"Detectors and embedders on {collection.title}")
    notes = _notes(collection, opened, found, comparison)
    chosen_settings = {"precision": settings.models.precision, "threads": settings.models.threads, "samples": samples}
    return Result(
        document=_document(collection, found, comparison, notes, chosen_settings),
        parts=[*_tables(comparison.rows())],
        notes=[f"note: {each}" for each in notes],
    )


def _require_writable(csv: Path | None, plot: Path | None) -> None:
    """Raises FootfallError for files that could not be written once everything is measured."""
    for path in filter(None, (csv, plot)):
        if not path.parent.is_dir():
            raise UsageError(f"{path}: there is no folder {path.parent}", fix="make it, or give another path")
    if csv is not None and csv.suffix.lower() != ".csv":
        raise UsageError(f"--csv: {csv.name[:80]!r} does not end in .csv", fix="write --csv bench.csv")
    if plot is None:
        return
    if plot.suffix.lower() not in PLOT_SUFFIXES:
        raise UsageError(f"--plot: {plot.name[:80]!r} ends neither in .html nor in .png", fix="write --plot bench.html")
    require("the plot", "reports", "plotly")


def _measured(collection: Collection, opened: Contenders, samples: int) -> Measured:
    from tracker.bench.measuring import measure

    with progress_bar() as bar:
        task = bar.add_task("Measuring", total=len(collection.pictures))
        return measure(
            collection,
            opened,
            samples=samples,
            on_progress=lambda done, steps: bar.update(task, completed=done, total=steps),
        )


def _comparison(collection: Collection, opened: Contenders, found: Measured) -> Comparison:
    from tracker.bench.results import Comparison, detector_result, embedder_result

    return Comparison(
        detectors=tuple(
            detector_result(name, collection, found, size_bytes=opened.sizes[name]) for name in opened.detectors
        ),
        embedders=tuple(
            embedder_result(name, collection, found, spec=engine.embedder, size_bytes=opened.sizes[name])
            for name, engine in opened.embedders.items()
        ),
    )


def _draw(comparison: Comparison, path: Path, *, title: str) -> None:
    from tracker.bench.plot import plot
    from tracker.reports.chart_files import write_plot

    write_plot(plot(comparison, title=title), path, title=title)
    note(f"wrote {path}")


def _document(
    collection: Collection,
    found: Measured,
    comparison: Comparison,
    notes: Sequence[str],
    settings: Mapping[str, object],
) -> dict[str, object]:
    from tracker.bench.timing import machine

    return {
        "machine": machine(),
        **settings,
        "pictures_from": collection.title,
        "pictures": len(found.sizes_wh),
        "unreadable": [{"file": name, "reason": reason} for name, reason in found.unreadable.items()],
        "results": comparison.rows(),
        "notes": notes,
    }


def _notes(collection: Collection, opened: Contenders, found: Measured, comparison: Comparison) -> list[str]:
    notes = [f"skipped: {each}" for each in opened.skipped]
    if found.unreadable:
        first, reason = next(iter(found.unreadable.items()))
        notes.append(f"{count_text(len(found.unreadable), 'picture')} cannot be read, such as {first}: {reason}")
    if opened.embedders and not collection.pairs:
        notes.append("accuracy needs --pictures with a folder of pictures for each person, or --pairs")
    for result in comparison.embedders:
        if result.accuracy is None:
            continue
        evaluation = result.accuracy.evaluation
        if any(each.far == _FAR and not each.resolved for each in evaluation.accepts):
            many = count_text(evaluation.different, "pair")
            notes.append(f"with {many} of different people, a FAR of 0.1 % means none at all; use more pictures")
            break
    return notes


def _tables(rows: Sequence[Mapping[str, Any]]) -> Iterator[Table | str]:
    """One for detectors and one for embedders, with an empty line between them."""
    for kind, columns in (("detector", _DETECTORS), ("embedder", _EMBEDDERS)):
        own = [_cells(row) for row in rows if row["kind"] == kind]
        if own:
            if kind == "embedder" and len(own) < len(rows):
                yield ""
            yield Table(columns=columns, rows=own)


def _cells(row: Mapping[str, Any]) -> Row:
    interval = None
    if row["accuracy"] is not None:
        interval = f"{row['accuracy']:.1%} ({row['accuracy_low']:.1%} to {row['accuracy_high']:.1%})"
    return {
        **row,
        "megabytes": row["size_bytes"] / 1e6,
        "accuracy": interval,
        **{key: _percent(row[key]) for key in ("mtcnn_recall", "equal_error_rate", f"tar_at_far_{_FAR:g}")},
    }


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"
