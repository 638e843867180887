"""The uplink: what this machine has and Firestore has not is sent, once, whatever the network does meanwhile."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from config.errors import (
    CloudError,
    CloudUnreachableError,
    FootfallError,
    SettingsError,
    StoreBusyError,
    StoreError,
)
from tracker.cloud.backoff import Backoff
from tracker.cloud.connect import Connection
from tracker.cloud.line import TROUBLE, Line, Terms
from tracker.cloud.wire import Verdict, WireError
from tracker.presence.events import time_text
from tracker.store.outbox import Receipt
from tracker.store.store import Store

log = logging.getLogger("footfall.uplink")

POLL_S = 0.25
LOOK_EVERY_S = 60.0
"""Although nothing changed here: time alone ends visits."""
SLOWEST_S = 300.0
"""Between two tries while somebody has to mend something first."""
_LEASE_EVERY_S = 5.0
_FLUSH_S = 5.0
_RENEW_AFTER = 3
"""Failures after which a new connection is made: the old one may be waiting, or hold credentials that were renewed."""

_FIXES = {
    Verdict.LATER: "nothing is lost; it is tried again",
    Verdict.UNKNOWN_TO_THEM: "renew the file that cloud.credentials names",
    Verdict.REFUSED: "check cloud.credentials and the rules that are deployed (docs/firebase.md)",
    Verdict.MISPLACED: "check store.url: the project, its database and that Firestore is switched on there",
}


class Uplink:
    """Sends one store to one database: `run` until it is told to stop, or `drain` once.

    connect: opens the connection, again after failures, so that credentials that were renewed are found. gentle: rest
    as long as a load took after each, for somebody else needs the processor. tell: is told how many writes each load
    had that came to something. soon, late: pauses after failures that pass by themselves, and those that do not.
    """

    def __init__(
        self,
        store: Store,
        connect: Callable[[], Connection],
        terms: Terms,
        *,
        gentle: bool = False,
        tell: Callable[[int], None] = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        soon: Backoff | None = None,
        late: Backoff | None = None,
    ) -> None:
        self._store = store
        self._connect = connect
        self._terms = terms
        self._gentle = gentle
        self._told = tell
        self._now = now
        self._monotonic = monotonic
        self._soon = soon or Backoff()
        self._late = late or Backoff(first_s=10.0, longest_s=SLOWEST_S)
        self._line: Line | None = None
        self._failures = 0
        self._trouble: str | None = ""

    def run(self, stop: threading.Event) -> None:
        """Send until `stop`; waits while another process sends this store. Whatever fails is tried again."""
        while not stop.is_set():
            try:
                with self._store.outbox.lease():
                    self._serve(stop)
            except StoreBusyError:
                stop.wait(_LEASE_EVERY_S)
            except StoreError as error:
                log.error("sending to Firestore: %s", error)
                stop.wait(_LEASE_EVERY_S)

    def drain(self, stop: threading.Event, *, patience_s: float = 60.0) -> int:
        """Send until nothing is left. Returns how many writes that were.

        Raises CloudUnreachableError when nothing got through for `patience_s`, CloudError when somebody has to mend
        something first, StoreBusyError while another process sends this store, StoreError.
        """
        sent, since_s = 0, self._monotonic()
        try:
            with self._store.outbox.lease():
                while not stop.is_set():
                    try:
                        count, more = self._step()
                    except (WireError, CloudUnreachableError) as error:
                        pause_s = self._failed(error)
                        if not _is_passing(error) or self._monotonic() - since_s > patience_s:
                            raise _explained(error) from error
                        stop.wait(pause_s)
                        continue
                    sent, since_s = sent + count, self._monotonic()
                    if not more:
                        self._require_welcome()
                        break
        finally:
            self.close()
        return sent

    def close(self) -> None:
        """End the connection. A request under way fails; what it was about is sent again another time."""
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def _serve(self, stop: threading.Event) -> None:
        version, looked_s = -1, self._monotonic()
        try:
            while not stop.is_set():
                seen, began_s = self._store.version(), self._monotonic()
                if seen == version and began_s - looked_s < LOOK_EVERY_S:
                    stop.wait(POLL_S)
                    continue
                try:
                    count, more = self._step()
                except (WireError, CloudError, SettingsError) as error:
                    stop.wait(self._failed(error))
                    continue
                version, looked_s = -1 if more else seen, began_s
                if count and self._gentle:
                    stop.wait(self._monotonic() - began_s)
                if not more:
                    stop.wait(POLL_S)
            self._flush()
        finally:
            if self._line is not None:
                with suppress(StoreError):  # then a little is read again
                    self._line.keep()
            self.close()

    def _step(self) -> tuple[int, bool]:
        line = self._line
        if line is None:
            line = self._line = self._opened()
        count, more = line.send(self._now())
        self._soon.reset()
        self._late.reset()
        self._failures = 0
        self._tell(None if not line.barred else _barred(line.barred))
        if count:
            self._told(count)
        return count, more

    def _opened(self) -> Line:
        connection = self._connect()
        try:
            return Line(self._store, connection, self._terms, monotonic=self._monotonic)
        except BaseException:  # the store's, whatever it is: nobody else would close it
            connection.close()
            raise

    def _flush(self) -> None:
        """What came in since the last load goes as well, if that takes no time."""
        until_s = self._monotonic() + _FLUSH_S
        more = self._line is not None and not self._failures
        while more and self._monotonic() < until_s:
            try:
                _, more = self._step()
            except (WireError, CloudError, SettingsError) as error:
                log.warning("the last of it is sent another time: %s", error)
                return

    def _failed(self, error: WireError | FootfallError) -> float:
        """Note the trouble. Returns how long to wait."""
        self._failures += 1
        self._tell(_explained(error))
        if self._failures % _RENEW_AFTER == 0 or not _is_passing(error):
            self.close()
        return (self._soon if _is_passing(error) else self._late).next_s()

    def _tell(self, trouble: FootfallError | None) -> None:
        """Say what stands in the way once, when it begins and when it is over."""
        problem = None if trouble is None else trouble.problem
        if problem == self._trouble:
            return
        known, self._trouble = self._trouble, problem
        note: str | None = None
        if trouble is not None:
            log.warning("sending to Firestore: %s; fix: %s", trouble.problem, trouble.fix)
            said = {"since": time_text(self._now()), "problem": trouble.problem, "fix": trouble.fix}
            note = json.dumps(said)
        elif known:
            log.warning("sending to Firestore works again; nothing was lost")
        self._store.outbox.acknowledge(Receipt(notes={TROUBLE: note}))

    def _require_welcome(self) -> None:
        if self._line is not None and self._line.barred:
            raise _barred(self._line.barred)


def _is_passing(error: Exception) -> bool:
    if isinstance(error, WireError):
        return error.verdict is Verdict.LATER
    return isinstance(error, FootfallError) and error.retryable


def _explained(error: WireError | FootfallError) -> FootfallError:
    if isinstance(error, FootfallError):
        return error
    if error.verdict is Verdict.LATER:
        return CloudUnreachableError(
            f"Firestore does not answer as it should ({error.said})", fix=_FIXES[Verdict.LATER]
        )
    fix = _FIXES.get(error.verdict, _FIXES[Verdict.MISPLACED])
    return CloudError(f"Firestore takes nothing from us ({error.said})", fix=fix)


def _barred(barred: dict[str, str]) -> CloudError:
    said = "; ".join(sorted(set(barred.values())))
    return CloudError(f"Firestore takes none of our {', '.join(sorted(barred))} ({said})", fix=_FIXES[Verdict.REFUSED])
