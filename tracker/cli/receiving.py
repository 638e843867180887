"""What a command needs to take in what others wrote into Firestore, beside what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from config.settings import Settings
from tracker.cli.replica import PATIENCE_S, require_cloud
from tracker.cli.replica import DownloadBar as Gauge
from tracker.store.store import Store

Reread: TypeAlias = Callable[[], tuple[Settings, dict[str, str]]]
"""Reads the settings again when what the site shares has changed; see `door.reread_for`."""


@contextmanager
def receiving(settings: Settings, store: Store, reread: Reread | None) -> Iterator[None]:
    """Take in people, corrections and settings, and events of other machines, in the background while inside.

    Does nothing for a store of this machine alone, or without `reread`. Nothing ever waits for the network.
    Raises SettingsError and CloudError where there are no credentials that can be used.
    """
    if settings.store.firestore is None or reread is None:
        yield
        return
    require_cloud()
    from tracker.cloud.feed import Scope
    from tracker.cloud.sync import Link

    with Link(store, settings, wanted=Scope.EVERYTHING, reread=reread) as link:
        link.follow()
        yield


def receive(settings: Settings, store: Store, reread: Reread) -> None:
    """Take in, now, what others wrote. Raises as `receiving` does, and CloudUnreachableError."""
    require_cloud()
    from tracker.cloud.feed import Scope
    from tracker.cloud.sync import Link

    with Gauge() as gauge, Link(store, settings, wanted=Scope.EVERYTHING, reread=reread) as link:
        link.catch_up(gauge.show, patience_s=PATIENCE_S)
