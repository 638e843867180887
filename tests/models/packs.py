"""Model packs for tests: of R-Net as an embedder, changed in their cards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from config.errors import ModelError
from models.cards import CARD
from models.cli import app
from models.embedding import Crop, Embedding, Limits
from models.model_folder import Source
from models.packs import Pack

EMBEDDING = Embedding(
    crop=Crop(side=24, margin=4), limits=(Limits(people=None, max_distance=1.0, stranger_distance=1.2),)
)
"""R-Net takes 24 px and outputs four numbers first: the smallest embedder there is."""


def source(digit: str = "a") -> Source:
    return Source(package="", version="", file="weights.h5", sha256=digit * 64)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, list(map(str, arguments)))


def problem_of(done: Any) -> str:
    assert isinstance(done.exception, ModelError), done.output
    return f"{done.exception.problem}; {done.exception.fix}"


def edited(pack: Pack, change: Callable[[dict[str, Any]], object]) -> Path:
    document = json.loads((pack.folder / CARD).read_text(encoding="utf-8"))
    change(document)
    (pack.folder / CARD).write_text(json.dumps(document), encoding="utf-8")
    return pack.folder
