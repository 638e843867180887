"""Keys of devices: what they open, and what is answered without one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dashboard.access.identity import current_actor
from tests.dashboard.devices.conftest import ANN, Gym
from tracker.actions import devices
from tracker.store.devices import DeviceKey
from tracker.store.users import User, UserRole

ADDRESSES = ("config", "gallery", "records", "elsewhere")


def refused(gym: Gym, header: str, path: str = "config") -> tuple[int, dict[str, object]]:
    """The answer to a request with this Authorization header."""
    answer = gym.app.server.test_client().open(
        f"/camera/api/{path}", method="POST" if path == "records" else "GET", headers={"Authorization": header}
    )
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, answer.get_json()


@pytest.mark.parametrize("path", ADDRESSES)
def test_wrong_keys_are_answered_alike_whatever_is_wrong_with_them(gym: Gym, path: str) -> None:
    _, other = gym.add("Tablet")
    answers = [
        refused(gym, header, path)
        for header in (
            f"Bearer {gym.key.device_id}.{other.secret}",
            f"Bearer d-0123456789abcdef.{gym.key.secret}",
            f"Bearer {gym.key.device_id}.",
            f"Basic {gym.key}",
            "Bearer",
            "",
        )
    ]
    assert len({str(each) for each in answers}) == 1
    status, document = answers[0]
    assert (status, document["revoked"]) == (401, False)
    assert document["error"] == "the key of this device is wrong"
    assert "page Cameras" in str(document["fix"])


@pytest.mark.parametrize("path", ADDRESSES)
def test_a_revoked_key_is_told_so_but_only_to_who_has_all_of_it(gym: Gym, path: str) -> None:
    devices.revoke(gym.store, gym.settings, ANN, gym.device.device_id)
    status, document = refused(gym, f"Bearer {gym.key}", path)
    assert (status, document["revoked"]) == (401, True)
    assert refused(gym, f"Bearer {gym.key.device_id}.{'a' * 43}", path)[1]["revoked"] is False


def test_wrong_keys_have_to_wait_and_the_right_one_never_does(gym: Gym) -> None:
    wrong = f"Bearer {gym.key.device_id}.{'a' * 43}"
    answers = [refused(gym, wrong) for _ in range(8)]
    assert [status for status, _ in answers][:5] == [401] * 5
    status, document = answers[-1]
    assert status == 429
    assert "try again in" in str(document["fix"])
    assert gym.client().get("/camera/api/config").status_code == 200


def test_a_key_opens_the_dashboard_of_its_site_only(gym: Gym) -> None:
    elsewhere = gym.settings.model_copy(update={"site": gym.settings.site.model_copy(update={"id": "pool"})})
    device, key = devices.add(gym.store, elsewhere, ANN, "Pool phone")
    assert device.site_id == "pool"
    answer = gym.client(key).get("/camera/api/config")
    assert answer.status_code == 403
    assert "not the one of the device's site" in answer.get_json()["error"]


def test_a_key_opens_no_page(gym: Gym) -> None:
    client = gym.client()
    for path in ("/", "/people", "/visits.csv", "/display.json"):
        assert client.get(path).status_code in (303, 401)
    assert client.post("/_dash-update-component", json={}).status_code == 401


@pytest.mark.parametrize("path", ["/camera/", "/camera/api/config"])
def test_nothing_acts_as_an_admin_for_a_device(gym: Gym, path: str) -> None:
    with gym.app.server.test_request_context(path):
        gym.app.server.preprocess_request()
        assert current_actor().role is UserRole.VIEWER


def test_a_sign_in_opens_nothing_of_devices(gym: Gym) -> None:
    gym.store.users.add(User(name="Ann", role=UserRole.ADMIN, created_at=gym.now), "")
    gym.store.users.sign_in("Ann", "token", expires_at=gym.now + timedelta(hours=1))
    client = gym.app.server.test_client()
    client.set_cookie("footfall-sign-in", "token")
    assert client.get("/cameras").status_code == 200
    assert client.get("/camera/api/gallery").status_code == 401


def test_another_host_is_refused_before_the_key(gym: Gym) -> None:
    answer = gym.client().get("/camera/api/config", headers={"Host": "evil.example"})
    assert answer.status_code == 421


def test_no_page_of_another_site_may_ask(gym: Gym) -> None:
    answer = gym.client().options("/camera/api/records", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_what_is_not_there_is_said_to_who_has_a_key(gym: Gym) -> None:
    answer = gym.client().get("/camera/api/elsewhere")
    assert (answer.status_code, answer.get_json()["error"]) == (404, "there is nothing at this address")


def test_a_store_that_cannot_be_read_is_a_reason_to_try_again(gym: Gym) -> None:
    gym.store.close()
    gym.store.path.rename(gym.store.path.with_suffix(".old"))
    answer = gym.client().get("/camera/api/config")
    assert answer.status_code == 503
    assert set(answer.get_json()) == {"error", "fix"}


def test_the_text_of_a_key_is_what_the_link_has(gym: Gym) -> None:
    assert DeviceKey.parse(str(gym.key)) == gym.key
