"""The cameras of a site, those of agents and devices, for the page Cameras."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dashboard.queries import Board
from dashboard.views import CameraRow, Condition
from tracker.presence.rules import Rules
from tracker.reports import count_tables
from tracker.reports.data import ReportData
from tracker.reports.selection import ReportQuery, select, site_of_report
from tracker.store.devices import Device
from tracker.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraEntry:
    """A camera. role: room, entrance, exit or door; empty where it is not known.

    since: when it first watched, None if never. entries: today, by it. device: whose browser it is, None for an agent.
    """

    row: CameraRow
    role: str
    since: datetime | None
    entries: int
    device: Device | None


def camera_entries(board: Board) -> tuple[CameraEntry, ...]:
    """Every camera that reported, and every device, by id. Raises StoreError."""
    return board.kept(("cameras", board.pulse().anything), lambda: _entries(board))


def _entries(board: Board) -> tuple[CameraEntry, ...]:
    store, now = board.store(), board.now()
    devices = {each.camera_id: each for each in store.devices.all(board.site_id)}
    rows = {each.camera_id: each for each in board.now_view().cameras}
    rows |= {camera_id: _unopened(each) for camera_id, each in devices.items() if camera_id not in rows}
    rules, since = store.sites.rules(board.site_id), _first_watched(store, board.site_id, now)
    entries = _entries_today(board, store, now)
    return tuple(
        CameraEntry(
            row=row,
            role=_role(camera_id, rules),
            since=since.get(camera_id),
            entries=entries.get(camera_id, 0),
            device=devices.get(camera_id),
        )
        for camera_id, row in sorted(rows.items())
    )


def _unopened(device: Device) -> CameraRow:
    """A device whose page did not send anything yet."""
    return CameraRow(
        camera_id=device.camera_id,
        source="",
        condition=Condition.QUIET,
        words="not started yet: open its link on the device",
        watching=False,
        last_frame_at=None,
    )


def _role(camera_id: str, rules: Rules) -> str:
    if camera_id in rules.entrances:
        return "door" if camera_id in rules.exits else "entrance"
    if camera_id in rules.exits:
        return "exit"
    return "room" if camera_id in rules.rooms else ""


def _first_watched(store: Store, site_id: str, now: datetime) -> Mapping[str, datetime]:
    first: dict[str, datetime] = {}
    for span in store.cameras.coverage(site_id, since=now, until=now):
        first[span.camera_id] = min(span.started_at, first.get(span.camera_id, span.started_at))
    return first


def _entries_today(board: Board, store: Store, now: datetime) -> Mapping[str, int]:
    """Entries by camera: at the doors where everybody counts, else those of visits, staff included."""
    data = select(store, site_of_report(board.settings, store), ReportQuery(staff=True), now)
    crossings = data.counted().crossings
    if crossings is not None:
        return {row["camera_id"]: row["entries"] for row in count_tables.doors_sheet(data, crossings).rows}
    return _visits_begun(data)


def _visits_begun(data: ReportData) -> Mapping[str, int]:
    visits = data.frames.visits
    begun = visits[visits["started_at"] >= data.since]
    return Counter(begun["enter_camera_id"].dropna().tolist())
