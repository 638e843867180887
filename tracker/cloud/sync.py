"""A store and Firestore, kept in step for as long as a process wants."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Self, TypeAlias

from config.errors import FootfallError
from config.settings import Settings
from tracker.cloud.connect import connect
from tracker.cloud.downlink import PATIENCE_S, Downlink
from tracker.cloud.feed import Scope, Subscription
from tracker.cloud.reading import Reader
from tracker.store.history import site_of
from tracker.store.shared_site import rules_at_site
from tracker.store.store import Store

Reread: TypeAlias = Callable[[], tuple[Settings, dict[str, str]]]
"""Gives the settings with what the site shares now, and by `section.field` why some of that is left out."""
SETTINGS = "settings"
"""Under this name what is refused of the settings of a site is told."""


class Link:
    """What comes down for one store in one process. Use it as a context manager, or `close` it.

    wanted: what to bring down where the credentials may read everything; those of a camera machine get the gallery.
    reread: gives the settings with what the site shares now; visits go by the rules in them at once; without it they
    stay as they are. Raises SettingsError and CloudError when there are no credentials that can be used; nothing is
    read yet.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        wanted: Scope,
        reread: Reread | None = None,
    ) -> None:
        address = settings.store.firestore
        if address is None:
            raise ValueError(f"store.url: expected firestore://PROJECT, got {settings.store.url}")
        self._store = store
        self._reread = reread
        self._reader = Reader(partial(connect, address, settings.cloud.credentials))
        scope = Scope.GALLERY if self._reader.connection.device is not None else wanted
        subscription = Subscription(site_id=settings.site.id, scope=scope, store=store)
        self._downlink = Downlink(self._reader, subscription, on_site=self._use_site)
        self._using = threading.Lock()

    @property
    def is_live(self) -> bool:
        """Whether all listeners are up."""
        return self._downlink.is_live

    @property
    def problem(self) -> FootfallError | None:
        """Why a listener is not up."""
        return self._downlink.problem

    def catch_up(self, told: Callable[[str, int, int], None], *, patience_s: float = PATIENCE_S) -> None:
        """Read what is new. See `Downlink.catch_up`."""
        self._downlink.catch_up(told, patience_s=patience_s)

    def follow(self) -> None:
        """Read what comes from now on, in the background."""
        self._downlink.follow()

    def close(self) -> None:
        """End listening and the connection. Closing again does nothing."""
        self._downlink.stop()
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _use_site(self) -> None:
        """Let visits go by the rules that the site shares now, and note what of its settings cannot be used."""
        if self._reread is None:
            return
        with self._using:
            settings, refused = self._reread()
            self._store.inbox.note_refused(SETTINGS, refused, datetime.now(UTC))
            self._store.sites.save(site_of(settings, rules_at_site(settings, self._store)))
