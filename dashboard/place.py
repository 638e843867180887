"""The site as pages know it: what it is called, its rules, and whether what is shown of it is new."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from config.settings import Settings
from dashboard.wording import clock, day
from tracker.presence.calendar import Opening
from tracker.presence.rules import Rules
from tracker.store.history import opening_of, site_rules
from tracker.store.shared_site import rules_to_read
from tracker.store.store import Store

_SILENT_AFTER = timedelta(minutes=3)
"""A store that is kept in step notes every minute that it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A site by one state of its settings."""

    settings: Settings
    rules: Rules
    opening: Opening | None

    @classmethod
    def of(cls, settings: Settings, store: Store | None = None) -> Self:
        """The site of these settings; with the store, with what its machines share."""
        rules = site_rules(settings) if store is None else rules_to_read(settings, store)
        return cls(settings=settings, rules=rules, opening=opening_of(settings))


class Places:
    """The site as it is now. Safe to use from several threads.

    reread: gives the settings anew when the machines of the site share others.
    """

    def __init__(self, settings: Settings, reread: Callable[[], Settings]) -> None:
        self._reread = reread
        self._known = Place.of(settings)
        self._shared: str | None = None
        self._lock = threading.Lock()

    @property
    def now(self) -> Place:
        """As it was when the store was looked at last."""
        return self._known

    def look(self, store: Store) -> Place:
        """As the store has it."""
        settings = self._known.settings
        local = settings.store.firestore is None
        if local and settings.camera:
            return self._known
        site = None if local else store.inbox.site_document(settings.site.id)
        shared = store.outbox.rules_text() if local else json.dumps(site, sort_keys=True)
        with self._lock:
            if shared != self._shared:
                self._known = Place.of(settings if local else self._reread(), store)
                self._shared = shared
            return self._known


def behind(place: Place, store: Store, now: datetime) -> tuple[str, ...]:
    """That what is shown is not the newest, in a sentence; nothing where it is."""
    settings = place.settings
    if settings.store.firestore is None:
        return ()
    heard_at = store.inbox.heard_at(settings.site.id)
    if heard_at is None:
        return ("Nothing has come down from Firestore to this machine yet.",)
    if now - heard_at <= _SILENT_AFTER:
        return ()
    zone = settings.site.zone
    today, then = now.astimezone(zone).date(), heard_at.astimezone(zone).date()
    when = clock(heard_at, zone) if then == today else f"{day(then, today)} at {clock(heard_at, zone)}"
    return (f"Nothing was heard from Firestore since {when}: what happened elsewhere since then is missing here.",)
