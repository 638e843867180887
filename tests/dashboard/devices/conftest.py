"""A gym with a phone as a camera, asked over HTTP without a browser."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config.serving import DashboardSettings
from config.settings import CameraRole, Settings, SiteSettings, StoreSettings
from dashboard.app import create_app
from tests.dashboard.gym import midday_zone
from tracker.actions import devices
from tracker.actions.actor import Actor
from tracker.presence.documents import Document, encode
from tracker.presence.events import CameraRef, Correction, Event, EventKind, Match, time_text, unidentified_id
from tracker.presence.people import Person, PersonKind
from tracker.store.devices import Device, DeviceKey
from tracker.store.store import Store
from tracker.store.users import UserRole

SITE = "gym"
ANN = Actor("Ann", UserRole.ADMIN)
CAMERA = CameraRef(SITE, "phone")


@dataclass
class Gym:
    """A site whose phone is a camera; time is that of this machine."""

    store: Store
    settings: Settings
    app: Any
    device: Device
    key: DeviceKey
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def client(self, key: DeviceKey | None = None) -> FlaskClient:
        """A browser that sends the key of a device, that of the phone unless another one is given."""
        client: FlaskClient = self.app.server.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key or self.key}"
        return client

    def restarted(self) -> Gym:
        """The same site with a dashboard that was started again."""
        return replace(self, app=create_app(self.store.path, self.settings))

    def add(self, name: str, role: CameraRole = CameraRole.ROOM) -> tuple[Device, DeviceKey]:
        """Add another device."""
        return devices.add(self.store, self.settings, ANN, name, role=role)

    def post(self, *, key: DeviceKey | None = None, instance: str = "page-1", **parts: object) -> TestResponse:
        """What the dashboard answers to records."""
        return self.client(key).post("/camera/api/records", json={"instance": instance, **parts})

    def send(self, **parts: Any) -> dict[str, Any]:
        """The same for records that are accepted."""
        answer = self.post(**parts)
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def ago(self, seconds: float) -> datetime:
        return self.now - timedelta(seconds=seconds)

    def event(self, kind: str, seconds_ago: float, person_id: str = "p-ada", **other: object) -> Event:
        """An event of the phone, so many seconds ago."""
        fields: dict[str, Any] = {"site_id": SITE, "camera_id": "phone", "track_id": f"t-{person_id}", **other}
        return Event(kind=EventKind(kind), person_id=person_id, at=self.ago(seconds_ago), x_frac=0.5, **fields)

    def stranger(self, kind: str, seconds_ago: float, track_id: str = "t-9") -> Event:
        """An event of somebody who was not recognised."""
        return self.event(kind, seconds_ago, unidentified_id(CAMERA, track_id), track_id=track_id)

    def heartbeat(self, seconds_ago: float = 0, **other: object) -> dict[str, object]:
        """A heartbeat of a phone that has watched for a minute."""
        at, started_at = time_text(self.ago(seconds_ago)), time_text(self.ago(seconds_ago + 60))
        return {
            "at": at, "state": "live", "started_at": started_at, "last_frame_at": at, "fps": 6.5, "frames": 390,
            "dropped": 2, "problem": None, "watch_started_at": started_at, "watch_ended_at": at,
            "camera_id": "phone", "machine_id": "page-1", "backlog": 0, "rejected": 0, "version": "0.2.0", "schema": 1,
            **other,
        }  # fmt: skip


def documents(*records: Event | Match | Correction) -> list[Document]:
    return [encode(each) for each in records]


def vector(seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """(1, 128), of length 1."""
    found = np.random.default_rng(seed).normal(size=(1, 128)).astype(np.float32)
    return np.asarray(found / np.linalg.norm(found), np.float32)


def floats(text: str) -> list[float]:
    """The numbers of a vector as the gallery has it."""
    return np.frombuffer(base64.b64decode(text), "<f4").tolist()


@pytest.fixture
def new_gym(tmp_path: Path) -> Iterator[Callable[..., Gym]]:
    """Makes a gym with Ada and Bob, a visitor, and somebody who never agreed, but has a vector."""
    stores: list[Store] = []

    def make(**dashboard: Any) -> Gym:
        path = tmp_path / "footfall.sqlite3"
        store = Store(path).open()
        stores.append(store)
        since = datetime.now(UTC) - timedelta(days=9)
        for number, (person_id, name) in enumerate((("p-ada", "Ada"), ("p-bob", "Bob"))):
            person = Person(person_id=person_id, name=name, created_at=since, consented_at=since)
            store.people.add(person, vector(number))
        visitor = Person(person_id="v-0000000001", name="Visitor 1", created_at=since, kind=PersonKind.VISITOR)
        store.people.add(visitor, vector(7))
        store.people.add(Person(person_id="p-zoe", name="Zoe", created_at=since), vector(8))
        settings = Settings(
            site=SiteSettings(id=SITE, name="Northside Gym", time_zone=midday_zone(datetime.now(UTC))),
            store=StoreSettings(url=f"sqlite:///{path}"),
            dashboard=DashboardSettings(**dashboard),
        )
        device, key = devices.add(store, settings, ANN, "Phone")
        return Gym(store, settings, create_app(path, settings, always_sign_in=True), device, key)

    yield make
    for each in stores:
        each.close()


@pytest.fixture
def gym(new_gym: Callable[..., Gym]) -> Gym:
    return new_gym()


def body_of(content: dict[str, object]) -> bytes:
    return json.dumps(content).encode()
