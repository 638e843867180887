"""What the page Now, the roll-call and the display at the door read from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from config.settings import Settings
from config.text import fold
from dashboard.camera_words import camera_row
from dashboard.person_words import refusal
from dashboard.redaction import ANYBODY
from dashboard.views import CameraRow, EventRow
from dashboard.wording import count, moment
from tracker.presence.calendar import day_range
from tracker.presence.events import EventKind
from tracker.presence.people import is_authorised
from tracker.reports import tables
from tracker.reports.data import ReportData
from tracker.reports.frames import instants, utc
from tracker.reports.selection import ReportQuery
from tracker.reports.sheets import Row
from tracker.reports.usual import PastDay, past_day, same_weekdays
from tracker.store.cameras import LastSeen
from tracker.store.site_settings import reports_after_s
from tracker.store.store import Store

LATEST_EVENTS = 8
FEED = timedelta(days=1)
"""How far back entries and exits are listed."""
_ENDS = (
    (EventKind.ENTER, "started_at", "enter_camera_id", "enter_inferred"),
    (EventKind.EXIT, "ended_at", "exit_camera_id", "exit_inferred"),
)
"""The columns of a visit that are its entry, and those that are its exit."""
_UPLOADS_WITHIN = timedelta(minutes=10)
"""An event that waits longer for its upload is a problem."""


def inside(store: Store, data: ReportData) -> list[Row]:
    """Rows of the open visits, the latest first; see `people_rows`."""
    visits = data.frames.visits
    return people_rows(store, data, visits[visits["ended_at"].isna()])


def roll_call(store: Store, data: ReportData, since: datetime) -> list[Row]:
    """Rows of who is in, and of who has left since then, by name. data: its range begins there."""
    visits = data.frames.visits
    rows = people_rows(store, data, visits[visits["ended_at"].isna() | (visits["ended_at"] > pd.Timestamp(since))])
    return sorted(rows, key=lambda row: (fold(row["name"]), row["started_at"]))


def is_watching(cameras: Sequence[CameraRow]) -> bool | None:
    """Whether some camera gives frames; None where none has reported."""
    return any(camera.watching for camera in cameras) if cameras else None


def people_rows(store: Store, data: ReportData, visits: pd.DataFrame) -> list[Row]:
    """Rows of these visits, the latest first, each with what a person at the desk needs.

    camera_id, seen_at: where and when the person was seen last. groups: of the person. authorised: may be here now;
    refused: why an enrolled person may not, see `person_words.refusal`.
    """
    rows = tables.visit_rows(data, visits)[::-1]
    seen = store.cameras.last_seen(data.site_id, [row["person_id"] for row in rows])
    return [_with_person(row, seen, data) for row in rows]


def _with_person(row: Row, seen: Mapping[str, LastSeen], data: ReportData) -> Row:
    last = seen.get(row["person_id"]) or LastSeen(row["enter_camera_id"] or "", row["started_at"])
    person = data.person(row["person_id"])
    return {
        **row,
        "camera_id": last.camera_id,
        "seen_at": last.at,
        "groups": person.groups,
        "authorised": is_authorised(person, data.now, data.zone),
        "refused": refusal(person, data.now, data.zone),
    }


def feed(data: ReportData, select: Callable[[ReportQuery], ReportData]) -> tuple[EventRow, ...]:
    """Where visits began and ended, the latest first: what rooms see in between is none of it.

    Where doors count everybody, those who were not recognised are in it, too. data: of today, which select gives for
    other ranges: those of FEED are asked for while today has few.
    """
    found = _events(data)
    if len(found) == LATEST_EVENTS and found[-1].at >= data.since:
        return found
    return _events(select(ReportQuery(since=data.now - FEED)))


def _events(data: ReportData) -> tuple[EventRow, ...]:
    """The latest entries and exits of the range."""
    visits = data.frames.visits
    latest = [_latest(visits[at], data.now) for _, at, _, _ in _ENDS]
    rows = iter(tables.visit_rows(data, visits.iloc[np.concatenate(latest)]))
    found = [
        EventRow(
            session_id=row["session_id"],
            kind=kind,
            name=row["name"],
            at=row[at],
            camera_id=row[camera_id] or "",
            inferred=row[inferred],
        )
        for (kind, at, camera_id, inferred), places in zip(_ENDS, latest, strict=True)
        for row in islice(rows, len(places))
    ]
    found += _unrecognised(data)
    found.sort(key=lambda event: (event.at, event.kind is EventKind.EXIT), reverse=True)
    return tuple(found[:LATEST_EVENTS])


def _unrecognised(data: ReportData) -> list[EventRow]:
    """The latest crossings of doors by people who were not recognised."""
    if data.frames.crossings is None:
        return []
    latest = data.frames.crossings.unrecognised().take(slice(-LATEST_EVENTS, None))
    rows = zip(utc(latest.at.astype("int64")), latest.enters.tolist(), latest.camera.tolist(), strict=True)
    return [
        EventRow(
            session_id="",
            kind=EventKind.ENTER if enters else EventKind.EXIT,
            name=ANYBODY,
            at=at.to_pydatetime(),
            camera_id=camera_id,
            inferred=False,
        )
        for at, enters, camera_id in rows
    ]


def _latest(at: pd.Series[pd.Timestamp], now: datetime) -> NDArray[np.intp]:
    """The rows with the latest instants up to now, the latest first."""
    known = np.flatnonzero((at <= pd.Timestamp(now)).to_numpy())
    return known[np.argsort(-instants(at)[known], kind="stable")[:LATEST_EVENTS]]


def cameras(store: Store, settings: Settings, now: datetime) -> tuple[CameraRow, ...]:
    """The condition of each camera of the site."""
    shared = store.cameras.shared(settings.site.id, now)
    return tuple(
        camera_row(
            camera,
            now,
            reports_after_s=reports_after_s(settings),
            warnings=[each.warning for each in shared if each.camera_id == camera.camera_id],
        )
        for camera in store.cameras.health(settings.site.id)
    )


def upload_problems(store: Store, settings: Settings, now: datetime) -> tuple[str, ...]:
    """Sentences about a store whose records do not reach Firestore, none where they do or need not."""
    if settings.store.firestore is None:
        return ()
    zone, oldest_at, rejected = settings.site.zone, store.outbox.oldest_at(), len(store.outbox.rejected())
    found = []
    if oldest_at is not None and now - oldest_at > _UPLOADS_WITHIN:
        since = moment(oldest_at, zone, now)
        found.append(f"Nothing was uploaded to Firestore since {since}: 'footfall status' on this machine says why.")
    if rejected:
        what = count(rejected, "record")
        found.append(f"Firestore rejected {what}: 'footfall status' on this machine says why.")
    return tuple(found)


def past_days(select: Callable[[ReportQuery], ReportData], today: date, zone: ZoneInfo) -> tuple[PastDay, ...]:
    """What is counted of the last same weekdays, staff included as on the page."""
    ranges = [day_range(day, zone) for day in same_weekdays(today)]
    return tuple(past_day(select(ReportQuery(since=since, until=until, staff=True))) for since, until in ranges)
