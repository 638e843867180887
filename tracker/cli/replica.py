"""The local copy of a store that machines share through Firestore: downloaded, uploaded and followed by commands.

The client of Firestore is imported where a store is shared, and nowhere else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from config.errors import CloudError, CloudUnreachableError, StoreBusyError
from config.settings import Settings
from tracker.cli.extras import require_firestore
from tracker.cli.options import Reading, Reload
from tracker.cli.output import duration, local_time, note
from tracker.cli.store import open_store
from tracker.cli.terminal import errors
from tracker.cloud.status import backlog_of
from tracker.store.store import Store

if TYPE_CHECKING:
    from tracker.cloud.replica import Replica
    from tracker.cloud.uploader import Uploader

PATIENCE_S = 8.0
NO_COPY = "nothing was downloaded yet"
_BAR_AFTER_S = 1.0
"""A download that takes longer shows a progress bar."""


def download(settings: Settings, reread: Reload) -> None:
    """Download what is new at the site. Raises CloudError, and CloudUnreachableError with the age of the copy."""
    with open_store(settings) as store:
        try:
            _catch_up(_replica(store, settings, reread))
        except CloudUnreachableError as error:
            age = _age_text(store, settings)
            fix = "check the network, or read the local copy with --offline" if age else "check the network"
            raise CloudUnreachableError(f"{error.problem}; {age or NO_COPY}", fix=fix) from error


def download_if_reachable(settings: Settings, store: Store) -> None:
    """As `download`, but without network a note on stderr is all. Raises CloudError where Firestore denies access."""
    try:
        _catch_up(_replica(store, settings))
    except CloudUnreachableError as error:
        note(f"note: {error.problem}; {_age_text(store, settings) or NO_COPY}")


def download_everything(settings: Settings, store: Store, reread: Reload) -> None:
    """Download what an agent needs too: people, corrections, settings. Raises CloudError, SettingsError."""
    _catch_up(_replica(store, settings, reread, everything=True))


def upload(settings: Settings, store: Store) -> None:
    """Upload the backlog. What cannot be uploaded now stays in the outbox, and a note on stderr states it."""
    if not backlog_of(settings, store).total:
        return
    try:
        uploader_of(settings, store).drain(threading.Event(), patience_s=PATIENCE_S)
    except StoreBusyError:  # an agent on this machine uploads it
        return
    except CloudError as error:
        note(f"note: done here, not uploaded yet ({error.problem}); 'footfall sync' uploads it")
        return
    rejected = len(store.outbox.rejected())
    if rejected:
        note(f"note: Firestore rejected {rejected} records: see 'footfall status'")


@contextmanager
def following(options: Reading) -> Iterator[None]:
    """Keep the local copy of a shared store up to date while inside; without network, as soon as it is back.

    Raises SettingsError, StoreError, and CloudError where Firestore denies access.
    """
    settings = options.load()
    if settings.store.firestore is None or options.offline:
        if settings.store.firestore is not None:
            note_age(settings)
        yield
        return
    with open_store(settings) as store, _replica(store, settings, options.reload) as replica:
        try:
            with _DownloadBar() as bar:
                replica.catch_up(bar.show, patience_s=PATIENCE_S)
        except CloudUnreachableError as error:
            note(f"{error.problem}; {_age_text(store, settings) or NO_COPY}. Retrying.")
        replica.follow()
        yield


@contextmanager
def replicating(settings: Settings, store: Store, reread: Reload | None) -> Iterator[None]:
    """Upload what is recorded inside, and with `reread` download what others record, where the store is shared.

    Raises SettingsError and CloudError without usable credentials; without network nothing is raised, and nothing waits
    for it.
    """
    if settings.store.firestore is None:
        yield
        return
    require_firestore()
    from tracker.cloud.background import downloading, uploading

    with uploading(store, settings), downloading(store, settings, reread) if reread else nullcontext():
        yield


def uploader_of(settings: Settings, store: Store, *, progress: Callable[[int], None] = lambda _: None) -> Uploader:
    """The uploader of a shared store. Raises SettingsError when the packages for it are missing."""
    require_firestore()
    from tracker.cloud.uploader import Uploader

    return Uploader.of(store, settings, progress=progress)


def note_age(settings: Settings) -> None:
    """State the age of the local copy on stderr."""
    with open_store(settings, create=False) as store:
        note(f"offline: {_age_text(store, settings) or NO_COPY}")


def _age_text(store: Store, settings: Settings) -> str:
    """The age of the local copy; empty where nothing was ever downloaded."""
    synced_at = store.inbox.synced_at(settings.site.id)
    if synced_at is None:
        return ""
    age_s = max(0.0, (datetime.now(UTC) - synced_at).total_seconds())
    return f"the local copy is of {local_time(synced_at, settings.site.zone)}, {duration(age_s)} ago"


def _replica(store: Store, settings: Settings, reread: Reload | None = None, *, everything: bool = False) -> Replica:
    require_firestore()
    from tracker.cloud.download import Scope
    from tracker.cloud.replica import Replica

    return Replica.of(store, settings, scope=Scope.EVERYTHING if everything else Scope.HISTORY, reread=reread)


def _catch_up(replica: Replica) -> None:
    with _DownloadBar() as bar, replica:
        replica.catch_up(bar.show, patience_s=PATIENCE_S)


class _DownloadBar:
    """A progress bar on stderr for a download that takes its time."""

    def __init__(self) -> None:
        task_name = TextColumn("{task.description}", markup=False)
        columns = (task_name, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._started_s = time.monotonic()
        self._shown = False

    def show(self, what: str, done: int, total: int) -> None:
        """Update the progress of a collection."""
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(f"Downloading {what.replace('_', ' ')}")
        self._bar.update(self._tasks[what], completed=done, total=total)
        if not self._shown and time.monotonic() - self._started_s > _BAR_AFTER_S:
            self._shown = True
            self._bar.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._bar.stop()
