"""What `footfall models` shows of networks and model packs: lines for people, and JSON values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from config.errors import ModelError
from models import cards, packs
from models.cards import Card, Format
from models.catalog import CATALOG
from models.embedding import Crop, Limits
from models.model_folder import FileState, FileStatus, Source
from models.packs import Pack

_MOST_LABELS = 12


def built_in_card(name: str) -> Card:
    """The card of a network of the catalog."""
    spec = CATALOG[name]
    source = Source(
        package=spec.source_package, version=spec.source_version, file=spec.source_file, sha256=spec.source_sha256
    )
    return cards.of(spec, source, form=Format.FOLDER, weights=None)


def lines(card: Card) -> list[tuple[str, str]]:
    """Title and value of each line that `models show` prints."""
    found = [("name", card.name), ("kind", card.kind.value), ("purpose", card.purpose)]
    found.append(("input", f"{' x '.join('any' if side is None else str(side) for side in card.input.shape[1:3])} px"))
    if card.input.pixels is not None:
        found.append(("pixels", str(card.input.pixels)))
    found += [(f"output {number}", f"{each}: {each.meaning}") for number, each in enumerate(card.outputs.values())]
    if card.embedding is not None:
        found += [_crop(card.embedding.crop), ("distance", card.embedding.distance.value)]
        found += [
            (
                _galleries(before, each),
                f"same person up to {each.max_distance:g}, stranger from {each.stranger_distance:g}",
            )
            for before, each in zip((None, *card.embedding.limits), card.embedding.limits, strict=False)
        ]
    if card.attribute is not None:
        first, *_, last = labels = card.attribute.labels
        few = ", ".join(labels) if len(labels) <= _MOST_LABELS else f"{first} … {last}"
        found += [_crop(card.attribute.crop), ("labels", few)]
    found += [
        ("accuracy", f"{each.measure} {each.value:.3f} ({each.precision}, {each.dataset})") for each in card.accuracy
    ]
    source = " ".join(part for part in (card.source.package, card.source.version, card.source.file) if part)
    found += [("source", source)] if source else []
    return [*found, ("licence", card.licence), ("sha256", card.source.sha256)]


def _galleries(smaller: Limits | None, limits: Limits) -> str:
    """Of how many people galleries are that have these limits."""
    if limits.people is not None:
        return f"limits up to {limits.people} people"
    return "limits" if smaller is None else f"limits above {smaller.people} people"


def _crop(crop: Crop) -> tuple[str, str]:
    how = "five landmarks" if crop.margin is None else f"the box, margin {crop.margin} px"
    return "crop", f"{crop.side} px, by {how}"


def problem(pack: Pack) -> ModelError | None:
    """What is wrong with the files of a model pack, None where they are whole."""
    try:
        packs.verify(pack)
    except ModelError as error:
        return error
    return None


def record(row: FileStatus) -> dict[str, Any]:
    """The status of a network of the catalog, as JSON values."""
    status = asdict(row)
    del status["spec"]
    embedding, attribute = row.spec.embedding, row.spec.attribute
    return {
        **asdict(row.spec),
        "input_range": row.spec.input_range,
        "outputs": [str(output) for output in row.spec.outputs],
        "embedding": None if embedding is None else embedding.model_dump(mode="json"),
        "attribute": None if attribute is None else attribute.model_dump(mode="json"),
        **status,
        "file": row.spec.file_name(row.precision),
    }


def damaged_record(name: str, error: ModelError) -> dict[str, Any]:
    """A model pack whose card cannot be used, as JSON values."""
    return {"name": name, "format": Format.PACK, "state": FileState.DAMAGED, "precisions": [], "problem": error.problem}


def pack_record(pack: Pack) -> dict[str, Any]:
    """A model pack, as JSON values."""
    found = problem(pack)
    state = FileState.OK if found is None else FileState.DAMAGED
    document = {"folder": str(pack.folder), "network": pack.network, "state": state, "precisions": pack.precisions}
    return {**pack.card.model_dump(mode="json"), **document, "problem": None if found is None else found.problem}
