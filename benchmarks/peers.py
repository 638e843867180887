"""The libraries that Footfall is compared with, used as documented."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import STRONG_DLIB

Image = NDArray[np.uint8]
_BLAS_DLIB = """
import json, sys, time, dlib, numpy as np
net = dlib.face_recognition_model_v1(sys.argv[1])
chip = np.random.default_rng(1).integers(0, 255, (150, 150, 3), dtype=np.uint8)
found = {}
for count in (1, 8, 32):
    chips = [chip] * count
    for _ in range(2): net.compute_face_descriptor(chips)
    times = []
    for _ in range(9):
        start = time.perf_counter(); net.compute_face_descriptor(chips); times.append(time.perf_counter() - start)
    found[count] = sorted(times)[len(times) // 2] * 1e3
print(json.dumps(found))
"""
_BLAS_DLIB_PIPELINE = """
import json, sys, time, dlib, numpy as np
frames = np.load(sys.argv[1])
net = dlib.face_recognition_model_v1(sys.argv[2])
points = dlib.shape_predictor(sys.argv[3])
hog = dlib.get_frontal_face_detector()
times = []
for frame in frames:
    start = time.perf_counter()
    for box in hog(frame, 1): net.compute_face_descriptor(dlib.get_face_chip(frame, points(frame, box), 150, 0.25))
    times.append((time.perf_counter() - start) * 1e3)
print(json.dumps(sorted(times[1:])[len(times[1:]) // 2]))
"""


def model_file(name: str) -> str:
    """A file of face_recognition_models, located without importing it, which needs pkg_resources."""
    spec = find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("face_recognition_models is not installed: pip install 'footfall[dev]'")
    return str(Path(spec.submodule_search_locations[0]) / "models" / name)


class Mtcnn:
    """The mtcnn package at its defaults. faces: RGB picture -> its own rows."""

    name = "mtcnn 1.0.0"

    def __init__(self) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        self._detector: Any = importlib.import_module("mtcnn").MTCNN()

    def faces(self, rgb: Image) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._detector.detect_faces(rgb)
        return found


class Dlib:
    """dlib's HOG detector, five-point predictor and face network, as face_recognition uses them."""

    name = "dlib-bin"

    def __init__(self) -> None:
        self.dlib: Any = importlib.import_module("dlib")
        self.network = self.dlib.face_recognition_model_v1(model_file("dlib_face_recognition_resnet_model_v1.dat"))
        self._points = self.dlib.shape_predictor(model_file("shape_predictor_5_face_landmarks.dat"))
        self._hog = self.dlib.get_frontal_face_detector()

    def vectors(self, chips: NDArray[np.uint8]) -> object:
        """Vectors of aligned chips in one call."""
        return self.network.compute_face_descriptor(list(chips))

    def hog_boxes(self, rgb: Image) -> list[Any]:
        """Faces by the HOG detector, upsampled once as face_recognition does."""
        return list(self._hog(rgb, 1))

    def vectors_in(self, rgb: Image, boxes: list[Any]) -> list[object]:
        """Vectors of given faces."""
        found = []
        for box in boxes:
            chip = self.dlib.get_face_chip(rgb, self._points(rgb, box), 150, 0.25)
            found.append(self.network.compute_face_descriptor(chip))
        return found


def strong_dlib() -> dict[int, float]:
    """Median ms for 1, 8 and 32 faces of a dlib compiled against a BLAS; empty if not configured."""
    found = _strong(_BLAS_DLIB, model_file("dlib_face_recognition_resnet_model_v1.dat"))
    return {int(count): float(ms) for count, ms in found.items()} if isinstance(found, dict) else {}


def strong_dlib_pipeline(frames_rgb: list[Image]) -> float | None:
    """Median ms a frame of HOG, points and vectors by a dlib compiled with a BLAS library; None if not configured.

    The first frame warms up. Decoding is not counted, in the peer's favour.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.npy"
        np.save(path, np.stack(frames_rgb))
        weights = ("dlib_face_recognition_resnet_model_v1.dat", "shape_predictor_5_face_landmarks.dat")
        found = _strong(_BLAS_DLIB_PIPELINE, str(path), *map(model_file, weights))
    return None if found is None else float(found)


def _strong(script: str, *arguments: str) -> Any:
    """The JSON output of a script in the environment of the BLAS dlib; None if not configured."""
    interpreter = os.environ.get(STRONG_DLIB)
    if not interpreter:
        return None
    result = subprocess.run([interpreter, "-c", script, *arguments], capture_output=True, text=True, check=True)
    return json.loads(result.stdout)
