"""Recognition settings: the network that embeds faces, and the distances that decide."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class EmbedderName(StrEnum):
    SFACE = "sface"
    DLIB = "dlib"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RecognitionSettings(_Section):
    embedder: EmbedderName | None = Field(
        None,
        description="Network that embeds faces, `sface` or `dlib`. Unset: that of the people in the store, in a new"
        " store `sface`. `dlib` confuses people of some groups.",
    )


class MatchSettings(_Section):
    """Distances that are left unset depend on the embedder and on the number of people; here are those of SFace for up
    to 100 people. `tracker.identity.limits` resolves them.
    """

    max_distance: float = Field(1.05, gt=0, lt=2, description="Maximum Euclidean distance of a match.")
    min_margin: float = Field(
        0.06, ge=0, lt=1, description="Minimum difference of the distances to the nearest and the next person."
    )
    stranger_distance: float = Field(
        1.13,
        gt=0,
        lt=2,
        description="A face farther than this from everybody is a stranger; from `max_distance` to this, undecided.",
    )
    clear_by: float = Field(
        0.06, ge=0, lt=1, description="One face of a track must be this far below `max_distance` before it gets a name."
    )
    min_sightings: int = Field(2, ge=1, le=100, description="Usable faces before a track gets a name.")
    visitor_sightings: int = Field(4, ge=1, le=100, description="Usable faces before a stranger gets a visitor id.")

    @model_validator(mode="after")
    def _distances_are_ordered(self) -> Self:
        given = {"max_distance", "stranger_distance"} <= self.model_fields_set
        if given and self.stranger_distance < self.max_distance:
            raise ValueError("stranger_distance must not be smaller than max_distance")
        return self
