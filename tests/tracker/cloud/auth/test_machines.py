"""Registering and revoking camera machines."""

from __future__ import annotations

from pathlib import Path

import pytest
from firebase_admin import auth

from config.errors import CloudError
from tests.tracker.cloud.auth.conftest import SITE, Project
from tracker.cloud.auth.access import device_claims
from tracker.cloud.auth.device_key import KeyFile
from tracker.cloud.auth.devices import devices, revoke
from tracker.cloud.auth.sign_in import SignIn

RULED_BY = {"name", "camera_id", "created_at", "revoked_at", "received_at"}


def users(project: Project) -> list[str]:
    found = auth.list_users(app=project.connect().app) if project.stand_in is None else None
    return [each.uid for each in found.users] if found else list(project.stand_in.accounts if project.stand_in else ())


def test_a_machine_is_recorded_and_its_user_has_the_claims_of_its_camera(project: Project) -> None:
    key = project.register("pi", KeyFile(project.folder / "pi.json"), camera="back")
    owner = project.connect()
    assert auth.get_user(key.uid, app=owner.app).custom_claims == device_claims(SITE, "back")
    assert owner.client.document(f"sites/{SITE}/devices/{key.uid}").get().to_dict().keys() == RULED_BY
    (device,) = devices(owner, SITE)
    assert (device.uid, device.name, device.camera_id, device.revoked_at) == (key.uid, "pi", "back", None)
    assert devices(owner, "pool") == []


def test_a_name_is_unique_until_its_machine_is_revoked(project: Project) -> None:
    project.registered("pi")
    with pytest.raises(CloudError, match="registered already") as caught:
        project.register("pi", KeyFile(project.folder / "again.json"))
    assert "revoke-device" in caught.value.fix
    assert not (project.folder / "again.json").exists()
    project.registered("pi-2")
    revoke(project.connect(), SITE, "pi")
    project.register("pi", KeyFile(project.folder / "again.json"))
    states = [(each.name, each.revoked_at is None) for each in devices(project.connect(), SITE)]
    assert states == [("pi", False), ("pi", True), ("pi-2", True)]


def test_the_same_name_at_another_site_is_another_machine(project: Project) -> None:
    project.registered("pi")
    project.register("pi", KeyFile(project.folder / "pool.json"), site="pool")
    revoke(project.connect(), "pool", "pi")
    assert [each.revoked_at for each in devices(project.connect(), SITE)] == [None]


def test_revoking_disables_the_user_and_is_idempotent(project: Project) -> None:
    key = project.register("pi", KeyFile(project.folder / "pi.json"))
    owner = project.connect()
    first = revoke(owner, SITE, "pi")
    user = auth.get_user(key.uid, app=owner.app)
    assert (user.disabled, user.custom_claims or {}) == (True, {})
    assert revoke(owner, SITE, "pi").revoked_at == first.revoked_at


def test_a_machine_whose_user_was_deleted_can_be_revoked(project: Project) -> None:
    key = project.register("pi", KeyFile(project.folder / "pi.json"))
    owner = project.connect()
    auth.delete_user(key.uid, app=owner.app)
    assert revoke(owner, SITE, "pi").revoked_at is not None


def test_an_unknown_machine_is_reported(project: Project) -> None:
    with pytest.raises(CloudError, match="no machine is called ghost"):
        revoke(project.connect(), SITE, "ghost")


@pytest.mark.parametrize("fault", ["no-network", "quota", "no-disk"])
def test_a_failed_registration_leaves_nothing(
    own_project: Project, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tracker.cloud.auth.devices import register

    path = own_project.folder / "keys" / "pi.json"
    owner = own_project.connect()
    file = KeyFile(path)
    assert own_project.stand_in is not None
    place = SignIn("127.0.0.1:9") if fault == "no-network" else SignIn(own_project.stand_in.host)
    if fault == "quota":
        own_project.stand_in.fault = (429, b'{"error": {"message": "TOO_MANY_ATTEMPTS_TRY_LATER"}}')
    if fault == "no-disk":
        full(monkeypatch)
    with pytest.raises(Exception, match=r"cannot be reached|cannot be written|refuses"):
        register(owner, site_id=SITE, name="pi", camera_id="door", sign_in=place, api_key="any", file=file)
    own_project.stand_in.fault = None
    assert users(own_project) == []
    assert devices(owner, SITE) == []
    assert list(path.parent.iterdir()) == []


def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full when the key is flushed."""

    def fsync(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tracker.cloud.auth.device_key.os.fsync", fsync)


def test_an_invalid_record_is_listed(project: Project) -> None:
    project.set(f"sites/{SITE}/devices/odd", {"name": 7, "created_at": "yesterday"})
    (device,) = devices(project.connect(), SITE)
    assert (device.name, device.camera_id, device.revoked_at) == ("7", "", None)
    assert isinstance(project.folder, Path)
