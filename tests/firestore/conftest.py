"""Clients for the tests of the test server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.firestore.fixtures import Firestore

if TYPE_CHECKING:
    from google.cloud.firestore import Client


@pytest.fixture
def client(full_firestore: Firestore) -> Iterator[Client]:
    """Google's client on a server that does all that Firestore documents."""
    if full_firestore.kind == "ours":
        full_firestore.control.indexes(None)
    with closing(full_firestore.client()) as client:
        yield client


@pytest.fixture
def own_client(firestore_server: Firestore) -> Iterator[Client]:
    """Google's client on our server, whose `control` the test uses."""
    firestore_server.control.indexes(None)
    with closing(firestore_server.client()) as client:
        yield client
