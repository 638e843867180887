"""Devices as cameras of a site: their ids, and the rules that follow them."""

from __future__ import annotations

import pytest

from config.errors import UserError
from config.settings import CameraRole, CameraSettings, Counting, Settings, SiteSettings
from tests.tracker.actions.conftest import ADMIN, SITE, Gym, ago
from tracker.actions import devices
from tracker.presence.events import CameraRef
from tracker.presence.health import CameraHealth, CameraState
from tracker.presence.room import Presence
from tracker.reports.selection import site_of_report
from tracker.store.observation import Observation
from tracker.store.site_settings import rules_at_site

LOBBY = CameraSettings(id="lobby", source="0", count=Counting.FACES)
SETTINGS = Settings(site=SiteSettings(id=SITE, name="Gym"), camera=(LOBBY,))


@pytest.mark.parametrize(
    ("name", "camera_id"),
    [("Old phone", "old-phone"), ("Café №1", "cafe-no1"), ("☎", "camera"), ("Lobby", "lobby-2"), ("x" * 90, "x" * 60)],
)
def test_the_camera_id_comes_from_the_name(gym: Gym, name: str, camera_id: str) -> None:
    assert devices.add(gym.store, SETTINGS, ADMIN, name)[0].camera_id == camera_id


def test_an_id_of_an_agent_is_taken_and_that_of_a_revoked_device_is_free(gym: Gym) -> None:
    health = CameraHealth(
        site_id=SITE, camera_id="yard", source="0", state=CameraState.LIVE, started_at=ago(5), updated_at=ago(1)
    )
    gym.store.record(Observation(health=health))
    with pytest.raises(UserError, match="there is a camera 'yard' already"):
        devices.add(gym.store, SETTINGS, ADMIN, "Phone", camera_id="yard")
    first, _ = devices.add(gym.store, SETTINGS, ADMIN, "Phone")
    assert devices.add(gym.store, SETTINGS, ADMIN, "phone 2")[0].camera_id == "phone-2"
    devices.revoke(gym.store, SETTINGS, ADMIN, first.device_id)
    assert devices.add(gym.store, SETTINGS, ADMIN, "Phone")[0].camera_id == "phone"


def test_the_rules_of_the_site_follow_its_devices(gym: Gym) -> None:
    door, _ = devices.add(gym.store, SETTINGS, ADMIN, "Door phone", role=CameraRole.DOOR)
    rules = gym.store.sites.rules(SITE)
    assert rules == rules_at_site(SETTINGS, gym.store)
    assert (rules.rooms, rules.entrances, rules.exits) == ({"lobby"}, {"door-phone"}, {"door-phone"})
    assert rules.counted == {"door-phone"}
    assert site_of_report(SETTINGS, gym.store).notes == ()
    devices.revoke(gym.store, SETTINGS, ADMIN, door.device_id)
    rules = gym.store.sites.rules(SITE)
    assert (rules.rooms, rules.entrances, rules.counted) == ({"lobby"}, frozenset(), frozenset())


def test_a_revoked_camera_is_stopped_and_has_nobody_in_sight(gym: Gym) -> None:
    device, _ = devices.add(gym.store, SETTINGS, ADMIN, "Phone")
    camera = CameraRef(SITE, device.camera_id)
    health = CameraHealth(
        site_id=SITE, camera_id="phone", source="x", state=CameraState.LIVE, started_at=ago(9), updated_at=ago(1)
    )
    presence = Presence(
        site_id=SITE, camera_id="phone", person_id="p-bob", track_id="t1", entered_at=ago(9), seen_at=ago(2),
        x_frac=0.5, y_frac=0.5,
    )  # fmt: skip
    gym.store.record(Observation(camera=camera, presences=[presence], health=health))
    devices.revoke(gym.store, SETTINGS, ADMIN, device.device_id)
    (stopped,) = gym.store.cameras.health(SITE)
    assert (stopped.state, stopped.updated_at) == (CameraState.STOPPED, gym.now[0])
    assert gym.store.cameras.presences() == []
    (left,) = gym.store.events.select(site_id=SITE, person_id="p-bob")
    assert (left.kind, left.at, left.inferred) == ("exit", ago(2), True)


def test_renaming_keeps_camera_and_key(gym: Gym) -> None:
    device, key = devices.add(gym.store, SETTINGS, ADMIN, "Phone")
    devices.rename(gym.store, ADMIN, device.device_id, " Hall ")
    found = gym.store.devices.opened_by(key)
    assert found is not None
    assert (found.name, found.camera_id) == ("Hall", "phone")
