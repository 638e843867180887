"""What a run of training is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Backbone(StrEnum):
    """The network without its last layer, which makes the vector."""

    MOBILENETV4_SMALL = "mobilenetv4-small"
    MOBILENETV3_SMALL = "mobilenetv3-small"
    INCEPTION_RESNET_V1 = "inception-resnet-v1"


class Loss(StrEnum):
    ARCFACE = "arcface"
    TRIPLET = "triplet"


class Optimiser(StrEnum):
    ADAMW = "adamw"
    SGD = "sgd"


MARGINS: Mapping[Loss, float] = MappingProxyType({Loss.ARCFACE: 0.5, Loss.TRIPLET: 0.2})
"""Of the papers: an angle in radians, and a difference of squared distances."""
LEARNING_RATES: Mapping[Optimiser, float] = MappingProxyType({Optimiser.ADAMW: 1e-3, Optimiser.SGD: 0.1})
SIZES: Mapping[Backbone, int] = MappingProxyType(
    {Backbone.MOBILENETV4_SMALL: 112, Backbone.MOBILENETV3_SMALL: 112, Backbone.INCEPTION_RESNET_V1: 160}
)
"""Side of the images, px, unless another is given."""
SMALLEST_SIZES: Mapping[Backbone, int] = MappingProxyType(
    {Backbone.MOBILENETV4_SMALL: 32, Backbone.MOBILENETV3_SMALL: 32, Backbone.INCEPTION_RESNET_V1: 75}
)


class TrainingOptions(BaseModel):
    """How a network is trained; with the same pictures, they decide everything.

    size: side of the images, px. dimension: of the vectors. width: factor of the numbers of filters. steps: of an
    epoch, at least; few pictures are gone through several times. batch: pictures a step; with triplets, of batch /
    pictures_per_person people. learning_rate, loss_margin: by default those of the optimiser and of the loss. scale: of
    the cosines of ArcFace. warm_up: epochs in which the learning rate rises; then it falls along a cosine to 0.
    patience: epochs without a better network after which training stops.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    backbone: Backbone = Backbone.MOBILENETV4_SMALL
    loss: Loss = Loss.ARCFACE
    size: Annotated[int, Field(le=512)] = SIZES[Backbone.MOBILENETV4_SMALL]
    dimension: Annotated[int, Field(ge=8, le=2048)] = 128
    width: Annotated[float, Field(ge=0.125, le=4)] = 1.0
    epochs: Annotated[int, Field(ge=1)] = 40
    steps: Annotated[int, Field(ge=1)] = 100
    batch: Annotated[int, Field(ge=4)] = 64
    pictures_per_person: Annotated[int, Field(ge=2)] = 4
    optimiser: Optimiser = Optimiser.ADAMW
    learning_rate: Annotated[float, Field(gt=0)] = LEARNING_RATES[Optimiser.ADAMW]
    weight_decay: Annotated[float, Field(ge=0)] = 5e-4
    warm_up: Annotated[float, Field(ge=0)] = 2.0
    loss_margin: Annotated[float, Field(gt=0, le=2)] = MARGINS[Loss.ARCFACE]
    scale: Annotated[float, Field(gt=0)] = 32.0
    patience: Annotated[int, Field(ge=1)] = 8
    augment: bool = True
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, given: object) -> object:
        """What depends on the backbone, the loss and the optimiser, and is not given."""
        if not isinstance(given, dict):
            return given
        rate = LEARNING_RATES.get(given.get("optimiser", Optimiser.ADAMW))
        margin = MARGINS.get(given.get("loss", Loss.ARCFACE))
        size = SIZES.get(given.get("backbone", Backbone.MOBILENETV4_SMALL))
        return {"learning_rate": rate, "loss_margin": margin, "size": size} | given

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.size < SMALLEST_SIZES[self.backbone]:
            raise ValueError(f"size: {self.backbone} takes {SMALLEST_SIZES[self.backbone]} px or more")
        if self.backbone is Backbone.INCEPTION_RESNET_V1 and self.width != 1:
            raise ValueError(f"width: {self.backbone} has one width only")
        if self.loss is Loss.TRIPLET and self.batch < 2 * self.pictures_per_person:
            raise ValueError("batch: expected the pictures of two people or more, see pictures_per_person")
        return self
