"""A store as a replica of Firestore: what it lacks is downloaded at once, and then each change as it is written."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import Self, TypeAlias

from config.errors import CloudError, CloudUnreachableError, FootfallError
from config.settings import Settings
from tracker.cloud.client import Connection, RenewableConnection, connect
from tracker.cloud.download import Download, Scope
from tracker.cloud.errors import explained
from tracker.cloud.incoming import SITE
from tracker.cloud.listen import Listener, Snapshot
from tracker.cloud.retry import Backoff
from tracker.cloud.status import device_scope
from tracker.presence.events import time_text
from tracker.store.inbox import Incoming, synced_cursor
from tracker.store.site_settings import rules_at_site, site_of
from tracker.store.store import Store

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a collection, how many of its documents are downloaded, and of how many about."""
Reread: TypeAlias = Callable[[], tuple[Settings, dict[str, str]]]
"""Gives the settings with what the site shares now, and by `section.field` why some of that is left out."""
SETTINGS = "settings"
"""The name under which unusable settings of a site are kept."""

PATIENCE_S = 15.0
FOLLOW_PATIENCE_S = 1.0
AWAY_PAUSE_S = 5.0
DENIED_PAUSE_S = 60.0
"""Between two tries after Firestore denied a collection."""
STOP_S = 3.0
CHECK_S = 5.0
"""How often listeners are checked."""
PROBE_S = 60.0
"""How often the connection is probed; while it works and all listeners are live, that is kept as `synced_at`."""
PROBE_ANSWER_S = 5.0
RENEW_AFTER = 4
"""Failures in a row after which a new connection is made."""

log = logging.getLogger("footfall.cloud")


def _nothing(*_: object) -> None:
    pass


@dataclass(slots=True)
class _Followed:
    """A collection that is followed: its listener, and when to open one again."""

    download: Download
    listener: Listener | None = None
    problem: FootfallError | None = None
    backoff: Backoff = field(default_factory=lambda: Backoff(longest_s=AWAY_PAUSE_S))
    not_before_s: float = 0.0

    @property
    def is_live(self) -> bool:
        return self.listener is not None and self.listener.is_live and self.listener.is_active


