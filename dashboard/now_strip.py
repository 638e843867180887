"""The numbers at the top of the page Now, each beside what is usual at this time of such a weekday."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard import elements as html
from dashboard import shell
from dashboard.address import VisitQuery
from dashboard.elements import Element
from dashboard.queries import Board
from dashboard.theme import Level
from dashboard.views import Days, NowView
from dashboard.wording import clock, count, percent
from tracker.presence.people import Role
from tracker.reports.usual import Usual
from tracker.reports.visit_filter import State

NOT_WATCHED = "not watched"
LEVEL_WORDS = {Level.CALM: "", Level.ORANGE: "nearly full", Level.RED: "full"}
"""What the colour of a level means."""


def strip(view: NowView, board: Board) -> Element:
    """People in, entries, peak and cameras."""
    today = VisitQuery(days=Days.until(board.today(), days=1), moving=1)
    inside, figures, highest = view.people_in, view.figures, view.figures["peak"]
    entries = figures["entries"]
    return shell.tiles(
        [
            shell.figure_tile(
                "In the building",
                _number(inside, view),
                extra=meter(inside, board.capacity) if inside or view.watching is not False else None,
                note=_joined(_inside_note(view), _usually(view.usual, "inside", "at this time")),
                href=today.filtered(state=State.INSIDE).link(),
            ),
            shell.figure_tile(
                "Entries today",
                _number(entries, view),
                note=_joined(
                    _who_came(figures) if entries else nobody(view),
                    _usually(view.usual, "entries", "by now"),
                ),
                href=today.filtered(begun=True).link(),
            ),
            shell.figure_tile(
                "Peak today",
                _number(highest, view),
                note=_joined(
                    f"at {clock(figures['peak_at'], board.zone)}" if highest else nobody(view),
                    _usually(view.usual, "peak", "by now"),
                ),
                href=today.link(),
            ),
            _cameras(view),
        ]
    )


def meter(inside: int, capacity: int | None) -> Element | None:
    """Occupancy in percent of the capacity; the words repeat what the colour shows."""
    if capacity is None:
        return None
    level = Level.of(inside, capacity)
    fill = html.Div(className="meter-fill", style={"width": f"{min(1.0, inside / capacity):.1%}"})
    text = _joined(f"{percent(inside / capacity)} of {capacity:,}", LEVEL_WORDS[level])
    return html.Div(
        [html.Div(fill, className="meter"), html.Div(text, className="level-text")], className=f"level-{level}"
    )


def nobody(view: NowView) -> str:
    """What to say where nobody was seen today."""
    return NOT_WATCHED if _is_unknown(view) else "nobody in yet"


def _is_unknown(view: NowView) -> bool:
    """Whether nobody seen does not mean that nobody was there."""
    return view.watching is False or view.coverage.mostly_missed


def _number(value: int | None, view: NowView) -> str:
    return f"{value:,}" if value else "–" if _is_unknown(view) else "0"


def _inside_note(view: NowView) -> str:
    staff = sum(row["role"] == Role.STAFF for row in view.inside)
    if view.watching is False:
        return "last known, no camera is watching" if view.people_in else NOT_WATCHED
    recognised = view.figures["recognised_inside"]
    known = "" if recognised is None or recognised > view.people_in else f"{recognised:,} recognised"
    return _joined(known, f"{staff:,} of them staff" if staff else "")


def _who_came(figures: Mapping[str, Any]) -> str:
    """Different people among those who came, and of how many entries a face was seen."""
    people, share = count(figures["visitors"], "person", "people"), figures["recognised_share"]
    return people if share is None else f"{people} recognised · faces seen for {percent(share)}"


def _usually(usual: Usual | None, key: str, when: str) -> str:
    """`usually 14 by now`; nothing where too little is known. key: which of the usual counts."""
    return "" if usual is None else f"usually {getattr(usual, key):,} {when}"


def _cameras(view: NowView) -> Element:
    """How many cameras watch, and which of the others should."""
    watching = sum(camera.watching for camera in view.cameras)
    down = [camera.camera_id for camera in view.cameras if camera.is_down]
    if not view.cameras:
        return shell.figure_tile("Cameras watching", "–", note="none has reported yet")
    named = down[0] if len(down) == 1 else f"{len(down)} cameras"
    note = f"{named} {'is' if len(down) == 1 else 'are'} down" if down else ""
    return shell.figure_tile("Cameras watching", f"{watching} of {len(view.cameras)}", note=note)


def _joined(*parts: str) -> str:
    return " · ".join(filter(None, parts))
