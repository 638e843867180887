"""A dashboard with a user of each role, and how they sign in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.dashboard.conftest import served
from tracker.store.backup import back_up
from tracker.store.passwords import hash_password
from tracker.store.store import Store
from tracker.store.users import User, UserRole

if TYPE_CHECKING:
    from playwright.sync_api import Page

PASSWORD = "correct horse staple"


def add_users(store: Store, *, roles: Iterable[UserRole] = tuple(UserRole)) -> None:
    """Add a user of each role, named after it."""
    for role in roles:
        user = User(name=role.capitalize(), role=role, created_at=store.now())
        store.users.add(user, hash_password(PASSWORD, name=user.name))


@contextmanager
def with_users(store: Path, copy: Path, site_file: Path) -> Iterator[str]:
    """The address of a dashboard over a copy of a store, with a user of each role."""
    back_up(store, copy, force=False, progress=lambda _share: None)
    with Store(copy) as opened:
        add_users(opened)
    with served(copy, "--settings", str(site_file)) as address:
        yield address


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
