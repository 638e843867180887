"""A dashboard with users, asked over HTTP without a browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config.serving import DashboardSettings
from config.settings import Settings, SiteSettings, StoreSettings
from dashboard.app import create_app
from tests.dashboard import gym
from tests.dashboard.conftest import with_token
from tracker.store.passwords import hash_password
from tracker.store.store import Store
from tracker.store.users import User, UserRole

PASSWORD = "correct horse staple"
NAMES = {UserRole.ADMIN: "Ada", UserRole.DESK: "Front Desk", UserRole.VIEWER: "Vic"}


@dataclass
class Site:
    """A gym whose dashboard has a user of each role."""

    path: Path
    store: Store
    app: Any
    zone: ZoneInfo
    clients: list[FlaskClient] = field(default_factory=list)

    def client(self) -> FlaskClient:
        """A browser that nobody has used."""
        client: FlaskClient = self.app.server.test_client()
        self.clients.append(client)
        return client

    def sign_in(self, client: FlaskClient, name: str, password: str = PASSWORD, **more: str) -> TestResponse:
        """What the dashboard answers to the form of the sign-in page."""
        with_token(client, "/sign-in")
        return client.post("/sign-in", data={"name": name, "password": password, **more})

    def signed_in(self, role: UserRole) -> FlaskClient:
        """A browser with an open page, where a user of this role is signed in."""
        client = self.client()
        assert self.sign_in(client, NAMES[role]).status_code == 303
        return with_token(client)


@pytest.fixture(scope="session")
def password_hash() -> str:
    return hash_password(PASSWORD, name="")


@pytest.fixture(scope="session")
def filled_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a gym after some days, without users."""
    path = tmp_path_factory.mktemp("gym") / "footfall.sqlite3"
    now = datetime.now(UTC)
    with gym.open_store(path) as store:
        gym.fill(store, now=now, zone=ZoneInfo(gym.midday_zone(now)), days=3)
    return path


@pytest.fixture
def new_site(tmp_path: Path, filled_store: Path, password_hash: str) -> Iterator[Callable[..., Site]]:
    """Makes a gym; users: whether it has any."""
    stores: list[Store] = []

    def make(*, users: bool = True, always_sign_in: bool = False) -> Site:
        path = tmp_path / "footfall.sqlite3"
        now = datetime.now(UTC)
        zone = ZoneInfo(gym.midday_zone(now))
        shutil.copy(filled_store, path)
        store = gym.open_store(path)
        stores.append(store)
        for role, name in NAMES.items() if users else ():
            store.users.add(User(name=name, role=role, created_at=now - timedelta(days=1)), password_hash)
        settings = Settings(
            site=SiteSettings(id=gym.SITE, name="Northside Gym", time_zone=zone.key, capacity=12),
            store=StoreSettings(url=f"sqlite:///{path}"),
            dashboard=DashboardSettings(allowed_hosts=("gym.example",)),
        )
        app = create_app(path, settings, always_sign_in=always_sign_in)
        return Site(path, store, app, zone)

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def site(new_site: Callable[..., Site]) -> Site:
    return new_site()
