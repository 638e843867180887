"""Whether a network of a model pack may name people: by its figures, two portraits, and the people who are enrolled."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import numpy as np

from config.errors import ModelError, PictureError
from config.findings import Finding, Outcome
from config.settings import Settings
from models.cards import Accuracy
from tracker.demo.portraits import PORTRAITS, picture
from tracker.identity.check import CHECK
from tracker.identity.gallery import Gallery
from tracker.identity.limits import match_settings
from tracker.identity.match import distances
from tracker.vision.embedders import EmbedderSpec
from tracker.vision.engine import FaceEngine
from tracker.vision.faces import FloatArray

log = logging.getLogger("footfall.accuracy")

LEAST_TAR = 0.5
"""True-accept rate below which a network recognises too few faces."""
MOST_FAR = 0.01
"""False-accept rate of the figures that count: one at a higher rate says little."""
MOST_CONFUSED = 0.1
"""Share of pairs of different enrolled people that may be within the limit."""
_MEASURE = re.compile(r"TAR at FAR (\d*\.?\d+(?:e-?\d+)?)", re.IGNORECASE)
_LEAST_PAIRS, _MOST_PEOPLE = 3, 300
_MEASURING = "'footfall models bench {} --pictures DIR' does"
_FIX = "set recognition.embedder to another network; recognition.accept_inaccurate = true tries it nevertheless"


def require_accurate(
    embedder: EmbedderSpec, settings: Settings, enrolled: Gallery, *, engine: FaceEngine | None = None
) -> None:
    """Refuse a network that does not tell people apart, and warn of one whose accuracy nobody measured.

    enrolled: their vectors of this network. engine: with this network, to compare two portraits where it has no
    figures; without it nothing is warned of. Networks of the catalog are measured. Raises ModelError, unless the
    settings accept it.
    """
    problem = _problem(embedder, settings, enrolled, engine)
    if problem is None:
        if engine is not None and not _is_measured(embedder):
            log.warning("%s: nobody measured its accuracy; %s", embedder.name, _MEASURING.format(embedder.name))
        return
    if not settings.recognition.accept_inaccurate:
        raise ModelError(f"{embedder.name} does not tell people apart: {problem}", fix=_FIX)
    log.warning("%s does not tell people apart: %s", embedder.name, problem)


def check_accuracy(settings: Settings, enrolled: Gallery, engine: FaceEngine) -> Finding | None:
    """What there is against the engine's network; None where there is nothing."""
    embedder = engine.embedder
    problem = _problem(embedder, settings, enrolled, engine)
    if problem is not None:
        outcome = Outcome.WARNING if settings.recognition.accept_inaccurate else Outcome.FAILED
        detail = f"{embedder.name} does not tell people apart: {problem}"
        return Finding(check=CHECK, outcome=outcome, detail=detail, fix=_FIX)
    if _is_measured(embedder):
        return None
    detail = f"{embedder.name}: nobody measured its accuracy"
    fix = f"footfall models bench {embedder.name} --pictures DIR"
    return Finding(check=CHECK, outcome=Outcome.WARNING, detail=detail, fix=fix)


def _is_measured(embedder: EmbedderSpec) -> bool:
    return embedder.pack is None or bool(_counted(embedder.pack.card.accuracy))


def _problem(embedder: EmbedderSpec, settings: Settings, enrolled: Gallery, engine: FaceEngine | None) -> str | None:
    """What there is against a network, None where nothing is known or it is one of the catalog."""
    if embedder.pack is None:
        return None
    limit = match_settings(settings.match, embedder, people=len(enrolled.people)).max_distance
    problem = _low(embedder.pack.card.accuracy) or _confused(enrolled, limit)
    if problem is None and engine is not None and not _is_measured(embedder):
        problem = _portraits(engine, limit)
    return problem


def _counted(figures: Sequence[Accuracy]) -> dict[float, float]:
    """By false-accept rate, the lowest true-accept rate of the figures."""
    found: dict[float, float] = {}
    for each in figures:
        if match := _MEASURE.fullmatch(each.measure.strip()):
            rate = float(match[1])
            found[rate] = min(each.value, found.get(rate, 1.0))
    return {rate: value for rate, value in found.items() if rate <= MOST_FAR}


def _low(figures: Sequence[Accuracy]) -> str | None:
    """What the figure at the highest false-accept rate says against a network."""
    counted = _counted(figures)
    if not counted:
        return None
    rate = max(counted)
    if counted[rate] >= LEAST_TAR:
        return None
    return f"it recognises {counted[rate]:.0%} of faces where {rate:.3g} of other people's are accepted (its card)"


def _confused(enrolled: Gallery, limit: float) -> str | None:
    """What the enrolled people say against a network."""
    vectors = enrolled.vectors[enrolled.starts[:-1]][:_MOST_PEOPLE]
    people = len(vectors)
    pairs = people * (people - 1) // 2
    if pairs < _LEAST_PAIRS:
        return None
    apart = distances(Gallery.of(vectors, tuple(map(str, range(people)))), vectors)
    within = int((apart[np.triu_indices(people, 1)] <= limit).sum())
    if within <= MOST_CONFUSED * pairs:
        return None
    return f"{within} of {pairs} pairs of different enrolled people are within the limit of {limit:g}"


def _portraits(engine: FaceEngine, limit: float) -> str | None:
    """What two portraits say against a network; None where the packages that have them are not installed."""
    try:
        one, other = (_views(engine, key) for key in PORTRAITS)
    except PictureError:
        return None
    same = max(float(np.linalg.norm(views - views[0], axis=1).max()) for views in (one, other))
    different = float(np.linalg.norm(one[:, None] - other[None], axis=2).min())
    if different > max(limit, same):
        return None
    return (
        f"the portraits of two people are {different:.2f} apart; the limit is {limit:g}, and mirrored and darker ones"
        f" of one person are up to {same:.2f} apart"
    )


def _views(engine: FaceEngine, key: str) -> FloatArray:
    """(3, D) vectors of a portrait as it is, mirrored, and darker. Raises PictureError where there is no picture."""
    image = picture(PORTRAITS[key])
    views = [image, np.ascontiguousarray(image[:, ::-1]), (image * 0.6).astype(np.uint8)]
    found = [engine.detect(view) for view in views]
    if not all(map(len, found)):
        raise PictureError(f"no face found in the portrait {key}", fix="set detect.detector to mtcnn")
    return np.concatenate([engine.embed(view, each.take(slice(0, 1))) for view, each in zip(views, found, strict=True)])
