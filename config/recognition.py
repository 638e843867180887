"""Recognition settings: how faces are found, which are good enough, what embeds them, and the distances that decide."""

from __future__ import annotations

import logging
import math
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from config.field_types import Region

log = logging.getLogger(__name__)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DetectorName(StrEnum):
    MTCNN = "mtcnn"
    YUNET = "yunet"
    HAAR = "haar"


class DetectSettings(_Section):
    detector: DetectorName = Field(
        DetectorName.MTCNN,
        description="Face detector: `mtcnn`; `yunet`, whose cost does not grow with the number of faces, for crowds,"
        " and which finds faces from 1/64 of the longer side on; or `haar`, for frontal faces by a cascade of your own."
        " `yunet` ignores scale_factor and the three thresholds, `haar` all of these but output_threshold.",
    )
    haar_cascade: Path | None = Field(
        None,
        description="XML file of OpenCV's cascade for `haar`. Unset: `haarcascade_frontalface_default.xml` from"
        " `footfall models build --haar`, or from OpenCV 4 where it is installed.",
    )
    min_face: int = Field(
        20,
        ge=12,
        le=2000,
        description="Side of the smallest face to detect, px; doubling it makes detection four times as fast.",
    )
    scale_factor: float = Field(0.709, gt=0.1, lt=0.99, description="Ratio of one pyramid level to the one before.")
    proposal_threshold: float = Field(0.6, ge=0, lt=1, description="Minimum score of P-Net proposals.")
    refine_threshold: float = Field(0.7, ge=0, lt=1, description="Minimum score of R-Net candidates.")
    output_threshold: float = Field(0.8, ge=0, lt=1, description="Minimum score of O-Net detections.")
    max_faces: int | None = Field(None, ge=1, description="Maximum number of faces per frame; the best are kept.")
    region: Region = Field(
        (0.0, 0.0, 1.0, 1.0),
        description="Region of a camera's frame to search for faces, and in rooms for bodies: left, top, right, bottom "
        "in fractions of the frame. Enrolment pictures are always searched in full.",
    )


@cache
def _warn_of_yaw(ratio: float, degrees: float) -> None:
    """Once, however often the settings are read."""
    log.warning("quality.max_yaw is in degrees since 0.2: write %g instead of %g", degrees, ratio)


class QualitySettings(_Section):
    min_width: int = Field(32, ge=1, le=2000, description="Minimum width, px.")
    min_sharpness: float = Field(1.5, ge=0, description="Minimum sharpness; a sharp face of 60 px has about 4.")
    max_yaw: float = Field(75.0, gt=0, le=90, description="Maximum yaw, degrees: 0 frontal, 90 profile.")
    max_pitch: float = Field(0.8, gt=0, le=1, description="Maximum pitch, up or down: 0 level, 1 extreme.")
    min_contrast: float = Field(0.02, ge=0, lt=0.5, description="Minimum contrast: standard deviation of grey, 0..0.5.")
    max_clipped: float = Field(0.5, ge=0, le=1, description="Maximum share of black or white pixels.")

    @field_validator("max_yaw")
    @classmethod
    def _yaw_was_a_ratio(cls, value: float) -> float:
        """Up to 1 it is the offset of the nose over half the distance of the eyes, as in 0.1."""
        if value > 1:
            return value
        degrees = round(math.degrees(math.atan(value / 0.87)))
        _warn_of_yaw(value, degrees)
        return degrees


class RecognitionSettings(_Section):
    embedder: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9._-]{0,40}$",
        description="Network that embeds faces: `sface`, `dlib_resnet`, or the name of a model pack in"
        " `footfall models list`. Unset: that of the people in the store, in a new store `sface`. `dlib_resnet`"
        " confuses people of some groups.",
    )
    shadow: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9._-]{0,40}$",
        description="Network to change to: agents take faces for it of people whom the present one recognises clearly."
        " `footfall people shadow` shows how far it is, `footfall people re-enroll --shadow` changes over.",
    )
    accept_inaccurate: bool = Field(
        False,
        description="Use a model pack that does not tell people apart by its figures, by two portraits, or by the"
        " people who are enrolled; for trials.",
    )


class RuleName(StrEnum):
    """How the people within their limits are ranked for a face."""

    NEAREST = "nearest"
    KNN = "knn"
    SOFTMAX = "softmax"
    SVM = "svm"


RULE_FIELDS = ("rule", "neighbours", "min_confidence")
"""Of `MatchSettings`, what browser cameras do not know: for them the nearest person decides."""


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
    rule: RuleName = Field(
        RuleName.NEAREST,
        description="Which of the people within `max_distance` a face is: the `nearest`; by vote of the nearest vectors"
        " (`knn`); or by a model fitted to the vectors, `softmax` or linear `svm`, which need"
        " `pip install 'footfall[rules]'`. `footfall people compare-rules` compares them. Browser cameras always use"
        " `nearest`.",
    )
    neighbours: int = Field(5, ge=1, le=50, description="Number of vectors that vote under `knn`.")
    min_confidence: float = Field(
        0.6,
        gt=0.5,
        lt=1,
        description="Minimum confidence of `knn`, `softmax` and `svm`, against the next person; it replaces"
        " `min_margin`.",
    )

    @model_validator(mode="after")
    def _distances_are_ordered(self) -> Self:
        given = {"max_distance", "stranger_distance"} <= self.model_fields_set
        if given and self.stranger_distance < self.max_distance:
            raise ValueError("stranger_distance must not be smaller than max_distance")
        return self
