"""A Firebase project per test: Firestore with the deployed rules, Authentication, an administrator."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config.storage import FirestoreAddress
from tests.rules.guard import GuardedServer
from tests.tracker.cloud.auth.auth_server import AuthServer
from tracker.cloud.auth.device_key import DeviceKey, KeyFile
from tracker.cloud.auth.devices import register
from tracker.cloud.client import Connection, connect, sign_in_place

OFFICIAL = os.environ.get("FIREBASE_AUTH_EMULATOR_HOST", "")
"""Google's Auth emulator, when the user has started one."""
OFFICIAL_PROJECT = os.environ.get("GCLOUD_PROJECT", "demo-footfall")
"""What it was started for: it takes every sign-in for one of that project."""
SITE, CAMERA = "gym", "door"


@dataclass
class Project:
    """stand_in: the Authentication of the tests, None where Google's emulator is used."""

    name: str
    folder: Path
    server: GuardedServer
    stand_in: AuthServer | None
    _open: ExitStack

    @property
    def address(self) -> FirestoreAddress:
        return FirestoreAddress(self.name)

    def connect(self, credentials: Path | None = None) -> Connection:
        """A connection as the owner, or with a device key; closed at the end of the test."""
        return self._open.enter_context(connect(self.address, credentials))

    def registered(self, name: str = "pi", *, camera: str = CAMERA, site: str = SITE) -> Path:
        """The key file of a new machine."""
        path = self.folder / f"{name}.json"
        self.register(name, KeyFile(path), camera=camera, site=site)
        return path

    def register(self, name: str, file: KeyFile, *, camera: str = CAMERA, site: str = SITE) -> DeviceKey:
        return register(
            self.connect(),
            site_id=site,
            name=name,
            camera_id=camera,
            sign_in=sign_in_place(),
            api_key="any",
            file=file,
        )

    def set(self, path: str, fields: dict[str, Any]) -> None:
        """Write a document as the owner."""
        self.connect().client.document(path).set(fields)


def wait_until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Wait until the condition is true; fail on a timeout."""
    until_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until_s, "it did not come to that"
        threading.Event().wait(0.01)


@pytest.fixture(params=["stand-in", *(["official"] if OFFICIAL else [])])
def project(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """An empty project with the deployed rules."""
    with ExitStack() as stack:
        stand_in = stack.enter_context(AuthServer()) if request.param == "stand-in" else None
        server = stack.enter_context(GuardedServer())
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
        monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", stand_in.host if stand_in else OFFICIAL)
        name = f"demo-{uuid.uuid4().hex[:8]}" if stand_in else OFFICIAL_PROJECT
        yield Project(name, tmp_path, server, stand_in, stack)


@pytest.fixture
def own_project(project: Project) -> Project:
    """The same project with the test's Authentication server, which can inject faults."""
    if project.stand_in is None:
        pytest.skip("Google's emulator cannot be made to fail")
    return project
