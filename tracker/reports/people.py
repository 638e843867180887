"""How single people use a place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from tracker.reports.attendance import day_parts
from tracker.reports.dwell import measured
from tracker.reports.frames import begun, not_after, not_before


def people_usage(
    visits: pd.DataFrame, stays: pd.DataFrame, edges: Sequence[datetime], *, now: datetime
) -> pd.DataFrame:
    """One row for each person who was in at some time from the first edge to the last, the longest inside first.

    Columns: person_id, name, kind, role; visits: that began; days: on which the person was here; inside_s: net, within
    the range; median_dwell_s: of the visits that began and whose length is known; first_seen_at, last_seen_at: within
    the range, the latter is now for somebody who is in; present: is in. edges: of the range's days.
    """
    since, until = pd.Timestamp(edges[0]), pd.Timestamp(edges[-1])
    later = visits["ended_at"].isna() | (visits["ended_at"] > since) | (visits["started_at"] >= since)
    found = visits[(visits["started_at"] < until) & later]
    ends = found["ended_at"].fillna(pd.Timestamp(now))
    ends = not_after(ends.mask(ends < found["started_at"], found["started_at"]), until)
    known = found.assign(ends=ends, open=found["ended_at"].isna())
    people = known.groupby("person_id").agg(
        name=("name", "first"),
        kind=("kind", "first"),
        role=("role", "first"),
        first_seen_at=("started_at", "min"),
        last_seen_at=("ends", "max"),
        present=("open", "any"),
    )
    came = begun(found, edges[0], edges[-1])
    parts = day_parts(stays[stays["session_id"].isin(found["session_id"])], edges)
    parts = parts.assign(inside_s=(parts["ended_at"] - parts["started_at"]).dt.total_seconds())
    by_person = parts.groupby("person_id")
    people = people.assign(
        first_seen_at=not_before(people["first_seen_at"], since),
        visits=came.groupby("person_id").size().reindex(people.index, fill_value=0),
        days=by_person["place"].nunique().reindex(people.index, fill_value=0),
        inside_s=by_person["inside_s"].sum().reindex(people.index, fill_value=0.0),
        median_dwell_s=measured(came).groupby("person_id")["dwell_s"].median().reindex(people.index),
    )
    people = people.reset_index().sort_values(["inside_s", "visits", "person_id"], ascending=[False, False, True])
    columns = ["person_id", "name", "kind", "role", "visits", "days", "inside_s", "median_dwell_s"]
    return people[[*columns, "first_seen_at", "last_seen_at", "present"]].reset_index(drop=True)
