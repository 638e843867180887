"""The coarse P-Net, with and without native kernels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from config.settings import Precision
from models.runtime import Network, open_network
from tests.tracker.vision.scenes import Image, astronaut
from tracker.vision.coarse import CoarsePNet
from tracker.vision.native import kernels
from tracker.vision.patches import normalised


def network(name: str, folder: Path) -> Network:
    return open_network(name, folder=folder, precision=Precision.FLOAT32, threads=2)


@pytest.fixture(scope="module")
def coarse_pnet(models_folder: Path) -> CoarsePNet:
    return CoarsePNet(network("pnet_stem", models_folder), network("pnet_coarse", models_folder), threads=2)


def picture(width: int, height: int) -> Image:
    """A face with different red, green and blue channels."""
    small = cv2.resize(astronaut(), (width, height), interpolation=cv2.INTER_AREA)
    return np.clip(small * np.array([0.5, 0.8, 1.0]), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("compiled", [True, False], ids=["native", "numpy"])
@pytest.mark.parametrize("size_wh", [(128, 128), (97, 60), (240, 181), (12, 12)], ids=str)
def test_outputs_match_pnet_within_8_bit_precision(
    size_wh: tuple[int, int],
    compiled: bool,
    coarse_pnet: CoarsePNet,
    models_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not compiled:
        monkeypatch.setattr(kernels, "KERNELS", None)
    image = picture(*size_wh)
    (offsets,), (scores,) = network("pnet", models_folder).run(normalised(image)[None])
    got_offsets, got_scores = coarse_pnet.run(image)
    assert got_offsets.shape == offsets.shape
    assert got_scores.shape == scores.shape[:2]
    assert np.abs(got_scores - scores[..., 1]).mean() < 0.02
    assert np.abs(got_offsets - offsets).mean() < 0.02


def test_native_and_numpy_outputs_match(coarse_pnet: CoarsePNet, monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(240, 181)
    native = coarse_pnet.run(image)
    monkeypatch.setattr(kernels, "KERNELS", None)
    for ours, plain in zip(native, coarse_pnet.run(image), strict=True):
        assert np.abs(ours - plain).mean() < 1e-3
