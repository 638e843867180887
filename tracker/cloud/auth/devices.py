"""Camera machines of a site: register, list and revoke them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from firebase_admin import auth
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from config.errors import CloudError
from tracker.cloud.auth.access import device_claims
from tracker.cloud.auth.admin import users_explained
from tracker.cloud.auth.device_key import DeviceKey, KeyFile
from tracker.cloud.auth.sign_in import SignIn
from tracker.cloud.client import Connection
from tracker.cloud.documents import RECEIVED_AT
from tracker.cloud.paths import Collection, path_of

_MOST = 1000
"""Machines of a site that are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A registered camera machine. revoked_at: UTC, None while its key is valid."""

    uid: str
    name: str
    camera_id: str
    created_at: datetime
    revoked_at: datetime | None


def register(
    connection: Connection, *, site_id: str, name: str, camera_id: str, sign_in: SignIn, api_key: str, file: KeyFile
) -> DeviceKey:
    """Create the user of a camera machine, and write its key. A failure undoes all steps.

    Raises CloudError, also when a machine of this name is registered already.
    """
    try:
        if any(each.name == name and each.revoked_at is None for each in _devices(connection, site_id, name)):
            raise CloudError(
                f"a machine called {name} is registered already",
                fix=f"choose another name, or run `footfall cloud revoke-device {name}` first",
            )
        uid = f"device-{secrets.token_hex(8)}"
        with users_explained():
            auth.create_user(uid=uid, display_name=f"{site_id}: {name}", app=connection.app)
    except BaseException:
        file.give_up()
        raise
    try:
        key = _key_of(connection, uid, site_id=site_id, camera_id=camera_id, sign_in=sign_in, api_key=api_key)
        document = {
            "name": name,
            "camera_id": camera_id,
            "created_at": datetime.now(UTC),
            "revoked_at": None,
            RECEIVED_AT: firestore.SERVER_TIMESTAMP,
        }
        with users_explained():
            connection.client.document(path_of(site_id, Collection.DEVICES, uid)).set(document)
        file.write(key)
    except BaseException:
        _forget(connection, site_id, uid)
        file.give_up()
        raise
    return key


def devices(connection: Connection, site_id: str) -> list[Device]:
    """The machines of a site by name, including revoked ones. Raises CloudError."""
    return sorted(_devices(connection, site_id), key=lambda each: (each.name, each.created_at))


def revoke(connection: Connection, site_id: str, name: str) -> Device:
    """Revoke a machine's key: it reads nothing from now on, and writes nothing once its last token expires (1 h).

    Idempotent. Raises CloudError, also when there is no such machine.
    """
    named = _devices(connection, site_id, name)
    if not named:
        raise CloudError(f"no machine is called {name}", fix="`footfall cloud devices` lists the machines of the site")
    device = max(named, key=lambda each: (each.revoked_at is None, each.created_at))
    at = device.revoked_at or datetime.now(UTC)
    with users_explained():
        connection.client.document(path_of(site_id, Collection.DEVICES, device.uid)).update(
            {"revoked_at": at, RECEIVED_AT: firestore.SERVER_TIMESTAMP}
        )
        try:
            auth.update_user(device.uid, disabled=True, app=connection.app)
            auth.set_custom_user_claims(device.uid, None, app=connection.app)
            auth.revoke_refresh_tokens(device.uid, app=connection.app)
        except auth.UserNotFoundError:
            pass  # deleted in the console: it cannot sign in either
    return Device(uid=device.uid, name=name, camera_id=device.camera_id, created_at=device.created_at, revoked_at=at)


def _key_of(
    connection: Connection, uid: str, *, site_id: str, camera_id: str, sign_in: SignIn, api_key: str
) -> DeviceKey:
    with users_explained():
        auth.set_custom_user_claims(uid, device_claims(site_id, camera_id), app=connection.app)
        try:
            token = auth.create_custom_token(uid, app=connection.app).decode()
        except ValueError as error:
            raise CloudError(
                "these credentials cannot sign the first token of a machine",
                fix="give the file of a service account with --credentials",
            ) from error
        found = sign_in.with_custom_token(token, api_key)
    return DeviceKey(
        project=connection.app.project_id,
        uid=uid,
        site_id=site_id,
        camera_id=camera_id,
        api_key=api_key,
        refresh_token=found.refresh_token,
    )


def _devices(connection: Connection, site_id: str, name: str | None = None) -> list[Device]:
    """The machines of a site, of one name or of any."""
    query = connection.client.collection(path_of(site_id, Collection.DEVICES)).limit(_MOST)
    if name is not None:
        query = query.where(filter=FieldFilter("name", "==", name))
    with users_explained():
        return [_device(each.id, each.to_dict() or {}) for each in query.get()]


def _forget(connection: Connection, site_id: str, uid: str) -> None:
    """Undo a registration as far as possible."""
    for undo in (
        lambda: connection.client.document(path_of(site_id, Collection.DEVICES, uid)).delete(),
        lambda: auth.delete_user(uid, app=connection.app),
    ):
        try:
            with users_explained():
                undo()
        except CloudError:
            continue


def _device(uid: str, content: dict[str, Any]) -> Device:
    created_at, revoked_at = content.get("created_at"), content.get("revoked_at")
    return Device(
        uid=uid,
        name=str(content.get("name", "")),
        camera_id=str(content.get("camera_id", "")),
        created_at=created_at if isinstance(created_at, datetime) else datetime.fromtimestamp(0, UTC),
        revoked_at=revoked_at if isinstance(revoked_at, datetime) else None,
    )
