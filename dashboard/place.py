"""The current settings of the site, and the age of the local copy."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from config.settings import Settings
from dashboard.wording import clock, day
from tracker.store.store import Store

_SILENT_AFTER = timedelta(minutes=3)
"""A synchronised store records the time every minute."""


class Places:
    """The current settings. Thread-safe.

    reread: loads the settings again when the shared ones changed. revision: how often that happened.
    """

    def __init__(self, settings: Settings, reread: Callable[[], Settings]) -> None:
        self._reread = reread
        self._known = settings
        self._shared: str | None = None
        self.revision = 0
        self._lock = threading.Lock()

    @property
    def now(self) -> Settings:
        """As of the last read of the store."""
        return self._known

    def look(self, store: Store) -> Settings:
        """As of the site's document in the store now."""
        if self._known.store.firestore is None:
            return self._known
        shared = json.dumps(store.inbox.site_document(self._known.site.id), sort_keys=True)
        with self._lock:
            if shared != self._shared:
                self._known = self._reread()
                self._shared = shared
                self.revision += 1
            return self._known


def behind(settings: Settings, store: Store, now: datetime) -> tuple[str, ...]:
    """A sentence if the local copy is out of date, else nothing."""
    if settings.store.firestore is None:
        return ()
    synced_at = store.inbox.synced_at(settings.site.id)
    if synced_at is None:
        return ("Nothing has been downloaded from Firestore to this machine yet.",)
    if now - synced_at <= _SILENT_AFTER:
        return ()
    zone = settings.site.zone
    today, then = now.astimezone(zone).date(), synced_at.astimezone(zone).date()
    when = clock(synced_at, zone) if then == today else f"{day(then, today)} at {clock(synced_at, zone)}"
    return (f"Nothing was received from Firestore since {when}: newer events of other machines are missing.",)
