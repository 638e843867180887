"""What reports say of people who were counted beside the visits: figures, the table of doors, notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.presence.people import Role
from tracker.reports import measures
from tracker.reports.data import ReportData
from tracker.reports.frames import Frames, rows_of
from tracker.reports.headcount import Crossings
from tracker.reports.sheets import Column, Figure, Kind, Row, Sheet
from tracker.reports.text import count_text

FEW_FACES = 0.7
"""A door that recognises a smaller share of those who come in may be placed better."""
ENOUGH_ENTRIES = 20
"""With fewer entries the share says little."""
ADVICE = (
    "To recognise more people, mount the camera at the height of faces or little above, facing those who come in;"
    " nearer, so that faces are larger; with the light on the faces, not behind them. 'footfall camera preview' shows"
    " what it sees."
)
"""For a door that recognises few."""


def inside_figures(data: ReportData, frames: Frames) -> tuple[Figure, ...]:
    """How many people are in at the end of the range, and how many of them were recognised."""
    named = int(data.frames.visits["ended_at"].isna().sum())
    inside = people_now(frames) if frames.counts_people else int(frames.visits["ended_at"].isna().sum())
    share = inside / data.capacity if data.capacity else None
    full = f" of {data.capacity} ({share:.0%})" if share is not None else ""
    of_them = f", {named} of them recognised" if frames.counts_people and named <= inside and inside else ""
    return (
        Figure("occupancy", "in now", Kind.COUNT, inside, words=f"in now {inside}{full}{of_them}"),
        Figure("recognised_inside", "recognised", Kind.COUNT, named if frames.counts_people else None, shown=False),
        Figure("capacity", "capacity", Kind.COUNT, data.capacity, shown=False),
        Figure("capacity_share", "of the capacity", Kind.SHARE, share, shown=False),
    )


def people_now(frames: Frames) -> int:
    """How many people are in at the end of what is counted."""
    return int(frames.steps.iloc[-1]) if len(frames.steps) else 0


def recognised_figures(row: Row) -> tuple[Figure, ...]:
    """Of how many entries the person was recognised. row: the sums of the range."""
    share = row["recognised_share"]
    words = None if share is None else f"faces seen for {share:.0%} of entries"
    return (
        Figure("recognised", "recognised", Kind.COUNT, row["recognised"], shown=False),
        Figure("recognised_share", "faces seen", Kind.SHARE, share, shown=share is not None, words=words),
    )


def doors_sheet(data: ReportData, crossings: Crossings) -> Sheet:
    """A row for each door that anybody crossed."""
    return Sheet(
        name="doors",
        title="Doors",
        columns=(
            Column("camera_id", "door", Kind.WORD),
            Column("entries", "entries", Kind.COUNT),
            Column("exits", "exits", Kind.COUNT),
            Column("recognised", "recognised", Kind.COUNT),
            Column("recognised_share", "faces seen", Kind.SHARE),
        ),
        rows=rows_of(measures.by_door(crossings, data.since, data.until)),
        empty="Nobody crossed a door in this range.",
    )


def door_notes(data: ReportData, doors: Sheet) -> Iterator[str]:
    """Whom the doors count, and which of them could recognise more people."""
    yield from _staff_note(data)
    low = few_faces(doors.rows)
    for row in low:
        entries = count_text(row["entries"], "entry", "entries")
        yield f"Camera {row['camera_id']}: faces seen for {row['recognised_share']:.0%} of {entries}."
    if low:
        yield ADVICE


def few_faces(doors: Sequence[Row]) -> list[Row]:
    """The rows of doors that recognise few of those who come in."""
    return [row for row in doors if row["entries"] >= ENOUGH_ENTRIES and row["recognised_share"] < FEW_FACES]


def inside_notes(data: ReportData, frames: Frames) -> Iterator[str]:
    """By how many people the count and the list of those who are in differ."""
    if not frames.counts_people:
        return
    more = people_now(frames) - int(data.frames.visits["ended_at"].isna().sum())
    if more > 0:
        are = "1 more person is in whose face was" if more == 1 else f"{more} more people are in whose faces were"
        yield f"{are} not seen."
    elif more < 0:
        have = "1 of these people has" if more == -1 else f"{-more} of these people have"
        yield f"At least {have} left unrecognised, by the count at the doors."
    if frames.crossings is not None:
        yield from _staff_note(data)


def _staff_note(data: ReportData) -> Iterator[str]:
    if not data.staff and any(person.role is Role.STAFF for person in data.people.values()):
        yield "Doors count everybody: entries, exits and people in include staff."
