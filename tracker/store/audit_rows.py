"""Rows of the audit trail. Every function works inside the caller's transaction or read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from tracker.presence.events import time_text
from tracker.presence.people import Redaction
from tracker.store.database import Transaction
from tracker.store.tables import Row

COLUMNS = (
    "a.audit_id, a.at, a.actor, a.role, a.action, a.subject_kind, a.subject_id, a.site_id, a.reason, a.before, a.after,"
    " a.undoes, (SELECT u.audit_id FROM audit u WHERE u.undoes = a.audit_id)"
)
_INSERT = (
    "INSERT INTO audit (at, actor, role, action, subject_kind, subject_id, site_id, reason, before, after, undoes)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def insert(writing: Transaction, row: Row, subjects: Iterable[tuple[str, str]]) -> int:
    """Add a row, in the order of the columns from `actor` on, dated now, and what it concerns. Returns its id."""
    audit_id = writing.connection.execute(_INSERT, (time_text(writing.now), *row)).lastrowid or 0
    writing.connection.executemany(
        "INSERT INTO audit_subjects (kind, subject_id, audit_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(kind, subject_id, audit_id) for kind, subject_id in subjects],
    )
    return audit_id


def select(connection: sqlite3.Connection, clauses: str, values: Sequence[object]) -> list[Row]:
    """Rows by COLUMNS of the table `a`."""
    return connection.execute(f"SELECT {COLUMNS} FROM audit a {clauses}", values).fetchall()


def redact(writing: Transaction, redaction: Redaction, person_ids: Sequence[str]) -> None:
    """Take somebody who is forgotten out of all rows.

    Rows that concern the person keep who did what and when; rows about others lose the name only.
    """
    connection = writing.connection
    for person_id in person_ids:
        connection.execute(
            "UPDATE audit SET subject_id = '', reason = '', before = '{}', after = '{}' WHERE audit_id IN"
            " (SELECT audit_id FROM audit_subjects WHERE kind = 'person' AND subject_id = ?)",
            (person_id,),
        )
        connection.execute(
            "DELETE FROM audit_subjects WHERE audit_id IN"
            " (SELECT audit_id FROM audit_subjects WHERE kind = 'person' AND subject_id = ?)",
            (person_id,),
        )
    rows = connection.execute("SELECT audit_id, actor, reason, before, after FROM audit").fetchall()
    for audit_id, actor, reason, before, after in rows:
        redacted = (redaction.user_name(actor), redaction.text(reason), *_texts(redaction, before, after))
        if redacted != (actor, reason, before, after):
            connection.execute(
                "UPDATE audit SET actor = ?, reason = ?, before = ?, after = ? WHERE audit_id = ?",
                (*redacted, audit_id),
            )


def _texts(redaction: Redaction, *documents: str) -> list[str]:
    """The JSON documents, without the names in their texts; the same text where there are none."""
    found = []
    for text in documents:
        document = json.loads(text)
        redacted = _without(redaction, document)
        found.append(text if redacted == document else json.dumps(redacted, ensure_ascii=False))
    return found


def _without(redaction: Redaction, value: Any) -> Any:
    if isinstance(value, str):
        return redaction.text(value)
    if isinstance(value, list):
        return [_without(redaction, each) for each in value]
    if isinstance(value, dict):
        return {key: _without(redaction, each) for key, each in value.items()}
    return value
