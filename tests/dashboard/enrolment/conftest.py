"""An engine that sees what the pictures of these tests say, in place of the networks."""

from __future__ import annotations

import io
import time

import numpy as np
import PIL.Image
import pytest
from flask.testing import FlaskClient

from tests.dashboard.access.conftest import filled_store, new_site, password_hash, site
from tracker.vision.embedders import DLIB_CHIP, SFACE
from tracker.vision.faces import Faces

__all__ = ["filled_store", "new_site", "password_hash", "site"]


class FakeEngine:
    """As many faces as the blue of the first pixel says, 150 px wide; the vector is its red, on a line."""

    embedder = SFACE

    def detect(self, image: np.ndarray) -> Faces:
        count = int(image[0, 0, 0])
        points = np.repeat(20 + DLIB_CHIP.template[None], count, axis=0).astype(np.float32)
        boxes = np.repeat(np.array([[20, 20, 170, 170]], np.float32), count, axis=0)
        return Faces(boxes, np.ones(count, np.float32), points)

    def embed(self, image: np.ndarray, faces: Faces) -> np.ndarray:
        vectors = np.zeros((len(faces), 128), np.float32)
        vectors[:, 0] = image[0, 0, 2] / 10
        return vectors


def picture(*, faces: int = 1, who: int = 0, kind: str = "PNG") -> bytes:
    """A picture of so many faces. who: of the vector; those within 4 of one another are near-duplicates."""
    rgb = np.random.default_rng(3).integers(40, 200, (200, 200, 3), np.uint8)
    rgb[:2, :2] = (who, 0, faces)
    file = io.BytesIO()
    PIL.Image.fromarray(rgb).save(file, kind, **({"quality": 100} if kind == "JPEG" else {}))
    return file.getvalue()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """What the dashboard loads in place of the networks."""
    made = FakeEngine()
    monkeypatch.setattr("tracker.identity.networks.load_engine", lambda *_args, **_more: made)
    return made


def begun(client: FlaskClient, **given: str) -> str:
    """The id of a new enrolment, whose pictures can be looked at."""
    answer = client.post("/enrol/begin", json=given)
    assert answer.status_code == 200
    deadline = time.monotonic() + 20
    while client.get("/enrol/recognition").json["state"] != "ready":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    enrolment: str = answer.json["enrolment"]
    return enrolment
