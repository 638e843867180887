"""`footfall demo`: the whole pipeline on a rendered clip, its visits beside the scripted truth, and the dashboard.

The clip is tracked like any recording, with a settings file of its own: only `tracker/demo` knows the script.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import FootfallError, ModelError
from tracker.cli.command import command
from tracker.cli.dashboard import background_dashboard, require_dashboard
from tracker.cli.extras import require
from tracker.cli.lines import make_folder
from tracker.cli.options import JsonOption, JsonOutput, Models, ModelsOption, StoreOption
from tracker.cli.output import Result, Table, emit, note
from tracker.cli.terminal import progress
from tracker.identity.networks import embedder_of

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.demo.score import Scorecard, ScoreRow

_COLUMNS = ("who", "recognised as", "seconds", "in", "out", "net dwell", "verdict")


@command("footfall demo --fast")
def demo(
    fast: Annotated[bool, typer.Option("--fast", help="As fast as possible, not at the clip's speed.")] = False,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the dashboard.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the dashboard; another if it is in use.")] = 8050,
    store: StoreOption = None,
    models: ModelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Render a clip, track it, and compare the visits with the scripted truth.

    Three people walk through a lobby: one is enrolled from another picture, one is a stranger who returns, one never
    shows a face. Exits with 0 only if every visit was found, with the right person and times within one second.
    """
    require("the demo", "demo", "skimage", "matplotlib")
    if serve:
        require_dashboard()
    from models.catalog import required
    from models.runtime import ensure_built
    from tracker.demo.render import CLIP_NAME
    from tracker.demo.run import enrol, prepare_store, settings_text

    url = store or f"sqlite:///{_folder('data') / 'footfall-demo.sqlite3'}"
    file = _folder("data") / "footfall-demo.toml"
    file.write_text(settings_text(url), encoding="utf-8")
    settings = Models(settings=file, store=url, models=models).load()
    prepare_store(settings.store.path, own=store is None)
    ensure_built(settings.models.dir, settings.models.precision, required(embedder_of(settings).network))
    try:
        ensure_built(settings.models.dir, settings.models.precision, ["bodies"])
    except ModelError as error:
        note(f"note: only faces are counted: {error.problem}; fix: {error.fix}")
    clip = _folder("cache") / CLIP_NAME
    _render(clip)
    note(f"Enrolled {enrol(settings)} from one picture; one is a stranger, one turns the back.")
    with background_dashboard(file, settings.dashboard.host, port) if serve else nullcontext():
        card = _track_and_compare(settings, clip, fast=fast, as_json=as_json)
        emit(_result(card), JsonOutput(as_json=as_json))
        if serve:
            _wait()
    if not card.passed:
        raise FootfallError("the visits differ from the script", fix="see the last column of the table")


def _folder(kind: str) -> Path:
    import platformdirs

    place = platformdirs.user_cache_dir if kind == "cache" else platformdirs.user_data_dir
    folder = Path(place("footfall", False)) / "demo"
    make_folder(folder, fix="check rights and disk")
    return folder


def _render(clip: Path) -> None:
    from tracker.demo.render import render_clip

    with progress("Rendering the demo clip", total=1.0) as show:
        render_clip(clip, progress=show)


def _track_and_compare(settings: Settings, clip: Path, *, fast: bool, as_json: bool) -> Scorecard:
    from tracker.cli.step_output import EventOutput
    from tracker.cli.track import follow
    from tracker.demo.clip import CLIP
    from tracker.demo.run import camera, measure

    output = EventOutput.STDERR if as_json else EventOutput.TEXT
    now = datetime.now(UTC)
    started_at = now - timedelta(seconds=CLIP.length_s) if fast else now
    if not follow(settings, [camera(clip)], start_at=started_at, fast=fast, output=output):
        raise typer.Exit(130)
    return measure(settings, started_at=started_at)


def _result(card: Scorecard) -> Result:
    good = sum(row.ok for row in card.rows)
    title = "Truth and measurement, in seconds of the clip"
    return Result(
        document={"passed": card.passed, "tolerance_s": card.tolerance_s, "visits": [asdict(row) for row in card.rows]},
        parts=[
            Table.of(_COLUMNS, map(_cells, card.rows), title=title, empty="No visits."),
            f"{good} of {len(card.rows)} visits right, tolerance {card.tolerance_s:g} s",
        ],
    )


def _cells(row: ScoreRow) -> list[object]:
    """A visit on three lines: truth, measured, error."""

    def stacked(true: float | None, measured: float | None, apart: float | None) -> str:
        lines = (f"{true:.2f}" if true is not None else "-", f"{measured:.2f}" if measured is not None else "-")
        return "\n".join((*lines, f"{apart:+.2f}" if apart is not None else "-"))

    return [
        row.label or "nobody",
        row.who or "not seen",
        "truth\nmeasured\nerror",
        stacked(row.true_entered_s, row.entered_s, row.enter_error_s),
        stacked(row.true_left_s, row.left_s, row.exit_error_s),
        stacked(row.true_dwell_s, row.dwell_s, row.dwell_error_s),
        "right" if row.ok else row.problem,
    ]


def _wait() -> None:
    from tracker.cli.track import stopping

    note("The dashboard keeps running; press Ctrl-C to stop it.")
    with stopping() as stop:
        while not stop.wait(1.0):
            pass
