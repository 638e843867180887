"""What a network of faces needs besides its weights: the crop; labels, or distances that mean the same for all."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from config.text import control_character

Point: TypeAlias = tuple[float, float]

LANDMARKS = 5
_FARTHEST = 2.0
"""Distance of two vectors of unit length that point in opposite directions; settings and stores have smaller limits."""
_MAX_SIDE = 1024
_MAX_INTEGER = 1 << 53
"""Larger integers of JSON are no distances, and may have no float."""


class Record(BaseModel):
    """A part of a JSON document: unknown fields and numbers that are not finite are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _checked_line(text: str) -> str:
    if (character := control_character(text)) is not None:
        raise ValueError(f"the control character {character} in it")
    return text


Line: TypeAlias = Annotated[str, Field(max_length=1000), AfterValidator(_checked_line)]
"""A text of a document, without line breaks and control characters."""


class Distance(StrEnum):
    """How two vectors are compared.

    COSINE: vectors are scaled to unit length first, and their Euclidean distance is sqrt(2 - 2 cos).
    """

    EUCLIDEAN = "Euclidean"
    COSINE = "cosine"


class Crop(Record):
    """The square that a face is cut to: by its five landmarks, or by its box; exactly one of template and margin.

    side: px. template: where the landmarks come to lie, px: left eye, right eye, nose, left and right mouth corner, as
    seen in the picture. margin: px of the square, half on each side, that lie outside the box. stretched: width and
    height of the box fill the square, each by itself, as in FaceNet's projects; otherwise the longer of the two does.
    """

    side: int = Field(ge=16, le=_MAX_SIDE)
    template: tuple[Point, ...] | None = None
    margin: int | None = Field(None, ge=0)
    stretched: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.template is None) == (self.margin is None):
            raise ValueError("crop: give either template or margin")
        if self.template is not None:
            _require_template(self.template, self.side)
        if self.margin is not None and self.margin > self.side // 2:
            raise ValueError(f"crop: margin {self.margin} is more than half of the side, {self.side}")
        if self.stretched and self.margin is None:
            raise ValueError("crop: only a crop by box can be stretched")
        return self


class Attribute(Record):
    """What a network estimates from a face. labels: of the classes, in the order of the output."""

    crop: Crop
    labels: tuple[Line, ...]


class Limits(Record):
    """Distances for a gallery of up to so many people (null: of any size)."""

    people: int | None = Field(ge=1)
    max_distance: float = Field(gt=0)
    stranger_distance: float = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.stranger_distance < self.max_distance:
            raise ValueError("limits: stranger_distance must not be smaller than max_distance")
        return self


class Embedding(Record):
    """How a network embeds faces. All distances are Euclidean, between its vectors as they are compared.

    limits: by size of the gallery, ascending. batch: faces embedded at once; the runtime keeps a copy of the weights
    for every batch size, and large batches exceed the processor's cache.

    The others default to a share of the smallest gallery's `max_distance`. min_margin, clear_by: defaults of the
    settings. full_margin: margin from which a face's vote has its full weight. min_limit, max_limit: a limit below
    misses many faces, one above accepts many other people. safety: distance of a calibrated limit below the nearest
    other person where few comparisons confirm it. new_view: distance from which two faces of one person are worth
    keeping both. same_face: distance up to which a face is hardly anybody else's.
    """

    crop: Crop
    distance: Distance = Distance.EUCLIDEAN
    limits: tuple[Limits, ...]
    batch: int = Field(1, ge=1, le=64)
    min_margin: float = Field(gt=0)
    clear_by: float = Field(gt=0)
    full_margin: float = Field(gt=0)
    min_limit: float = Field(gt=0)
    max_limit: float = Field(gt=0)
    safety: float = Field(gt=0)
    new_view: float = Field(gt=0)
    same_face: float = Field(gt=0)

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, given: object) -> object:
        """Distances that are not given, as shares of the limit of the smallest gallery."""
        limit = _first_limit(given)
        if limit is None or not isinstance(given, dict):
            return given
        return {**{name: round(share * limit, 4) for name, share in _SHARES.items()}, **given}

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.max_limit < self.min_limit:
            raise ValueError("embedding: max_limit must not be smaller than min_limit")
        if max(each.max_distance for each in self.limits) >= _FARTHEST:
            raise ValueError(
                f"embedding: limits must be below {_FARTHEST:g}; with longer vectors give cosine as the distance, which"
                " scales them to unit length"
            )
        return self

    def limits_for(self, people: int) -> Limits:
        """The limits for a gallery of that many people."""
        return next(each for each in self.limits if each.people is None or people <= each.people)

    @field_validator("limits")
    @classmethod
    def _ascending(cls, limits: tuple[Limits, ...]) -> tuple[Limits, ...]:
        sizes = [math.inf if each.people is None else each.people for each in limits]
        if not sizes or sizes[-1] != math.inf or sizes != sorted(set(sizes)):
            raise ValueError("limits: expected ascending numbers of people, the last one null")
        return limits


_SHARES = {
    "min_margin": 0.06,
    "clear_by": 0.06,
    "full_margin": 0.25,
    "min_limit": 0.7,
    "max_limit": 1.2,
    "safety": 0.03,
    "new_view": 0.4,
    "same_face": 0.5,
}
"""Shares of the limit, as SFace has them."""


def _first_limit(given: object) -> float | None:
    """The limit of the smallest gallery in what was given, None where there is none to read."""
    limits = given.get("limits") if isinstance(given, dict) else None
    if not isinstance(limits, list | tuple) or not limits:
        return None
    first = limits[0].model_dump() if isinstance(limits[0], Limits) else limits[0]
    value = first.get("max_distance") if isinstance(first, dict) else None
    return value if isinstance(value, float) or (isinstance(value, int) and abs(value) < _MAX_INTEGER) else None


def _require_template(template: tuple[Point, ...], side: int) -> None:
    """Raises ValueError where five points do not make a face inside the square."""
    if len(template) != LANDMARKS:
        raise ValueError(f"crop: expected {LANDMARKS} points, got {len(template)}")
    if not all(0 <= value <= side for point in template for value in point):
        raise ValueError(f"crop: a point is outside the square of {side} px")
    (left, *_), (right, *_) = template[0], template[1]
    if left >= right:
        raise ValueError("crop: the left eye, as seen in the picture, must be left of the right eye")
