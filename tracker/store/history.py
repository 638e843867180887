"""Visits as the store has them at one moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from config.settings import PresenceSettings
from tracker.presence.events import Event
from tracker.presence.people import Person, PersonKind
from tracker.presence.sessions import Rules, Session, sessions
from tracker.store.local import ANONYMOUS_PREFIX, LocalStore


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


def people_of(people: Iterable[Person], events: Iterable[Event]) -> list[Person]:
    """The people, and one without a name for each in the events who asked to be forgotten."""
    gone = {event.person_id: event.at for event in events if event.person_id.startswith(ANONYMOUS_PREFIX)}
    return [
        *people,
        *(
            Person(person_id=person_id, name="Forgotten person", kind=PersonKind.VISITOR, created_at=at)
            for person_id, at in gone.items()
        ),
    ]
