"""Writes what a device sent in one transaction, as what an agent found: sessions and the outbox follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from config.errors import StoreBusyError
from config.settings import Settings
from dashboard.devices.body import Body
from dashboard.devices.records import Heartbeat, RecordCheck, Records
from tracker.presence.events import CameraRef
from tracker.presence.health import CameraState
from tracker.store.devices import LEASE, Device
from tracker.store.observation import Observation
from tracker.store.site_settings import use_camera
from tracker.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """stored: records that are new. known: those that need not be written. rejected: (id, reason)."""

    stored: int
    known: int
    rejected: tuple[tuple[str, str], ...]


class HeldError(StoreBusyError):
    """Another page is the camera of this device."""

    def __init__(self) -> None:
        minutes = round(LEASE.total_seconds() / 60)
        super().__init__(
            "another page is this camera now",
            fix=f"close the other page, which has the same link, and wait {minutes} minutes; or pair this device again",
        )


def hold(store: Store, device: Device, instance: str) -> None:
    """Let a page be the camera of the device. Raises HeldError while another one is."""
    if not store.devices.hold(device.device_id, instance):
        raise HeldError


def record(store: Store, settings: Settings, device: Device, body: Body, now: datetime) -> Recorded:
    """Write the records of a body. Raises HeldError, and StoreError; then nothing is written."""
    with store.writing():
        hold(store, device, body.instance)
        found = RecordCheck(device, store, now).records(body)
        latest = _latest(store, device, found.heartbeat)
        if latest is not None:
            _follow(store, settings, device, latest)
        before = _known(store, found)
        store.record(_observation(device, found, latest))
        stored = _known(store, found) - before
    count = len(found.events) + len(found.matches) + len(found.corrections)
    return Recorded(stored=stored, known=count - stored, rejected=tuple(found.rejected))


def _follow(store: Store, settings: Settings, device: Device, heartbeat: Heartbeat) -> None:
    """The role that was chosen on the device applies; a page that stops is the camera no longer."""
    if heartbeat.role is not None and heartbeat.role is not device.role:
        store.devices.set_role(device.device_id, heartbeat.role)
        use_camera(settings, store, device.camera_id, heartbeat.role)
    if heartbeat.health.state in (CameraState.STOPPED, CameraState.ENDED):
        store.devices.release(device.device_id)


def _latest(store: Store, device: Device, heartbeat: Heartbeat | None) -> Heartbeat | None:
    """The heartbeat; None where it was delayed and a later one is known."""
    if heartbeat is None:
        return None
    known = (each for each in store.cameras.health(device.site_id) if each.camera_id == device.camera_id)
    return None if any(each.updated_at > heartbeat.health.updated_at for each in known) else heartbeat


def _observation(device: Device, found: Records, latest: Heartbeat | None) -> Observation:
    """The records; of a heartbeat that was delayed, only when the camera watched."""
    return Observation(
        camera=CameraRef(device.site_id, device.camera_id),
        events=found.events,
        matches=found.matches,
        corrections=found.corrections,
        presences=None if latest is None else latest.presences,
        health=None if latest is None else latest.health,
        coverage=() if found.heartbeat is None else found.heartbeat.coverage,
    )


def _known(store: Store, found: Records) -> int:
    """How many of the records the store has."""
    return sum(
        map(
            len,
            (
                store.events.known(each.event_id for each in found.events),
                store.matches.known(each.match_id for each in found.matches),
                store.events.known_corrections(each.correction_id for each in found.corrections),
            ),
        )
    )
