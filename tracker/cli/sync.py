"""`footfall sync` and `footfall status`: send what Firestore does not have yet, and see how far that is."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from config.errors import CloudError, StoreBusyError
from config.settings import Settings
from tracker.cli.command import command
from tracker.cli.door import JsonOption, SettingsOption, StoreOption, UsageError, open_store, reread_for, settings_for
from tracker.cli.output import console, errors, json_line, local_time, print_json, print_table, span
from tracker.cli.receiving import Reread, receive, receiving
from tracker.cli.sending import backlog_of, uplink_of
from tracker.cli.track import stopping
from tracker.store.arrivals import Refused
from tracker.store.store import Store
from tracker.store.sync_rows import Parked

SENT_AT = "up sent at"
TROUBLE = "up trouble"
_COUNT_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What `sync` came to. parked: how many records Firestore refuses."""

    writes: int
    seconds: float
    parked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What stands in the way, and since when."""

    since: datetime
    problem: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How far sending and taking in are. backlog: rows by kind. sender: who sends now, None for nobody.

    heard_at: until when what others wrote is known here. refused: what of it cannot be read.
    """

    store: str
    file: str
    sender: str | None
    sent_at: datetime | None
    backlog: dict[str, int]
    oldest_at: datetime | None
    trouble: Trouble | None
    parked: list[Parked]
    heard_at: datetime | None
    refused: list[Refused]


