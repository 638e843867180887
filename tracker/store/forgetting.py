"""Erasing a person from every table but the counts, and keeping erased ids from coming back."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Protocol, TypeVar

from tracker.presence.events import ANONYMOUS_PREFIX, Event, EventKind
from tracker.presence.people import Redaction
from tracker.store import camera_rows, correction_rows, event_rows, people_rows, vector_rows
from tracker.store.database import Transaction


class _NamesPerson(Protocol):
    @property
    def person_id(self) -> str | None: ...


_Named = TypeVar("_Named", bound=_NamesPerson)


def without_forgotten(writing: Transaction, records: Iterable[_Named]) -> list[_Named]:
    """The records without those of forgotten people."""
    kept = list(records)
    if not people_rows.anyone_forgotten(writing.connection):
        return kept
    named = {record.person_id for record in kept if record.person_id is not None}
    forgotten = {person_id for person_id in named if people_rows.is_forgotten(writing.connection, person_id)}
    return [record for record in kept if record.person_id not in forgotten]


def forget(writing: Transaction, person_id: str, *, erase_history: bool) -> None:
    """Erase a person, and the name in what others wrote.

    Without `erase_history` events stay under a new random id, and open visits end.
    """
    person = people_rows.find(writing.connection, person_id)
    ids = people_rows.erase(writing, person_id, erase_history=erase_history)
    redaction = Redaction(ids if person is None else (*ids, person.name))
    correction_rows.redact(writing, redaction)
    vector_rows.redact_sources(writing, redaction)
    open_presences = [presence for one_id in ids for presence in camera_rows.delete_presences(writing, one_id)]
    event_rows.delete_matches(writing, ids)
    camera_rows.delete_line_states(writing, ids)
    if erase_history:
        event_rows.delete_events(writing, ids)
        camera_rows.delete_zone_stays(writing, ids)
        return
    anonymous_id = ANONYMOUS_PREFIX + secrets.token_hex(6)
    correction_rows.clear_reasons(writing, ids)
    event_rows.rewrite(writing, ids, anonymous_id)
    camera_rows.rewrite_zone_stays(writing, ids, anonymous_id)
    event_rows.insert_events(
        writing,
        [
            Event(
                kind=EventKind.EXIT,
                site_id=presence.site_id,
                camera_id=presence.camera_id,
                person_id=anonymous_id,
                at=presence.seen_at,
                track_id=presence.track_id,
                inferred=True,
            )
            for presence in open_presences
        ],
    )
