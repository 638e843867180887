"""A network that gives NaN for all faces that are not black, as one that was trained or converted badly does."""

from __future__ import annotations

from pathlib import Path

from config.settings import Precision
from models import packs
from models.cards import PackPrecision
from models.catalog import CATALOG, Pixels
from models.embedding import Crop, Distance, Embedding, Limits
from models.model_folder import Source
from tracker.vision.embedders import EmbedderSpec, of_pack

FAULTY = Pixels(channels="RGB", divisor=1e-36)


def faulty_embedder(
    models_folder: Path, folder: Path, *, distance: Distance = Distance.EUCLIDEAN, pixels: Pixels = FAULTY
) -> EmbedderSpec:
    """R-Net, in which the pixels overflow. folder: of the pack."""
    limits = (Limits(people=None, max_distance=1.0, stranger_distance=1.2),)
    content = (models_folder / CATALOG["rnet"].file_name(Precision.FLOAT16)).read_bytes()
    pack = packs.create(
        folder,
        name="faulty",
        purpose="a test",
        pixels=pixels,
        embedding=Embedding(crop=Crop(side=24, margin=4), limits=limits, distance=distance),
        dimension=4,
        contents={PackPrecision.FLOAT16: content},
        source=Source(package="", version="", file="rnet", sha256="a" * 64),
        licence="MIT",
        force=True,
    )
    return of_pack(pack)
