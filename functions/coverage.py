"""When each camera of a site watched, from its heartbeats in Firestore."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from functions.database import Fields, fields_of
from tracker.cloud.paths import Collection, path_of
from tracker.presence.coverage import Coverage, CoverageSpan
from tracker.presence.events import EARLIEST, LATEST
from tracker.presence.health import CameraState

_MAX_CAMERAS = 500
_MAX_SPANS = 2000


def coverage_of(
    client: firestore.Client, site_id: str, *, since: datetime, now: datetime, first_event_at: datetime | None
) -> Coverage:
    """The coverage from `since` on: each camera's first span, and those that reach beyond `since`.

    A heartbeat has the start of its span and the end so far, the last one of a span the end. Heartbeats of impossible
    times are left out.
    """
    heartbeats = client.collection(path_of(site_id, Collection.HEARTBEATS))
    spans: list[CoverageSpan] = []
    failed = set()
    for camera_id in _cameras(heartbeats):
        own = heartbeats.where(filter=FieldFilter("camera_id", "==", camera_id))
        possible = own.where(filter=FieldFilter("at", ">=", EARLIEST)).where(filter=FieldFilter("at", "<", LATEST))
        newest = _first(possible.order_by("at", direction=firestore.Query.DESCENDING))
        if newest.get("state") in (CameraState.LIVE, CameraState.LOST):
            failed.add(camera_id)
        spans += _first_span(possible, own, site_id, camera_id)
        spans += _latest_spans(possible, newest, site_id, camera_id, since)
    distinct = {(each.camera_id, each.started_at): each for each in spans}
    return Coverage(distinct.values(), now=now, first_event_at=first_event_at, failed=failed)


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


def _first_span(possible: Any, own: Any, site_id: str, camera_id: str) -> Iterator[CoverageSpan]:
    started_at = _first(possible.order_by("at")).get("watch_started_at")
    if isinstance(started_at, datetime):
        same = own.where(filter=FieldFilter("watch_started_at", "==", started_at))
        span = _span(_first(same.order_by("at", direction=firestore.Query.DESCENDING)), site_id, camera_id)
        if span is not None:
            yield span


def _latest_spans(
    possible: Any, heartbeat: Fields, site_id: str, camera_id: str, since: datetime
) -> Iterator[CoverageSpan]:
    """The spans from that of the newest heartbeat back to the first that ends at or before `since`, included."""
    for _ in range(_MAX_SPANS):
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
        heartbeat = _first(earlier.order_by("at", direction=firestore.Query.DESCENDING))


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
