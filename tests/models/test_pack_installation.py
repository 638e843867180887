"""Trials of the networks of a model pack before it is added."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ModelError
from models import pack_installation, packs
from models.catalog import Pixels
from tests.faulty_network import FAULTY, faulty_embedder


def add(pixels: Pixels, models_folder: Path, tmp_path: Path) -> None:
    pack = faulty_embedder(models_folder, tmp_path / "made" / "faulty", pixels=pixels).pack
    assert pack is not None
    pack_installation.install(pack.folder, tmp_path / "models")


@pytest.mark.parametrize(
    "pixels",
    [pytest.param(FAULTY, id="noise"), pytest.param(Pixels(channels="RGB", offset=127.5, divisor=1e-38), id="black")],
)
def test_a_network_that_outputs_no_finite_numbers_is_not_added(
    pixels: Pixels, models_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="outputs NaN or infinity for an ordinary picture") as caught:
        add(pixels, models_folder, tmp_path)
    assert "input.pixels" in caught.value.fix
    assert packs.find("faulty", tmp_path / "models") is None


@pytest.mark.parametrize(
    "pixels", [Pixels(channels="RGB", whitened=True), Pixels(channels="BGR", divisor=255)], ids=str
)
def test_a_network_is_tried_with_pictures_as_it_takes_them(pixels: Pixels, models_folder: Path, tmp_path: Path) -> None:
    add(pixels, models_folder, tmp_path)
    assert packs.find("faulty", tmp_path / "models") is not None
