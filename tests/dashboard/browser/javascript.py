"""The browser camera's vision, run by Node."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from config.recognition import DetectSettings, QualitySettings
from tests.node import Ask, answering
from tracker.vision.faces import FloatArray, Image

_SCRIPT = Path(__file__).with_name("vision.mjs")


class Vision:
    """A face engine, run by Node."""

    def __init__(self, ask: Ask) -> None:
        self._answer = ask

    def analyse(self, image: Image, due: list[bool] | None = None) -> list[dict[str, Any]]:
        """The faces of an image, examined where they are due, by default all."""
        return self.ask("analyse", picture=_picture(image), due=due)

    def advise(self, image: Image, taken: list[str | None]) -> tuple[str, bool]:
        """What a frame of an enrolment asks for, and whether a shot may be wanted. taken: poses of the shots so far."""
        found = self.ask("advise", picture=_picture(image), taken=taken)
        return found["hint"], found["promising"]

    def chip(self, image: Image, landmarks: FloatArray, embedder: str) -> NDArray[np.uint8]:
        """(side, side, 3) RGB."""
        points = np.where(np.isnan(landmarks), None, landmarks).tolist()
        data = self.ask("chip", picture=_picture(image), landmarks=points, embedder=embedder)
        rgba = np.frombuffer(base64.b64decode(data), np.uint8)
        side = round((len(rgba) / 4) ** 0.5)
        return rgba.reshape(side, side, 4)[..., :3]

    def embed(self, chip: NDArray[np.uint8]) -> FloatArray:
        """(128,). chip: (side, side, 3) RGB."""
        return np.array(self.ask("embed", picture=_picture(chip[..., ::-1].copy())), np.float32)

    def error(self, call: str, image: Image, **changes: int) -> str:
        """The error of a call with a picture of which some fields are wrong."""
        answer = self._answer({"call": call, "picture": {**_picture(image), **changes}})
        return str(answer["error"])

    def ask(self, call: str, **others: Any) -> Any:
        """The result of a call of vision.mjs."""
        answer = self._answer({"call": call, **others})
        assert "error" not in answer, answer["error"]
        return answer["result"]


@contextmanager
def running_vision(
    networks: Path, embedder: str | None, detect: DetectSettings, quality: QualitySettings
) -> Iterator[Vision]:
    """An engine with these networks and settings for the time of the block; skips the test without Node."""
    settings = {"detect": detect.model_dump(mode="json"), "quality": quality.model_dump(mode="json")}
    with answering(_SCRIPT, str(networks), json.dumps({"embedder": embedder, "settings": settings})) as ask:
        yield Vision(ask)


def _picture(image: Image) -> dict[str, Any]:
    rgba = cv2.cvtColor(image, cv2.COLOR_BGR2RGBA)
    return {"data": base64.b64encode(rgba.tobytes()).decode(), "width": image.shape[1], "height": image.shape[0]}
