"""The cameras of a store: health, coverage, who is in sight, line states at doors, stays in zones."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import time_text
from tracker.presence.health import CameraHealth
from tracker.presence.line import Crossing, LineState, SideRun
from tracker.presence.room import Presence
from tracker.presence.zones import ZoneStay
from tracker.store.camera_rows import CAMERAS, COVERAGE, PRESENCES, REPORTS_WITHIN, ZONE_STAYS, SharedCamera
from tracker.store.store_file import StoreFile
from tracker.store.tables import Row, read_all, read_time

_AROUND = f"""
    {COVERAGE.select} WHERE site_id = ?1 AND camera_id = ?2 AND (
        started_at >= coalesce((SELECT max(started_at) FROM coverage_spans
                                WHERE site_id = ?1 AND camera_id = ?2 AND started_at <= ?3), '')
        AND started_at <= coalesce((SELECT min(started_at) FROM coverage_spans
                                    WHERE site_id = ?1 AND camera_id = ?2 AND started_at >= ?4), '~')
        OR started_at = (SELECT min(started_at) FROM coverage_spans WHERE site_id = ?1 AND camera_id = ?2)
        OR started_at = (SELECT max(started_at) FROM coverage_spans WHERE site_id = ?1 AND camera_id = ?2))
    ORDER BY started_at
"""
_NEXT_WITH_COVERAGE = """
    SELECT site_id, camera_id FROM coverage_spans WHERE (site_id, camera_id) > (?1, ?2)
    AND (?3 IS NULL OR site_id = ?3) ORDER BY site_id, camera_id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class LastSeen:
    """Where and when somebody was seen last."""

    camera_id: str
    at: datetime


