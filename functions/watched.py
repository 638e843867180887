"""When cameras watched, from their signs of life: read from watch to watch, not sign by sign."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from functions.snapshots import fields_of
from tracker.cloud.layout import Collection, path_of
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import EARLIEST, LATEST

_MOST_CAMERAS = 500
_MOST_WATCHES = 2000


def watches_of(client: firestore.Client, site_id: str, *, since: datetime) -> list[CoverageSpan]:
    """Each camera's first watch, and those that reach into the time from `since` on.

    A sign of life carries the watch that it belongs to, and the last one of a watch its end: so two queries a camera
    and one a watch are enough, however often cameras tell. Signs of a time that no record can be of are left out.
    """
    signs = client.collection(path_of(site_id, Collection.HEARTBEATS))
    found: list[CoverageSpan] = []
    for camera_id in _cameras(signs):
        own = signs.where(filter=FieldFilter("camera_id", "==", camera_id))
        possible = own.where(filter=FieldFilter("at", ">=", EARLIEST)).where(filter=FieldFilter("at", "<", LATEST))
        first = _one(possible.order_by("at"))
        begin = first.get("watch_started_at")
        if isinstance(begin, datetime):
            found += _first(own, site_id, camera_id, begin)
        found += _latest(possible, site_id, camera_id, since)
    return list({(each.camera_id, each.started_at): each for each in found}.values())


def _cameras(signs: Any) -> Iterator[str]:
    """The cameras that ever told anything, each by one query."""
    after = ""
    for _ in range(_MOST_CAMERAS):
        query = signs.where(filter=FieldFilter("camera_id", ">", after)).order_by("camera_id").limit(1)
        camera_id = next((fields_of(each).get("camera_id") for each in query.stream()), None)
        if not isinstance(camera_id, str):
            return
        yield camera_id
        after = camera_id


def _first(own: Any, site_id: str, camera_id: str, begin: datetime) -> Iterator[CoverageSpan]:
    """The watch that began at a moment, as its last sign of life tells it."""
    same = own.where(filter=FieldFilter("watch_started_at", "==", begin))
    watch = _watch(_one(same.order_by("at", direction=firestore.Query.DESCENDING)), site_id, camera_id)
    if watch is not None:
        yield watch


def _latest(possible: Any, site_id: str, camera_id: str, since: datetime) -> Iterator[CoverageSpan]:
    """The watches from the last one back to the first that ends after `since`, and one more."""
    query = possible.order_by("at", direction=firestore.Query.DESCENDING)
    for _ in range(_MOST_WATCHES):
        sign = _one(query)
        if not sign:
            return
        watch = _watch(sign, site_id, camera_id)
        before = sign["at"]
        if watch is not None:
            yield watch
            if watch.ended_at <= since:
                return
            before = min(before, watch.started_at)
        earlier = possible.where(filter=FieldFilter("at", "<", before))
        query = earlier.order_by("at", direction=firestore.Query.DESCENDING)


def _watch(sign: dict[str, Any], site_id: str, camera_id: str) -> CoverageSpan | None:
    begin, end = sign.get("watch_started_at"), sign.get("watch_ended_at")
    if not isinstance(begin, datetime) or not isinstance(end, datetime) or not EARLIEST <= begin <= end < LATEST:
        return None
    return CoverageSpan(site_id=site_id, camera_id=camera_id, started_at=begin, ended_at=end)


def _one(query: Any) -> dict[str, Any]:
    """The first document of a query, without fields where there is none."""
    return next((fields_of(each) for each in query.limit(1).stream()), {})
