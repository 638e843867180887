"""Rows of what cameras see now: open presences and the health of each camera."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from tracker.presence.events import CameraRef, time_text
from tracker.presence.health import CameraHealth, CameraState
from tracker.presence.room import Presence
from tracker.store.database import Transaction
from tracker.store.event_rows import Row, read_all, read_time


def replace_presences(writing: Transaction, presences: Iterable[Presence], camera: CameraRef) -> None:
    """Make these the open presences of one camera. Raises ValueError when one is of another camera."""
    rows = list(presences)
    site_id, camera_id = camera.site_id, camera.camera_id
    for presence in rows:
        if (presence.site_id, presence.camera_id) != (site_id, camera_id):
            raise ValueError(f"presence of {presence.site_id}/{presence.camera_id} given for {site_id}/{camera_id}")
    gone = writing.connection.execute(
        "SELECT person_id, entered_at FROM presences WHERE site_id = ? AND camera_id = ?", (site_id, camera_id)
    ).fetchall()
    for person_id, entered_at in [*gone, *((each.person_id, time_text(each.entered_at)) for each in rows)]:
        writing.touch_session(site_id, person_id, entered_at)
    writing.connection.execute("DELETE FROM presences WHERE site_id = ? AND camera_id = ?", (site_id, camera_id))
    writing.connection.executemany(
        "INSERT INTO presences (site_id, camera_id, person_id, track_id, entered_at, seen_at, x_frac, y_frac, changed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                presence.site_id,
                presence.camera_id,
                presence.person_id,
                presence.track_id,
                time_text(presence.entered_at),
                time_text(presence.seen_at),
                presence.x_frac,
                presence.y_frac,
                writing.changed,
            )
            for presence in rows
        ],
    )


def select_presences(connection: sqlite3.Connection, site_id: str | None, camera_id: str | None) -> list[Presence]:
    """Open presences, longest first; a person merged from two ids is present once on each camera."""
    rows = connection.execute(
        "SELECT r.site_id, r.camera_id, coalesce(a.into_id, r.person_id), r.track_id, r.entered_at, r.seen_at,"
        " r.x_frac, r.y_frac FROM presences r LEFT JOIN aliases a ON a.person_id = r.person_id"
        " WHERE (?1 IS NULL OR r.site_id = ?1) AND (?2 IS NULL OR r.camera_id = ?2)"
        " ORDER BY r.entered_at, r.site_id, r.camera_id, r.person_id",
        (site_id, camera_id),
    )
    merged: dict[tuple[str, str, str], Presence] = {}
    for presence in read_all(rows, _presence):
        key = (presence.site_id, presence.camera_id, presence.person_id)
        earlier = merged.get(key)
        merged[key] = presence if earlier is None else _joined(earlier, presence)
    return list(merged.values())


def delete_presences(writing: Transaction, person_id: str) -> list[Presence]:
    """Remove the open presences stored under one id and return them."""
    presences = _presences_of(writing.connection, person_id)
    for presence in presences:
        writing.touch_session(presence.site_id, person_id, time_text(presence.entered_at))
    writing.connection.execute("DELETE FROM presences WHERE person_id = ?", (person_id,))
    return presences


def _presences_of(connection: sqlite3.Connection, person_id: str) -> list[Presence]:
    rows = connection.execute(
        "SELECT site_id, camera_id, person_id, track_id, entered_at, seen_at, x_frac, y_frac FROM presences"
        " WHERE person_id = ?",
        (person_id,),
    )
    return read_all(rows, _presence)


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
    gone: list[Presence] = []
    for camera_id in camera_ids:
        rows = [
            presence
            for person_id in person_ids
            for presence in _presences_of(writing.connection, person_id)
            if presence.camera_id == camera_id
        ]
        for site_id in {presence.site_id for presence in rows}:
            here = sorted((each for each in rows if each.site_id == site_id), key=lambda each: each.seen_at)
            gone += here[:-1]
    for presence in gone:
        writing.connection.execute(
            "DELETE FROM presences WHERE site_id = ? AND camera_id = ? AND person_id = ?",
            (presence.site_id, presence.camera_id, presence.person_id),
        )
    return gone


def save_health(writing: Transaction, health: CameraHealth) -> None:
    """Write the state of one camera over the one before."""
    writing.connection.execute(
        "INSERT OR REPLACE INTO cameras (site_id, camera_id, source, state, last_frame_at, fps, frames, dropped,"
        " started_at, updated_at, problem, schema, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            health.site_id,
            health.camera_id,
            health.source,
            health.state,
            None if health.last_frame_at is None else time_text(health.last_frame_at),
            health.fps,
            health.frames,
            health.dropped,
            time_text(health.started_at),
            time_text(health.updated_at),
            health.problem,
            health.schema,
            writing.changed,
        ),
    )


def select_health(connection: sqlite3.Connection, site_id: str | None) -> list[CameraHealth]:
    """The last known state of each camera, by site and camera id."""
    rows = connection.execute(
        "SELECT site_id, camera_id, source, state, last_frame_at, fps, frames, dropped, started_at, updated_at,"
        " problem, schema FROM cameras WHERE ?1 IS NULL OR site_id = ?1 ORDER BY site_id, camera_id",
        (site_id,),
    )
    return read_all(rows, _health)


def _joined(earlier: Presence, later: Presence) -> Presence:
    newest = max(earlier, later, key=lambda presence: presence.seen_at)
    return replace(newest, entered_at=min(earlier.entered_at, later.entered_at))


def _presence(row: Row) -> Presence:
    site_id, camera_id, person_id, track_id, entered_at, seen_at, x_frac, y_frac = row
    return Presence(
        site_id=site_id,
        camera_id=camera_id,
        person_id=person_id,
        track_id=track_id,
        entered_at=read_time(entered_at),
        seen_at=read_time(seen_at),
        x_frac=x_frac,
        y_frac=y_frac,
    )


def _health(row: Row) -> CameraHealth:
    site_id, camera_id, source, state, last_frame_at, *counts, started_at, updated_at, problem, schema = row
    fps, frames, dropped = counts
    return CameraHealth(
        site_id=site_id,
        camera_id=camera_id,
        source=source,
        state=CameraState(state),
        last_frame_at=None if last_frame_at is None else read_time(last_frame_at),
        fps=fps,
        frames=frames,
        dropped=dropped,
        started_at=read_time(started_at),
        updated_at=read_time(updated_at),
        problem=problem,
        schema=schema,
    )


def select_ids(connection: sqlite3.Connection, site_id: str) -> list[str]:
    """The cameras of which there is a state, a span of coverage or an event, by id."""
    rows = connection.execute(
        "SELECT camera_id FROM cameras WHERE site_id = ?1 UNION SELECT camera_id FROM coverage_spans WHERE site_id = ?1"
        " UNION SELECT camera_id FROM events WHERE site_id = ?1 ORDER BY 1",
        (site_id,),
    )
    return [camera_id for (camera_id,) in rows]


def event_bounds(
    connection: sqlite3.Connection, site_id: str, camera_id: str | None
) -> tuple[datetime, datetime] | None:
    """The times of the first and the last event that is not voided."""
    query = (
        "SELECT at FROM events INDEXED BY events_at"
        " WHERE site_id = ?1 AND (?2 IS NULL OR camera_id = ?2) AND voided = 0 ORDER BY at"
    )
    key = (site_id, camera_id)
    first = connection.execute(f"{query} LIMIT 1", key).fetchone()
    last = connection.execute(f"{query} DESC LIMIT 1", key).fetchone()
    return None if first is None else (read_time(first[0]), read_time(last[0]))


def select_last_cameras(connection: sqlite3.Connection, site_id: str, person_ids: Iterable[str]) -> dict[str, str]:
    """The camera of the last event of each of these people."""
    rows = connection.execute(
        "SELECT value, (SELECT camera_id FROM events WHERE person_id = value AND site_id = ?1 AND voided = 0"
        " ORDER BY at DESC LIMIT 1) FROM json_each(?2)",
        (site_id, json.dumps(list(person_ids))),
    )
    return {person_id: camera_id for person_id, camera_id in rows if camera_id is not None}
