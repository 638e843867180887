"""What somebody should see to now: cameras that are down, uploads that fail, people who should not be in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dashboard.inside_filter import InsideFilter, Show, Sort
from dashboard.views import CameraRow, Condition, NowView
from dashboard.wording import duration, moment
from tracker.reports.sheets import Row

_MOST_NAMED = 3
"""More people with one problem are one alert with their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One problem. condition: WARN or BAD. href: where to look into it, "" where this page is the place."""

    text: str
    condition: Condition
    href: str = ""


def alerts(view: NowView, zone: ZoneInfo, visit_link: Callable[[str], str]) -> tuple[Alert, ...]:
    """The problems of now, the worst first. visit_link: gives the address of a visit by its id.

    Texts stay the same while a problem lasts, as screen readers read every new one.
    """
    found = [
        *_unauthorised(view, visit_link),
        *(_camera(camera, view, zone) for camera in view.cameras if camera.is_down),
        *_too_long(view, zone, visit_link),
        *(Alert(text=text, condition=Condition.WARN) for text in view.upload_problems),
    ]
    return tuple(sorted(found, key=lambda alert: alert.condition is not Condition.BAD))


def _camera(camera: CameraRow, view: NowView, zone: ZoneInfo) -> Alert:
    if camera.last_frame_at is None:
        what = "has given no frame yet"
    else:
        what = f"has given no frames since {moment(camera.last_frame_at, zone, view.now)}"
    why = f": {camera.problem}" if camera.problem else ""
    return Alert(text=f"Camera {camera.camera_id} {what}{why}", condition=camera.condition)


def _unauthorised(view: NowView, visit_link: Callable[[str], str]) -> list[Alert]:
    rows = [row for row in view.inside if row["refused"]]
    everybody = InsideFilter(show=Show.UNAUTHORISED).link()
    if len(rows) > _MOST_NAMED:
        text = f"{len(rows):,} people are in who are not authorised"
        return [Alert(text=text, condition=Condition.BAD, href=everybody)]

    def words(row: Row) -> str:
        return f"{row['name']} is in and not authorised: {row['refused']}"

    return _named(rows, view, visit_link, words, Condition.BAD)


def _too_long(view: NowView, zone: ZoneInfo, visit_link: Callable[[str], str]) -> list[Alert]:
    rows = [row for row in view.inside if view.now - row["started_at"] > view.longest]
    limit = duration(view.longest.total_seconds())
    if len(rows) > _MOST_NAMED:
        text = f"{len(rows):,} people have been in for more than {limit}"
        return [Alert(text=text, condition=Condition.WARN, href=InsideFilter(sort=Sort.LONGEST).link())]

    def words(row: Row) -> str:
        return f"{row['name']} has been in for more than {limit}, since {moment(row['started_at'], zone, view.now)}"

    return _named(rows, view, visit_link, words, Condition.WARN)


def _named(
    rows: Sequence[Row],
    view: NowView,
    visit_link: Callable[[str], str],
    words: Callable[[Row], str],
    condition: Condition,
) -> list[Alert]:
    return [
        Alert(text=words(row), condition=condition, href=visit_link(row["session_id"]) if view.names else "")
        for row in rows
    ]