class Cameras:
    """The state of each camera. Every method raises StoreError when the file or the disk fails, or a row is damaged."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def health(self, site_id: str | None = None) -> list[CameraHealth]:
        """The last known state of each camera, by site and id."""
        query = f"{CAMERAS.select} WHERE ?1 IS NULL OR site_id = ?1 ORDER BY site_id, camera_id"
        return CAMERAS.read(self._file.rows(query, (site_id,)))

    def shared(self, site_id: str, now: datetime) -> list[SharedCamera]:
        """Cameras that several machines report at the same time, by the heartbeats in Firestore."""
        by_camera: dict[str, list[tuple[str, datetime, datetime]]] = {}
        for camera_id, machine_id, first_at, last_at in self._file.rows(
            "SELECT camera_id, machine_id, first_at, last_at FROM camera_machines WHERE site_id = ? AND last_at >= ?"
            " ORDER BY camera_id, machine_id",
            (site_id, time_text(now - REPORTS_WITHIN)),
        ):
            by_camera.setdefault(camera_id, []).append((machine_id, read_time(first_at), read_time(last_at)))
        return [
            SharedCamera(camera_id=camera_id, machines=machines)
            for camera_id, spans in by_camera.items()
            if len(machines := _overlapping(spans)) > 1
        ]

    def coverage(
        self, site_id: str | None = None, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[CoverageSpan]:
        """When each camera watched, by site, camera and start.

        since, until: only what touches [since, until), and of each camera the spans around it and its first and last.
        """
        begin, end = "" if since is None else time_text(since), "~" if until is None else time_text(until)
        found: list[Row] = []
        with self._file.reading() as connection:
            key = (site_id or "", "")
            while (key := connection.execute(_NEXT_WITH_COVERAGE, (*key, site_id)).fetchone()) is not None:
                found += connection.execute(_AROUND, (*key, begin, end))
        return COVERAGE.read(found)

    def ids(self, site_id: str) -> list[str]:
        """The cameras of which there is a state, a span of coverage or an event, by id."""
        rows = self._file.rows(
            "SELECT camera_id FROM cameras WHERE site_id = ?1"
            " UNION SELECT camera_id FROM coverage_spans WHERE site_id = ?1"
            " UNION SELECT camera_id FROM events WHERE site_id = ?1 ORDER BY 1",
            (site_id,),
        )
        return [camera_id for (camera_id,) in rows]

    def event_bounds(self, site_id: str, camera_id: str | None = None) -> tuple[datetime, datetime] | None:
        """When the first and the last event of a site, or of one of its cameras, happened; None without any."""
        query = (
            "SELECT at FROM events INDEXED BY events_at"
            " WHERE site_id = ?1 AND (?2 IS NULL OR camera_id = ?2) AND voided = 0 ORDER BY at"
        )
        key = (site_id, camera_id)
        first, last = self._file.rows(f"{query} LIMIT 1", key), self._file.rows(f"{query} DESC LIMIT 1", key)
        return (read_time(first[0][0]), read_time(last[0][0])) if first and last else None

    def last_seen(self, site_id: str, person_ids: Iterable[str]) -> dict[str, LastSeen]:
        """Where and when each of these people was seen last, by their events and by who is in sight now."""
        wanted = list(person_ids)
        rows = self._file.rows(
            "SELECT value, e.camera_id, e.at FROM json_each(?2) JOIN events e ON e.event_id = (SELECT event_id"
            " FROM events WHERE person_id = value AND site_id = ?1 AND voided = 0 ORDER BY at DESC LIMIT 1)",
            (site_id, json.dumps(wanted)),
        )
        found = {person_id: LastSeen(camera_id, read_time(at)) for person_id, camera_id, at in rows}
        for presence in self.presences(site_id=site_id) if wanted else ():
            seen = found.get(presence.person_id)
            if seen is None or seen.at <= presence.seen_at:
                found[presence.person_id] = LastSeen(presence.camera_id, presence.seen_at)
        return found

    def zones(self, site_id: str) -> dict[str, tuple[datetime, datetime]]:
        """The zones in which anybody stayed, with the starts of the first and of the last stay."""
        query = "SELECT zone, min(started_at), max(started_at) FROM zone_stays WHERE site_id = ? GROUP BY zone"
        return {zone: (read_time(first), read_time(last)) for zone, first, last in self._file.rows(query, (site_id,))}

    def presences(self, *, site_id: str | None = None, camera_id: str | None = None) -> list[Presence]:
        """Who is in sight, longest first; a person merged from two ids is present once on each camera."""
        rows = self._file.rows(
            f"{PRESENCES.select_merged} WHERE (?1 IS NULL OR r.site_id = ?1) AND (?2 IS NULL OR r.camera_id = ?2)"
            " ORDER BY r.entered_at, r.site_id, r.camera_id, r.person_id",
            (site_id, camera_id),
        )
        merged: dict[tuple[str, str, str], Presence] = {}
        for presence in PRESENCES.read(rows):
            key = (presence.site_id, presence.camera_id, presence.person_id)
            earlier = merged.get(key)
            merged[key] = presence if earlier is None else _joined(earlier, presence)
        return list(merged.values())

    def line_states(self, *, site_id: str, camera_id: str) -> list[LineState]:
        """The line states of a door, merged people under the id that they have now."""
        rows = self._file.rows(
            "SELECT s.state, coalesce(a.into_id, s.person_id) FROM line_states s"
            " LEFT JOIN aliases a ON a.person_id = s.person_id"
            " WHERE s.site_id = ? AND s.camera_id = ? ORDER BY s.track_id",
            (site_id, camera_id),
        )
        return read_all(rows, _line_state)

    def zone_stays(
        self,
        *,
        site_id: str,
        camera_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        over: bool | None = None,
    ) -> list[ZoneStay]:
        """Stays in zones that touch [since, until), by start. over: only those that are, or are not, over."""
        begin, end = None if since is None else time_text(since), None if until is None else time_text(until)
        rows = self._file.rows(
            f"{ZONE_STAYS.select_merged} WHERE r.site_id = ?1 AND (?2 IS NULL OR r.camera_id = ?2)"
            " AND (?3 IS NULL OR r.seen_at >= ?3) AND (?4 IS NULL OR r.started_at < ?4)"
            " AND (?5 IS NULL OR r.over = ?5) ORDER BY r.started_at, r.zone, r.stay_id",
            (site_id, camera_id, begin, end, over),
        )
        return ZONE_STAYS.read(rows)


def _overlapping(spans: list[tuple[str, datetime, datetime]]) -> tuple[str, ...]:
    """The machines whose reports overlap with those of another one."""
    return tuple(
        machine
        for machine, first_at, last_at in spans
        if any(other != machine and first_at <= until and since <= last_at for other, since, until in spans)
    )


def _joined(earlier: Presence, later: Presence) -> Presence:
    newest = max(earlier, later, key=lambda presence: presence.seen_at)
    return replace(newest, entered_at=min(earlier.entered_at, later.entered_at))


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
        is_body=known.get("is_body", False),
        named_by=known.get("named_by"),
        counted_as=known.get("counted_as"),
    )


def _run(known: dict[str, Any] | None) -> SideRun | None:
    return None if known is None else SideRun(**(known | {"first_at": read_time(known["first_at"])}))
