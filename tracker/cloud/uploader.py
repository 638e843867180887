"""The uploader: what this machine has and Firestore has not is uploaded, once, whatever the network does meanwhile."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Self

from config.errors import CloudError, FootfallError, StoreBusyError, StoreError
from config.settings import Settings
from tracker.cloud.client import Connection, connect
from tracker.cloud.errors import DENIED
from tracker.cloud.retry import Backoff
from tracker.cloud.upload import Sent, Terms, Upload
from tracker.presence.events import time_text
from tracker.store.outbox import Acknowledgement
from tracker.store.site_settings import fields_of, rules_at_site
from tracker.store.store import Store

log = logging.getLogger("footfall.upload")

TROUBLE = "upload trouble"
"""The state with the reason why nothing can be uploaded."""
POLL_S = 0.25
LOOK_EVERY_S = 60.0
"""Although nothing changed here: heartbeats and the figures of days become due."""
SLOWEST_S = 300.0
"""Between two tries after an error that an administrator has to fix."""
_LEASE_EVERY_S = 5.0
_FLUSH_S = 5.0
_RENEW_AFTER = 3
"""Failures after which a new connection is made: the old one may hang, or hold credentials that were renewed."""


class Uploader:
    """Uploads one store to one database: `run` until it is stopped, or `drain` once.

    connect: opens the connection, again after failures, so that renewed credentials are found. gentle: rest as long as
    a batch took after each, for others need the processor. progress: called with the writes of each batch. soon, late:
    pauses after failures that pass by themselves, and those that do not.
    """

    def __init__(
        self,
        store: Store,
        connect: Callable[[], Connection],
        terms: Terms,
        *,
        gentle: bool = False,
        progress: Callable[[int], None] = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        soon: Backoff | None = None,
        late: Backoff | None = None,
    ) -> None:
        self._store = store
        self._connect = connect
        self._terms = terms
        self._gentle = gentle
        self._progress = progress
        self._now = now
        self._monotonic = monotonic
        self._soon = soon or Backoff()
        self._late = late or Backoff(10.0, SLOWEST_S)
        self._upload: Upload | None = None
        self._failures = 0
        self._trouble: str | None = ""
        self._logged: set[str] = set()

    @classmethod
    def of(
        cls,
        store: Store,
        settings: Settings,
        *,
        gentle: bool = False,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Self:
        """The uploader that the settings describe."""
        address = settings.store.firestore
        if address is None:
            raise ValueError(f"store.url: expected firestore://PROJECT, got {settings.store.url}")
        store.outbox.begin()
        terms = Terms(
            site_id=settings.site.id,
            version=version("footfall"),
            vectors=settings.cloud.share_vectors,
            heartbeat_s=settings.cloud.heartbeat_s,
            site=fields_of(settings, rules_at_site(settings, store)),
        )
        opened = partial(connect, address, settings.cloud.credentials)
        return cls(store, opened, terms, gentle=gentle, progress=progress)

    def run(self, stop: threading.Event) -> None:
        """Upload until `stop`, whatever fails; waits while another process uploads this store."""
        while not stop.is_set():
            try:
                with self._store.outbox.lease():
                    self._serve(stop)
            except StoreBusyError:
                stop.wait(_LEASE_EVERY_S)
            except Exception as error:  # noqa: BLE001 - the thread outlives whatever goes wrong
                self._log(error)
                stop.wait(_LEASE_EVERY_S)

    def drain(self, stop: threading.Event, *, patience_s: float = 60.0) -> int:
        """Upload until nothing is left. Returns how many documents were written.

        Raises CloudUnreachableError when nothing was delivered for `patience_s`, CloudError for an error that
        has to be fixed first, StoreBusyError while another process uploads this store, StoreError.
        """
        written, since_s = 0, self._monotonic()
        try:
            with self._store.outbox.lease():
                while not stop.is_set():
                    try:
                        sent = self._next()
                    except CloudError as error:
                        pause_s = self._pause_s(error)
                        if not error.retryable or self._monotonic() - since_s > patience_s:
                            raise
                        stop.wait(pause_s)
                        continue
                    written, since_s = written + sent.writes, self._monotonic()
                    if not sent.more:
                        if self._upload is not None and self._upload.denied:
                            raise _denied(self._upload.denied)
                        break
        finally:
            self.close()
        return written

    def close(self) -> None:
        """End the connection. A request under way fails; what it was about is uploaded another time."""
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.close()

    def _serve(self, stop: threading.Event) -> None:
        known, looked_s = -1, self._monotonic()
        try:
            while not stop.is_set():
                seen, began_s = self._store.version(), self._monotonic()
                if seen == known and began_s - looked_s < LOOK_EVERY_S:
                    stop.wait(POLL_S)
                    continue
                try:
                    sent = self._attempt()
                except FootfallError as error:
                    stop.wait(self._pause_s(error))
                    continue
                known, looked_s = -1 if sent.more else seen, began_s
                if sent.writes and self._gentle:
                    stop.wait(self._monotonic() - began_s)
                if not sent.more:
                    stop.wait(POLL_S)
            self._flush()
        finally:
            if self._upload is not None:
                with suppress(StoreError):  # then a little is read again
                    self._upload.save_cursors()
            self.close()

    def _attempt(self) -> Sent:
        """Upload one batch. Raises FootfallError for an error of any kind, which is retried."""
        try:
            return self._next()
        except FootfallError as error:
            self._log(error)
            raise
        except Exception as error:
            self._log(error)
            problem = f"uploading failed unexpectedly ({type(error).__name__}: {error})"
            raise CloudError(problem, fix="see the log; it is retried") from error

    def _next(self) -> Sent:
        if self._upload is None:
            self._upload = self._opened()
        upload = self._upload
        sent = upload.next(self._now())
        for each in (self._soon, self._late):
            each.reset()
        self._failures = 0
        self._report(_denied(upload.denied) if upload.denied else None)
        if sent.writes:
            self._progress(sent.writes)
        return sent

    def _opened(self) -> Upload:
        connection = self._connect()
        try:
            return Upload(self._store, connection, self._terms, monotonic=self._monotonic)
        except BaseException:  # nothing else closes it
            connection.close()
            raise

    def _flush(self) -> None:
        """Upload what was recorded since the last batch, for a few seconds at most."""
        until_s = self._monotonic() + _FLUSH_S
        more = self._upload is not None and not self._failures
        try:
            while more and self._monotonic() < until_s:
                more = self._attempt().more
        except FootfallError as error:
            log.warning("the rest is uploaded another time: %s", error)

    def _pause_s(self, error: FootfallError) -> float:
        """Note a failure. Returns how long to wait."""
        self._failures += 1
        with suppress(StoreError):
            self._report(error)
        if self._failures % _RENEW_AFTER == 0 or not error.retryable:
            self.close()
        return (self._soon if error.retryable else self._late).next_s()

    def _report(self, trouble: FootfallError | None) -> None:
        """Log what is wrong and keep it for `footfall status`, once when it begins and once when it is over."""
        problem = None if trouble is None else trouble.problem
        if problem == self._trouble:
            return
        known, self._trouble = self._trouble, problem
        state: str | None = None
        if trouble is not None:
            log.warning("uploading to Firestore: %s; fix: %s", trouble.problem, trouble.fix)
            state = json.dumps({"since": time_text(self._now()), "problem": trouble.problem, "fix": trouble.fix})
        elif known:
            self._logged.clear()
            log.warning("uploading to Firestore works again; nothing was lost")
        self._store.outbox.acknowledge(Acknowledgement(state={TROUBLE: state}))

    def _log(self, error: Exception) -> None:
        """Our own errors are a line; of others the traceback, once."""
        text = f"{type(error).__name__}: {error}"
        if isinstance(error, StoreError):
            log.error("uploading to Firestore: %s", error)
        elif not isinstance(error, FootfallError) and text not in self._logged:
            self._logged.add(text)
            log.error("uploading to Firestore: %s", text, exc_info=error)


def _denied(denied: dict[str, str]) -> CloudError:
    reasons = "; ".join(sorted(set(denied.values())))
    return CloudError(f"Firestore takes none of our {', '.join(sorted(denied))} ({reasons})", fix=DENIED)
