"""When cameras watched, from their heartbeats: one query a coverage span, however many heartbeats it has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from functions.database import Fields, fields_of
from tracker.cloud.layout import Collection, path_of
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import EARLIEST, LATEST

_MAX_CAMERAS = 500
_MAX_SPANS = 2000


def coverage_spans(client: firestore.Client, site_id: str, *, since: datetime) -> list[CoverageSpan]:
    """Each camera's first coverage span, and those that reach beyond `since`.

    A heartbeat has the start of its span and the end so far, the last one of a span the end. Heartbeats of impossible
    times are left out.
    """
    heartbeats = client.collection(path_of(site_id, Collection.HEARTBEATS))
    found: list[CoverageSpan] = []
    for camera_id in _cameras(heartbeats):
        own = heartbeats.where(filter=FieldFilter("camera_id", "==", camera_id))
        possible = own.where(filter=FieldFilter("at", ">=", EARLIEST)).where(filter=FieldFilter("at", "<", LATEST))
        started_at = _first(possible.order_by("at")).get("watch_started_at")
        if isinstance(started_at, datetime):
            same = own.where(filter=FieldFilter("watch_started_at", "==", started_at))
            span = _span(_first(same.order_by("at", direction=firestore.Query.DESCENDING)), site_id, camera_id)
            found += [span] if span is not None else []
        found += _latest(possible, site_id, camera_id, since)
    return list({(each.camera_id, each.started_at): each for each in found}.values())


def _cameras(heartbeats: Any) -> Iterator[str]:
    """The cameras with heartbeats, each by one query."""
    last = ""
    for _ in range(_MAX_CAMERAS):
        query = heartbeats.where(filter=FieldFilter("camera_id", ">", last)).order_by("camera_id")
        camera_id = _first(query).get("camera_id")
        if not isinstance(camera_id, str):
            return
        yield camera_id
        last = camera_id


def _latest(possible: Any, site_id: str, camera_id: str, since: datetime) -> Iterator[CoverageSpan]:
    """The spans from the last one back to the first that ends at or before `since`, included."""
    query = possible.order_by("at", direction=firestore.Query.DESCENDING)
    for _ in range(_MAX_SPANS):
        heartbeat = _first(query)
        if not heartbeat:
            return
        before = heartbeat["at"]
        span = _span(heartbeat, site_id, camera_id)
        if span is not None:
            yield span
            if span.ended_at <= since:
                return
            before = min(before, span.started_at)
        earlier = possible.where(filter=FieldFilter("at", "<", before))
        query = earlier.order_by("at", direction=firestore.Query.DESCENDING)


def _span(heartbeat: Fields, site_id: str, camera_id: str) -> CoverageSpan | None:
    started_at, ended_at = heartbeat.get("watch_started_at"), heartbeat.get("watch_ended_at")
    if not isinstance(started_at, datetime) or not isinstance(ended_at, datetime):
        return None
    if not EARLIEST <= started_at <= ended_at < LATEST:
        return None
    return CoverageSpan(site_id=site_id, camera_id=camera_id, started_at=started_at, ended_at=ended_at)


def _first(query: Any) -> Fields:
    """The first document of a query, without fields where there is none."""
    return next((fields_of(each) for each in query.limit(1).stream()), {})
