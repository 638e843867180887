"""What came down from Firestore, written in one transaction: again changes nothing, and nothing of it is sent back.

A row that came down carries in `came_down` the store version that wrote it. What was made here and is there already is
left as it is: records of the past never change, and changes of people that are not sent yet win.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from config.errors import RecordError
from tracker.presence.coverage import CoverageSpan
from tracker.presence.documents import decode, encode
from tracker.presence.events import Correction, Event, time_text
from tracker.presence.health import CameraHealth
from tracker.presence.zones import ZoneStay
from tracker.store import (
    arrived_people,
    camera_rows,
    correction_rows,
    door_rows,
    event_rows,
    session_rows,
    sync_rows,
    watch_rows,
)
from tracker.store.arrived_people import ArrivedPerson
from tracker.store.database import Transaction
from tracker.store.event_rows import Row, read_time
from tracker.store.forgetting import without_forgotten
from tracker.store.tombstones import Tombstone, bury

EMBEDDINGS = "embeddings"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedCorrection:
    """What an operator said about an event, and whose event it is."""

    correction: Correction
    person_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A document that cannot be read, and why."""

    collection: str
    record_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """What came down at once.

    watches, healths: of cameras; the health of one without an address. site: the document of the site by its id, as
    JSON values. refused: what could not be read. cursors: by name how far reading has got, never moved back.
    whole_history: the store has, or will get, all events of the site, so those of somebody forgotten come down anew
    without their name and those here may go. came: when this came down, UTC.
    """

    came: datetime
    events: Sequence[Event] = ()
    corrections: Sequence[ArrivedCorrection] = ()
    people: Sequence[ArrivedPerson] = ()
    healths: Sequence[CameraHealth] = ()
    spans: Sequence[CoverageSpan] = ()
    zone_stays: Sequence[ZoneStay] = ()
    tombstones: Sequence[Tombstone] = ()
    site: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    refused: Sequence[Refused] = ()
    read_well: Sequence[tuple[str, str]] = ()
    cursors: Mapping[str, str] = field(default_factory=dict)
    whole_history: bool = True


def write(writing: Transaction, arrivals: Arrivals) -> bool:
    """Write all of it; visits and usage follow. Returns whether somebody was forgotten: the file is to be scrubbed.

    One that does not fit what is here (vectors of another size) is noted among the refused.
    """
    refused = list(arrivals.refused)
    _write_events(writing, arrivals)
    refused += [
        Refused(collection=EMBEDDINGS, record_id=person_id, reason=reason)
        for person_id, reason in arrived_people.write(writing, arrivals.people)
    ]
    _write_watching(writing, arrivals)
    for site_id, document in arrivals.site.items():
        _write_site(writing, site_id, document)
    buried = bury(writing, arrivals.tombstones, whole_history=arrivals.whole_history)
    _note_refused(writing, refused, arrivals)
    _move_cursors(writing, arrivals.cursors)
    # Who vanished so far is gone in the cloud as well; of visits and usage that is not known.
    writing.connection.execute("DELETE FROM deletions WHERE kind <> 'session' AND changed = ?", (writing.changed,))
    session_rows.refresh(writing)
    return bool(buried)


def refused(rows: Iterable[Row]) -> list[tuple[Refused, datetime]]:
    """What rows of refused_arrivals say, each with the time it was noted."""
    return [
        (Refused(collection=collection, record_id=record_id, reason=reason), read_time(at))
        for collection, record_id, reason, at in rows
    ]


def _write_events(writing: Transaction, arrivals: Arrivals) -> None:
    connection, changed = writing.connection, writing.changed
    added = [each.correction.event for each in arrivals.corrections if each.correction.event is not None]
    event_rows.insert_events(writing, without_forgotten(writing, [*arrivals.events, *added]))
    connection.execute("UPDATE events SET came_down = changed WHERE changed = ?", (changed,))
    waiting = _no_longer_waiting(writing) if arrivals.events else []
    for each in [*arrivals.corrections, *waiting]:
        try:
            correction_rows.insert(writing, each.correction)
        except RecordError:  # its event has not come down yet, or its person was forgotten
            if without_forgotten(writing, [each]):
                _keep_waiting(writing, each)
    connection.execute("UPDATE corrections SET came_down = changed WHERE changed = ?", (changed,))
    connection.execute("UPDATE events SET came_down = changed WHERE changed = ? AND came_down > 0", (changed,))


def _write_watching(writing: Transaction, arrivals: Arrivals) -> None:
    connection, changed = writing.connection, writing.changed
    door_rows.save_zone_stays(writing, without_forgotten(writing, arrivals.zone_stays))
    for watch in arrivals.spans:
        watch_rows.save(writing, watch)
    for health in arrivals.healths:
        known = connection.execute(
            "SELECT updated_at FROM cameras WHERE site_id = ? AND camera_id = ?", (health.site_id, health.camera_id)
        ).fetchone()
        if known is None or known[0] < time_text(health.updated_at):
            camera_rows.save_health(writing, health)
    for table in ("zone_stays", "coverage_spans", "cameras"):
        connection.execute(f"UPDATE {table} SET came_down = changed WHERE changed = ?", (changed,))  # noqa: S608 - fixed names


def _write_site(writing: Transaction, site_id: str, document: Mapping[str, object]) -> None:
    text = json.dumps(document, sort_keys=True)
    writing.connection.execute(
        "INSERT INTO cloud_settings (site_id, json, changed) VALUES (?, ?, ?) ON CONFLICT (site_id) DO UPDATE"
        " SET json = excluded.json, changed = excluded.changed WHERE json <> excluded.json",
        (site_id, text, writing.changed),
    )


def _note_refused(writing: Transaction, refused: Iterable[Refused], arrivals: Arrivals) -> None:
    writing.connection.executemany(
        "DELETE FROM refused_arrivals WHERE collection = ? AND record_id = ?", arrivals.read_well
    )
    writing.connection.executemany(
        "INSERT INTO refused_arrivals (collection, record_id, reason, at) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET reason = excluded.reason, at = excluded.at WHERE reason <> excluded.reason",
        [(each.collection, each.record_id, each.reason, time_text(arrivals.came)) for each in refused],
    )


def _move_cursors(writing: Transaction, cursors: Mapping[str, str]) -> None:
    if cursors:
        sync_rows.begin(writing)
    writing.connection.executemany(
        "INSERT INTO sync_cursors (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
        " SET value = excluded.value WHERE excluded.value > value",
        list(cursors.items()),
    )


def _keep_waiting(writing: Transaction, each: ArrivedCorrection) -> None:
    text = json.dumps(encode(each.correction))
    writing.connection.execute(
        "INSERT INTO waiting_corrections (correction_id, event_id, person_id, correction) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (each.correction.correction_id, each.correction.event_id, each.person_id, text),
    )


def _no_longer_waiting(writing: Transaction) -> list[ArrivedCorrection]:
    """Corrections whose events are here by now; they wait no longer."""
    found = [
        ArrivedCorrection(correction=decode(Correction, json.loads(text)), person_id=person_id)
        for text, person_id in writing.connection.execute(
            "SELECT w.correction, w.person_id FROM waiting_corrections w JOIN events e USING (event_id)"
        ).fetchall()
    ]
    writing.connection.executemany(
        "DELETE FROM waiting_corrections WHERE correction_id = ?", [(each.correction.correction_id,) for each in found]
    )
    return found
