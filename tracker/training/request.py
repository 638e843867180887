"""What a run of training was asked for, kept in its folder so that it is resumed as it was begun."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from config.errors import ModelError
from models.embedding import Crop, Line, Record
from models.training.options import TrainingOptions
from tracker.dataset.crops import LAYOUTS, Template
from tracker.dataset.writing import placing

REQUEST = "request.json"
_BOX_MARGIN = 0.2
"""Share of the side: that of 'dataset align' without options, 32 of 160 px."""


class Request(Record):
    """A run of training.

    name: of the pack. licence: of it. test, validation: shares of the people, see `people.read_parts`. template,
    margin: how the pictures were cropped, as given to 'dataset align': by a template of landmarks, or by the box with a
    margin in px of the file. weights: name of the file that the network began with, "" for random weights.
    """

    name: str
    licence: Line
    test: Annotated[float, Field(gt=0, lt=1)] = 0.2
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.1
    template: Template | None = None
    margin: Annotated[int, Field(ge=0)] | None = None
    weights: str = ""
    training: TrainingOptions

    def crop(self, side: int) -> Crop:
        """The crop that faces need for this network. side: of the pictures in their files, px."""
        size = self.training.size
        if self.template is None:
            share = _BOX_MARGIN if self.margin is None else min(self.margin / side, 0.5)
            return Crop(side=size, margin=int(share * size))
        layout = LAYOUTS[self.template]
        points = tuple((float(x), float(y)) for x, y in (layout.template * (size / layout.side)).round(4))
        return Crop(side=size, template=points)


def read(folder: Path) -> Request:
    """The request of a run. Raises ModelError."""
    path = folder / REQUEST
    try:
        return Request.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelError(f"{folder}: no training to resume", fix="start it without --resume") from error
    except (OSError, ValidationError) as error:
        raise ModelError(f"{path}: not the request of a training", fix="start again in another folder") from error


def write(folder: Path, request: Request) -> None:
    """Keep the request of a run. Raises PictureError."""
    with placing(folder / REQUEST) as file:
        file.write_text(request.model_dump_json(indent=2) + "\n", encoding="utf-8")
