"""Everything that a store keeps about one person, read by the indexes that have the person first."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

from tracker.presence.events import Event
from tracker.presence.person_data import PersonChange, PersonData
from tracker.presence.sessions import Session
from tracker.store import correction_rows, people_rows
from tracker.store.audit import SubjectKind
from tracker.store.camera_rows import PRESENCES, ZONE_STAYS
from tracker.store.event_rows import EVENTS, MATCHES
from tracker.store.tables import Row

if TYPE_CHECKING:
    from tracker.store.store import Store

_MOST_CHANGES = 100_000
_FACES = "(SELECT person_id, model FROM vectors UNION ALL SELECT person_id, model FROM shadow_vectors)"


def kept_about(store: Store, person_id: str) -> PersonData:
    """Everything kept about a person. Raises PeopleError when there is nobody of that id, StoreError."""
    with store.reading() as connection:
        person = people_rows.require(connection, people_rows.resolve(connection, person_id))
        theirs = _Theirs(connection, people_rows.ids_of(connection, person.person_id))
        limits = theirs.rows("max_distance", "limits")
        return PersonData(
            person=person,
            ids=theirs.ids,
            faces=dict(theirs.rows("model, count(*)", _FACES, "GROUP BY model ORDER BY model")),
            pictures=tuple(name for (name,) in theirs.rows("DISTINCT source", "vectors", "ORDER BY source") if name),
            not_theirs=theirs.count("negatives"),
            evidence=theirs.count("evidence JOIN matches USING (match_id)"),
            limit=limits[0][0] if limits else None,
            sessions=_sessions(store, person.person_id),
            events=theirs.events(voided=False),
            voided=theirs.events(voided=True),
            corrections=tuple(correction_rows.of_people(connection, theirs.ids)),
            matches=tuple(MATCHES.read(theirs.rows(MATCHES.column_list, "matches", "ORDER BY at, match_id"))),
            zone_stays=tuple(
                ZONE_STAYS.read(theirs.rows(ZONE_STAYS.column_list, "zone_stays", "ORDER BY started_at, stay_id"))
            ),
            presences=tuple(PRESENCES.read(theirs.rows(PRESENCES.column_list, "presences", "ORDER BY entered_at"))),
            changes=_changes(store, theirs.ids),
        )


class _Theirs:
    """Reads rows of some person ids."""

    def __init__(self, connection: sqlite3.Connection, ids: tuple[str, ...]) -> None:
        self.ids = ids
        self._connection = connection

    def rows(self, columns: str, table: str, clauses: str = "") -> list[Row]:
        return self._connection.execute(
            f"SELECT {columns} FROM {table} WHERE person_id IN (SELECT value FROM json_each(?)) {clauses}",
            (json.dumps(self.ids),),
        ).fetchall()

    def count(self, table: str) -> int:
        found: Any = self.rows("count(*)", table)[0][0]
        return int(found)

    def events(self, *, voided: bool) -> tuple[Event, ...]:
        rows = self.rows(EVENTS.column_list, "events", f"AND voided = {int(voided)} ORDER BY at, event_id")
        return tuple(EVENTS.read(rows))


def _changes(store: Store, ids: tuple[str, ...]) -> tuple[PersonChange, ...]:
    found = {
        entry.audit_id: PersonChange(at=entry.at, by=entry.actor, action=entry.action, reason=entry.reason)
        for person_id in ids
        for entry in store.audit.about(SubjectKind.PERSON, person_id, limit=_MOST_CHANGES)
    }
    return tuple(found[audit_id] for audit_id in sorted(found))


def _sessions(store: Store, person_id: str) -> tuple[Session, ...]:
    sites = store.rows("SELECT DISTINCT site_id FROM sessions WHERE person_id = ? ORDER BY site_id", (person_id,))
    now = store.now()
    return tuple(
        session
        for (site_id,) in sites
        for session in store.sessions.select(site_id=site_id, now=now, person_ids=[person_id])
    )
