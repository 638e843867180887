"""`footfall people review`: what waits for a person to decide."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.command import command
from tracker.cli.options import Reading
from tracker.cli.output import Table
from tracker.cli.store import reading
from tracker.reports.sheets import Column, Kind, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracker.review.doubts import DoubtfulVisit
    from tracker.review.strangers import Stranger

_COLUMNS = (
    Column("kind", "kind", Kind.WORD),
    Column("name", "who"),
    Column("visits", "visits", Kind.COUNT),
    Column("first_seen", "first seen", Kind.MOMENT, shown=False),
    Column("last_seen", "last seen", Kind.MOMENT),
    Column("camera_id", "camera"),
    Column("vectors", "vectors", Kind.COUNT),
    Column("like", "looks like"),
    Column("distance", "distance", Kind.NUMBER),
    Column("doubt", "doubt", Kind.SHARE),
    Column("person_ids", "person ids", shown=False),
    Column("session_id", "session id", Kind.WORD, shown=False),
    Column("track_id", "track id", Kind.WORD, shown=False),
)


@command("footfall people review", "footfall people review --json")
def review(
    access: Reading, limit: Annotated[int, typer.Option("--limit", min=1, help="List at most so many of each.")] = 50
) -> Table:
    """List strangers who wait for a name, and visits that rest on doubtful matches.

    Visitors who are probably one person are one stranger: 'footfall people name' names them together. A visit is
    doubtful where every match with the person is near the limit; 'footfall people not --track' marks a wrong one. The
    page Review of the dashboard does both.
    """
    from tracker.review.rules import ReviewRules
    from tracker.review.waiting import waiting

    with reading(access) as (settings, store):
        found = waiting(store, ReviewRules.of(settings, store), datetime.now(UTC))
    rows = [_stranger(each, found.names) for each in found.strangers[:limit]]
    rows += [_visit(each, found.names) for each in found.visits[:limit]]
    return Table(columns=_COLUMNS, rows=rows, empty="Nothing to review.", zone=settings.site.zone)


def _stranger(stranger: Stranger, names: Mapping[str, str]) -> Row:
    like = stranger.like
    return {
        "kind": "stranger",
        "name": ", ".join(person.name for person in stranger.people),
        "visits": stranger.visits,
        "first_seen": stranger.first_seen,
        "last_seen": stranger.last_seen,
        "camera_id": stranger.camera_id,
        "vectors": stranger.vectors,
        "like": None if like is None else names[like.person_id],
        "distance": None if like is None else round(like.distance, 4),
        "doubt": None,
        "person_ids": " ".join(stranger.person_ids),
        "session_id": None,
        "track_id": None,
    }


def _visit(doubtful: DoubtfulVisit, names: Mapping[str, str]) -> Row:
    rival, visit = doubtful.runner_up, doubtful.visit
    return {
        "kind": "visit",
        "name": doubtful.person.name,
        "visits": 1,
        "first_seen": visit.started_at,
        "last_seen": visit.ended_at,
        "camera_id": doubtful.match.camera_id,
        "vectors": doubtful.vectors,
        "like": None if rival is None else names[rival.person_id],
        "distance": doubtful.match.distance,
        "doubt": round(doubtful.doubt, 4),
        "person_ids": doubtful.person.person_id,
        "session_id": visit.session_id,
        "track_id": doubtful.match.track_id,
    }