class Replica:
    """Keeps one store in step with one site. Safe to use from several threads; a context manager.

    connect: opens the connection, now and after failures; raises SettingsError or CloudError without usable
    credentials. scope: what to download. on_site: called, maybe from a thread of the replica, when the site's document
    may have changed.
    """

    def __init__(
        self,
        store: Store,
        connect: Callable[[], Connection],
        *,
        site_id: str,
        scope: Scope,
        on_site: Callable[[], None] = _nothing,
        check_s: float = CHECK_S,
        probe_s: float = PROBE_S,
    ) -> None:
        self._store = store
        self._site_id = site_id
        self._on_site = on_site
        self._check_s = check_s
        self._probe_s = probe_s
        self._connection = RenewableConnection(connect)
        self._followed = {
            each.name: _Followed(each)
            for each in (
                Download(self._connection, store, site_id=site_id, scope=scope, collection=collection)
                for collection in scope.collections
            )
        }
        self._snapshots: queue.SimpleQueue[Snapshot | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._probed_s = -inf

    @classmethod
    def of(cls, store: Store, settings: Settings, *, scope: Scope, reread: Reread | None = None) -> Self:
        """The replica that the settings describe. scope: where the credentials may read it; a camera machine reads the
        gallery.

        reread: gives the settings again when the site's document changed; sessions follow its rules. Without it they
        stay as they are.
        """
        address = settings.store.firestore
        if address is None:
            raise ValueError(f"store.url: expected firestore://PROJECT, got {settings.store.url}")
        on_site = _nothing if reread is None else partial(_use_site, store, reread)
        scope = scope if device_scope(settings) is None else Scope.GALLERY
        opened = partial(connect, address, settings.cloud.credentials)
        return cls(store, opened, site_id=settings.site.id, scope=scope, on_site=on_site)

    @property
    def is_live(self) -> bool:
        """Whether every listener is up."""
        return all(each.is_live for each in self._followed.values())

    @property
    def problem(self) -> FootfallError | None:
        """Why a listener is not up, None when all are or are about to be."""
        return next((each.problem for each in self._followed.values() if each.problem is not None), None)

    def catch_up(self, progress: Progress = _nothing, *, patience_s: float = PATIENCE_S) -> None:
        """Download everything that the store lacks, page by page; what was downloaded stays.

        Raises CloudError, CloudUnreachableError when no answer comes within `patience_s`, StoreError.
        """
        read_at: datetime | None = None
        for name, each in self._followed.items():
            self._catch_up(each.download, partial(progress, name), patience_s)
            if name == SITE:
                read_at = each.download.read_at
                self._on_site()
            elif read_at is not None:  # all that was received before that is here
                each.download.reach(read_at)
        self._note_synced()

    def follow(self) -> None:
        """Keep the store in step from now on, in a thread, until `close`; without network, once it is back."""
        if self._thread is None and not self._stop.is_set():
            self._thread = threading.Thread(target=self._run, name="replica", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End listening and the connection; what is being stored is waited for. Closing again does nothing."""
        self._stop.set()
        self._snapshots.put(None)
        for each in self._followed.values():
            self._drop(each)
        self._connection.close()
        if self._thread is not None:
            self._thread.join(STOP_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _catch_up(self, download: Download, progress: Callable[[int, int], None], patience_s: float) -> None:
        """Download one collection. A stream that breaks is resumed as long as it makes progress."""
        while True:
            before = download.taken
            try:
                with download.lock, explained():
                    download.catch_up(progress, patience_s=patience_s)
            except CloudUnreachableError:
                if download.taken == before:
                    raise
            else:
                return

    def _run(self) -> None:
        """The supervisor: opens listeners, stores their snapshots, and checks that they are alive."""
        checked_s = -inf
        while not self._stop.is_set():
            now_s = time.monotonic()
            if now_s >= min(checked_s + self._check_s, self._next_opening_s()):
                self._check()
                checked_s = time.monotonic()
            until_s = min(checked_s + self._check_s, self._next_opening_s())
            try:
                snapshot = self._snapshots.get(timeout=max(0.01, until_s - time.monotonic()))
            except queue.Empty:
                continue
            if snapshot is not None and not self._stop.is_set():
                self._take(snapshot)

    def _next_opening_s(self) -> float:
        """When a listener is to be opened next."""
        return min((each.not_before_s for each in self._followed.values() if each.listener is None), default=inf)

    def _check(self) -> None:
        """Open the listeners that are due, and probe the connection."""
        for each in self._followed.values():
            if each.listener is not None and not each.listener.is_active:
                self._drop(each)
                each.not_before_s = time.monotonic() + each.backoff.next_s()
        for each in self._followed.values():
            is_due = each.listener is None and each.not_before_s <= time.monotonic()
            if is_due and not self._stop.is_set() and not self._open(each):
                break
        if time.monotonic() - self._probed_s >= self._probe_s and self.is_live:
            self._probed_s = time.monotonic()
            self._guarded(self._probe)

    def _open(self, each: _Followed) -> bool:
        """Download what is missing, then listen; a failure is retried. False: Firestore cannot be reached."""

        def follow() -> None:
            each.download.catch_up(_nothing, patience_s=FOLLOW_PATIENCE_S)
            if each.download.name == SITE:
                self._on_site()
            each.listener = Listener(each.download.target(), self._snapshots, name=each.download.name)

        self._attempt(each, follow)
        return not isinstance(each.problem, CloudUnreachableError)

    def _attempt(self, each: _Followed, do: Callable[[], None]) -> bool:
        """Whether a step of a collection succeeded; after a failure of any kind its listener is opened again."""
        try:
            with each.download.lock, explained():
                do()
        except FootfallError as error:
            self._failed(each, error)
        except Exception as error:  # the thread outlives whatever goes wrong
            log.error("%s: %s", each.download.name, error, exc_info=error)
            self._failed(each, CloudError(f"{each.download.name}: {error}", fix="see the log; it is retried"))
        else:
            each.problem = None
            return True
        return False

    def _failed(self, each: _Followed, error: FootfallError) -> None:
        """Close the listener, and open one later."""
        self._drop(each)
        if each.problem is None:
            log.info("%s: %s", each.download.name, error)
        each.problem = error
        pause_s = each.backoff.next_s()
        is_denied = isinstance(error, CloudError) and not error.retryable
        each.not_before_s = time.monotonic() + (DENIED_PAUSE_S if is_denied else pause_s)
        if is_denied or each.backoff.failures >= RENEW_AFTER:
            self._guarded(self._renew)

    def _take(self, snapshot: Snapshot) -> None:
        """Store a snapshot. Where that fails, the query that opens the next listener reads it again."""
        each = self._followed[snapshot.listener.name]
        if each.listener is not snapshot.listener:
            return  # of a listener that was closed meanwhile

        def store() -> None:
            each.download.take(snapshot.page, complete=True)
            if snapshot.page.documents and each.download.name == SITE:
                self._on_site()

        if self._attempt(each, store):
            each.backoff.reset()
            if snapshot.listener.is_full:
                self._drop(each)

    def _drop(self, each: _Followed) -> None:
        listener, each.listener = each.listener, None
        if listener is not None:
            listener.close()

    def _probe(self) -> None:
        """A request that reads and writes nothing: a dead line does not report itself."""
        try:
            with explained():
                self._connection.current.client.commit([], timeout_s=PROBE_ANSWER_S)
        except CloudUnreachableError as error:
            log.info("%s", error)
            self._renew()
            return
        self._note_synced()

    def _renew(self) -> None:
        """Replace the connection; all listeners are opened again over the new one."""
        if self._connection.renew():
            for each in self._followed.values():
                self._drop(each)

    def _guarded(self, do: Callable[[], None]) -> None:
        try:
            do()
        except FootfallError as error:
            log.info("%s", error)

    def _note_synced(self) -> None:
        now = datetime.now(UTC)
        cursors = {synced_cursor(self._site_id): time_text(now)}
        for each in self._followed.values():
            cursors |= each.download.cursors
        self._store.inbox.apply(Incoming(at=now, cursors=cursors))


def _use_site(store: Store, reread: Reread) -> None:
    """Let sessions follow the rules that the site shares now, and keep why some of its settings cannot be used."""
    settings, unusable = reread()
    store.inbox.replace_unreadable(SETTINGS, unusable, datetime.now(UTC))
    store.sites.save(site_of(settings, rules_at_site(settings, store)))
