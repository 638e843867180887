"""Rows of line states at doors and of stays in zones."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from tracker.presence.events import CameraRef, time_text
from tracker.presence.line import Crossing, LineState, SideRun
from tracker.presence.zones import ZoneStay
from tracker.store.database import Transaction
from tracker.store.event_rows import Row, read_all, read_time

_STAYS = (
    "SELECT z.stay_id, z.site_id, z.camera_id, z.zone, coalesce(a.into_id, z.person_id), z.started_at, z.seen_at,"
    " z.over, z.schema FROM zone_stays z LEFT JOIN aliases a ON a.person_id = z.person_id"
)


def replace_line_states(writing: Transaction, line_states: Iterable[LineState], camera: CameraRef) -> None:
    """Make these the line states of one camera."""
    connection, site_id, camera_id = writing.connection, camera.site_id, camera.camera_id
    connection.execute("DELETE FROM line_states WHERE site_id = ? AND camera_id = ?", (site_id, camera_id))
    connection.executemany(
        "INSERT INTO line_states (site_id, camera_id, track_id, person_id, state, changed) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (site_id, camera_id, each.track_id, each.person_id, _line_state_text(each), writing.changed)
            for each in line_states
        ],
    )


def select_line_states(connection: sqlite3.Connection, site_id: str, camera_id: str) -> list[LineState]:
    """The line states of a door, merged people under the id they have now.

    Raises StoreError on a row that is no line state.
    """
    rows = connection.execute(
        "SELECT s.state, coalesce(a.into_id, s.person_id) FROM line_states s"
        " LEFT JOIN aliases a ON a.person_id = s.person_id"
        " WHERE s.site_id = ? AND s.camera_id = ? ORDER BY s.track_id",
        (site_id, camera_id),
    )
    return read_all(rows, _line_state)


def delete_line_states(writing: Transaction, person_ids: Sequence[str]) -> None:
    """Remove the line states of these ids."""
    for person_id in person_ids:
        writing.connection.execute("DELETE FROM line_states WHERE person_id = ?", (person_id,))


def save_zone_stays(writing: Transaction, stays: Iterable[ZoneStay]) -> None:
    """Add stays, or bring those that are there up to date; never shorter, and never open again."""
    writing.connection.executemany(
        "INSERT INTO zone_stays (stay_id, site_id, camera_id, zone, person_id, started_at, seen_at, over, schema,"
        " changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stay_id) DO UPDATE"
        " SET seen_at = max(seen_at, excluded.seen_at), over = max(over, excluded.over), changed = excluded.changed"
        " WHERE excluded.seen_at > seen_at OR excluded.over > over",
        [
            (
                stay.stay_id,
                stay.site_id,
                stay.camera_id,
                stay.zone,
                stay.person_id,
                time_text(stay.started_at),
                time_text(stay.seen_at),
                stay.over,
                stay.schema,
                writing.changed,
            )
            for stay in stays
        ],
    )


def select_zone_stays(
    connection: sqlite3.Connection,
    *,
    site_id: str,
    camera_id: str | None,
    since: datetime | None,
    until: datetime | None,
    over: bool | None,
) -> list[ZoneStay]:
    """Stays that touch [since, until), by start. Raises StoreError on a row that is none."""
    rows = connection.execute(
        f"{_STAYS} WHERE z.site_id = ?1 AND (?2 IS NULL OR z.camera_id = ?2) AND (?3 IS NULL OR z.seen_at >= ?3)"
        " AND (?4 IS NULL OR z.started_at < ?4) AND (?5 IS NULL OR z.over = ?5)"
        " ORDER BY z.started_at, z.zone, z.stay_id",
        (
            site_id,
            camera_id,
            None if since is None else time_text(since),
            None if until is None else time_text(until),
            over,
        ),
    )
    return read_all(rows, stay_of_row)


def select_zones(connection: sqlite3.Connection, site_id: str) -> dict[str, tuple[datetime, datetime]]:
    """The zones of a site that have stays, with the starts of the first and of the last."""
    rows = connection.execute(
        "SELECT zone, min(started_at), max(started_at) FROM zone_stays WHERE site_id = ? GROUP BY zone", (site_id,)
    )
    return {zone: (read_time(first), read_time(last)) for zone, first, last in rows}


def delete_zone_stays(writing: Transaction, person_ids: Sequence[str]) -> None:
    """Remove every stay of these ids."""
    for person_id in person_ids:
        writing.connection.execute("DELETE FROM zone_stays WHERE person_id = ?", (person_id,))


def drop_zone_stays(writing: Transaction, stay_ids: Iterable[str]) -> None:
    """Remove stays that were none."""
    writing.connection.executemany("DELETE FROM zone_stays WHERE stay_id = ?", [(stay_id,) for stay_id in stay_ids])


def rewrite_zone_stays(writing: Transaction, person_ids: Sequence[str], new_id: str) -> None:
    """Put every stay of these ids under `new_id`, ended, with an id made from the new content."""
    for person_id in person_ids:
        stays = read_all(writing.connection.execute(f"{_STAYS} WHERE z.person_id = ?", (person_id,)), stay_of_row)
        writing.connection.execute("DELETE FROM zone_stays WHERE person_id = ?", (person_id,))
        save_zone_stays(writing, [replace(stay, person_id=new_id, over=True, stay_id="") for stay in stays])


def _line_state_text(state: LineState) -> str:
    return json.dumps(asdict(state), default=time_text)


def _line_state(row: Row) -> LineState:
    text, person_id = row
    known = json.loads(text)
    return LineState(
        track_id=known["track_id"],
        person_id=person_id,
        seen_at=read_time(known["seen_at"]),
        held=_run(known["held"]),
        ahead=_run(known["ahead"]),
        waiting=tuple(Crossing(**(each | {"at": read_time(each["at"])})) for each in known["waiting"]),
    )


def _run(known: dict[str, Any] | None) -> SideRun | None:
    return None if known is None else SideRun(**(known | {"first_at": read_time(known["first_at"])}))


def stay_of_row(row: Row) -> ZoneStay:
    stay_id, site_id, camera_id, zone, person_id, started_at, seen_at, over, schema = row
    return ZoneStay(
        site_id=site_id,
        camera_id=camera_id,
        zone=zone,
        person_id=person_id,
        started_at=read_time(started_at),
        seen_at=read_time(seen_at),
        over=bool(over),
        schema=schema,
        stay_id=stay_id,
    )
