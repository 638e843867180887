"""Vectors of networks: which lengths they have, and how they are stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tracker.moving.networks import vector_space

DIRECTION = np.linspace(-1, 1, 128) / np.linalg.norm(np.linspace(-1, 1, 128))


@pytest.mark.parametrize(("network", "length"), [("sface", 1.0), ("sface", 7.7), ("sface", 13.6), ("dlib", 1.4)])
def test_lengths_of_the_network_are_taken(network: str, length: float, tmp_path: Path) -> None:
    vector = vector_space(network, tmp_path).vector((length * DIRECTION).tolist())
    stored = length if network == "dlib" else 1.0
    assert abs(vector - stored * DIRECTION).max() < 1e-6


@pytest.mark.parametrize(("network", "length"), [("sface", 1.33), ("sface", 1.52), ("sface", 100), ("dlib", 7.7)])
def test_lengths_of_other_networks_are_rejected(network: str, length: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="its length is"):
        vector_space(network, tmp_path).vector((length * DIRECTION).tolist())


def test_vectors_of_dlib_that_were_scaled_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="scaled to length 1"):
        vector_space("dlib", tmp_path).vector(DIRECTION.round(4).tolist())
