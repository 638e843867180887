"""An empty place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tracker.review.places import NOW, Place
from tracker.store.store import Store


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Store(tmp_path / "footfall.sqlite3", clock=lambda: NOW) as store:
        yield Place(store)
