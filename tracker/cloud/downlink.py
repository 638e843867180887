"""From Firestore into the store: what was missed, at once, and then what comes, by listeners that mend themselves."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from config.errors import CloudError, CloudUnreachableError, FootfallError
from tracker.cloud.backoff import Backoff
from tracker.cloud.connect import explained
from tracker.cloud.feed import LISTENER_FULL, Feed, Subscription, site_place
from tracker.cloud.parcel import SITE
from tracker.cloud.reading import Listening, Reader
from tracker.presence.events import time_text
from tracker.store.arrivals import Arrivals
from tracker.store.inbox import heard_cursor

PATIENCE_S = 15.0
FOLLOW_PATIENCE_S = 1.0
AWAY_PAUSE_S = 10.0
REFUSED_PAUSE_S = 60.0
"""After the cloud refused what was asked for, it is asked again so rarely."""
STOP_S = 3.0
CHECK_S = 5.0
RENEW_AFTER = 4
"""Failures in a row after which a new connection is made."""
PROBE_S = 240.0
PROBE_ANSWER_S = 5.0
HEARD_S = 60.0
"""How often it is noted that all listeners are up."""

logger = logging.getLogger("footfall.cloud")


def _nothing(*_: object) -> None:
    """Nobody wants to know."""


class Downlink:
    """Brings down what a subscription names. Safe to use from several threads.

    on_site: called, from a thread of ours, when the site's document may have changed. probes_s: how often to ask, while
    all is quiet, whether the connection is one: a cut cable says nothing. Constructing reads nothing.
    """

    def __init__(
        self,
        reader: Reader,
        wanted: Subscription,
        *,
        on_site: Callable[[], None] = _nothing,
        checks_s: float = CHECK_S,
        probes_s: float = PROBE_S,
    ) -> None:
        self._reader = reader
        self._wanted = wanted
        self._on_site = on_site
        self._checks_s = checks_s
        self._probes_s = probes_s
        self._probed_s = time.monotonic()
        self._feeds = {feed.name: feed for feed in (Feed(reader, wanted, each) for each in wanted.scope.collections)}
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads: dict[str, threading.Thread] = {}
        self._open: dict[str, Listening] = {}
        self._problems: dict[str, FootfallError] = {}
        self._live: set[str] = set()
        self._heard: datetime | None = None

    @property
    def is_live(self) -> bool:
        """Whether every listener is up."""
        with self._lock:
            return len(self._live) == len(self._feeds)

    @property
    def problem(self) -> FootfallError | None:
        """Why a listener is not up, None when all are or are about to be."""
        with self._lock:
            return next(iter(self._problems.values()), None)

    def catch_up(self, told: Callable[[str, int, int], None] = _nothing, *, patience_s: float = PATIENCE_S) -> None:
        """Read all that the cloud has and the store has not, page by page; what was read stays read.

        told: after each page a collection, how much of it was read, and of how much about.
        Raises CloudError, CloudUnreachableError when no answer comes within `patience_s`, StoreError.
        """
        for name, feed in self._feeds.items():
            self._catch_up(feed, partial(told, name), patience_s)
            if name == SITE:
                self._on_site()
        self._note_heard()

    def _catch_up(self, feed: Feed, told: Callable[[int, int], None], patience_s: float) -> None:
        """Read one feed. A stream that breaks is taken up again as long as it gets on."""
        while True:
            before = feed.taken
            try:
                with explained():
                    feed.catch_up(told, patience_s=patience_s)
            except CloudUnreachableError:
                if feed.taken == before:
                    raise
            else:
                return

    def follow(self) -> None:
        """Keep the store in step from now on, in threads of ours, until `stop`; offline, once the cloud is back."""
        with self._lock:
            if self._threads or self._stop.is_set():
                return
            for name, feed in self._feeds.items():
                self._start(name, self._follow, feed)
            self._start("check", self._check)

    def stop(self) -> None:
        """End all listeners and wait a little for what is being written; what is not, comes again. Idempotent."""
        self._stop.set()
        with self._lock:
            listeners, threads = list(self._open.values()), list(self._threads.values())
        for listening in listeners:
            listening.close()
        deadline = time.monotonic() + STOP_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _start(self, name: str, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name=f"downlink {name}", daemon=True)
        self._threads[name] = thread
        thread.start()

    def _follow(self, feed: Feed) -> None:
        """One feed's thread."""
        backoff = Backoff(longest_s=AWAY_PAUSE_S)
        while not self._stop.is_set():
            try:
                with explained():
                    self._listen(feed, backoff)
                pause_s = 0.0 if backoff.failures == 0 else backoff.next_s()
            except FootfallError as error:
                self._note_problem(feed, error)
                self._renew_if_it_lasts(error, backoff)
                pause_s = REFUSED_PAUSE_S if isinstance(error, CloudError) and not error.retryable else backoff.next_s()
            with self._lock:
                self._live.discard(feed.name)
            self._stop.wait(pause_s)

    def _renew_if_it_lasts(self, error: FootfallError, backoff: Backoff) -> None:
        if error.retryable and backoff.failures < RENEW_AFTER:
            return
        try:
            self._reader.renew()
        except FootfallError as again:
            logger.info("%s", again)

    def _listen(self, feed: Feed, backoff: Backoff) -> None:
        """Catch up, then listen until the stream ends or is closed. Listeners that told a lot are opened anew."""
        feed.catch_up(_nothing, patience_s=FOLLOW_PATIENCE_S)
        count = LISTENER_FULL
        while count >= LISTENER_FULL and not self._stop.is_set():
            listening = feed.listen()
            with self._lock:
                self._open[feed.name] = listening
            if self._stop.is_set():
                return
            backoff.failures += 1  # until something is heard
            count = 0
            for batch in listening.batches():
                feed.take_all(batch)
                if batch.papers and feed.name == SITE:
                    self._on_site()
                self._note_live(feed)
                backoff.reset()
                count += len(batch.papers)
                if count >= LISTENER_FULL:
                    listening.close()

    def _note_live(self, feed: Feed) -> None:
        with self._lock:
            self._live.add(feed.name)
            self._problems.pop(feed.name, None)

    def _note_problem(self, feed: Feed, error: FootfallError) -> None:
        with self._lock:
            known = self._problems.get(feed.name)
            self._problems[feed.name] = error
        if known is None:
            logger.info("%s: %s", feed.name, error)

    def _check(self) -> None:
        """Start threads again that a fault of ours ended, and note now and then that all is heard."""
        while not self._stop.wait(self._checks_s):
            with self._lock:
                dead = [name for name in self._feeds if not self._threads[name].is_alive()]
                if not self._stop.is_set():
                    for name in dead:
                        self._live.discard(name)
                        self._start(name, self._follow, self._feeds[name])
            try:
                self._probe_now_and_then()
                self._note_heard_now_and_then()
            except FootfallError as error:
                logger.info("%s", error)

    def _probe_now_and_then(self) -> None:
        """Where nobody answers although all listeners seem up, connect anew; they go on over that."""
        if time.monotonic() - self._probed_s < self._probes_s or not self.is_live:
            return
        self._probed_s = time.monotonic()
        try:
            with explained():
                self._reader.document(site_place(self._wanted.site_id), patience_s=0.0, answer_s=PROBE_ANSWER_S)
        except CloudUnreachableError as error:
            logger.info("%s", error)
            self._reader.renew()

    def _note_heard_now_and_then(self) -> None:
        due = self._heard is None or (datetime.now(UTC) - self._heard).total_seconds() >= HEARD_S
        if due and self.is_live:
            self._note_heard()

    def _note_heard(self) -> None:
        self._heard = datetime.now(UTC)
        cursors = {heard_cursor(self._wanted.site_id): time_text(self._heard)}
        for feed in self._feeds.values():
            cursors |= feed.cursors
        self._wanted.store.inbox.apply(Arrivals(came=self._heard, cursors=cursors))
