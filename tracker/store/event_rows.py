"""Rows of events and matches: written once under an id made from their content, read with aliases resolved."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

from tracker.presence.events import Event, Match, time_text
from tracker.store import people_rows, vector_rows
from tracker.store.database import Transaction
from tracker.store.tables import Table

EVENTS = Table("events", Event)
MATCHES = Table("matches", Match)


def insert_events(writing: Transaction, events: Iterable[Event]) -> int:
    """Add events whose ids are not there yet. Returns how many were new."""
    events = list(events)
    count = EVENTS.save(writing, events, "ON CONFLICT (event_id) DO NOTHING")
    if count:
        for event in events:
            writing.touch_event(event.site_id, event.person_id, time_text(event.at))
    return count


def insert_matches(writing: Transaction, matches: Iterable[Match]) -> None:
    """Add matches whose ids are not there yet, in the order of their time; a track has the name of its last one."""
    matches = list(matches)
    MATCHES.save(writing, matches, "ON CONFLICT (match_id) DO NOTHING")
    names = {each.track_id: each.person_id for each in matches}
    if not names:
        return
    taken = writing.connection.execute("SELECT DISTINCT track_id, person_id FROM shadow_vectors").fetchall()
    for track_id, person_id in taken:
        named = names.get(track_id, person_id)
        if named is None or people_rows.resolve(writing.connection, named) != person_id:
            vector_rows.delete_shadow(writing.connection, track_id, person_id=person_id)


def select_one(connection: sqlite3.Connection, event_id: str) -> Event | None:
    """The event of this id, voided or not."""
    found = EVENTS.read(connection.execute(f"{EVENTS.select_merged} WHERE r.event_id = ?", (event_id,)))
    return found[0] if found else None


def select_of_person(
    connection: sqlite3.Connection, site_id: str, person_id: str, since: str, until: str = "~"
) -> list[Event]:
    """Events of one person under all ids at one site between two times (text), both included, in no order.

    The voided ones are left out.
    """
    rows = connection.execute(
        f"{EVENTS.select_merged} WHERE r.person_id IN (SELECT ?1 UNION SELECT person_id FROM aliases"
        " WHERE into_id = ?1) AND r.at >= ?2 AND r.at <= ?4 AND r.site_id = ?3 AND r.voided = 0",
        (person_id, since, site_id, until),
    )
    return EVENTS.read(rows)


def select_history(
    connection: sqlite3.Connection, site_id: str | None = None
) -> Iterator[tuple[tuple[str, str], list[Event]]]:
    """Every event of a site, or of all, by person: (site_id, person_id) with aliases resolved, and the events."""
    rows = connection.execute(
        f"{EVENTS.select_merged} WHERE r.voided = 0 AND (?1 IS NULL OR r.site_id = ?1) ORDER BY r.site_id, 4",
        (site_id,),
    )
    for key, group in groupby(rows, key=itemgetter(1, 3)):
        yield key, EVENTS.read(group)


def delete_events(writing: Transaction, person_ids: Sequence[str]) -> None:
    """Remove every event of the given ids."""
    writing.touch_events()
    writing.touched_people.update(person_ids)
    writing.delete("events", "person_id", person_ids)


def delete_matches(writing: Transaction, person_ids: Sequence[str]) -> None:
    """Remove every match of the given ids, and the ids from the reasons of other matches."""
    writing.delete("matches", "person_id", person_ids)
    writing.connection.executemany(
        "UPDATE matches SET reason = replace(reason, ?1, 'somebody'), changed = ?2 WHERE instr(reason, ?1)",
        [(person_id, writing.changed) for person_id in person_ids],
    )


def rewrite(writing: Transaction, person_ids: Sequence[str], new_id: str) -> None:
    """Put every event of the given ids under `new_id`, with an event id made from the new content."""
    writing.touch_events()
    writing.touched_people.update((*person_ids, new_id))
    for person_id in person_ids:
        rows = writing.connection.execute(f"{EVENTS.select_merged} WHERE r.person_id = ?", (person_id,))
        for event in EVENTS.read(rows):
            writing.connection.execute(
                "UPDATE OR IGNORE events SET person_id = ?, event_id = ?, changed = ? WHERE event_id = ?",
                (new_id, replace(event, person_id=new_id, event_id="").event_id, writing.changed, event.event_id),
            )
    writing.delete("events", "person_id", person_ids)  # what is left equals a row that was rewritten before it
