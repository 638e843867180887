"""What a machine has still to upload, by its settings. Imports nothing of Google's."""

from __future__ import annotations

import json

from config.settings import Settings
from tracker.cloud.documents import deriver_of
from tracker.presence.events import CameraRef
from tracker.store.outbox import Backlog
from tracker.store.store import Store


def backlog_of(settings: Settings, store: Store) -> Backlog:
    """What is pending of a store with these settings."""
    scope = device_scope(settings)
    deriver = deriver_of(store.inbox.site_document(settings.site.id) or {})
    sessions = scope is None and deriver == store.outbox.machine_id()
    return store.outbox.backlog(sessions=sessions, people=scope is None, scope=scope)


def device_scope(settings: Settings) -> CameraRef | None:
    """The one camera of which a device key may upload; None with other credentials, or none that can be read."""
    path = settings.cloud.credentials
    try:
        content = {} if path is None else json.loads(path.expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("type") != "footfall_device":
        return None
    return CameraRef(str(content.get("site_id", "")), str(content.get("camera_id", "")))
