"""A field for a day and a time on the clock of the site."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from config.errors import RecordError, ReportError
from dashboard import shell
from tracker.reports.ranges import utc_of

MONTHS = {
    "previousMonth": "Previous month",
    "nextMonth": "Next month",
    "previousYear": "Previous year",
    "nextYear": "Next year",
    "previousDecade": "Previous decade",
    "nextDecade": "Next decade",
}
"""Names of the buttons of calendars."""


def time_field(field_id: str, label: str, value: str | None, *, latest: str | None) -> Component:
    """A field for date and time on the clock of the site; texts as `field_text` gives them."""
    field = dmc.DateTimePicker(
        id=field_id,
        label=label,
        value=value,
        maxDate=latest,
        valueFormat="D MMM YYYY HH:mm",
        clearable=True,
        firstDayOfWeek=1,
        weekendDays=[],
        hideOutsideDates=True,
        ariaLabels=MONTHS,
        submitButtonProps=shell.aria(label="Take this time"),
        clearButtonProps=shell.aria(label=f"Clear: {label}"),
        timePickerProps={"hoursInputLabel": "Hours", "minutesInputLabel": "Minutes"},
        popoverProps={"id": f"{field_id}-days"},  # whose dialog is labelled by the text before the field
    )
    words = html.Span(f"{label}: day and time", id=f"{field_id}-days-target", className="visually-hidden")
    return html.Div([words, field])


def local_moment(value: object, zone: ZoneInfo, name: str) -> datetime | None:
    """The instant of a field for date and time, on the clock of the site; None where it is empty.

    Raises RecordError on anything else.
    """
    if not isinstance(value, str) or not value:
        return None
    try:
        return utc_of(datetime.fromisoformat(value), zone, value, name=name)
    except ValueError as error:
        raise RecordError(f"the {name} is no time", fix="choose a day and a time") from error
    except ReportError as error:
        raise RecordError(error.problem, fix=error.fix) from error


def field_text(at: datetime | None, zone: ZoneInfo) -> str | None:
    """An instant as fields for date and time have it, to the minute; None for none."""
    return None if at is None else at.astimezone(zone).strftime("%Y-%m-%d %H:%M:00")
