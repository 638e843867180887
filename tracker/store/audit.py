"""The audit trail: who changed what on this machine, when, and how it was before. It stays in the file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tracker.presence.events import time_text
from tracker.store import audit_rows
from tracker.store.store_file import StoreFile
from tracker.store.tables import Row, read_all, read_time
from tracker.store.users import UserRole


class SubjectKind(StrEnum):
    """What a change is about."""

    PERSON = "person"
    VISIT = "visit"
    EVENT = "event"
    DISPLAY_LINK = "display_link"
    DEVICE = "device"
    USER = "user"
    GALLERY = "gallery"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change, or the undoing of one.

    actor, role: who made it. action: its name, such as "people.rename". subject_id: empty once its person is
    forgotten. site_id: empty for what belongs to no site. before, after: JSON objects, by action. undoes, undone_by:
    ids of other entries.
    """

    audit_id: int
    at: datetime
    actor: str
    role: UserRole
    action: str
    subject_kind: SubjectKind
    subject_id: str
    site_id: str
    reason: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    undoes: int | None
    undone_by: int | None


class Audit:
    """The audit trail of a store. Every method raises StoreError when the file or the disk fails."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def add(
        self,
        *,
        actor: str,
        role: UserRole,
        action: str,
        subject_kind: SubjectKind,
        subject_id: str,
        site_id: str = "",
        reason: str = "",
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        others: Iterable[tuple[SubjectKind, str]] = (),
        undoes: int | None = None,
    ) -> int:
        """Add an entry, in the transaction of the change that it records. Returns its id.

        others: people, visits and events that the change concerns too. Raises StoreError where the entry that it undoes
        was undone before.
        """
        texts = [json.dumps(dict(each), ensure_ascii=False) for each in (before, after)]
        row = (actor, role, action, subject_kind, subject_id, site_id, reason, *texts, undoes)
        with self._file.writing() as writing:
            return audit_rows.insert(writing, row, [(subject_kind, subject_id), *others])

    def get(self, audit_id: int) -> AuditEntry | None:
        """The entry of this id, None without one."""
        found = self._select("WHERE a.audit_id = ?", audit_id)
        return found[0] if found else None

    def all(
        self, *, limit: int | None = None, since: datetime | None = None, actor: str | None = None
    ) -> list[AuditEntry]:
        """The latest entries, the latest first, of this actor if one is given."""
        return self._select(
            "WHERE (?1 IS NULL OR a.at >= ?1) AND (?2 IS NULL OR a.actor = ?2) ORDER BY a.audit_id DESC LIMIT ?3",
            None if since is None else time_text(since),
            actor,
            -1 if limit is None else limit,
        )

    def about(self, kind: SubjectKind, subject_id: str, *, limit: int = 50) -> list[AuditEntry]:
        """The latest entries that concern this person, visit or event, the latest first.

        A change of a visit's times may give it another id: its entries under former ids are among them.
        """
        return self._select(
            "WHERE a.audit_id IN (WITH RECURSIVE near (audit_id) AS ("
            " SELECT audit_id FROM audit_subjects WHERE kind = ?1 AND subject_id = ?2"
            " UNION SELECT o.audit_id FROM near n JOIN audit_subjects s ON s.audit_id = n.audit_id AND s.kind = ?1"
            " JOIN audit_subjects o ON o.kind = ?1 AND o.subject_id = s.subject_id WHERE ?1 = 'visit'"
            ") SELECT audit_id FROM near) ORDER BY a.audit_id DESC LIMIT ?3",
            kind,
            subject_id,
            limit,
        )

    def drop(self, before: datetime) -> int:
        """Delete entries older than that. Returns how many there were."""
        with self._file.writing() as writing:
            return writing.connection.execute("DELETE FROM audit WHERE at < ?", (time_text(before),)).rowcount

    def _select(self, clauses: str, *values: object) -> list[AuditEntry]:
        with self._file.reading() as connection:
            return read_all(audit_rows.select(connection, clauses, values), _entry)


def _entry(row: Row) -> AuditEntry:
    audit_id, at, actor, role, action, kind, subject_id, site_id, reason, before, after, undoes, undone_by = row
    return AuditEntry(
        audit_id=audit_id,
        at=read_time(at),
        actor=actor,
        role=UserRole(role),
        action=action,
        subject_kind=SubjectKind(kind),
        subject_id=subject_id,
        site_id=site_id,
        reason=reason,
        before=json.loads(before),
        after=json.loads(after),
        undoes=undoes,
        undone_by=undone_by,
    )
