"""`footfall events import | export`: enter and exit events of turnstiles and other systems, as JSON lines."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from config.errors import FootfallError, PeopleError, RecordError
from tracker.cameras.clock import CLOCKS_APART
from tracker.cli.command import command
from tracker.cli.lines import STDIO, json_lines, progress_bar
from tracker.cli.options import Options, Reading, UsageError
from tracker.cli.output import Result, counted, note
from tracker.cli.store import reading, writing
from tracker.cli.times import FromOption, ToOption, parse_time
from tracker.identity.names import clean_name
from tracker.presence.documents import decode, encode
from tracker.presence.events import EARLIEST, SCHEMA, Event, time_text

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.store.event_import import ImportedEvent, StagedEvents
    from tracker.store.store import Store

LONGEST_LINE = 65_536
"""Bytes; a longer line is refused."""
_BATCH = 5_000
_PAGE = 5_000
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of the lines.

    known: in the store already, twice among the lines, or of somebody forgotten. people: ids that were new to the
    store. other_sites: by site how many of the lines are not of the site in the settings.
    """

    lines: int
    new: int
    known: int
    refused: int
    people: int
    other_sites: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is no event. number: counted from 1."""

    number: int
    reason: str


@command("footfall events import turnstile.jsonl", "footfall events import - --partial < old.jsonl")
def import_events(
    source: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON lines, one event each; - reads stdin.")],
    access: Options,
    partial: Annotated[bool, typer.Option("--partial", help="Keep the good lines even if others are bad.")] = False,
) -> Result:
    """Import events from JSON lines.

    A line that is no event is refused with its number and the reason. Without --partial nothing is kept unless every
    line is good; an import that is interrupted keeps nothing. Importing the same events again changes nothing, in
    whatever notation their times are. An event needs kind (enter or exit), camera_id, person_id and at; name, site_id,
    track_id, event_id and the rest are optional. Events in the future are refused.
    """
    from tracker.store.event_import import staging
    from tracker.store.site_settings import rules_at_site, site_of

    settings, latest = access.load(), datetime.now(UTC) + CLOCKS_APART
    done: Imported | None = None
    with staging() as staged:
        try:
            with _readable(source) as file:
                lines, refused = _stage(staged, file, site_id=settings.site.id, latest=latest)
            if refused and not partial:
                raise RecordError(
                    f"{refused} of {lines} lines refused, nothing was imported",
                    fix="correct them, or add --partial to keep the good ones",
                )
            with writing(access, create=True) as (settings, store):
                done = _write(store, settings, staged, refused=refused, partial=partial)
                if settings.camera:
                    store.sites.save(site_of(settings, rules_at_site(settings, store)))
        except KeyboardInterrupt:
            if done is None:
                note(f"interrupted after {staged.count()} good lines; nothing was imported")
            raise
    return Result(document=done, parts=_lines(done))


@command("footfall events export --from 2026-01-01 --to 2026-01-31 --out january.jsonl")
def export_events(
    access: Reading,
    out: Annotated[str, typer.Option(metavar="FILE", help="File to write; - is stdout.")] = STDIO,
    since: FromOption = None,
    until: ToOption = None,
    site: Annotated[str | None, typer.Option(metavar="ID", help="Only events of this site.")] = None,
) -> None:
    """Export events as JSON lines, the earliest first.

    The import command reads them back. Events of people who were merged get the id that they have now.
    """
    zone = access.load().site.zone
    first = parse_time(since, zone, option="--from")
    last = parse_time(until, zone, option="--to", end_of_day=True)
    if first is not None and last is not None and first >= last:
        raise UsageError("--from is not before --to", fix="swap them, or leave one out")
    with reading(access) as (_, store), json_lines(out) as write:
        write(map(encode, pages(store, site_id=site, since=first, until=last)))


def pages(
    store: Store, *, site_id: str | None, since: datetime | None, until: datetime | None, page: int = _PAGE
) -> Iterator[Event]:
    """Events in order of (at, event_id), read `page` at a time.

    Events that are written meanwhile may be among them or not.
    """
    seen: set[str] = set()  # of the instant at which the last page ended
    while True:
        found = store.events.select(site_id=site_id, since=since, until=until, limit=page + len(seen))
        fresh = [event for event in found if event.event_id not in seen]
        yield from fresh
        if not fresh or len(found) < page + len(seen):
            return
        if fresh[-1].at != since:
            seen.clear()
        since = fresh[-1].at
        seen.update(event.event_id for event in fresh if event.at == since)


def read_events(file: BinaryIO, *, site_id: str, latest: datetime) -> Iterator[ImportedEvent | Refused]:
    """Each line that is not blank, as an event or as the reason why it is none.

    site_id: of those that name none. latest: events after it (UTC) are refused.
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


