"""Tokens of a camera machine: fetched once, kept until they expire, and every way in which a refresh fails."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from firebase_admin import auth
from google.api_core import exceptions as google_errors
from google.auth import exceptions as auth_errors
from google.auth.credentials import TokenState
from google.auth.transport.requests import Request

from config.errors import CloudError, CloudUnreachableError, SettingsError
from config.storage import FirestoreAddress
from tests.tracker.cloud.auth.conftest import CAMERA, SITE, Project
from tracker.cloud.auth.device_key import DeviceKey, DeviceTokens, KeyFile
from tracker.cloud.auth.sign_in import SignedIn, SignIn
from tracker.cloud.client import connect, sign_in_place
from tracker.cloud.errors import explained

GOOD = {
    "type": "footfall_device",
    "project": "my-project",
    "uid": "device-1",
    "site_id": "gym",
    "camera_id": "door",
    "api_key": "key-of-project",
    "refresh_token": "the-secret",
}


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def key_at(path: Path) -> DeviceKey:
    return DeviceKey.from_document(json.loads(path.read_text(encoding="utf-8")), path)


def signed(tokens: DeviceTokens) -> str:
    headers: dict[str, str] = {}
    tokens.before_request(Request(), "", "", headers)
    return headers["authorization"]


def test_a_token_is_kept_until_shortly_before_it_expires(project: Project) -> None:
    clock = Clock()
    tokens = DeviceTokens(key_at(project.registered()), sign_in_place(), clock)
    assert not tokens.valid
    first = signed(tokens)
    assert tokens.claims["camera"] == CAMERA
    made_s = tokens._until_s
    clock.now_s += 3000
    assert signed(tokens) == first
    assert tokens._until_s == made_s
    clock.now_s += 500
    assert tokens.token_state is TokenState.STALE
    signed(tokens)
    assert tokens._until_s == clock.now_s + 3600


@pytest.mark.parametrize("jump_s", [-86_400.0, 86_400.0], ids=["back", "ahead"])
def test_a_jump_of_the_wall_clock_changes_nothing(
    own_project: Project, jump_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = DeviceTokens(key_at(own_project.registered()), sign_in_place())
    signed(tokens)
    assert own_project.stand_in is not None
    asked = len(own_project.stand_in.asked)
    moved = shifted_clock(jump_s)
    monkeypatch.setattr("tracker.cloud.auth.device_key.datetime", moved)
    monkeypatch.setattr("google.auth._helpers.utcnow", lambda: moved.now(None))
    signed(tokens)
    assert tokens.token_state is TokenState.FRESH
    assert len(own_project.stand_in.asked) == asked


def shifted_clock(jump_s: float) -> Any:
    from datetime import UTC, datetime, timedelta

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            at = datetime.now(UTC) + timedelta(seconds=jump_s)
            return at if tz else at.replace(tzinfo=None)

    return Shifted


def test_concurrent_threads_share_one_token_request(own_project: Project) -> None:
    tokens = DeviceTokens(key_at(own_project.registered()), sign_in_place())
    assert own_project.stand_in is not None
    before = len(own_project.stand_in.asked)
    together = threading.Barrier(8)

    def ask(_: int) -> str:
        together.wait()
        return signed(tokens)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    assert len(own_project.stand_in.asked) == before + 1


def fail(project: Project, status: int, body: bytes) -> DeviceTokens:
    tokens = DeviceTokens(key_at(project.registered()), sign_in_place())
    assert project.stand_in is not None
    project.stand_in.fault = (status, body)
    return tokens


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (503, b"<html>down</html>"),
        (429, b'{"error": {"message": "QUOTA_EXCEEDED"}}'),
        (200, b"<html>log in to the hotel's network</html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"id_token": 1, "refresh_token": "x", "expires_in": "3600"}'),
        (200, b'{"id_token": "a.b.c", "refresh_token": "x", "expires_in": "soon"}'),
        (200, b'{"id_token": "a.b.c", "refresh_token": "x", "expires_in": "-5"}'),
        (200, b'{"id_token": "a.b.c", "refresh_token": "x", "expires_in": "nan"}'),
    ],
)
def test_an_error_unrelated_to_the_key_is_retryable(own_project: Project, status: int, body: bytes) -> None:
    tokens = fail(own_project, status, body)
    with pytest.raises(CloudUnreachableError) as caught, explained():
        tokens.refresh(Request())
    assert caught.value.retryable
    assert own_project.stand_in is not None
    own_project.stand_in.fault = None
    assert signed(tokens).startswith("Bearer ")


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("USER_DISABLED", "revoked"),
        ("TOKEN_EXPIRED", "revoked"),
        ("USER_NOT_FOUND", "removed"),
        ("INVALID_REFRESH_TOKEN", "damaged"),
        ("API key not valid. Please pass a valid API key.", "no project"),
        ("SOMETHING_NEW", "not accepted"),
    ],
)
def test_a_refused_key_is_reported_with_a_fix(own_project: Project, word: str, problem: str) -> None:
    tokens = fail(own_project, 400, json.dumps({"error": {"code": 400, "message": word}}).encode())
    with pytest.raises(CloudError, match=problem) as caught, explained():
        tokens.refresh(Request())
    assert not caught.value.retryable


def test_a_network_error_is_retryable_and_shows_no_secret(own_project: Project) -> None:
    key = key_at(own_project.registered())
    with pytest.raises(CloudUnreachableError) as caught, explained():
        DeviceTokens(key, SignIn("127.0.0.1:9")).refresh(Request())
    assert key.refresh_token not in str(caught.value)
    assert f"key={key.api_key}" not in str(caught.value)


@pytest.mark.parametrize(
    ("deed", "word"),
    [
        (lambda uid, app: auth.update_user(uid, disabled=True, app=app), "revoked"),
        (lambda uid, app: auth.delete_user(uid, app=app), "removed|damaged"),  # the latter from Google's emulator
    ],
    ids=["disabled", "deleted"],
)
def test_reasons_of_the_authentication_server_are_reported(project: Project, deed: Any, word: str) -> None:
    key = key_at(project.registered())
    deed(key.uid, project.connect().app)
    with pytest.raises(CloudError, match=word) as caught, explained():
        DeviceTokens(key, sign_in_place()).refresh(Request())
    assert not caught.value.retryable


def test_an_unknown_key_is_refused(project: Project) -> None:
    key = DeviceKey(project=project.name, uid="u", site_id=SITE, camera_id=CAMERA, api_key="any", refresh_token="no")
    with pytest.raises(CloudError) as caught, explained():
        DeviceTokens(key, sign_in_place()).refresh(Request())
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("reason", "retryable"),
    [
        ("('the key of this machine is refused: USER_DISABLED', {})", False),
        ("('invalid_grant: Invalid JWT Signature.', {'error': 'invalid_grant'})", False),
        ("sign-in cannot be reached: no route", True),
    ],
)
def test_token_errors_from_grpc_are_classified(reason: str, retryable: bool) -> None:
    text = f"Getting metadata from plugin failed with error: {reason}"
    for error in (google_errors.ServiceUnavailable(text), google_errors.RetryError("Timeout of 60 s", Exception(text))):
        with pytest.raises(CloudError) as caught, explained():
            raise error
        assert caught.value.retryable is retryable


def test_a_wrong_clock_is_reported() -> None:
    reason = "invalid_grant: Invalid JWT: Token must be a short-lived token (60 minutes). Check your iat and exp values"
    with pytest.raises(CloudError) as caught, explained():
        raise auth_errors.RefreshError(reason)
    assert "clock" in caught.value.fix


@pytest.mark.parametrize("field", [name for name in GOOD if name != "type"])
@pytest.mark.parametrize("value", [None, "", "  ", 7, ["x"]])
def test_a_key_file_with_a_bad_field_is_refused_by_its_name(tmp_path: Path, field: str, value: object) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps({**GOOD, field: value}))
    with pytest.raises(SettingsError, match=field):
        connect(FirestoreAddress("my-project"), path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'"text"', b"\xff\xfe\x00", b"{}", b'{"type": "service_account"}', b'{"type": 5}'],
    ids=["empty", "half", "list", "text", "binary", "no-type", "no-key", "number"],
)
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    path = tmp_path / "key.json"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"key\.json"):
        connect(FirestoreAddress("my-project"), path)


def test_a_key_of_another_project_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(GOOD))
    with pytest.raises(SettingsError, match="my-project") as caught:
        connect(FirestoreAddress("other-project"), path)
    assert "firestore://my-project" in caught.value.fix


def test_a_key_file_is_written_atomically(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key.json"
    KeyFile(path).give_up()
    assert list(path.parent.iterdir()) == []
    KeyFile(path).write(DeviceKey.from_document(GOOD, path))
    assert json.loads(path.read_text()) == GOOD
    with pytest.raises(SettingsError, match="there already"):
        KeyFile(path)
    KeyFile(path, replace=True).give_up()
    assert json.loads(path.read_text()) == GOOD
    with pytest.raises(SettingsError, match="cannot be written"):
        KeyFile(path / "below.json")


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "a.!!.c", "a.W10.c"])
def test_an_unreadable_token_has_no_claims(token: str) -> None:
    assert SignedIn(id_token=token, refresh_token="x", lifetime_s=1).claims == {}
