"""Opening the database: identity, and explanations of Google's errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core import exceptions as google_errors
from google.auth import exceptions as auth_errors

from config.errors import CloudError, CloudUnreachableError, SettingsError
from config.storage import FirestoreAddress
from tracker.cloud.check import account_of
from tracker.cloud.client import connect
from tracker.cloud.errors import explained

ADDRESS = FirestoreAddress("my-project")


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The key file of a service account, as the console writes it."""
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path / "admin.json"
    content = {
        "type": "service_account",
        "project_id": "my-project",
        "private_key_id": "1",
        "private_key": key.private_bytes(*encoding).decode(),
        "client_email": "admin@my-project.example.org",
        "client_id": "1",
        "token_uri": "http://127.0.0.1:9/token",
    }
    path.write_text(json.dumps(content))
    return path


def test_a_service_account(account: Path) -> None:
    with connect(ADDRESS, account) as connection:
        assert connection.device is None
        assert connection.client.project == "my-project"
        assert account_of(connection.app.credential.get_credential()) == "service account admin@my-project.example.org"
        connection.close()


def test_two_connections_of_one_process_are_independent(account: Path) -> None:
    with connect(ADDRESS, account) as one, connect(FirestoreAddress("my-project", "archive"), account) as two:
        assert one.client._database == "(default)"
        assert two.client._database == "archive"


@pytest.mark.parametrize("field", ["private_key", "client_email", "token_uri"])
def test_a_service_account_without_a_field_is_refused(account: Path, field: str) -> None:
    content = json.loads(account.read_text())
    del content[field]
    account.write_text(json.dumps(content))
    with pytest.raises(SettingsError, match=r"admin\.json") as caught:
        connect(ADDRESS, account)
    assert "console" in caught.value.fix


def test_a_machine_without_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRESTORE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": str(tmp_path), "CLOUDSDK_CONFIG": str(tmp_path), "NO_GCE_CHECK": "true"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CloudError, match="no credentials") as caught:
        connect(ADDRESS, None)
    assert "cloud.credentials" in caught.value.fix
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "error",
    [
        google_errors.ResourceExhausted("quota"),
        google_errors.ServiceUnavailable("down"),
        google_errors.DeadlineExceeded("slow"),
        google_errors.Aborted("contention"),
        google_errors.InternalServerError("oops"),
        google_errors.Cancelled("closed"),
        google_errors.Unknown("?"),
        google_errors.TooManyRequests("slowly"),
        auth_errors.TransportError("no network"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_transient_errors_are_retryable(error: Exception) -> None:
    with pytest.raises(CloudUnreachableError) as caught, explained():
        raise error
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (google_errors.PermissionDenied("no"), "rules"),
        (google_errors.Unauthenticated("who?"), "cloud.credentials"),
        (google_errors.InvalidArgument("bad"), "docs/firebase.md"),
        (google_errors.FailedPrecondition("The query requires an index. Create it here: ..."), "firestore:indexes"),
        (google_errors.FailedPrecondition("another"), "docs/firebase.md"),
        (google_errors.PermissionDenied("Cloud Firestore API has not been used in project my-project"), "create the"),
        (google_errors.NotFound("The database (default) does not exist for project my-project"), "store.url"),
        (auth_errors.RefreshError("invalid_grant: Invalid JWT Signature."), "cloud.credentials"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)
def test_permanent_errors_have_a_fix(error: Exception, fix: str) -> None:
    with pytest.raises(CloudError) as caught, explained():
        raise error
    assert not caught.value.retryable
    assert fix in caught.value.fix


def test_a_long_message_is_truncated() -> None:
    with pytest.raises(CloudError) as caught, explained():
        raise google_errors.PermissionDenied("no\n" * 500)
    assert len(caught.value.problem) < 300
    assert "\n" not in caught.value.problem
