"""A site in an empty project of the test server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.firestore.fixtures import Firestore
from tests.functions.gym import Gym


@pytest.fixture
def gym(firestore_server: Firestore) -> Iterator[Gym]:
    """A gym with a door, whose clock is the real one."""
    client = firestore_server.client()
    found = Gym(client)
    found.open()
    yield found
    client.close()
