"""Visits as the store has them at one moment."""

from __future__ import annotations

from datetime import datetime, timedelta

from config.settings import PresenceSettings
from tracker.presence.sessions import Rules, Session, sessions
from tracker.store.local import LocalStore


def rules_of(settings: PresenceSettings) -> Rules:
    """The rules of the session algorithm that the settings say."""
    return Rules(
        exit_after=timedelta(seconds=settings.exit_after_s),
        merge_gap=timedelta(seconds=settings.merge_gap_s),
        min_visit=timedelta(seconds=settings.min_visit_s),
        max_visit=timedelta(seconds=settings.max_visit_s),
        skew=timedelta(seconds=settings.skew_s),
    )


def read_sessions(
    store: LocalStore, *, site_id: str, rules: Rules, now: datetime, since: datetime | None = None
) -> list[Session]:
    """The visits of a site, by start; open ones run to `now`.

    since: leave out events before it; a visit that began earlier then lacks its start. Raises StoreError.
    """
    return sessions(
        store.events(site_id=site_id, since=since),
        rules=rules,
        now=now,
        presences=store.presences(site_id=site_id),
    )
