"""Erasing a person from every table but the counts, and keeping erased ids from coming back."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol, TypeVar

from tracker.presence.events import ANONYMOUS_PREFIX
from tracker.presence.people import Redaction
from tracker.store import audit_rows, camera_rows, correction_rows, event_rows, people_rows, vector_rows
from tracker.store.database import Transaction


class _NamesPerson(Protocol):
    @property
    def person_id(self) -> str | None: ...


_Named = TypeVar("_Named", bound=_NamesPerson)


def without_forgotten(writing: Transaction, records: Iterable[_Named]) -> list[_Named]:
    """The records without those of forgotten people."""
    kept = list(records)
    named = {record.person_id for record in kept if record.person_id is not None}
    forgotten = people_rows.forgotten_among(writing.connection, named)
    return [record for record in kept if record.person_id not in forgotten]


def forget(writing: Transaction, person_id: str, *, erase_history: bool) -> None:
    """Erase a person, and the name in what others wrote.

    Without `erase_history` events stay under a new random id, and open visits end.
    """
    person = people_rows.find(writing.connection, person_id)
    ids = people_rows.erase(writing, person_id, erase_history=erase_history)
    redaction = Redaction(ids if person is None else (*ids, person.name))
    correction_rows.redact(writing, redaction)
    audit_rows.redact(writing, redaction, ids)
    people_rows.redact(writing, redaction)
    vector_rows.redact_sources(writing, redaction)
    open_presences = [presence for one_id in ids for presence in camera_rows.delete_presences(writing, one_id)]
    event_rows.delete_matches(writing, ids)
    writing.delete("line_states", "person_id", ids)
    if erase_history:
        event_rows.delete_events(writing, ids)
        writing.delete("zone_stays", "person_id", ids)
        return
    anonymous_id = ANONYMOUS_PREFIX + secrets.token_hex(6)
    correction_rows.clear_reasons(writing, ids)
    event_rows.rewrite(writing, ids, anonymous_id)
    camera_rows.rewrite_zone_stays(writing, ids, anonymous_id)
    exits = (
        replace(camera_rows.exit_of(each), person_id=anonymous_id, x_frac=None, y_frac=None, event_id="")
        for each in open_presences
    )
    event_rows.insert_events(writing, exits)
