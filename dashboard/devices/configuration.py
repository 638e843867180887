"""What a device needs to be a camera of the site: the settings, and the version of the people whom it recognises."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from config.recognition import RULE_FIELDS
from config.settings import Settings
from tracker.identity.networks import browser_embedder_of, match_of
from tracker.presence.events import time_text
from tracker.store.devices import Device
from tracker.store.store import Store

SCHEMA = 1
_SECTIONS = ("presence", "track", "quality", "detect")
_NOT_SENT = {"haar_cascade"}
"""Settings of these sections that mean something on this machine only; browsers detect with MTCNN."""


def configuration(device: Device, settings: Settings, store: Store, now: datetime) -> dict[str, Any]:
    """The configuration of a device, as JSON values. Raises ModelError, StoreError."""
    embedder, zone = browser_embedder_of(settings, store), settings.site.zone
    match = match_of(settings, store).model_dump(mode="json", exclude=set(RULE_FIELDS))
    return {
        "schema": SCHEMA,
        "site_id": device.site_id,
        "site_name": settings.site.name,
        "zone": zone.key,
        "camera_id": device.camera_id,
        "name": device.name,
        "role": device.role,
        "now": time_text(now),
        "settings": {
            **{name: getattr(settings, name).model_dump(mode="json", exclude=_NOT_SENT) for name in _SECTIONS},
            "match": {**match, "full_margin": embedder.embedding.full_margin},
        },
        "embedder": embedder.network,
        "keep_gallery": settings.dashboard.keep_gallery,
        "gallery_version": gallery_version(settings, store, now),
    }


def gallery_version(settings: Settings, store: Store, now: datetime) -> str:
    """Another text whenever the people to recognise may have changed; with the day, as people are valid for days."""
    today = now.astimezone(settings.site.zone).date()
    return f"{browser_embedder_of(settings, store).network}-{store.people.version()}-{today}"
