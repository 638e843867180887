"""The part of the store that is downloaded from Firestore: writing a page of documents, and its cursor with it.

Writing the same again changes nothing, and nothing downloaded is uploaded: its rows keep in `downloaded` the store
version that wrote them. What is here already stays as it is: facts never change, and changes of people that are not
uploaded yet win.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from config.errors import RecordError
from tracker.presence.coverage import CoverageSpan
from tracker.presence.documents import decode, encode
from tracker.presence.events import Correction, Event, time_text
from tracker.presence.health import CameraHealth
from tracker.presence.zones import ZoneStay
from tracker.store import (
    camera_rows,
    correction_rows,
    cursors,
    event_rows,
    inbox_erasures,
    inbox_people,
)
from tracker.store.camera_rows import MachineReport
from tracker.store.correction_rows import PersonCorrection
from tracker.store.database import Transaction
from tracker.store.forgetting import without_forgotten
from tracker.store.inbox_erasures import IncomingErasure
from tracker.store.inbox_people import IncomingPerson
from tracker.store.store_file import StoreFile
from tracker.store.tables import read_time

EMBEDDINGS = "embeddings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A document that cannot be decoded, and why."""

    collection: str
    record_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Documents that were downloaded together, decoded.

    healths: of cameras, without a source. deleted_stays: ids of stays in zones. site: the document of the site by its
    id, as JSON values. readable: (collection, record_id) of what was decoded. cursors: by name how far it is
    downloaded; never moved back. whole_history: the store has, or will get, all events of the site, so that those of
    somebody forgotten are downloaded again without their name. at: of the download, UTC.
    """

    at: datetime
    events: list[Event] = field(default_factory=list)
    corrections: list[PersonCorrection] = field(default_factory=list)
    people: list[IncomingPerson] = field(default_factory=list)
    healths: list[CameraHealth] = field(default_factory=list)
    spans: list[CoverageSpan] = field(default_factory=list)
    machines: list[MachineReport] = field(default_factory=list)
    zone_stays: list[ZoneStay] = field(default_factory=list)
    deleted_stays: list[str] = field(default_factory=list)
    erasures: list[IncomingErasure] = field(default_factory=list)
    site: dict[str, Mapping[str, object]] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)
    readable: list[tuple[str, str]] = field(default_factory=list)
    cursors: Mapping[str, str] = field(default_factory=dict)
    whole_history: bool = True


class Inbox:
    """What is downloaded from Firestore. Every method raises StoreError when the file or the disk fails."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def apply(self, incoming: Incoming) -> None:
        """Write documents and cursors in one transaction; sessions follow.

        People whom an erasure names are forgotten here too, and overwritten on the disk; where that does not work now
        it is logged, and done when the store is opened next.
        """
        with self._file.writing() as writing:
            forgotten = _write(writing, incoming)
        if forgotten:
            self._file.database.scrub_or_warn()

    def cursor(self, name: str) -> str | None:
        """How far a collection is downloaded, as it was written."""
        with self._file.reading() as connection:
            return cursors.select(connection, name)

    def synced_at(self, site_id: str) -> datetime | None:
        """When the store last had everything of a site, None if never."""
        text = self.cursor(synced_cursor(site_id))
        return None if text is None else read_time(text)

    def site_document(self, site_id: str) -> Mapping[str, object] | None:
        """The document of a site as it was downloaded, times as text; None if it never was."""
        rows = self._file.rows("SELECT json FROM site_documents WHERE site_id = ?", (site_id,))
        found = json.loads(rows[0][0]) if rows else None
        return found if isinstance(found, dict) else None

    def unreadable(self) -> list[tuple[Unreadable, datetime]]:
        """Documents that could not be decoded, each with the time of the download."""
        rows = self._file.rows(
            "SELECT collection, record_id, reason, at FROM unreadable_documents ORDER BY collection, record_id"
        )
        return [
            (Unreadable(collection=collection, record_id=record_id, reason=reason), read_time(at))
            for collection, record_id, reason, at in rows
        ]

    def replace_unreadable(self, collection: str, reasons: Mapping[str, str], at: datetime) -> None:
        """Make these, reason by id, all that is unreadable of a collection."""
        query = "SELECT record_id, reason FROM unreadable_documents WHERE collection = ?"
        if dict(self._file.rows(query, (collection,))) == reasons:
            return
        with self._file.writing() as writing:
            writing.connection.execute("DELETE FROM unreadable_documents WHERE collection = ?", (collection,))
            writing.connection.executemany(
                "INSERT INTO unreadable_documents (collection, record_id, reason, at) VALUES (?, ?, ?, ?)",
                [(collection, record_id, reason, time_text(at)) for record_id, reason in reasons.items()],
            )


