"""Signs of life of cameras, as they stand in Firestore, read back into what a store knows of a camera."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from config.errors import RecordError
from tracker.presence.coverage import CoverageSpan
from tracker.presence.documents import health_from_document
from tracker.presence.events import time_text
from tracker.presence.health import CameraHealth

_OF_HEALTH = ("camera_id", "state", "started_at", "last_frame_at", "fps", "frames", "dropped", "problem", "schema")


def heartbeat_of(site_id: str, document: Mapping[str, Any]) -> tuple[CameraHealth, CoverageSpan | None]:
    """The health of the camera, without its address, and since when it watches; None while no frame has come.

    Raises RecordError naming the field.
    """
    found = {name: _plain(document[name]) for name in _OF_HEALTH if name in document}
    found |= {"site_id": site_id, "source": "", "updated_at": _plain(document.get("at"))}
    health = health_from_document(found)
    started_at, ended_at = document.get("watch_started_at"), document.get("watch_ended_at")
    if started_at is None and ended_at is None:
        return health, None
    if not isinstance(started_at, datetime) or not isinstance(ended_at, datetime):
        raise RecordError("heartbeat: watch_started_at, watch_ended_at: expected two times", fix="update the agent")
    try:
        watch = CoverageSpan(site_id=site_id, camera_id=health.camera_id, started_at=started_at, ended_at=ended_at)
    except ValueError as error:
        raise RecordError(f"heartbeat: watch: {error}", fix="set the clock of the camera machine") from error
    return health, watch


def _plain(value: object) -> object:
    return time_text(value) if isinstance(value, datetime) and value.tzinfo is not None else value
