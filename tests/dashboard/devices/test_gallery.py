"""The configuration of a device, and the people whom it may recognise."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from config.recognition import RULE_FIELDS
from dashboard.devices.configuration import gallery_version
from dashboard.devices.gallery import gallery
from models import listing
from models.packs import Pack
from tests.dashboard.devices.conftest import ANN, Gym, documents, floats, vector
from tracker.actions import people
from tracker.presence.events import time_text
from tracker.store.devices import DeviceKey
from tracker.vision.embedders import SFACE


def opened(sealed: bytes, key: DeviceKey) -> dict[str, object]:
    aes = HKDF(hashes.SHA256(), 32, salt=None, info=b"footfall gallery").derive(key.secret.encode())
    plain = AESGCM(aes).decrypt(sealed[:12], sealed[12:], key.device_id.encode())
    return dict(json.loads(plain))


def test_the_configuration_has_what_a_camera_needs(gym: Gym) -> None:
    found = gym.client().get("/camera/api/config").get_json()
    assert {name: found[name] for name in ("schema", "site_id", "site_name", "camera_id", "name", "role")} == {
        "schema": 1, "site_id": "gym", "site_name": "Northside Gym", "camera_id": "phone", "name": "Phone",
        "role": "room",
    }  # fmt: skip
    assert found["now"] >= time_text(gym.now)
    assert found["zone"] == gym.settings.site.zone.key
    assert found["embedder"] == "sface"
    assert found["keep_gallery"] is True
    assert found["settings"]["presence"]["exit_after_s"] == 30
    assert found["settings"]["track"] == {"max_gap_s": 1.5, "min_iou": 0.3}
    assert found["settings"]["quality"]["min_width"] == 32
    assert found["settings"]["detect"]["min_face"] == 20
    assert "haar_cascade" not in found["settings"]["detect"]
    match = found["settings"]["match"]
    assert (match["max_distance"], match["stranger_distance"], match["full_margin"]) == (1.05, 1.13, 0.25)
    assert not match.keys() & set(RULE_FIELDS)


def test_keeping_the_gallery_is_a_setting(new_gym: Callable[..., Gym]) -> None:
    gym = new_gym(keep_gallery=False)
    assert gym.client().get("/camera/api/config").get_json()["keep_gallery"] is False


def test_the_gallery_has_the_people_who_agreed_and_nobody_else(gym: Gym) -> None:
    people.edit(gym.store, ANN, "p-bob", access=False)
    gym.store.people.replace_limits({"p-ada": 0.9})
    gym.store.people.add_negatives("p-ada", vector(20))
    answer = gym.client().get("/camera/api/gallery")
    assert (answer.status_code, answer.mimetype) == (200, "application/octet-stream")
    found = opened(answer.data, gym.key)
    assert set(found) == {"version", "embedder", "people"}
    assert found["embedder"] == "sface"
    ada, bob = found["people"]  # type: ignore[misc]
    assert {name: ada[name] for name in ("person_id", "name", "authorised", "limit")} == {
        "person_id": "p-ada", "name": "Ada", "authorised": True, "limit": 0.9,
    }  # fmt: skip
    assert [floats(each) for each in ada["vectors"]] == vector(0).tolist()
    assert [floats(each) for each in ada["negatives"]] == vector(20).tolist()
    assert (bob["person_id"], bob["authorised"], bob["limit"], bob["negatives"]) == ("p-bob", False, None, [])
    assert b"Ada" not in answer.data
    assert vector(0).astype("<f4").tobytes()[:8] not in answer.data


def test_a_browser_opens_the_gallery(gym: Gym) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    people.rename(gym.store, ANN, "p-ada", "Ådä 🙂")
    sealed = gym.client().get("/camera/api/gallery").data
    given = {"sealed": base64.b64encode(sealed).decode(), "device_id": gym.key.device_id, "secret": gym.key.secret}
    script = str(Path(__file__).with_name("open.mjs"))
    done = subprocess.run([node, script], input=json.dumps(given), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == opened(sealed, gym.key)
    assert "Ådä 🙂" in done.stdout


def test_another_device_cannot_open_it(gym: Gym) -> None:
    _, other = gym.add("Tablet")
    sealed = gym.client().get("/camera/api/gallery").data
    assert gym.client().get("/camera/api/gallery").data != sealed
    for key in (other, DeviceKey(other.device_id, gym.key.secret), DeviceKey(gym.key.device_id, other.secret)):
        with pytest.raises(InvalidTag):
            opened(sealed, key)


def test_an_unchanged_gallery_is_not_sent_again(gym: Gym) -> None:
    client = gym.client()
    first = client.get("/camera/api/gallery")
    version = client.get("/camera/api/config").get_json()["gallery_version"]
    assert first.headers["ETag"] == f'"{version}"'
    assert opened(first.data, gym.key)["version"] == version
    again = client.get("/camera/api/gallery", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    people.forget(gym.store, ANN, "p-ada", erase_history=True)
    changed = client.get("/camera/api/gallery", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert [each["name"] for each in opened(changed.data, gym.key)["people"]] == ["Bob"]  # type: ignore[attr-defined]
    assert gym.send()["gallery_version"] == opened(changed.data, gym.key)["version"]


def test_people_who_change_while_the_gallery_is_read_are_asked_for_again(
    gym: Gym, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = gym.store.people.negatives

    def renamed_meanwhile() -> object:
        found = read()
        people.rename(gym.store, ANN, "p-ada", "Ada L.")
        return found

    monkeypatch.setattr(gym.store.people, "negatives", renamed_meanwhile)
    found = gallery(gym.settings, gym.store, gym.now)
    assert found["version"] != gallery_version(gym.settings, gym.store, gym.now)


def test_records_are_accepted_where_the_settings_ask_for_another_network(gym: Gym) -> None:
    recognition = gym.settings.recognition.model_copy(update={"embedder": "dlib_resnet"})
    gym.settings = gym.settings.model_copy(update={"recognition": recognition})
    found = gym.restarted().send(events=documents(gym.event("enter", 60)))
    assert (found["stored"], found["gallery_version"]) == (1, None)


def test_a_device_learns_that_it_cannot_run_a_model_pack(gym: Gym, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Pack(Path("ours"), listing.built_in_card("sface"))
    pack = replace(SFACE, name="ours", network="ours@0123456789ab", pack=made)
    monkeypatch.setattr("tracker.identity.networks.embedder_of", lambda *_: pack)
    for path in ("config", "gallery"):
        answer = gym.client().get(f"/camera/api/{path}")
        assert answer.status_code == 503
        assert "browsers do not run the model pack ours" in answer.get_json()["error"]
    assert gym.send(events=documents(gym.event("enter", 60)))["stored"] == 1
