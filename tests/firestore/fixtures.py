"""Fixtures for tests with Firestore; README.md describes which to use."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.firestore import processes

if TYPE_CHECKING:
    from google.cloud.firestore import Client

    from tests.firestore.server.control import Control

INDEXES = processes.ROOT / "config" / "firestore.indexes.json"
OFFICIAL = os.environ.get("FIRESTORE_EMULATOR_HOST", "")
"""Google's emulator, when the user has started one."""

COMPLETE = ("ours", *(("official",) if OFFICIAL else ()))
EVERY = ("npm", *COMPLETE)


@dataclass(frozen=True)
class Firestore:
    """A Firestore server and an empty project on it that no other test uses.

    kind: "ours", "npm" or "official". host: as FIRESTORE_EMULATOR_HOST has it.
    """

    kind: str
    host: str
    project: str

    def client(self) -> Client:
        """A new client of Google's with the anonymous credential; the caller closes it."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import firestore

        return firestore.Client(project=self.project, credentials=AnonymousCredentials())

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process that is to talk to this project."""
        return {
            **os.environ,
            "FIRESTORE_EMULATOR_HOST": self.host,
            "GOOGLE_CLOUD_PROJECT": self.project,
            "METADATA_SERVER_DETECTION": "none",  # else the Node client looks for Google's machines first
        }

    @cached_property
    def control(self) -> Control:
        """Counts and faults; of our own server only."""
        if self.kind != "ours":
            pytest.fail(f"the server {self.kind!r} takes no orders")
        from tests.firestore.server.control import Control

        return Control(self.host, self.project)


def project_on(kind: str, host: str, monkeypatch: pytest.MonkeyPatch) -> Firestore:
    """A fresh project; clients made while the test runs go to this server."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host)
    return Firestore(kind, host, f"test-{uuid.uuid4().hex[:12]}")


def _indexes() -> Path | None:
    return INDEXES if INDEXES.exists() else None


@pytest.fixture(scope="session")
def firestore_process() -> Iterator[processes.ServerProcess]:
    """Our server, one for the whole run; refuses queries that config/firestore.indexes.json does not serve."""
    with processes.ServerProcess(indexes=_indexes()) as server:
        yield server


@pytest.fixture(scope="session")
def npm_process() -> Iterator[str]:
    """The host of the npm emulator, one for the whole run."""
    reason = processes.lacks_node()
    if reason:
        pytest.skip(reason)
    process, port = processes.launched_npm_emulator()
    yield f"127.0.0.1:{port}"
    processes.ended(process)


@pytest.fixture
def firestore_server(
    firestore_process: processes.ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Firestore]:
    """Our server with a project of the test's own."""
    firestore = project_on("ours", firestore_process.host, monkeypatch)
    yield firestore
    firestore.control.heal()
    firestore.control.cut()
    firestore.control.close()


@pytest.fixture
def npm_emulator(npm_process: str, monkeypatch: pytest.MonkeyPatch) -> Firestore:
    """The npm emulator with a project of the test's own."""
    return project_on("npm", npm_process, monkeypatch)


@pytest.fixture
def official_emulator(monkeypatch: pytest.MonkeyPatch) -> Firestore:
    """Google's emulator, with a project of the test's own; skips where FIRESTORE_EMULATOR_HOST is not set."""
    if not OFFICIAL:
        pytest.skip("FIRESTORE_EMULATOR_HOST is not set: no official emulator here")
    return project_on("official", OFFICIAL, monkeypatch)


def _any_of(request: pytest.FixtureRequest) -> Firestore:
    names = {"ours": "firestore_server", "npm": "npm_emulator", "official": "official_emulator"}
    firestore: Firestore = request.getfixturevalue(names[request.param])
    return firestore


@pytest.fixture(params=EVERY)
def any_firestore(request: pytest.FixtureRequest) -> Firestore:
    """Every server there is: the test runs on each."""
    return _any_of(request)


@pytest.fixture(params=COMPLETE)
def full_firestore(request: pytest.FixtureRequest) -> Firestore:
    """Servers that do all that Firestore documents: the npm emulator is left out."""
    return _any_of(request)


@pytest.fixture
def durable_firestore(tmp_path: Path) -> Iterator[processes.ServerProcess]:
    """A server of the test's own that keeps its commits in a file: to be killed and started again."""
    with processes.ServerProcess(data=tmp_path / "firestore.data", indexes=_indexes()) as server:
        yield server