def synced_cursor(site_id: str) -> str:
    """The name under which `synced_at` is kept."""
    return f"synced at {site_id}"


def _write(writing: Transaction, incoming: Incoming) -> bool:
    """Write everything; sessions follow. Returns whether somebody was forgotten, so that the file is to be scrubbed.

    People who do not fit what is here (vectors of another size) are kept as unreadable.
    """
    unreadable = list(incoming.unreadable)
    _write_events(writing, incoming)
    unreadable += [
        Unreadable(collection=EMBEDDINGS, record_id=person_id, reason=reason)
        for person_id, reason in inbox_people.write(writing, incoming.people)
    ]
    _write_cameras(writing, incoming)
    for site_id, document in incoming.site.items():
        _write_site(writing, site_id, document)
    forgotten = inbox_erasures.write(writing, incoming.erasures, whole_history=incoming.whole_history)
    _write_unreadable(writing, unreadable, incoming)
    cursors.advance_downloads(writing, incoming.cursors)
    # What was deleted so far in this transaction is deleted in Firestore already; sessions follow later.
    writing.connection.execute("DELETE FROM deletions WHERE kind <> 'session' AND changed = ?", (writing.changed,))
    return bool(forgotten)


def _write_events(writing: Transaction, incoming: Incoming) -> None:
    added = [each.correction.event for each in incoming.corrections if each.correction.event is not None]
    event_rows.insert_events(writing, without_forgotten(writing, [*incoming.events, *added]))
    writing.mark_downloaded("events")
    waiting = _no_longer_waiting(writing) if incoming.events else []
    for each in [*incoming.corrections, *waiting]:
        try:
            correction_rows.insert(writing, each.correction)
        except RecordError:  # its event is not downloaded yet, or its person was forgotten
            if without_forgotten(writing, [each]):
                _keep_waiting(writing, each)
    writing.mark_downloaded("corrections")
    writing.connection.execute(
        "UPDATE events SET downloaded = changed WHERE changed = ? AND downloaded > 0", (writing.changed,)
    )


def _write_cameras(writing: Transaction, incoming: Incoming) -> None:
    camera_rows.save_zone_stays(writing, without_forgotten(writing, incoming.zone_stays))
    writing.delete("zone_stays", "stay_id", incoming.deleted_stays)
    camera_rows.save_coverage(writing, incoming.spans)
    for health in incoming.healths:
        known = writing.connection.execute(
            "SELECT updated_at FROM cameras WHERE site_id = ? AND camera_id = ?", (health.site_id, health.camera_id)
        ).fetchone()
        if known is None or known[0] < time_text(health.updated_at):
            camera_rows.save_health(writing, health)
    camera_rows.save_machines(writing, incoming.machines)
    writing.mark_downloaded("zone_stays", "coverage_spans", "cameras")


def _write_site(writing: Transaction, site_id: str, document: Mapping[str, object]) -> None:
    text = json.dumps(document, sort_keys=True)
    writing.connection.execute(
        "INSERT INTO site_documents (site_id, json, changed) VALUES (?, ?, ?) ON CONFLICT (site_id) DO UPDATE"
        " SET json = excluded.json, changed = excluded.changed WHERE json <> excluded.json",
        (site_id, text, writing.changed),
    )


def _write_unreadable(writing: Transaction, unreadable: Iterable[Unreadable], incoming: Incoming) -> None:
    writing.connection.executemany(
        "DELETE FROM unreadable_documents WHERE collection = ? AND record_id = ?", incoming.readable
    )
    writing.connection.executemany(
        "INSERT INTO unreadable_documents (collection, record_id, reason, at) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET reason = excluded.reason, at = excluded.at WHERE reason <> excluded.reason",
        [(each.collection, each.record_id, each.reason, time_text(incoming.at)) for each in unreadable],
    )


def _keep_waiting(writing: Transaction, each: PersonCorrection) -> None:
    text = json.dumps(encode(each.correction))
    writing.connection.execute(
        "INSERT INTO waiting_corrections (correction_id, event_id, person_id, correction) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (each.correction.correction_id, each.correction.event_id, each.person_id, text),
    )


def _no_longer_waiting(writing: Transaction) -> list[PersonCorrection]:
    """Waiting corrections whose events are here by now."""
    found = [
        PersonCorrection(correction=decode(Correction, json.loads(text)), person_id=person_id)
        for text, person_id in writing.connection.execute(
            "SELECT w.correction, w.person_id FROM waiting_corrections w JOIN events e USING (event_id)"
        ).fetchall()
    ]
    writing.delete("waiting_corrections", "correction_id", [each.correction.correction_id for each in found])
    return found
