"""Fixtures of the tests of uploads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firestore.fixtures import Firestore
from tests.tracker.cloud.machines import Machine


@pytest.fixture
def machine(firestore_server: Firestore, tmp_path: Path) -> Iterator[Machine]:
    """A machine that uploads to the test server."""
    made = Machine(tmp_path / "store.sqlite3", firestore_server)
    yield made
    made.close()
