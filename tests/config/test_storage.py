"""Store URLs: SQLite files, Firestore projects, and rejected ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import SettingsError
from config.settings import load_settings
from config.storage import FirestoreAddress, StoreSettings


@pytest.mark.parametrize(
    ("url", "address", "file_name"),
    [
        ("firestore://my-gym-42", FirestoreAddress("my-gym-42"), "my-gym-42.sqlite3"),
        ("firestore://my-gym-42/", FirestoreAddress("my-gym-42"), "my-gym-42.sqlite3"),
        ("firestore://my-gym-42/berlin", FirestoreAddress("my-gym-42", "berlin"), "my-gym-42.berlin.sqlite3"),
    ],
)
def test_firestore_url(url: str, address: FirestoreAddress, file_name: str) -> None:
    store = StoreSettings(url=url)
    assert store.firestore == address
    assert store.path.name == file_name


def test_path_of_the_local_replica(tmp_path: Path) -> None:
    assert StoreSettings(url="firestore://my-gym-42", file=tmp_path / "copy.sqlite3").path == tmp_path / "copy.sqlite3"


def test_sqlite_url_has_no_firestore_address() -> None:
    assert StoreSettings(url="sqlite:///here.sqlite3").firestore is None
    assert StoreSettings(url="sqlite:///here.sqlite3").path == Path("here.sqlite3")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "here.db",
        "sqlite:///",
        "sqlite://x",
        "postgres://x/y",
        "firestore://",
        "firestore://x",
        "firestore://My-Gym",
        "firestore://my_gym_42",
        "firestore://my-gym/a/b",
        "firestore://my-gym-42/(default)",
    ],
)
def test_invalid_url_is_rejected_with_the_expected_form(url: str) -> None:
    with pytest.raises(SettingsError, match=r"store\.url: .*(sqlite:///PATH|firestore://PROJECT)"):
        load_settings(overrides={"store": {"url": url}})
