"""`footfall sync` and `footfall status`: upload what Firestore does not have yet, and how far that is."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from config.errors import CloudError, StoreBusyError
from tracker.cli.command import command
from tracker.cli.options import JsonOption, JsonOutput, Options, Reload, UsageError
from tracker.cli.output import Result, Table, duration, emit, errors, json_line, local_time, note, print_line
from tracker.cli.store import open_store

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.store.cursors import Rejected
    from tracker.store.inbox import Unreadable
    from tracker.store.store import Store

SENT_AT = "up sent at"
TROUBLE = "up trouble"
_COUNT_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What `sync` did. rejected: how many records Firestore refuses; parked: the same, as 0.1 called it."""

    writes: int
    seconds: float
    rejected: int
    parked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why nothing can be uploaded, and since when."""

    since: datetime
    problem: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How far uploading and downloading are. backlog: rows by stream. sender: the process that uploads, None for none.

    synced_at: when everything of the site was here last. unreadable: downloaded documents that cannot be decoded.
    warnings: what else is wrong at the site. parked, heard_at, refused: as 0.1 called rejected, synced_at, unreadable.
    """

    store: str
    file: str
    sender: str | None
    sent_at: datetime | None
    backlog: dict[str, int]
    oldest_at: datetime | None
    trouble: Trouble | None
    rejected: list[Rejected]
    synced_at: datetime | None
    unreadable: list[Unreadable]
    warnings: list[str]
    parked: list[Rejected]
    heard_at: datetime | None
    refused: list[Unreadable]


