"""`footfall events`: enter and exit events from turnstiles and other systems, in and out again, as JSON lines."""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from config.errors import FootfallError, RecordError
from tracker.cameras.clock import CLOCKS_APART
from tracker.cli.door import JsonOption, SettingsOption, StoreOption, UsageError, example, settings_for
from tracker.cli.in_step import in_step
from tracker.cli.lines import STDIO, json_lines, progress_bar
from tracker.cli.moments import FromOption, ToOption, parse_moment
from tracker.cli.output import console, errors, print_json
from tracker.presence.documents import event_from_document, event_to_document
from tracker.presence.events import EARLIEST, SCHEMA, Event, time_text
from tracker.store.history import site_of
from tracker.store.observation import Observation
from tracker.store.shared_site import rules_at_site
from tracker.store.store import Store

app = typer.Typer(
    name="events", no_args_is_help=True, help="Bring enter and exit events in, take them out, correct them."
)

LONGEST_LINE = 65_536
"""Bytes; a longer line is no event."""
_BATCH = 5_000
_PAGE = 5_000
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of the lines. known: in the store already, twice among the lines, or of somebody forgotten."""

    lines: int
    new: int
    known: int
    refused: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is no event. number: counted from 1."""

    number: int
    reason: str


@app.command(
    "import", epilog=example("footfall events import turnstile.jsonl", "footfall events import - --partial < old.jsonl")
)
def import_events(
    source: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON lines, one event each; - reads stdin.")],
    partial: Annotated[bool, typer.Option("--partial", help="Keep the good lines even if others are bad.")] = False,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read events into the store. A line that is no event is refused with its number and the reason.

    Without --partial nothing is kept unless every line is good. Importing the same events again changes nothing. An
    event needs kind (enter or exit), camera_id, person_id and at; site_id, track_id, event_id and the rest may be
    left out. What is still to come is no event.
    """
    chosen, latest = settings_for(settings, store=store), datetime.now(UTC) + CLOCKS_APART
    with _readable(source, twice=not partial) as file:
        if not partial:
            _require_good(file, site_id=chosen.site.id, latest=latest)
        with in_step(chosen, create=True) as opened:
            done = _import(opened, file, site_id=chosen.site.id, partial=partial, latest=latest)
            if chosen.camera:
                opened.sites.save(site_of(chosen, rules_at_site(chosen, opened)))
    if as_json:
        print_json(done)
        return
    refused = f", {done.refused} refused" if done.refused else ""
    console.print(f"{done.lines} lines: {done.new} new events, {done.known} known already{refused}", markup=False)


@app.command("export", epilog=example("footfall events export --from 2026-01-01 --to 2026-01-31 --out january.jsonl"))
def export_events(
    out: Annotated[str, typer.Option(metavar="FILE", help="Where to write; - is stdout.")] = STDIO,
    since: FromOption = None,
    until: ToOption = None,
    site: Annotated[str | None, typer.Option(metavar="ID", help="Only events of this site.")] = None,
    store: StoreOption = None,
    settings: SettingsOption = None,
) -> None:
    """Write events as JSON lines, the earliest first; `footfall events import` reads them back.

    Events of people who were merged are written under the id that they have now.
    """
    chosen = settings_for(settings, store=store)
    first = parse_moment(since, chosen.site.zone, option="--from")
    last = parse_moment(until, chosen.site.zone, option="--to", end_of_day=True)
    if first is not None and last is not None and first >= last:
        raise UsageError("--from does not lie before --to", fix="swap them, or leave one out")
    with in_step(chosen) as opened, json_lines(out) as write:
        write(map(event_to_document, pages(opened, site_id=site, since=first, until=last)))


def pages(
    store: Store, *, site_id: str | None, since: datetime | None, until: datetime | None, page: int = _PAGE
) -> Iterator[Event]:
    """Events in order of (at, event_id), read `page` at a time.

    Events that are written meanwhile may be among them or not.
    """
    told: set[str] = set()  # of the instant at which the last page ended
    while True:
        found = store.events.select(site_id=site_id, since=since, until=until, limit=page + len(told))
        fresh = [event for event in found if event.event_id not in told]
        yield from fresh
        if not fresh or len(found) < page + len(told):
            return
        if fresh[-1].at != since:
            told.clear()
        since = fresh[-1].at
        told.update(event.event_id for event in fresh if event.at == since)


def read_events(file: BinaryIO, *, site_id: str, latest: datetime) -> Iterator[Event | Refused]:
    """Each line that is not blank, as an event or as the reason why it is none.

    site_id: of those that name none. latest: what is later than this (UTC) has not happened.
    """
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            while line and not line.endswith(b"\n"):
                line = file.readline(_CHUNK)
            yield Refused(number, f"longer than {LONGEST_LINE} bytes")
            continue
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if text.strip():
            yield _event_of(text, number, site_id, latest)


def _event_of(line: bytes, number: int, site_id: str, latest: datetime) -> Event | Refused:
    try:
        document = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return Refused(number, "it is not UTF-8")
    except (ValueError, RecursionError) as error:
        return Refused(number, f"it is not JSON ({error})")
    if not isinstance(document, dict):
        return Refused(number, "expected an object with the fields of an event")
    given_id = "event_id" in document
    try:
        event = event_from_document(_completed(document, site_id))
    except RecordError as error:
        return Refused(number, error.problem.removeprefix("event: "))
    if event.at < EARLIEST:
        return Refused(number, f"at: {time_text(event.at)[:10]} lies before 1970")
    if event.at > latest:
        return Refused(number, f"at: {event.at:%Y-%m-%d %H:%M} UTC is still to come")
    return event if given_id else replace(event, event_id="")


def _completed(document: dict[str, object], site_id: str) -> dict[str, object]:
    """The document with what may be left out: a crossing that nobody tracked has a track of its own."""
    camera_id, at = document.get("camera_id"), document.get("at")
    return {
        "site_id": site_id,
        "track_id": f"{camera_id}-{at}",
        "x_frac": None,
        "y_frac": None,
        "inferred": False,
        "schema": SCHEMA,
        "event_id": "-",
        **document,
    }


def _require_good(file: BinaryIO, *, site_id: str, latest: datetime) -> None:
    """Read all lines and go back to the start. Raises RecordError when some are no events."""
    lines = refused = 0
    for found in _shown(read_events(file, site_id=site_id, latest=latest), file, "Checking"):
        lines += 1
        if isinstance(found, Refused):
            refused += 1
            _complain(found)
    if refused:
        raise RecordError(
            f"{refused} of {lines} lines refused, nothing was imported",
            fix="mend them, or add --partial to keep the good ones",
        )
    file.seek(0)


def _import(store: Store, file: BinaryIO, *, site_id: str, partial: bool, latest: datetime) -> Imported:
    lines = new = refused = 0
    found = _shown(read_events(file, site_id=site_id, latest=latest), file, "Importing")
    while batch := list(islice(found, _BATCH)):
        bad = [each for each in batch if isinstance(each, Refused)]
        if bad and not partial:
            raise RecordError(f"line {bad[0].number} changed while it was read", fix="import it again")
        for each in bad:
            _complain(each)
        new += store.record(Observation(events=[each for each in batch if isinstance(each, Event)]))
        lines, refused = lines + len(batch), refused + len(bad)
    return Imported(lines=lines, new=new, known=lines - new - refused, refused=refused)


def _complain(refused: Refused) -> None:
    errors.print(f"line {refused.number}: {refused.reason}", markup=False, soft_wrap=True)


@contextmanager
def _readable(source: str, *, twice: bool) -> Iterator[BinaryIO]:
    """The lines as bytes. twice: they are read two times, so what comes through a pipe is set down first."""
    with ExitStack() as stack:
        try:
            file: BinaryIO = sys.stdin.buffer if source == STDIO else stack.enter_context(Path(source).open("rb"))
            if twice and (source == STDIO or not file.seekable()):
                file = _set_down(file, stack.enter_context(tempfile.TemporaryFile()))
        except OSError as error:
            problem = f"{source}: cannot be read ({error.strerror})"
            raise FootfallError(problem, fix="give a file of JSON lines") from error
        yield file


def _set_down(stream: BinaryIO, file: BinaryIO) -> BinaryIO:
    """All of a stream in a file, at its start."""
    while chunk := stream.read(_CHUNK):
        file.write(chunk)
    file.seek(0)
    return file


def _shown(found: Iterable[Event | Refused], file: BinaryIO, title: str) -> Iterator[Event | Refused]:
    """The same, with a progress bar where there is a terminal."""
    size = _size(file)
    with progress_bar() as bar:
        task = bar.add_task(title, total=size)
        for number, each in enumerate(found):
            yield each
            if size is not None and number % 1000 == 0:
                bar.update(task, completed=file.tell())


def _size(file: BinaryIO) -> int | None:
    """Bytes, None for a pipe; the file stays where it is."""
    if not file.seekable():
        return None
    here = file.tell()
    size = file.seek(0, io.SEEK_END)
    file.seek(here)
    return size
