"""Whether a network of a model pack may name people: by its figures, two portraits, and the people who are enrolled."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

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
from tracker.identity.rates import interval_of_pairs
from tracker.reports.text import count_text
from tracker.vision.embedders import EmbedderSpec
from tracker.vision.engine import FaceEngine
from tracker.vision.faces import FloatArray

log = logging.getLogger("footfall.accuracy")

LEAST_TAR = 0.5
"""True-accept rate below which a network recognises too few faces."""
MOST_FAR = 0.01
"""False-accept rate of the figures that count: one at a higher rate says little."""
MOST_CONFUSED = 0.1
"""Share of pairs of different enrolled people that may be within the limit; few pairs may have more by chance."""
_MEASURE = re.compile(r"TAR at FAR (\d*\.?\d+(?:e-?\d+)?)", re.IGNORECASE)
_LEAST_PAIRS, _MOST_PEOPLE, _MOST_NAMED = 3, 300, 3
_FIX = "set recognition.embedder to another network; recognition.accept_inaccurate = true tries it nevertheless"


@dataclass(frozen=True, slots=True)
class _Doubt:
    """What is not enough to refuse a network. fix: a command."""

    problem: str
    fix: str


def require_accurate(
    embedder: EmbedderSpec,
    settings: Settings,
    enrolled: Gallery,
    *,
    engine: FaceEngine | None = None,
    names: Mapping[str, str] | None = None,
) -> None:
    """Refuse a network that does not tell people apart; warn of people it confuses, and where nobody measured it.

    enrolled: their vectors of this network. engine: with this network, to compare two portraits where it has no
    figures; without it nothing is warned of. Networks of the catalog are measured. Raises ModelError, unless the
    settings accept it.
    """
    problem, doubts = _judged(embedder, settings, enrolled, engine, names or {})
    for each in doubts:
        log.warning("%s; try '%s'", each.problem, each.fix)
    if problem is None:
        return
    if not settings.recognition.accept_inaccurate:
        raise ModelError(f"{embedder.name} does not tell people apart: {problem}", fix=_FIX)
    log.warning("%s does not tell people apart: %s", embedder.name, problem)


def check_accuracy(
    settings: Settings, enrolled: Gallery, engine: FaceEngine, *, names: Mapping[str, str] | None = None
) -> Finding | None:
    """What there is against the engine's network; None where there is nothing."""
    embedder = engine.embedder
    problem, doubts = _judged(embedder, settings, enrolled, engine, names or {})
    if problem is not None:
        outcome = Outcome.WARNING if settings.recognition.accept_inaccurate else Outcome.FAILED
        detail = f"{embedder.name} does not tell people apart: {problem}"
        return Finding(check=CHECK, outcome=outcome, detail=detail, fix=_FIX)
    if not doubts:
        return None
    detail = "; ".join(each.problem for each in doubts)
    return Finding(check=CHECK, outcome=Outcome.WARNING, detail=detail, fix=doubts[0].fix)


def _is_measured(embedder: EmbedderSpec) -> bool:
    return embedder.pack is None or bool(_counted(embedder.pack.card.accuracy))


def _judged(
    embedder: EmbedderSpec, settings: Settings, enrolled: Gallery, engine: FaceEngine | None, names: Mapping[str, str]
) -> tuple[str | None, list[_Doubt]]:
    """What there is against a network, None where nothing is known or it is one of the catalog; else what is doubted.

    names: of the enrolled people, by id.
    """
    if embedder.pack is None:
        return None, []
    limit = match_settings(settings.match, embedder, people=len(enrolled.people)).max_distance
    alike = _alike(enrolled, limit)
    measured = _is_measured(embedder)
    problem = _low(embedder.pack.card.accuracy) or alike.problem
    if problem is None and engine is not None and not measured:
        problem = _portraits(engine, limit)
    if problem is not None:
        return problem, []
    doubts = []
    if alike.share_is_high:
        doubts.append(_Doubt(f"{embedder.name} may confuse {alike.text(names)}", "footfall people calibrate"))
    if engine is not None and not measured:
        measuring = f"footfall models bench {embedder.name} --pictures DIR"
        doubts.append(_Doubt(f"{embedder.name}: nobody measured its accuracy", measuring))
    return None, doubts


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alike:
    """Pairs of enrolled people within the limit. pairs: all of them, by their ids. within: whether each is."""

    pairs: Sequence[tuple[str, str]]
    within: Sequence[bool]
    limit: float

    @property
    def share_is_high(self) -> bool:
        return sum(self.within) > MOST_CONFUSED * len(self.pairs)

    @property
    def problem(self) -> str | None:
        """What they say against the network; None where chance, or a family, explains it."""
        if len(self.pairs) < _LEAST_PAIRS or not self.share_is_high:
            return None
        low, _ = interval_of_pairs(self.within, self.pairs)
        if low <= MOST_CONFUSED:
            return None
        count = f"{sum(self.within)} of {len(self.pairs)} pairs"
        return f"{count} of different enrolled people are within the limit of {self.limit:g}"

    def text(self, names: Mapping[str, str]) -> str:
        """Who looks alike."""
        alike = [pair for pair, within in zip(self.pairs, self.within, strict=True) if within]
        shown = [" and ".join(names.get(each, each) for each in pair) for pair in alike[:_MOST_NAMED]]
        more = f" and {count_text(len(alike) - len(shown), 'more pair')}" if len(alike) > len(shown) else ""
        return ", ".join(shown) + more


def _alike(enrolled: Gallery, limit: float) -> _Alike:
    """The pairs of enrolled people, of each their first vector."""
    people = enrolled.people[:_MOST_PEOPLE]
    vectors = enrolled.vectors[enrolled.starts[: len(people)]]
    apart = distances(Gallery.of(vectors, people), vectors)[np.triu_indices(len(people), 1)]
    return _Alike(pairs=tuple(combinations(people, 2)), within=(apart <= limit).tolist(), limit=limit)


def _portraits(engine: FaceEngine, limit: float) -> str | None:
    """What two portraits say against a network; None where the packages that have them are not installed."""
    try:
        one, other = (_views(engine, key) for key in PORTRAITS)
    except PictureError:
        return None
    if not np.isfinite([one, other]).all():
        return "it gives no finite vector for a portrait"
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
