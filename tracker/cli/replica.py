"""The local copy of a store that machines share through Firestore: downloaded, uploaded and followed by commands."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from config.errors import CloudError, CloudUnreachableError, SettingsError, StoreBusyError
from config.settings import Settings
from tracker.cli.options import Reading, Reload
from tracker.cli.output import duration, errors, local_time, note
from tracker.cli.sending import uploader_of
from tracker.cli.store import open_store
from tracker.cloud.pending import backlog_of
from tracker.store.store import Store

PATIENCE_S = 8.0
NO_COPY = "nothing was downloaded yet"
_BAR_AFTER_S = 1.0
"""A download that takes longer shows a progress bar."""


def require_cloud() -> None:
    """Raises SettingsError where the packages for Firestore are not installed."""
    if not find_spec("firebase_admin"):
        raise SettingsError("a shared store needs firebase-admin", fix="pip install 'footfall[cloud]'")


def download(settings: Settings, reread: Reload) -> None:
    """Download what is new at the site. Raises CloudError, and CloudUnreachableError with the age of the copy."""
    require_cloud()
    from tracker.cloud.download import Scope
    from tracker.cloud.replica import Replica

    with (
        open_store(settings) as store,
        DownloadBar() as bar,
        Replica.of(store, settings, scope=Scope.HISTORY, reread=reread) as replica,
    ):
        try:
            replica.catch_up(bar.show, patience_s=PATIENCE_S)
        except CloudUnreachableError as error:
            age = age_text(store, settings)
            fix = "check the network, or read the local copy with --offline" if age else "check the network"
            raise CloudUnreachableError(f"{error.problem}; {age or NO_COPY}", fix=fix) from error


def download_if_reachable(settings: Settings, store: Store) -> None:
    """As `download`, but without network a note on stderr is all. Raises CloudError where Firestore denies access."""
    require_cloud()
    from tracker.cloud.download import Scope
    from tracker.cloud.replica import Replica

    try:
        with DownloadBar() as bar, Replica.of(store, settings, scope=Scope.HISTORY) as replica:
            replica.catch_up(bar.show, patience_s=PATIENCE_S)
    except CloudUnreachableError as error:
        note(f"note: {error.problem}; {age_text(store, settings) or NO_COPY}")


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
    require_cloud()
    from tracker.cloud.download import Scope
    from tracker.cloud.replica import Replica

    with (
        open_store(settings) as store,
        Replica.of(store, settings, scope=Scope.HISTORY, reread=options.reload) as replica,
    ):
        try:
            with DownloadBar() as bar:
                replica.catch_up(bar.show, patience_s=PATIENCE_S)
        except CloudUnreachableError as error:
            note(f"{error.problem}; {age_text(store, settings) or NO_COPY}. Retrying.")
        replica.follow()
        yield


def age_text(store: Store, settings: Settings) -> str:
    """The age of the local copy; empty where nothing was ever downloaded."""
    synced_at = store.inbox.synced_at(settings.site.id)
    if synced_at is None:
        return ""
    age_s = max(0.0, (datetime.now(UTC) - synced_at).total_seconds())
    return f"the local copy is of {local_time(synced_at, settings.site.zone)}, {duration(age_s)} ago"


def note_age(settings: Settings) -> None:
    """State the age of the local copy on stderr."""
    with open_store(settings, create=False) as store:
        note(f"offline: {age_text(store, settings) or NO_COPY}")


class DownloadBar:
    """A progress bar on stderr for a download that takes its time."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=errors, transient=True)
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