@command("footfall sync --store firestore://my-project", "footfall sync --follow")
def sync(
    access: Options,
    once: Annotated[bool, typer.Option("--once", help="End when everything is uploaded; that is the default.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Upload what Firestore does not have, and download what others wrote.

    Both go on by themselves while cameras are tracked. Nothing is uploaded twice and nothing is lost, however often
    this is stopped or the network fails.
    """
    from tracker.cli.replica import receiving
    from tracker.cli.track import stopping

    if once and follow:
        raise UsageError("--once and --follow exclude each other", fix="give one of them")
    settings = _shared(access.load())
    with open_store(settings) as store, stopping() as stop:
        if follow:
            with receiving(settings, store, access.reload):
                _follow(settings, store, stop, as_json=as_json)
        else:
            not_downloaded = _download(settings, store, access.reload)  # first: sessions depend on the site's rules
            emit(_drain(settings, store, stop), JsonOutput(as_json=as_json))
            if not_downloaded is not None:
                raise not_downloaded
        if stop.is_set() and not follow:
            raise typer.Exit(130)


@command("footfall status", "footfall status --retry")
def status(
    access: Options,
    retry: Annotated[bool, typer.Option("--retry", help="Upload again what Firestore rejected.")] = False,
) -> Result:
    """Show the upload backlog, and what Firestore rejected and why."""
    settings = _shared(access.load())
    with open_store(settings) as store:
        store.outbox.begin()
        if retry:
            note(f"{store.outbox.requeue()} rejected records are uploaded again by the next sync")
        found = status_of(settings, store)
    return Result(document=found, parts=_status_parts(found, settings.site.zone))


def status_of(settings: Settings, store: Store) -> Status:
    """How far uploading and downloading of a store are."""
    from tracker.cloud.pending import backlog_of

    waiting = backlog_of(settings, store)
    rejected, synced_at = store.outbox.rejected(), store.inbox.synced_at(settings.site.id)
    unreadable = [each for each, _ in store.inbox.unreadable()]
    state = store.outbox.state("up ")
    sent_at = state.get(SENT_AT.removeprefix("up "))
    return Status(
        store=settings.store.url,
        file=str(settings.store.path),
        sender=_sender(store),
        sent_at=None if sent_at is None else datetime.fromisoformat(sent_at),
        backlog=dict(waiting.counts),
        oldest_at=waiting.oldest_at,
        trouble=_trouble(state.get(TROUBLE.removeprefix("up "))),
        rejected=rejected,
        synced_at=synced_at,
        unreadable=unreadable,
        warnings=[each.warning for each in store.cameras.shared(settings.site.id, datetime.now(UTC))],
        parked=rejected,
        heard_at=synced_at,
        refused=unreadable,
    )


def _shared(settings: Settings) -> Settings:
    if settings.store.firestore is None:
        raise UsageError(
            f"{settings.store.url} stays on this machine: there is nothing to upload",
            fix="give --store firestore://PROJECT, or set store.url to it (docs/firebase.md)",
        )
    return settings


def _download(settings: Settings, store: Store, reload: Reload) -> CloudError | None:
    """Download what others wrote. Returns why that failed: what is here is uploaded all the same."""
    from tracker.cli.replica import download_everything

    try:
        download_everything(settings, store, reload)
    except CloudError as error:
        return error
    return None


def _drain(settings: Settings, store: Store, stop: threading.Event) -> Result:
    from tracker.cli.replica import uploader_of

    began_s = time.monotonic()
    with _progress(settings, store) as advance:
        writes = uploader_of(settings, store, progress=advance).drain(stop)
    rejected = len(store.outbox.rejected())
    done = Sent(writes=writes, seconds=round(time.monotonic() - began_s, 1), rejected=rejected, parked=rejected)
    notes = [f"note: Firestore rejected {rejected} records: see 'footfall status'"] if rejected else []
    parts = [f"{done.writes} documents written in {duration(done.seconds)}"]
    return Result(document=done, parts=parts, notes=notes)


def _follow(settings: Settings, store: Store, stop: threading.Event, *, as_json: bool) -> None:
    from tracker.cli.replica import uploader_of

    def report(writes: int) -> None:
        at = datetime.now(UTC)
        if as_json:
            sys.stdout.write(json_line({"at": at, "writes": writes}) + "\n")
            sys.stdout.flush()
        else:
            print_line(f"{local_time(at, settings.site.zone)}  {writes} documents written")

    uploader_of(settings, store, progress=report).run(stop)


@contextmanager
def _progress(settings: Settings, store: Store) -> Iterator[_Advance]:
    bar = Progress(
        SpinnerColumn(),
        TextColumn("uploading"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        disable=not errors.is_terminal,
    )
    with bar:
        yield _Advance(bar, settings, store)


class _Advance:
    """Moves a bar by what is not waiting any more; counts at most twice a second."""

    def __init__(self, bar: Progress, settings: Settings, store: Store) -> None:
        self._bar = bar
        self._settings = settings
        self._store = store
        self._most = self._waiting()
        self._task = bar.add_task("uploading", total=self._most)
        self._next_s = 0.0

    def __call__(self, _writes: int) -> None:
        if time.monotonic() < self._next_s or self._bar.disable:
            return
        self._next_s = time.monotonic() + _COUNT_EVERY_S
        left = self._waiting()
        self._most = max(self._most, left)
        self._bar.update(self._task, total=self._most, completed=self._most - left)

    def _waiting(self) -> int:
        from tracker.cloud.pending import backlog_of

        return backlog_of(self._settings, self._store).total


def _sender(store: Store) -> str | None:
    try:
        with store.outbox.lease():
            return None
    except StoreBusyError as error:
        return error.problem.rpartition("by ")[2]


def _trouble(note: str | None) -> Trouble | None:
    if note is None:
        return None
    known = json.loads(note)
    return Trouble(since=datetime.fromisoformat(known["since"]), problem=known["problem"], fix=known["fix"])


def _status_parts(found: Status, zone: ZoneInfo) -> list[Text | str | Table]:
    now = datetime.now(UTC)

    def line(name: str, text: str, style: str = "") -> Text:
        return Text.assemble((f"{name:<11}", "bold"), (text, style))

    backlog = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in found.backlog.items())
    oldest = "" if found.oldest_at is None else f"; the oldest event is from {_when(found.oldest_at, zone, now)}"
    parts: list[Text | str | Table] = [
        line("store", f"{found.store}, copy in {found.file}"),
        line("uploading", f"by {found.sender}" if found.sender else "no: run 'footfall sync' or 'footfall track'"),
        line("uploaded", "never" if found.sent_at is None else _when(found.sent_at, zone, now)),
        line("downloaded", "never" if found.synced_at is None else _when(found.synced_at, zone, now)),
        line("backlog", f"{backlog}{oldest}" if backlog else "nothing", "yellow" if backlog else ""),
    ]
    if found.trouble is not None:
        parts.append(line("trouble", f"since {_when(found.trouble.since, zone, now)}: {found.trouble.problem}", "red"))
        parts.append(line("fix", found.trouble.fix))
    parts += [line("warning", each, "yellow") for each in found.warnings]
    if found.rejected:
        rows = [
            [local_time(each.at, zone), each.collection, each.record_id, each.attempts, each.reason]
            for each in found.rejected
        ]
        titles = ["time", "collection", "id", "attempts", "reason"]
        parts.append(Table.of(titles, rows, title="Rejected by Firestore"))
        parts.append("Upload them again with: footfall status --retry")
    if found.unreadable:
        rows = [[each.collection, each.record_id, each.reason] for each in found.unreadable]
        parts.append(Table.of(["collection", "id", "reason"], rows, title="Downloaded and unreadable"))
    return parts


def _when(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    ago = max(timedelta(), now - at)
    return f"{local_time(at, zone)} ({duration(ago.total_seconds())} ago)"
