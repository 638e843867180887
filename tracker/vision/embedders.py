"""The networks that embed faces, and what each needs: the crop, and distances that mean the same for all of them.

Vectors of different networks are never compared; distances of different networks mean different things.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from config.errors import ModelError
from models import packs
from models.catalog import CATALOG, DLIB_EMBEDDING, SFACE_EMBEDDING, NetworkSpec, Pixels
from models.embedding import Crop, Distance, Embedding
from models.packs import Pack
from tracker.vision.faces import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ChipLayout:
    """An aligned face: a square of `side` px, and where in it the landmarks come to lie.

    template: (5, 2) px: left eye, right eye, nose, left and right mouth corner.
    """

    side: int
    template: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxLayout:
    """A face cut by its box to a square of `side` px; margin, stretched: see `models.embedding.Crop`."""

    side: int
    margin: int
    stretched: bool = False


Layout: TypeAlias = ChipLayout | BoxLayout


def layout_of(crop: Crop) -> Layout:
    """The layout of a crop."""
    if crop.template is None:
        return BoxLayout(side=crop.side, margin=crop.margin or 0, stretched=crop.stretched)
    return ChipLayout(crop.side, np.array(crop.template, np.float32))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbedderSpec:
    """A network that embeds faces.

    name: as in the settings. network: of its vectors in the store. dimension: length of its vectors. pixels: how chips
    are given to it. embedding: its crop and its distances. pack: that it comes from, None for a network of the catalog.
    """

    name: str
    network: str
    dimension: int
    pixels: Pixels
    embedding: Embedding
    chip: Layout
    pack: Pack | None = None

    @property
    def unit_length(self) -> bool:
        """Whether vectors are scaled to unit length."""
        return self.embedding.distance is Distance.COSINE


def _template(crop: Crop) -> ChipLayout:
    layout = layout_of(crop)
    if not isinstance(layout, ChipLayout):
        raise TypeError("crop: expected one by landmarks")
    return layout


ARCFACE_CHIP, DLIB_CHIP = _template(SFACE_EMBEDDING.crop), _template(DLIB_EMBEDDING.crop)


def _built_in(name: str) -> EmbedderSpec:
    spec: NetworkSpec = CATALOG[name]
    if spec.embedding is None or spec.pixels is None or spec.dimension is None:
        raise ValueError(f"{name}: no embedder")
    return EmbedderSpec(
        name=name,
        network=name,
        dimension=spec.dimension,
        pixels=spec.pixels,
        embedding=spec.embedding,
        chip=layout_of(spec.embedding.crop),
    )


SFACE, DLIB = _built_in("sface"), _built_in("dlib_resnet")
EMBEDDERS: Mapping[str, EmbedderSpec] = MappingProxyType({spec.name: spec for spec in (SFACE, DLIB)})
"""Those of the catalog, by name."""


def of_pack(pack: Pack) -> EmbedderSpec:
    """The embedder of a model pack. Raises ModelError where it is none."""
    card = pack.card
    if card.embedding is None or card.input.pixels is None or card.dimension is None:
        raise ModelError(f"the model pack {pack.name} is no embedder", fix="name another: 'footfall models list'")
    return EmbedderSpec(
        name=pack.name,
        network=pack.network,
        dimension=card.dimension,
        pixels=card.input.pixels,
        embedding=card.embedding,
        chip=layout_of(card.embedding.crop),
        pack=pack,
    )


def known_embedders(models: Path) -> list[EmbedderSpec]:
    """All embedders: those of the catalog, and those of the packs in a model folder that can be used."""
    added, _ = packs.readable(models)
    return [*EMBEDDERS.values(), *(of_pack(pack) for pack in added if pack.card.embedding is not None)]


def embedder_named(name: str, models: Path, *, setting: str = "recognition.embedder") -> EmbedderSpec:
    """The embedder of that name. setting: that has it. Raises ModelError where there is none."""
    if name in EMBEDDERS:
        return EMBEDDERS[name]
    pack = packs.find(name, models)
    if pack is None:
        names = ", ".join(spec.name for spec in known_embedders(models))
        raise ModelError(
            f"no embedder named {name!r} in {models}",
            fix=f"set {setting} to one of: {names}; 'footfall models add PACK' adds one",
        )
    return of_pack(pack)


def chosen(setting: str | None, stored: str | None, models: Path) -> EmbedderSpec:
    """The embedder of a run: that of the setting; without one, that of the vectors in the store; else SFace.

    stored: network of the store's vectors, None without any. models: the model folder. Raises ModelError where setting
    and store differ, or the store's network is not here.
    """
    if stored is None:
        return embedder_named(setting or SFACE.name, models)
    name = stored.partition("@")[0]
    if setting is not None and setting != name:
        embedder_named(setting, models)
        raise ModelError(
            f"recognition.embedder is {setting}, but the people in the store were enrolled with {name}",
            fix=f"run 'footfall people re-enroll --pictures DIR', or set recognition.embedder = \"{name}\"",
        )
    if name not in EMBEDDERS and packs.find(name, models) is None:
        raise ModelError(
            f"the people in the store were enrolled with the model pack {name}, which is not in {models}",
            fix="add it with 'footfall models add PACK', or name the model folder that has it: --models DIR",
        )
    found = embedder_named(name, models)
    if found.network != stored:
        raise ModelError(
            f"the people in the store were enrolled with another network named {name} ({stored}) than is here"
            f" ({found.network})",
            fix="add that one with 'footfall models add PACK --force', or run"
            " 'footfall people re-enroll --pictures DIR'",
        )
    return found
