"""`footfall sync` and `footfall status`: upload what Firestore does not have yet, and how far that is."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from config.errors import CloudError
from tracker.cli.command import command
from tracker.cli.extras import require_firestore
from tracker.cli.options import JsonOption, JsonOutput, Options, Reload, UsageError
from tracker.cli.output import Result, Table, duration, emit, json_line, local_time, note, print_line
from tracker.cli.store import open_store
from tracker.cli.terminal import progress_bar

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.cloud.status import Status
    from tracker.store.store import Store

_COUNT_EVERY_S = 0.5


@command("footfall sync --store firestore://my-project", "footfall sync --follow")
def sync(
    access: Options,
    once: Annotated[bool, typer.Option("--once", help="Exit when everything is uploaded (default).")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Keep running until Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Upload what Firestore does not have, and download what others wrote.

    A running `footfall track` does both in the background. This command can be interrupted at any time: nothing is
    lost, and nothing is uploaded twice.
    """
    from tracker.cli.track import stopping

    if once and follow:
        raise UsageError("--once and --follow cannot be used together", fix="specify one of them")
    settings = _shared(access.load())
    with open_store(settings) as store, stopping() as stop:
        if follow:
            _follow(settings, store, stop, access.reload, as_json=as_json)
        else:
            emit(_exchange(settings, store, stop, access.reload), JsonOutput(as_json=as_json))
            if stop.is_set():
                raise typer.Exit(130)


@command("footfall status", "footfall status --retry")
def status(
    access: Options,
    retry: Annotated[bool, typer.Option("--retry", help="Upload again what Firestore rejected.")] = False,
) -> Result:
    """Show the upload backlog, and what Firestore rejected and why."""
    from tracker.cloud.status import status_of

    settings = _shared(access.load())
    with open_store(settings) as store:
        store.outbox.begin()
        if retry:
            note(f"{store.outbox.requeue()} rejected records are uploaded again by the next sync")
        found = status_of(settings, store)
    return Result(document=found, parts=_status_parts(found, settings.site.zone))


def _shared(settings: Settings) -> Settings:
    if settings.store.firestore is None:
        raise UsageError(
            f"{settings.store.url} is on this machine only: there is nothing to upload",
            fix="give --store firestore://PROJECT, or set store.url to it (docs/firebase.md)",
        )
    return settings


def _exchange(settings: Settings, store: Store, stop: threading.Event, reread: Reload) -> Result:
    """Download what others wrote, and upload the backlog even where the download failed."""
    from tracker.cli.replica import download_everything, uploader_of

    failure = None
    try:
        download_everything(settings, store, reread)  # first: sessions depend on the site's rules
    except CloudError as error:
        failure = error
    began_s = time.monotonic()
    with _progress(settings, store) as advance:
        writes = uploader_of(settings, store, progress=advance).drain(stop)
    seconds, rejected = round(time.monotonic() - began_s, 1), len(store.outbox.rejected())
    return Result(
        document={"writes": writes, "seconds": seconds, "rejected": rejected, "parked": rejected},  # parked: as in 0.1
        parts=[f"{writes} documents written in {duration(seconds)}"],
        notes=[f"note: Firestore rejected {rejected} records: see 'footfall status'"] if rejected else [],
        failure=failure,
    )


def _follow(settings: Settings, store: Store, stop: threading.Event, reread: Reload, *, as_json: bool) -> None:
    require_firestore()
    from tracker.cloud.background import downloading
    from tracker.cloud.uploader import Uploader

    def report(writes: int) -> None:
        at = datetime.now(UTC)
        if as_json:
            sys.stdout.write(json_line({"at": at, "writes": writes}) + "\n")
            sys.stdout.flush()
        else:
            print_line(f"{local_time(at, settings.site.zone)}  {writes} documents written")

    with downloading(store, settings, reread):
        Uploader.of(store, settings, progress=report).run(stop)


@contextmanager
def _progress(settings: Settings, store: Store) -> Iterator[Callable[[int], None]]:
    """A function that moves a bar by what was uploaded; it counts the backlog at most twice a second."""
    from tracker.cloud.status import backlog_of

    with progress_bar() as bar:
        most = backlog_of(settings, store).total
        task = bar.add_task("Uploading", total=most)
        next_s = 0.0

        def advance(_writes: int) -> None:
            nonlocal most, next_s
            if bar.disable or time.monotonic() < next_s:
                return
            next_s = time.monotonic() + _COUNT_EVERY_S
            left = backlog_of(settings, store).total
            most = max(most, left)
            bar.update(task, total=most, completed=most - left)

        yield advance


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
