"""The store of a command that changes what machines share: news come down before, and what changed is sent after."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from config.errors import CloudError, CloudUnreachableError, StoreBusyError
from config.settings import Settings
from tracker.cli.current import PATIENCE_S, Gauge, age_words, require_cloud
from tracker.cli.door import open_store
from tracker.cli.output import errors
from tracker.cli.sending import backlog_of, uplink_of
from tracker.store.store import Store


@contextmanager
def in_step(settings: Settings, *, create: bool = False) -> Iterator[Store]:
    """The store, open. One that machines share is brought up to date first, and sent after.

    Without network the command works on what is here, which is said on stderr; what it changes is sent by the next
    `footfall sync` or agent. Raises SettingsError, StoreError, and CloudError where the cloud refuses us.
    """
    if settings.store.firestore is None:
        with open_store(settings, create=create) as store:
            yield store
        return
    require_cloud()
    with open_store(settings) as store:
        _take_in(settings, store)
        yield store
        _send(settings, store)


def _take_in(settings: Settings, store: Store) -> None:
    from tracker.cloud.feed import Scope
    from tracker.cloud.sync import Link

    try:
        with Gauge() as gauge, Link(store, settings, wanted=Scope.HISTORY) as link:
            link.catch_up(gauge.show, patience_s=PATIENCE_S)
    except CloudUnreachableError as error:
        age = age_words(store, settings) or "nothing is here yet"
        errors.print(f"note: {error.problem}; {age}", markup=False, soft_wrap=True)


def _send(settings: Settings, store: Store) -> None:
    if not backlog_of(settings, store).total:
        return
    try:
        uplink_of(settings, store, speaks=False).drain(threading.Event(), patience_s=PATIENCE_S)
    except StoreBusyError:  # an agent here is at it
        return
    except CloudError as error:
        errors.print(
            f"note: done here, not sent yet ({error.problem}); 'footfall sync' sends it", markup=False, soft_wrap=True
        )
        return
    refused = len(store.outbox.rejected())
    if refused:
        errors.print(f"note: {refused} records are refused: see 'footfall status'", markup=False)
