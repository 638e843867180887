"""Rows of cameras: health, coverage, reporting machines, and what they have in sight: presences, line states, stays."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import CameraRef, Event, EventKind, time_text
from tracker.presence.health import CameraHealth
from tracker.presence.line import LineState
from tracker.presence.room import Presence
from tracker.presence.zones import ZoneStay
from tracker.store.database import Transaction
from tracker.store.tables import Table

CAMERAS = Table("cameras", CameraHealth)
COVERAGE = Table("coverage_spans", CoverageSpan)
PRESENCES = Table("presences", Presence)
ZONE_STAYS = Table("zone_stays", ZoneStay)
REPORTS_WITHIN = timedelta(hours=1)
"""A machine that was silent for longer begins again: moving a camera to another machine and back is no conflict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineReport:
    """A machine sent a heartbeat of a camera."""

    site_id: str
    camera_id: str
    machine_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedCamera:
    """A camera id that several machines report at the same time."""

    camera_id: str
    machines: tuple[str, ...]

    @property
    def warning(self) -> str:
        """What is wrong, and the fix, in a line."""
        return (
            f"{len(self.machines)} machines report camera {self.camera_id} ({', '.join(self.machines)}): people are"
            " counted twice; give each machine's camera its own id"
        )


def save_health(writing: Transaction, health: CameraHealth) -> None:
    """Write the state of one camera over the one before."""
    statement = CAMERAS.insert.replace("INSERT", "INSERT OR REPLACE", 1)
    writing.connection.execute(statement, (*CAMERAS.row(health), writing.changed))


def save_coverage(writing: Transaction, spans: Iterable[CoverageSpan]) -> None:
    """Add spans, or extend those of the same camera and start."""
    longer = "SET ended_at = excluded.ended_at, changed = excluded.changed WHERE excluded.ended_at > ended_at"
    COVERAGE.save(writing, spans, f"ON CONFLICT (site_id, camera_id, started_at) DO UPDATE {longer}")


def save_machines(writing: Transaction, reports: Iterable[MachineReport]) -> None:
    """Keep since when and until when a machine reports a camera."""
    for each in reports:
        at = time_text(each.at)
        writing.connection.execute(
            "INSERT INTO camera_machines (site_id, camera_id, machine_id, first_at, last_at)"
            " VALUES (?1, ?2, ?3, ?4, ?4)"
            " ON CONFLICT DO UPDATE SET first_at = CASE WHEN last_at < ?5 THEN ?4 ELSE min(first_at, ?4) END,"
            " last_at = max(last_at, ?4)",
            (each.site_id, each.camera_id, each.machine_id, at, time_text(each.at - REPORTS_WITHIN)),
        )


def replace_presences(writing: Transaction, presences: Iterable[Presence], camera: CameraRef) -> None:
    """Make these the open presences of one camera. Raises ValueError when one is of another camera."""
    rows = list(presences)
    key = (camera.site_id, camera.camera_id)
    for presence in rows:
        if (presence.site_id, presence.camera_id) != key:
            raise ValueError(f"presence of {presence.site_id}/{presence.camera_id} given for {'/'.join(key)}")
    before = PRESENCES.read(writing.connection.execute(f"{PRESENCES.select} WHERE site_id = ? AND camera_id = ?", key))
    for presence in (*before, *rows):
        writing.touch_session(presence.site_id, presence.person_id, time_text(presence.entered_at))
    writing.connection.execute("DELETE FROM presences WHERE site_id = ? AND camera_id = ?", key)
    PRESENCES.save(writing, rows)


def select_presences(connection: sqlite3.Connection, site_id: str, person_id: str) -> list[Presence]:
    """The open presences of a person under all ids at a site, under the id that they have now."""
    rows = connection.execute(
        f"{PRESENCES.select} WHERE site_id = ?1 AND person_id IN"
        " (SELECT ?2 UNION SELECT person_id FROM aliases WHERE into_id = ?2)",
        (site_id, person_id),
    )
    return [replace(each, person_id=person_id) for each in PRESENCES.read(rows)]


