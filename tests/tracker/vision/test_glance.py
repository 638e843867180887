"""The rough look at a picture is P-Net's, with and without compiled code."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from config.settings import Precision
from models.runtime import Network, open_network
from tests.tracker.vision.scenes import Image, astronaut
from tracker.vision.glance import Glance
from tracker.vision.native import kernels
from tracker.vision.shades import normalised


def network(name: str, folder: Path) -> Network:
    return open_network(name, folder=folder, precision=Precision.FLOAT32, threads=2)


@pytest.fixture(scope="module")
def glance(models_folder: Path) -> Glance:
    return Glance(network("pnet_first", models_folder), network("pnet_scout", models_folder), threads=2)


def picture(width: int, height: int) -> Image:
    """A face in colours of which none stands for another."""
    small = cv2.resize(astronaut(), (width, height), interpolation=cv2.INTER_AREA)
    return np.clip(small * np.array([0.5, 0.8, 1.0]), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
@pytest.mark.parametrize("size_wh", [(128, 128), (97, 60), (240, 181), (12, 12)], ids=str)
def test_it_says_what_pnet_says_but_for_rounding_to_8_bits(
    size_wh: tuple[int, int], compiled: bool, glance: Glance, models_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiled:
        monkeypatch.setattr(kernels, "KERNELS", None)
    image = picture(*size_wh)
    (offsets,), (scores,) = network("pnet", models_folder).run(normalised(image)[None])
    got_offsets, certainty = glance.at(image)
    assert got_offsets.shape == offsets.shape
    assert certainty.shape == scores.shape[:2]
    assert np.abs(certainty - scores[..., 1]).mean() < 0.02
    assert np.abs(got_offsets - offsets).mean() < 0.02


def test_compiled_code_changes_nothing_but_the_last_digits(glance: Glance, monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(240, 181)
    ours = glance.at(image)
    monkeypatch.setattr(kernels, "KERNELS", None)
    for mine, plain in zip(ours, glance.at(image), strict=True):
        assert np.abs(mine - plain).mean() < 1e-3