@command("footfall sync --store firestore://my-project", "footfall sync --follow")
def sync(
    once: Annotated[bool, typer.Option("--once", help="End when everything is sent; that is the default.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send what this machine has and Firestore has not, and take in what others wrote.

    Both go on by themselves while cameras are followed.
    Nothing is sent twice and nothing is lost, however often this is stopped or the network fails.
    """
    if once and follow:
        raise UsageError("--once and --follow", fix="give one of them")
    reread = reread_for(settings, store=store)
    chosen = _in_step(reread()[0])
    with open_store(chosen) as opened, stopping() as stop:
        if follow:
            with receiving(chosen, opened, reread):
                _follow(chosen, opened, stop, as_json=as_json)
        else:
            unheard = _received(chosen, opened, reread)  # first: the rules of the site say what its visits are
            _drain(chosen, opened, stop, as_json=as_json)
            if unheard is not None:
                raise unheard
        if stop.is_set() and not follow:
            raise typer.Exit(130)


@command("footfall status", "footfall status --retry")
def status(
    retry: Annotated[bool, typer.Option("--retry", help="Have everything that is parked sent again.")] = False,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what Firestore does not have yet, since when, and what it refuses and why."""
    chosen = _in_step(settings_for(settings, store=store))
    with open_store(chosen) as opened:
        opened.outbox.begin()
        if retry:
            count = opened.outbox.requeue()
            errors.print(f"{count} parked records are sent again by the next sync", markup=False)
        found = status_of(chosen, opened)
        if as_json:
            print_json(found)
        else:
            _show(found, chosen.site.zone)


def status_of(settings: Settings, store: Store) -> Status:
    """How far sending of a store is."""
    waiting = backlog_of(settings, store)
    notes = store.outbox.notes("up ")
    sent_at = notes.get(SENT_AT.removeprefix("up "))
    return Status(
        store=settings.store.url,
        file=str(settings.store.path),
        sender=_sender(store),
        sent_at=None if sent_at is None else datetime.fromisoformat(sent_at),
        backlog=dict(waiting.counts),
        oldest_at=waiting.oldest_at,
        trouble=_trouble(notes.get(TROUBLE.removeprefix("up "))),
        parked=store.outbox.rejected(),
        heard_at=store.inbox.heard_at(settings.site.id),
        refused=[each for each, _ in store.inbox.refused()],
    )


def _in_step(settings: Settings) -> Settings:
    if settings.store.firestore is None:
        raise UsageError(
            f"{settings.store.url} stays on this machine: there is nothing to send",
            fix="give --store firestore://PROJECT, or set store.url to it (docs/firebase.md)",
        )
    return settings


def _received(settings: Settings, store: Store, reread: Reread) -> CloudError | None:
    """Take in what others wrote. Returns why that did not work: what is here is sent all the same."""
    try:
        receive(settings, store, reread)
    except CloudError as error:
        return error
    return None


def _drain(settings: Settings, store: Store, stop: threading.Event, *, as_json: bool) -> None:
    began_s = time.monotonic()
    with _progress(settings, store) as advance:
        writes = uplink_of(settings, store, tell=advance).drain(stop)
    done = Sent(writes=writes, seconds=round(time.monotonic() - began_s, 1), parked=len(store.outbox.rejected()))
    if as_json:
        print_json(done)
        return
    console.print(f"{done.writes} documents written in {span(done.seconds)}", markup=False)
    if done.parked:
        errors.print(f"note: {done.parked} records are refused: see 'footfall status'", markup=False)


def _follow(settings: Settings, store: Store, stop: threading.Event, *, as_json: bool) -> None:
    def tell(writes: int) -> None:
        at = datetime.now(UTC)
        if as_json:
            console.file.write(json_line({"at": at, "writes": writes}) + "\n")
            console.file.flush()
        else:
            console.print(f"{local_time(at, settings.site.zone)}  {writes} documents written", markup=False)

    uplink_of(settings, store, tell=tell).run(stop)


@contextmanager
def _progress(settings: Settings, store: Store) -> Iterator[_Advance]:
    bar = Progress(
        SpinnerColumn(),
        TextColumn("sending"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        disable=not errors.is_terminal,
    )
    with bar:
        yield _Advance(bar, settings, store)


class _Advance:
    """Moves a bar by what is not waiting any more; looks at most twice a second."""

    def __init__(self, bar: Progress, settings: Settings, store: Store) -> None:
        self._bar = bar
        self._settings = settings
        self._store = store
        self._most = backlog_of(settings, store).total
        self._task = bar.add_task("sending", total=self._most)
        self._next_s = 0.0

    def __call__(self, _writes: int) -> None:
        if time.monotonic() < self._next_s or self._bar.disable:
            return
        self._next_s = time.monotonic() + _COUNT_EVERY_S
        left = backlog_of(self._settings, self._store).total
        self._most = max(self._most, left)
        self._bar.update(self._task, total=self._most, completed=self._most - left)


def _sender(store: Store) -> str | None:
    try:
        with store.outbox.lease():
            return None
    except StoreBusyError as error:
        return error.problem.rpartition("by ")[2]


def _trouble(note: str | None) -> Trouble | None:
    if note is None:
        return None
    said = json.loads(note)
    return Trouble(since=datetime.fromisoformat(said["since"]), problem=said["problem"], fix=said["fix"])


def _show(found: Status, zone: ZoneInfo) -> None:
    now = datetime.now(UTC)

    def say(name: str, text: str, style: str = "") -> None:
        console.print(Text.assemble((f"{name:<10}", "bold"), (text, style)), soft_wrap=True)

    say("store", f"{found.store}, kept in {found.file}")
    say("sending", f"by {found.sender}" if found.sender else "nobody sends now: 'footfall sync', or 'footfall track'")
    say("last sent", "never" if found.sent_at is None else _when(found.sent_at, zone, now))
    say("heard of", "never" if found.heard_at is None else _when(found.heard_at, zone, now))
    waiting = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in found.backlog.items())
    oldest = "" if found.oldest_at is None else f"; the oldest event is of {_when(found.oldest_at, zone, now)}"
    say("waiting", f"{waiting}{oldest}" if waiting else "nothing", "" if not waiting else "yellow")
    if found.trouble is not None:
        say("trouble", f"since {_when(found.trouble.since, zone, now)}: {found.trouble.problem}", "red")
        say("fix", found.trouble.fix)
    if found.parked:
        rows = [
            [local_time(each.at, zone), each.collection, each.record_id, each.attempts, each.reason]
            for each in found.parked
        ]
        print_table("Refused by Firestore", ["time", "what", "id", "tries", "reason"], rows, empty="")
        console.print("'footfall status --retry' has them sent again.")
    if found.refused:
        refused = [[each.collection, each.record_id, each.reason] for each in found.refused]
        print_table("Came down and cannot be read", ["what", "id", "reason"], refused, empty="")


def _when(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    ago = max(timedelta(), now - at)
    return f"{local_time(at, zone)} ({span(ago.total_seconds())} ago)"