def delete_presences(writing: Transaction, person_id: str) -> list[Presence]:
    """Remove the open presences stored under one id and return them."""
    presences = PRESENCES.read(writing.connection.execute(f"{PRESENCES.select} WHERE person_id = ?", (person_id,)))
    for presence in presences:
        writing.touch_session(presence.site_id, person_id, time_text(presence.entered_at))
    writing.delete("presences", "person_id", [person_id])
    return presences


def shared_cameras(connection: sqlite3.Connection, person_ids: Sequence[str]) -> list[str]:
    """The cameras that have more than one of these ids in sight."""
    marks = ", ".join("?" * len(person_ids))
    rows = connection.execute(
        f"SELECT camera_id FROM presences WHERE person_id IN ({marks})"
        " GROUP BY site_id, camera_id HAVING count(*) > 1 ORDER BY camera_id",
        tuple(person_ids),
    )
    return list(dict.fromkeys(row[0] for row in rows))


def drop_twins(writing: Transaction, person_ids: Sequence[str], camera_ids: Iterable[str]) -> list[Presence]:
    """Of several presences that these ids have on one camera remove all but the one seen last, and return them."""
    rows = writing.connection.execute(
        f"{PRESENCES.select} WHERE person_id IN (SELECT value FROM json_each(?))"
        " AND camera_id IN (SELECT value FROM json_each(?)) ORDER BY site_id, camera_id, seen_at",
        (json.dumps(list(person_ids)), json.dumps(list(camera_ids))),
    )
    found = pairwise(PRESENCES.read(rows))
    dropped = [each for each, later in found if (each.site_id, each.camera_id) == (later.site_id, later.camera_id)]
    for presence in dropped:
        writing.connection.execute(
            "DELETE FROM presences WHERE site_id = ? AND camera_id = ? AND person_id = ?",
            (presence.site_id, presence.camera_id, presence.person_id),
        )
    return dropped


def exit_of(presence: Presence) -> Event:
    """The inferred exit at the last sighting of a presence."""
    return Event(
        kind=EventKind.EXIT,
        site_id=presence.site_id,
        camera_id=presence.camera_id,
        person_id=presence.person_id,
        at=presence.seen_at,
        track_id=presence.track_id,
        x_frac=presence.x_frac,
        y_frac=presence.y_frac,
        inferred=True,
    )


def replace_line_states(writing: Transaction, line_states: Iterable[LineState], camera: CameraRef) -> None:
    """Make these the line states of one camera."""
    key = (camera.site_id, camera.camera_id)
    writing.connection.execute("DELETE FROM line_states WHERE site_id = ? AND camera_id = ?", key)
    writing.connection.executemany(
        "INSERT INTO line_states (site_id, camera_id, track_id, person_id, state, changed) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (*key, each.track_id, each.person_id, json.dumps(asdict(each), default=time_text), writing.changed)
            for each in line_states
        ],
    )


def save_zone_stays(writing: Transaction, stays: Iterable[ZoneStay]) -> None:
    """Add stays, or bring those that are there up to date; never shorter, and never open again."""
    on_conflict = (
        "ON CONFLICT (stay_id) DO UPDATE"
        " SET seen_at = max(seen_at, excluded.seen_at), over = max(over, excluded.over), changed = excluded.changed"
        " WHERE excluded.seen_at > seen_at OR excluded.over > over"
    )
    ZONE_STAYS.save(writing, stays, on_conflict)


def rewrite_zone_stays(writing: Transaction, person_ids: Sequence[str], new_id: str) -> None:
    """Put every stay of these ids under `new_id`, ended, with an id made from the new content."""
    for person_id in person_ids:
        rows = writing.connection.execute(f"{ZONE_STAYS.select} WHERE person_id = ?", (person_id,))
        stays = ZONE_STAYS.read(rows)
        writing.delete("zone_stays", "person_id", [person_id])
        save_zone_stays(writing, [replace(stay, person_id=new_id, over=True, stay_id="") for stay in stays])
