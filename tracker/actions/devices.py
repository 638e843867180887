"""Devices that are cameras: added, renamed and revoked. Sessions follow which cameras there are."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from config.errors import UserError
from config.settings import CameraRole, Settings
from config.text import ID
from tracker.actions.actor import Actor
from tracker.actions.operation import Change, Operation, changing
from tracker.identity.names import clean_name
from tracker.identity.networks import browser_embedder_of
from tracker.presence.events import CameraRef, Event
from tracker.presence.health import CameraState
from tracker.store.audit import SubjectKind
from tracker.store.camera_rows import exit_of
from tracker.store.devices import Device, DeviceKey
from tracker.store.observation import Observation
from tracker.store.site_settings import use_camera
from tracker.store.store import Store
from tracker.store.users import UserRole

ADD = Operation(name="devices.add", words="added a device as a camera", least=UserRole.ADMIN)
RENAME = Operation(name="devices.rename", words="renamed a device", least=UserRole.ADMIN)
REVOKE = Operation(name="devices.revoke", words="revoked a device", least=UserRole.ADMIN)
OPERATIONS = (ADD, RENAME, REVOKE)

_NO_ID = re.compile(r"[^a-z0-9]+")
_LONGEST_DERIVED = 60


def add(
    store: Store,
    settings: Settings,
    actor: Actor,
    name: str,
    *,
    role: CameraRole = CameraRole.ROOM,
    camera_id: str | None = None,
) -> tuple[Device, DeviceKey]:
    """Add a device as a camera of the site. Returns it and its key, which is kept nowhere.

    camera_id: derived from the name without it. Raises UserError when a name or id is taken or invalid, ModelError
    where browsers cannot run the network of the people.
    """
    browser_embedder_of(settings, store)
    with changing(store, actor, ADD) as change:
        name, site_id = clean_name(name), settings.site.id
        taken = _taken(store, settings)
        if camera_id is None:
            camera_id = _derived(name, taken)
        elif not ID.fullmatch(camera_id):
            raise UserError(f"{camera_id[:64]!r} is no camera id", fix="give up to 64 letters, digits, . _ -")
        elif camera_id in taken:
            raise UserError(f"there is a camera {camera_id!r} already", fix="give another id, or leave it out")
        device, key = store.devices.add(name, site_id=site_id, camera_id=camera_id, role=role, by=actor.name)
        use_camera(settings, store, camera_id, role)
        after = {"name": name, "camera_id": camera_id, "role": role}
        change.record(SubjectKind.DEVICE, device.device_id, site_id=site_id, before={}, after=after)
    return device, key


def rename(store: Store, actor: Actor, device_id: str, name: str) -> int:
    """Give a device another name; its camera id stays. Returns the id of the audit entry.

    Raises UserError when there is no such device, or the name is taken or invalid.
    """
    with changing(store, actor, RENAME) as change:
        device, name = require(store, device_id), clean_name(name)
        store.devices.rename(device_id, name)
        before, after = {"name": device.name}, {"name": name}
        change.record(SubjectKind.DEVICE, device_id, site_id=device.site_id, before=before, after=after)
    return change.audit_id


def revoke(store: Store, settings: Settings, actor: Actor, device_id: str) -> int:
    """Revoke the key of a device, and stop its camera. Returns the id of the audit entry.

    Raises UserError when there is no such device.
    """
    with changing(store, actor, REVOKE) as change:
        device = require(store, device_id)
        store.devices.revoke(device_id)
        _stop_camera(change, device)
        if device.site_id == settings.site.id:
            use_camera(settings, store, device.camera_id, None)
        before = {"name": device.name, "camera_id": device.camera_id, "role": device.role}
        change.record(SubjectKind.DEVICE, device_id, site_id=device.site_id, before=before, after={})
    return change.audit_id


def require(store: Store, device_id: str) -> Device:
    """The device in use of this id. Raises UserError when there is none."""
    device = store.devices.get(device_id)
    if device is None or device.revoked_at is not None:
        raise UserError("there is no such device", fix="'footfall camera devices list' shows them")
    return device


def require_named(store: Store, name: str) -> Device:
    """The device in use of this name. Raises UserError when there is none."""
    device = store.devices.by_name(name)
    if device is None:
        raise UserError(f"no device named {name!r}", fix="'footfall camera devices list' shows them")
    return device


def _stop_camera(change: Change, device: Device) -> None:
    """The camera was stopped, and has nobody in sight any more."""
    camera = CameraRef(device.site_id, device.camera_id)
    cameras = change.store.cameras
    known = [each for each in cameras.health(device.site_id) if each.camera_id == device.camera_id]
    health = replace(known[0], state=CameraState.STOPPED, updated_at=change.at) if known else None
    change.store.record(Observation(camera=camera, presences=[], events=_exits(change, device), health=health))


def _exits(change: Change, device: Device) -> list[Event]:
    """Who is in sight of the camera of a room left when they were seen last."""
    if device.role is not CameraRole.ROOM:
        return []
    found = change.store.cameras.presences(site_id=device.site_id, camera_id=device.camera_id)
    return [exit_of(each) for each in found]


def _taken(store: Store, settings: Settings) -> set[str]:
    """The ids of cameras that a new one cannot have: those of the settings, of agents and of devices in use."""
    site_id = settings.site.id
    known = {each.camera_id for each in store.cameras.health(site_id)} - store.devices.former_cameras(site_id)
    return {each.id for each in settings.camera} | known | {each.camera_id for each in store.devices.all(site_id)}


def _derived(name: str, taken: set[str]) -> str:
    """An id from the letters and digits of a name, with a number where it is taken."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = _NO_ID.sub("-", plain).strip("-")[:_LONGEST_DERIVED].rstrip("-") or "camera"
    if stem not in taken:
        return stem
    return next(each for number in range(2, len(taken) + 3) if (each := f"{stem}-{number}") not in taken)
