"""`footfall demo`: the whole pipeline on a rendered clip, its visits beside the scripted truth, and the dashboard.

The clip is tracked like any recording, with a settings file of its own: only this module knows the script.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import FootfallError, StoreError
from tracker.cli.command import command
from tracker.cli.dashboard import require_dashboard
from tracker.cli.enroll import save_plan
from tracker.cli.extras import require
from tracker.cli.lines import progress_bar
from tracker.cli.options import JsonOption, JsonOutput, Models, ModelsOption, StoreOption
from tracker.cli.output import Result, Table, emit, note
from tracker.cli.store import open_store

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.demo.score import Scorecard, ScoreRow

_STORE_NAME = "footfall-demo.sqlite3"
_CAMERA_ID = "lobby"


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

    Two people walk through a lobby: one is enrolled from another picture, the other is a stranger who returns. Exits
    with 0 only if every visit was found, with the right person and times within one second.
    """
    from models.runtime import ensure_built
    from tracker.demo.render import CLIP_NAME

    require("the demo", "demo", "skimage", "matplotlib")
    if serve:
        require_dashboard()
    settings = _settings(store, models)
    _prepare_store(settings, own=store is None)
    ensure_built(settings.models.dir, settings.models.precision)
    clip = _folder("cache") / CLIP_NAME
    _render(clip)
    _enrol(settings)
    with _dashboard(settings, port) if serve else _nothing():
        card = _track_and_compare(settings, clip, fast=fast, as_json=as_json)
        emit(_result(card), JsonOutput(as_json=as_json))
        if serve:
            _wait()
    if not card.passed:
        raise FootfallError("the visits differ from the script", fix="see the last column of the table")


def _folder(kind: str) -> Path:
    import platformdirs

    base = (
        platformdirs.user_cache_dir("footfall", False)
        if kind == "cache"
        else platformdirs.user_data_dir("footfall", False)
    )
    folder = Path(base) / "demo"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{folder}: cannot make this folder ({error.strerror})", fix="check rights and disk"
        ) from error
    return folder


def _settings(store: str | None, models: Path | None) -> Settings:
    """The demo's settings, by way of a file that the dashboard reads too."""
    from tracker.demo.clip import DEMO_EXIT_AFTER_S, DEMO_MERGE_GAP_S, DEMO_SITE_NAME

    url = store or f"sqlite:///{_folder('data') / _STORE_NAME}"
    file = _settings_file()
    lines = [
        "[site]",
        'id = "demo"',
        f"name = {json.dumps(DEMO_SITE_NAME)}",
        "capacity = 4",
        "[store]",
        f"url = {json.dumps(url)}",
        "[presence]",
        f"exit_after_s = {DEMO_EXIT_AFTER_S}",
        f"merge_gap_s = {DEMO_MERGE_GAP_S}",
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Models(settings=file, store=url, models=models).load()


def _settings_file() -> Path:
    return _folder("data") / "footfall-demo.toml"


def _prepare_store(settings: Settings, *, own: bool) -> None:
    """Delete the demo's own store; one that was named must not exist yet."""
    from tracker.store.store import Store

    path = settings.store.path
    if own:
        with Store(path).camera_lease(_CAMERA_ID):  # not from under a demo that is still tracking
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
    elif path.exists():
        raise StoreError(f"{path} exists already", fix="name a new store, or leave --store out")


def _render(clip: Path) -> None:
    from tracker.demo.render import render_clip

    with progress_bar() as bar:
        task = bar.add_task("Rendering the demo clip", total=1.0)
        render_clip(clip, progress=lambda done: bar.update(task, completed=done))
        bar.update(task, completed=1.0)


def _enrol(settings: Settings) -> None:
    """Enrol one of the two from a picture of its own, the way `footfall enroll` does."""
    import cv2

    from tracker.demo.clip import ENROLLED
    from tracker.demo.portraits import enrolment_picture
    from tracker.identity.enrolment import plan_person
    from tracker.vision.engine import FaceEngine

    with tempfile.TemporaryDirectory() as folder, open_store(settings) as store:
        picture = Path(folder) / f"{ENROLLED.label}.png"
        picture.write_bytes(cv2.imencode(".png", enrolment_picture())[1].tobytes())
        engine = FaceEngine.load(models=settings.models, detect=settings.detect, quality=settings.quality)
        plan = plan_person(ENROLLED.label, [picture], engine)
        if plan.problem is not None:
            raise FootfallError(f"{plan.problem}: {plan.rejected}", fix="run 'footfall models verify'")
        save_plan(store, plan, None, staff=False)
    note(f"Enrolled {ENROLLED.label} from one picture; the other person is a stranger.")


def _track_and_compare(settings: Settings, clip: Path, *, fast: bool, as_json: bool) -> Scorecard:
    from config.settings import CameraSettings
    from tracker.cli.step_output import EventOutput
    from tracker.cli.track import follow
    from tracker.demo.clip import CLIP, DEMO_EXIT_AFTER_S, DEMO_MERGE_GAP_S, truth
    from tracker.demo.score import compare
    from tracker.store.history import site_rules

    output = EventOutput.STDERR if as_json else EventOutput.TEXT
    now = datetime.now(UTC)
    started_at = now - timedelta(seconds=CLIP.length_s) if fast else now
    camera = CameraSettings(id=_CAMERA_ID, source=str(clip))
    if not follow(settings, [camera], start_at=started_at, fast=fast, output=output):
        raise typer.Exit(130)
    with open_store(settings, create=False) as store:
        measured = store.sessions.select(site_id=settings.site.id, rules=site_rules(settings), now=datetime.now(UTC))
        people = {person.person_id: person for person in store.people.all()}
    true_visits = truth(CLIP, exit_after_s=DEMO_EXIT_AFTER_S, merge_gap_s=DEMO_MERGE_GAP_S)
    return compare(true_visits, measured, started_at=started_at, names=people)


def _result(card: Scorecard) -> Result:
    columns = ["who", "recognised as", "seconds", "in", "out", "net dwell", "verdict"]
    rows = [_cells(row) for row in card.rows]
    good = sum(row.ok for row in card.rows)
    title = "Truth and measurement, in seconds of the clip"
    return Result(
        document={"passed": card.passed, "tolerance_s": card.tolerance_s, "visits": [asdict(row) for row in card.rows]},
        parts=[
            Table.of(columns, rows, title=title, empty="No visits."),
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


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _dashboard(settings: Settings, port: int) -> Iterator[None]:
    """The dashboard in a process of its own, from its first line to the end of the block."""
    if port and not _is_free(settings.dashboard.host, port):
        port = 0
    words = [sys.executable, "-P", "-m", "dashboard", "--settings", str(_settings_file()), "--port", str(port)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise FootfallError("the dashboard did not start", fix="run 'footfall dashboard' to see why")
            note(line.strip())
            yield
        finally:
            process.terminate()


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _wait() -> None:
    from tracker.cli.track import stopping

    note("The dashboard keeps running; press Ctrl-C to stop it.")
    with stopping() as stop:
        while not stop.wait(1.0):
            pass
