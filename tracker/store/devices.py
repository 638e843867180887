"""Devices: browsers that are cameras, each with a key of its own. They stay in the file: nothing uploads them."""

from __future__ import annotations

import hmac
import re
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.errors import UserError
from config.settings import CameraRole
from tracker.presence.events import time_text
from tracker.presence.people import name_key
from tracker.store.database import Transaction
from tracker.store.store_file import StoreFile
from tracker.store.tables import Row, read_time
from tracker.store.users import digest_of_token

LEASE = timedelta(minutes=2)
"""A page that was silent for so long no longer holds the camera."""
_SECRET_BYTES = 32
_KEY = re.compile(r"([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{43})")
_COLUMNS = "device_id, name, site_id, camera_id, role, created_at, created_by, revoked_at, seen_at"
_NOBODYS_HASH = digest_of_token("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A browser that is, or was, a camera.

    name: for people; no two devices that are in use have one, in any case or Unicode form. created_by: the user who
    added it. seen_at: when it sent something last, None before it did.
    """

    device_id: str
    name: str
    site_id: str
    camera_id: str
    role: CameraRole
    created_at: datetime
    created_by: str
    revoked_at: datetime | None = None
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """What a device shows to be let in: its id, and the secret, which is kept nowhere else."""

    device_id: str
    secret: str

    @classmethod
    def parse(cls, text: str) -> DeviceKey | None:
        """The key of a text of the form that `str` gives; None for any other text."""
        found = _KEY.fullmatch(text)
        return cls(found[1], found[2]) if found else None

    def __str__(self) -> str:
        return f"{self.device_id}.{self.secret}"


class Devices:
    """Devices by their ids. Every method raises StoreError when the file or the disk fails.

    Of a secret only the hash is kept, so that nobody who reads the file can use it.
    """

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def all(self, site_id: str | None = None) -> list[Device]:
        """The devices in use, of one site or of all, by name."""
        query = f"SELECT {_COLUMNS} FROM devices WHERE revoked_at IS NULL AND (?1 IS NULL OR site_id = ?1)"
        return [_device(row) for row in self._file.rows(f"{query} ORDER BY name_key", (site_id,))]

    def former_cameras(self, site_id: str) -> set[str]:
        """The ids of cameras of a site that revoked devices were."""
        query = "SELECT camera_id FROM devices WHERE site_id = ? AND revoked_at IS NOT NULL"
        return {camera_id for (camera_id,) in self._file.rows(query, (site_id,))}

    def by_name(self, name: str) -> Device | None:
        """The device in use of this name."""
        query = f"SELECT {_COLUMNS} FROM devices WHERE name_key = ? AND revoked_at IS NULL"
        rows = self._file.rows(query, (name_key(name),))
        return _device(rows[0]) if rows else None

    def get(self, device_id: str) -> Device | None:
        """The device of this id, in use or revoked."""
        rows = self._file.rows(f"SELECT {_COLUMNS} FROM devices WHERE device_id = ?", (device_id,))
        return _device(rows[0]) if rows else None

    def add(self, name: str, *, site_id: str, camera_id: str, role: CameraRole, by: str) -> tuple[Device, DeviceKey]:
        """Add a device. Returns it and its key. Raises UserError when a device in use has the name or the camera id."""
        key = DeviceKey(f"d-{secrets.token_hex(8)}", secrets.token_urlsafe(_SECRET_BYTES))
        with self._file.writing() as writing:
            device = Device(
                device_id=key.device_id,
                name=name,
                site_id=site_id,
                camera_id=camera_id,
                role=role,
                created_at=writing.now,
                created_by=by,
            )
            try:
                _insert(writing, device, digest_of_token(key.secret))
            except sqlite3.IntegrityError as error:
                taken = f"camera id {camera_id}" if "camera_id" in str(error) else f"name {name!r}"
                raise UserError(
                    f"another device has the {taken}",
                    fix="give another one, or revoke that device: 'footfall camera devices revoke'",
                ) from error
        return device, key

    def rename(self, device_id: str, name: str) -> None:
        """Give a device another name. Raises UserError when another one in use has it."""
        with self._file.writing() as writing:
            try:
                writing.connection.execute(
                    "UPDATE devices SET name = ?, name_key = ? WHERE device_id = ?", (name, name_key(name), device_id)
                )
            except sqlite3.IntegrityError as error:
                raise UserError(f"another device has the name {name!r}", fix="give another name") from error

    def revoke(self, device_id: str) -> None:
        """Make the key of a device invalid."""
        with self._file.writing() as writing:
            writing.connection.execute(
                "UPDATE devices SET revoked_at = ?, instance = NULL WHERE device_id = ? AND revoked_at IS NULL",
                (time_text(writing.now), device_id),
            )

    def revoke_all(self) -> None:
        """Make the keys of all devices invalid."""
        for device in self.all():
            self.revoke(device.device_id)

    def opened_by(self, key: DeviceKey) -> Device | None:
        """The device, in use or revoked, that has exactly this key."""
        query = f"SELECT {_COLUMNS}, secret_hash FROM devices WHERE device_id = ?"
        rows = self._file.rows(query, (key.device_id,))
        *row, known_hash = rows[0] if rows else (_NOBODYS_HASH,)
        fits = hmac.compare_digest(digest_of_token(key.secret), known_hash)
        return _device(tuple(row)) if row and fits else None

    def hold(self, device_id: str, instance: str) -> bool:
        """Let one page, known by its `instance`, be the camera of a device for LEASE; False while another one is.

        A page that was seen in the future, before a clock was set back, holds it no longer.
        """
        with self._file.writing() as writing:
            now = writing.now
            return bool(
                writing.connection.execute(
                    "UPDATE devices SET instance = ?1, seen_at = ?2 WHERE device_id = ?3 AND revoked_at IS NULL"
                    " AND (instance IS NULL OR instance = ?1 OR seen_at IS NULL OR seen_at <= ?4 OR seen_at > ?5)",
                    (instance, time_text(now), device_id, time_text(now - LEASE), time_text(now + LEASE)),
                ).rowcount
            )

    def release(self, device_id: str) -> None:
        """Let any page be the camera of a device from now on."""
        with self._file.writing() as writing:
            writing.connection.execute("UPDATE devices SET instance = NULL WHERE device_id = ?", (device_id,))

    def set_role(self, device_id: str, role: CameraRole) -> None:
        """Record the role that was chosen on the device."""
        with self._file.writing() as writing:
            writing.connection.execute("UPDATE devices SET role = ? WHERE device_id = ?", (role, device_id))


def _insert(writing: Transaction, device: Device, secret_hash: str) -> None:
    writing.connection.execute(
        "INSERT INTO devices (device_id, name, name_key, site_id, camera_id, role, secret_hash, created_at, created_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            device.device_id,
            device.name,
            name_key(device.name),
            device.site_id,
            device.camera_id,
            device.role,
            secret_hash,
            time_text(device.created_at),
            device.created_by,
        ),
    )


def _device(row: Row) -> Device:
    device_id, name, site_id, camera_id, role, created_at, created_by, revoked_at, seen_at = row
    return Device(
        device_id=device_id,
        name=name,
        site_id=site_id,
        camera_id=camera_id,
        role=CameraRole(role),
        created_at=read_time(created_at),
        created_by=created_by,
        revoked_at=None if revoked_at is None else read_time(revoked_at),
        seen_at=None if seen_at is None else read_time(seen_at),
    )
