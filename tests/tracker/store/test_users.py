"""Users of the dashboard and their sign-ins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.errors import UserError
from tracker.store.backup import back_up, restore
from tracker.store.outbox import Backlog
from tracker.store.store import Store
from tracker.store.users import User, UserRole

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
SOON = NOW + timedelta(hours=1)
ADA = User(name="Ada", role=UserRole.ADMIN, created_at=NOW)
BEN = User(name="ben", role=UserRole.VIEWER, created_at=NOW)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store.sqlite3", clock=lambda: NOW).open()
    store.users.add(ADA, "hash-1")
    return store


def test_users_are_found_in_any_case(store: Store) -> None:
    store.users.add(BEN, "hash-2")
    assert store.users.all() == [ADA, BEN]
    for name in ("Ada", "ADA", "ada"):
        found = store.users.credentials(name)
        assert found is not None
        assert (found.user, found.password_hash) == (ADA, "hash-1")
    assert store.users.credentials("Eve") is None


def test_a_name_is_taken_once_in_any_case(store: Store) -> None:
    with pytest.raises(UserError, match="already"):
        store.users.add(User(name="ADA", role=UserRole.DESK, created_at=NOW), "other")
    assert store.users.all() == [ADA]


def test_a_sign_in_is_valid_until_it_expires(store: Store) -> None:
    store.users.sign_in("ada", "token", expires_at=SOON)
    assert store.users.signed_in("token", NOW) == ADA
    assert store.users.signed_in("token", SOON - timedelta(seconds=1)) == ADA
    assert store.users.signed_in("token", SOON) is None
    assert store.users.signed_in("other", NOW) is None


def test_the_file_holds_no_token(store: Store) -> None:
    store.users.sign_in("Ada", "token-of-ada", expires_at=SOON)
    path = store.path
    store.close()
    assert b"token-of-ada" not in path.read_bytes()


def test_signing_out_ends_one_sign_in_and_everywhere_all_of_a_user(store: Store) -> None:
    store.users.add(BEN, "hash-2")
    for token, name in (("phone", "Ada"), ("desk", "Ada"), ("tablet", "Ada"), ("other", "ben")):
        store.users.sign_in(name, token, expires_at=SOON)
    store.users.sign_out("phone")
    assert store.users.signed_in("phone", NOW) is None
    assert store.users.signed_in("desk", NOW) == ADA
    store.users.sign_out_everywhere("ADA")
    assert [store.users.signed_in(token, NOW) for token in ("desk", "tablet")] == [None, None]
    assert store.users.signed_in("other", NOW) == BEN


def test_another_password_signs_out_everywhere(store: Store) -> None:
    store.users.sign_in("Ada", "phone", expires_at=SOON)
    store.users.set_password("Ada", "hash-9")
    assert store.users.signed_in("phone", NOW) is None
    found = store.users.credentials("Ada")
    assert found is not None
    assert found.password_hash == "hash-9"


def test_a_removed_user_is_signed_out_also_when_the_name_comes_back(store: Store) -> None:
    store.users.sign_in("Ada", "phone", expires_at=SOON)
    store.users.remove("ada")
    assert not store.users.exist()
    store.users.add(ADA, "hash-2")
    assert store.users.signed_in("phone", NOW) is None


@pytest.mark.parametrize("change", ["remove", "sign_out_everywhere"])
def test_a_user_who_is_not_there_cannot_be_changed(store: Store, change: str) -> None:
    with pytest.raises(UserError, match="no user named 'Eve'"):
        getattr(store.users, change)("Eve")


def test_users_are_not_uploaded(store: Store) -> None:
    store.outbox.begin()
    before = store.outbox.backlog()
    assert isinstance(before, Backlog)
    store.users.add(BEN, "hash-2")
    store.users.sign_in("ben", "token", expires_at=SOON)
    assert store.outbox.backlog().counts == before.counts


def test_a_restored_backup_signs_everybody_out(store: Store, tmp_path: Path) -> None:
    store.users.sign_in("Ada", "phone", expires_at=datetime.now(UTC) + timedelta(days=1))
    backup = tmp_path / "backup.sqlite3"
    back_up(store.path, backup, force=False, progress=lambda _share: None)
    store.close()
    restore(backup, store.path, now=NOW, progress=lambda _share: None)
    with Store(store.path) as restored:
        assert restored.users.all() == [ADA]
        assert restored.users.signed_in("phone", NOW) is None