def _event_of(line: bytes, number: int, site_id: str, latest: datetime) -> ImportedEvent | Refused:
    from tracker.store.event_import import ImportedEvent

    try:
        document = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return Refused(number, "it is not UTF-8")
    except (ValueError, RecursionError) as error:
        return Refused(number, f"it is not JSON ({error})")
    if not isinstance(document, dict):
        return Refused(number, "expected an object with the fields of an event")
    has_id, has_track = "event_id" in document, "track_id" in document
    try:
        name = _name_of(document.pop("name", None))
        event = decode(Event, _completed(document, site_id))
    except RecordError as error:
        return Refused(number, error.problem.removeprefix("event: "))
    if event.at < EARLIEST:
        return Refused(number, f"at: {time_text(event.at)[:10]} is before 1970")
    if event.at > latest:
        return Refused(number, f"at: {event.at:%Y-%m-%d %H:%M} UTC is in the future")
    # A crossing without a track gets one of its own; ids depend on the instant, not on how it was written.
    track_id = event.track_id if has_track else f"{event.camera_id}-{time_text(event.at)}"
    event = replace(event, track_id=track_id, event_id=event.event_id if has_id else "")
    return ImportedEvent(line=number, event=event, identified=has_id or has_track, name=name)


def _name_of(value: object) -> str | None:
    """The name beside an event, None where there is none. Raises RecordError."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise RecordError("event: name: expected a text", fix="correct name, or leave it out")
    try:
        return clean_name(value)
    except PeopleError as error:
        raise RecordError(f"event: name: {error.problem}", fix=error.fix) from error


def _completed(document: Mapping[str, object], site_id: str) -> dict[str, object]:
    """The document with values for what may be left out."""
    return {
        "site_id": site_id,
        "track_id": "-",
        "x_frac": None,
        "y_frac": None,
        "inferred": False,
        "schema": SCHEMA,
        "event_id": "-",
        **document,
    }


def _stage(staged: StagedEvents, file: BinaryIO, *, site_id: str, latest: datetime) -> tuple[int, int]:
    """Stage the good lines and complain about the others. Returns how many lines there are, and how many are bad."""
    from tracker.store.event_import import ImportedEvent

    lines = refused = 0
    found = _with_progress(read_events(file, site_id=site_id, latest=latest), file)
    while batch := list(islice(found, _BATCH)):
        bad = [each for each in batch if isinstance(each, Refused)]
        for each in bad:
            _complain(each)
        staged.add(each for each in batch if isinstance(each, ImportedEvent))
        lines, refused = lines + len(batch), refused + len(bad)
    return lines, refused


def _write(store: Store, settings: Settings, staged: StagedEvents, *, refused: int, partial: bool) -> Imported:
    count = staged.count()
    with progress_bar() as bar:
        task = bar.add_task("Importing", total=count)
        written = store.events.write_staged(
            staged, skip_conflicts=partial, progress=lambda done: bar.update(task, completed=done)
        )
    for each in written.conflicts:
        _complain(Refused(each.line, f"event_id: another event has the id {each.event_id[:64]!r}"))
    conflicts = len(written.conflicts)
    return Imported(
        lines=count + refused,
        new=written.new,
        known=count - written.new - conflicts,
        refused=refused + conflicts,
        people=written.people,
        other_sites={site_id: n for site_id, n in staged.by_site().items() if site_id != settings.site.id},
    )


def _lines(done: Imported) -> list[str]:
    refused = f", {done.refused} refused" if done.refused else ""
    lines = [f"{done.lines} lines: {done.new} new events, {done.known} known already{refused}"]
    if done.people:
        people = "1 person is new" if done.people == 1 else f"{done.people} people are new"
        lines.append(f"{people}: 'footfall people list' shows them, 'footfall people merge' joins two")
    for site_id, count in done.other_sites.items():
        verb = "is" if count == 1 else "are"
        shown = f"'footfall report today --site {site_id}'"
        lines.append(f"{counted(count, 'event')} {verb} of site {site_id}, not the one in the settings: {shown}")
    return lines


def _complain(refused: Refused) -> None:
    note(f"line {refused.number}: {refused.reason}")


@contextmanager
def _readable(source: str) -> Iterator[BinaryIO]:
    """The lines as bytes. Raises FootfallError when the file cannot be read."""
    if source == STDIO:
        yield sys.stdin.buffer
        return
    try:
        file = Path(source).open("rb")  # noqa: SIM115 - closed below, outside of this handler
    except OSError as error:
        problem = f"{source}: cannot be read ({error.strerror})"
        raise FootfallError(problem, fix="give a file of JSON lines") from error
    with file:
        yield file


def _with_progress(found: Iterable[ImportedEvent | Refused], file: BinaryIO) -> Iterator[ImportedEvent | Refused]:
    """The same, with a progress bar where there is a terminal."""
    size = _size(file)
    with progress_bar() as bar:
        task = bar.add_task("Reading", total=size)
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
