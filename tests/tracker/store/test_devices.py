"""Devices that are cameras: their keys, and which page holds one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.errors import UserError
from config.settings import CameraRole
from tracker.store.backup import back_up, restore
from tracker.store.devices import LEASE, Device, DeviceKey
from tracker.store.store import Store

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
def now() -> list[datetime]:
    return [NOW]


@pytest.fixture
def store(tmp_path: Path, now: list[datetime]) -> Store:
    return Store(tmp_path / "store.sqlite3", clock=lambda: now[0]).open()


def add(store: Store, name: str = "Phone", *, camera_id: str = "phone") -> tuple[Device, DeviceKey]:
    return store.devices.add(name, site_id="gym", camera_id=camera_id, role=CameraRole.ROOM, by="Ann")


def test_only_the_whole_key_opens_a_device(store: Store) -> None:
    device, key = add(store)
    other, other_key = add(store, "Tablet", camera_id="tablet")
    assert store.devices.all() == [device, other]
    assert (device.created_at, device.created_by, device.revoked_at, device.seen_at) == (NOW, "Ann", None, None)
    assert store.devices.opened_by(key) == device
    assert DeviceKey.parse(str(key)) == key
    for wrong in (
        DeviceKey(key.device_id, other_key.secret),
        DeviceKey("d-0", key.secret),
        DeviceKey(key.device_id, ""),
        DeviceKey(key.device_id, f"{key.secret}="),
    ):
        assert store.devices.opened_by(wrong) is None


@pytest.mark.parametrize("text", ["", ".", "d-1", "d-1.", ".abc", "d-1.abc", "d-1.é" + 42 * "a", "d-1." + 44 * "a"])
def test_what_is_no_key_is_none(text: str) -> None:
    assert DeviceKey.parse(text) is None


def test_a_revoked_device_keeps_its_key_and_frees_its_name_and_camera(store: Store) -> None:
    device, key = add(store)
    store.devices.revoke(device.device_id)
    revoked = store.devices.opened_by(key)
    assert revoked is not None
    assert revoked.revoked_at == NOW
    assert (store.devices.all(), store.devices.by_name("Phone")) == ([], None)
    again, _ = add(store, "PHONE")
    assert store.devices.all("gym") == [again]
    assert store.devices.all("pool") == []
    assert store.devices.former_cameras("gym") == {"phone"}


def test_names_and_camera_ids_are_unique(store: Store) -> None:
    device, _ = add(store)
    with pytest.raises(UserError, match="another device has the name 'PHONE'"):
        add(store, "PHONE", camera_id="other")
    with pytest.raises(UserError, match="another device has the camera id phone"):
        add(store, "Other")
    other, _ = add(store, "Other", camera_id="other")
    with pytest.raises(UserError, match="another device has the name 'phone'"):
        store.devices.rename(other.device_id, "phone")
    assert store.devices.all() == [other, device]


def test_one_page_holds_a_device_until_it_is_silent(store: Store, now: list[datetime]) -> None:
    device, _ = add(store)
    assert store.devices.hold(device.device_id, "one")
    assert store.devices.hold(device.device_id, "one")
    assert not store.devices.hold(device.device_id, "two")
    now[0] = NOW + LEASE - timedelta(seconds=1)
    assert not store.devices.hold(device.device_id, "two")
    now[0] = NOW + LEASE
    assert store.devices.hold(device.device_id, "two")
    assert not store.devices.hold(device.device_id, "one")
    store.devices.release(device.device_id)
    assert store.devices.hold(device.device_id, "one")
    store.devices.revoke(device.device_id)
    assert not store.devices.hold(device.device_id, "one")


def test_a_clock_that_was_set_back_does_not_hold_a_device(store: Store, now: list[datetime]) -> None:
    device, _ = add(store)
    now[0] = NOW + timedelta(days=400)
    assert store.devices.hold(device.device_id, "one")
    now[0] = NOW
    assert store.devices.hold(device.device_id, "two")
    now[0] = NOW - LEASE
    assert not store.devices.hold(device.device_id, "one")


def test_the_file_does_not_hold_the_secret(store: Store) -> None:
    _, key = add(store)
    store.close()
    parts = [each.read_bytes() for each in store.path.parent.iterdir()]
    assert any(key.device_id.encode() in part for part in parts)
    assert not any(key.secret.encode() in part for part in parts)


def test_a_restored_backup_opens_nothing(store: Store, tmp_path: Path) -> None:
    device, key = add(store)
    back_up(store.path, tmp_path / "backup.sqlite3", force=False, progress=lambda _share: None)
    store.devices.revoke(device.device_id)
    store.close()
    restore(tmp_path / "backup.sqlite3", store.path, now=NOW, progress=lambda _share: None)
    with Store(store.path).open() as restored:
        found = restored.devices.opened_by(key)
        assert found is not None
        assert found.revoked_at is not None
