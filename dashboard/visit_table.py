"""The table of visits: its columns, its look, and one row per visit."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import dash_ag_grid as dag

from dashboard.wording import clock, stamp
from tracker.reports.sheets import Row
from tracker.reports.tables import VISIT_KEYS, visit_notes

PAGE_SIZE = 25
CSV_KEYS = VISIT_KEYS
"""The columns of the CSV: those of `footfall report visits --csv`."""

_THEME = """themeQuartz.withParams({
    browserColorScheme: 'inherit', backgroundColor: 'var(--surface)', foregroundColor: 'var(--text)',
    accentColor: 'var(--main)', borderColor: 'var(--line)', headerBackgroundColor: 'var(--surface)',
    headerTextColor: 'var(--muted)', headerFontWeight: 500, headerFontSize: 13, rowHoverColor: 'var(--sunken)',
    fontFamily: 'inherit', fontSize: 14, rowHeight: 46, headerHeight: 44, cellHorizontalPadding: 16,
    wrapperBorder: false, wrapperBorderRadius: 0, headerColumnResizeHandleColor: 'transparent',
    oddRowBackgroundColor: 'transparent'
})"""
_LENGTH: dict[str, Any] = {"valueFormatter": {"function": "stay(params.value)"}}
_NUMBER: dict[str, Any] = {
    "filter": "agNumberColumnFilter",
    "type": "rightAligned",
    "sortingOrder": ["desc", "asc"],
}
_NO_FILTER: dict[str, Any] = {"filter": False}
_NEWEST: dict[str, Any] = {"filter": False, "sort": "desc"}
_STILL_IN: dict[str, Any] = {"cellClassRules": {"state-in": "params.data.state === 'open'"}}


def table(table_id: str) -> Any:
    """An empty table that is as high as its rows."""
    return dag.AgGrid(
        id=table_id,
        columnDefs=columns(narrow=False),
        rowData=[],
        getRowId="params.data.session_id",
        defaultColDef={
            "sortable": True,
            "resizable": True,
            "filter": True,
            "sortingOrder": ["asc", "desc"],
            "suppressHeaderMenuButton": True,
        },
        dashGridOptions={
            "theme": {"function": _THEME},
            "domLayout": "autoHeight",
            "pagination": True,
            "paginationPageSize": PAGE_SIZE,
            "paginationPageSizeSelector": False,
            "includeHiddenColumnsInQuickFilter": True,
            "enableCellTextSelection": True,
            "suppressDragLeaveHidesColumns": True,
            "suppressColumnMoveAnimation": True,
            "animateRows": False,
            "tabToNextHeader": {"function": "leaveHead()"},
            "tabToNextCell": {"function": "leaveCells(params)"},
            "tooltipShowDelay": 400,
            "localeText": {"noRowsToShow": "No visit fits the search.", "noMatchingRows": "No visit fits the search."},
        },
        style={"height": None, "width": "100%"},
    )


def columns(*, narrow: bool) -> list[dict[str, Any]]:
    """The columns; on a phone only who, when and how long."""
    entered = {"function": "params.data.entered_short" if narrow else "params.data.entered_text"}
    left = {"function": "params.data.left_text"}
    answers = [
        _column("name", "Person", flex=5, width_px=120, cellClass="cell-name"),
        _column("started_at", "Entered", flex=4, width_px=128 if narrow else 160, valueFormatter=entered, **_NEWEST),
        _column("ended_at", "Left", flex=3, width_px=104, valueFormatter=left, hide=narrow, **_NO_FILTER),
        _column("dwell_s", "Stay", "Net: time outside is not counted", flex=3, width_px=98, **_NUMBER, **_LENGTH),
    ]
    details = [
        _column("gross_s", "Gross", "From first in to last out", flex=3, width_px=100, **_NUMBER, **_LENGTH),
        _column("segments", "Times in", "Segments of the visit", flex=2, width_px=106, **_NUMBER),
        _column("state_text", "State", flex=2, width_px=92, **_STILL_IN),
        _column("notes", "Notes", "Unseen entry or exit, bounce, staff", flex=4, cellClass="cell-muted"),
        _column("camera_id", "Camera", "Camera at the start", flex=4, width_px=110, cellClass="cell-muted"),
    ]
    searched = _column("entered_text", "", flex=1, hide=True)
    return [*answers, *({**column, "hide": narrow} for column in details), searched]


def _column(
    field: str, header: str, hint: str | None = None, *, flex: int, width_px: int = 110, **more: Any
) -> dict[str, Any]:
    """flex: its share of the width; width_px: the least it needs."""
    return {"field": field, "headerName": header, "headerTooltip": hint, "flex": flex, "minWidth": width_px, **more}


def table_row(row: Row, zone: ZoneInfo) -> dict[str, Any]:
    """The fields of a session, for sorting and the CSV, and the texts of the cells."""
    is_open = row["ended_at"] is None
    entered = stamp(row["started_at"], zone)
    return {
        **{key: _plain(row[key], zone) for key in CSV_KEYS},
        "camera_id": row["enter_camera_id"] or "",
        "entered_text": entered,
        "entered_short": entered.partition(" ")[2],  # without the weekday
        "left_text": _left(row["started_at"], row["ended_at"], zone),
        "state_text": "inside" if is_open else "left",
        "notes": ", ".join(visit_notes(row)[is_open:]),
    }


def _left(started_at: datetime, ended_at: datetime | None, zone: ZoneInfo) -> str:
    """The time, without the day if it is the same."""
    if ended_at is None:
        return "–"
    same_day = started_at.astimezone(zone).date() == ended_at.astimezone(zone).date()
    return clock(ended_at, zone) if same_day else stamp(ended_at, zone)


def _plain(value: Any, zone: ZoneInfo) -> Any:
    """A field as the CSV of the reports has it: times on the site's clock with their offset, lengths in seconds."""
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(timespec="seconds")
    return round(value, 6) if isinstance(value, float) else value
