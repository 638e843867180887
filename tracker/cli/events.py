"""`footfall events import | export`: enter and exit events of turnstiles and other systems, as JSON lines."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from config.errors import FootfallError, RecordError
from tracker.cameras.clock import CLOCKS_APART
from tracker.cli.command import command
from tracker.cli.lines import STDIO, json_lines
from tracker.cli.options import Options, Reading, UsageError
from tracker.cli.output import Result, note
from tracker.cli.store import reading, writing
from tracker.cli.terminal import progress
from tracker.cli.times import FromOption, ToOption, parse_time
from tracker.identity.names import clean_name
from tracker.presence.documents import encode
from tracker.reports.text import count_text

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.store.event_import import ImportedEvent, StagedEvents
    from tracker.store.event_lines import Refused
    from tracker.store.store import Store

_BATCH = 5_000


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
    from tracker.store.event_lines import pages

    zone = access.load().site.zone
    first = parse_time(since, zone, option="--from")
    last = parse_time(until, zone, option="--to", end_of_day=True)
    if first is not None and last is not None and first >= last:
        raise UsageError("--from is not before --to", fix="swap them, or leave one out")
    with reading(access) as (_, store), json_lines(out) as write:
        write(map(encode, pages(store, site_id=site, since=first, until=last)))


def _stage(staged: StagedEvents, file: BinaryIO, *, site_id: str, latest: datetime) -> tuple[int, int]:
    """Stage the good lines, and print why others are refused. Returns the number of lines, and of refused ones."""
    from tracker.store.event_import import ImportedEvent
    from tracker.store.event_lines import Refused, read_events

    lines = refused = 0
    found = _with_progress(read_events(file, site_id=site_id, latest=latest, clean_name=clean_name), file)
    while batch := list(islice(found, _BATCH)):
        bad = [each for each in batch if isinstance(each, Refused)]
        for each in bad:
            note(f"line {each.number}: {each.reason}")
        staged.add(each for each in batch if isinstance(each, ImportedEvent))
        lines, refused = lines + len(batch), refused + len(bad)
    return lines, refused


def _write(store: Store, settings: Settings, staged: StagedEvents, *, refused: int, partial: bool) -> Imported:
    count = staged.count()
    with progress("Importing", total=count) as show:
        written = store.events.write_staged(staged, skip_conflicts=partial, progress=show)
    for each in written.conflicts:
        note(f"line {each.line}: event_id: another event has the id {each.event_id[:64]!r}")
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
        people = count_text(done.people, "person is new", "people are new")
        lines.append(f"{people}: 'footfall people list' shows them, 'footfall people merge' joins two")
    for site_id, count in done.other_sites.items():
        events = count_text(count, "event is", "events are")
        shown = f"'footfall report today --site {site_id}'"
        lines.append(f"{events} of site {site_id}, not the one in the settings: {shown}")
    return lines


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
    with progress("Reading", total=size) as show:
        for number, each in enumerate(found):
            yield each
            if size is not None and number % 1000 == 0:
                show(file.tell())


def _size(file: BinaryIO) -> int | None:
    """Bytes, None for a pipe; the position in the file is kept."""
    if not file.seekable():
        return None
    here = file.tell()
    size = file.seek(0, io.SEEK_END)
    file.seek(here)
    return size
