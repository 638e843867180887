"""What pairs a page: links, keys and key files, good and bad; and the gallery that only the key opens."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from tests.node import Ask

PAGE = "https://gym.example/inside/camera/"
SECRET = "s" * 43
KEY = {"kind": "dashboard", "device_id": "d-1", "secret": SECRET, "address": PAGE}
FILE = {
    "type": "footfall_device", "project": "p", "uid": "u", "site_id": "gym", "camera_id": "hall", "api_key": "k",
    "refresh_token": "r" * 200,
}  # fmt: skip
FIRESTORE_KEY = {"kind": "firestore", **{name: value for name, value in FILE.items() if name != "type"}}


def packed(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (f"d-1.{SECRET}", KEY),
        (f"  {PAGE}#pair=d-1.{SECRET}\n", KEY),
        (f"#pair=d-1.{SECRET}", KEY),
        (json.dumps(FILE), FIRESTORE_KEY),
        (packed(FILE), FIRESTORE_KEY),
        (f"https://elsewhere.example/#pair={packed(FILE)}", FIRESTORE_KEY),
        (json.dumps({**FILE, "site_id": "caf\u00e9"}), {**FIRESTORE_KEY, "site_id": "caf\u00e9"}),
        (packed({**FILE, "emulators": {"firestore": "http://localhost:1", "other": 1}}),
         {**FIRESTORE_KEY, "emulators": {"firestore": "http://localhost:1"}}),
    ],
    ids=["key", "link", "fragment", "file", "packed-file", "packed-link", "not-ascii", "emulator"],
)  # fmt: skip
def test_what_pairs(ask: Ask, text: str, key: dict[str, Any]) -> None:
    assert ask({"call": "pasted", "text": text, "page": f"{PAGE}#top"})["result"] == key


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no link or key"),
        ("hello", "no link or key"),
        ("d-1.short", "no link or key"),
        ("https://gym.example/inside/camera/", "no key in it"),
        ("https://", "no key in it"),
        (f"{PAGE}#pair=d-1.{SECRET}%", "damaged"),
        (f"{PAGE}#pair=%E4%", "damaged"),
        (f"https://other.example/camera/#pair=d-1.{SECRET}", "for other.example"),
        ('{"type": "footfall_device"', "not whole"),
        ('{"type": "service_account"}', "no key of a camera machine"),
        (json.dumps({**FILE, "refresh_token": " "}), "no refresh_token"),
        (json.dumps({**FILE, "project": 7}), "no project"),
        ("A" * 300, "not whole"),
    ],
)
def test_what_does_not_pair(ask: Ask, text: str, problem: str) -> None:
    answer = ask({"call": "pasted", "text": text, "page": PAGE})
    assert problem in answer["error"]
    assert answer["fix"]


def test_an_address_without_a_key_is_opened_to_go_on(ask: Ask) -> None:
    assert ask({"call": "fragment", "text": "", "page": PAGE})["result"] is None
    assert ask({"call": "fragment", "text": f"#pair=d-1.{SECRET}", "page": PAGE})["result"] == KEY


def sealed(content: Any, *, secret: str = SECRET, device_id: str = "d-1") -> bytes:
    """As the dashboard seals the gallery."""
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"footfall gallery").derive(secret.encode())
    nonce = os.urandom(12)
    plain = content if isinstance(content, bytes) else json.dumps(content).encode()
    return nonce + AESGCM(key).encrypt(nonce, plain, device_id.encode())


def opened(ask: Ask, content: bytes, call: str = "opened", **given: Any) -> Any:
    device = {"device_id": "d-1", "secret": SECRET}
    return ask({"call": call, "sealed": base64.b64encode(content).decode(), "device": device, **given})


def vector_text(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def test_the_gallery_is_opened_with_the_key(ask: Ask) -> None:
    vector = np.linspace(-1, 1, 128, dtype=np.float32)
    person = {"person_id": "p-1", "name": "Zo\u00eb", "authorised": True}
    content = {
        "version": "7",
        "embedder": "dlib_resnet",
        "people": [{**person, "vectors": [vector_text(vector)], "limit": None, "negatives": []}],
    }
    found = opened(ask, sealed(content))["result"]["gallery"]
    assert (found["version"], found["embedder"]) == ("7", "dlib_resnet")
    (someone,) = found["people"]
    assert {name: someone[name] for name in person} == person
    assert np.array_equal(np.array(someone["vectors"][0], np.float32), vector)


def test_negatives_and_limits_of_the_gallery_reach_the_matching(ask: Ask) -> None:
    mine, theirs = np.eye(2, 128, dtype=np.float32)
    person = {"person_id": "p-1", "name": "Zo\u00eb", "authorised": True, "limit": 0.4}
    person |= {"vectors": [vector_text(mine)], "negatives": [vector_text(theirs)]}
    content = sealed({"version": "7", "embedder": "sface", "people": [person]})
    found = [opened(ask, content, "nearest", vector=each.tolist())["result"] for each in (mine, theirs)]
    assert [(each["excluded"], each["limit"]) for each in found] == [(False, 0.4), (True, 0.4)]
    assert found[0]["margin"] == pytest.approx(2**0.5)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        sealed({"version": "1", "embedder": "e", "people": []}, secret="x" * 43),
        sealed({"version": "1", "embedder": "e", "people": []}, device_id="d-2"),
        sealed({"version": "1", "embedder": "e", "people": []})[:-1] + b"x",
        sealed(b"\xff"),
        sealed(b"[]"),
        sealed({"version": "1", "embedder": "e", "people": [{"vectors": ["AAA="]}]}),
    ],
    ids=["empty", "short", "another-key", "another-device", "changed", "no-text", "no-object", "no-vector"],
)
def test_a_gallery_that_is_damaged_is_refused(ask: Ask, content: bytes) -> None:
    assert "cannot be read" in opened(ask, content)["error"]
