"""What is compared: detectors and embedders by name, opened, with the size of their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from config.errors import ModelError
from config.recognition import DetectorName
from config.settings import ModelSettings, Settings
from models import packs
from models.catalog import CATALOG
from tracker.identity.enrolment_faces import FaceExtractor
from tracker.vision.detectors import DETECTORS, FaceDetector, haar_cascade, open_detector, open_thorough
from tracker.vision.embed import Embedder
from tracker.vision.embedders import EmbedderSpec, known_embedders
from tracker.vision.engine import FaceEngine

Contender = TypeVar("Contender")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contenders:
    """Detectors and embedders by name.

    finder: finds the face that is embedded, the same for all embedders; None without any. sizes: bytes of the files
    that each reads. skipped: why others are left out, in sentences.
    """

    detectors: Mapping[str, FaceDetector]
    embedders: Mapping[str, FaceEngine]
    finder: FaceExtractor | None
    sizes: Mapping[str, int]
    skipped: tuple[str, ...]


def contenders(names: Sequence[str], settings: Settings) -> Contenders:
    """Those of the names, or without names all that can be opened.

    Raises ModelError for an unknown name, where one of the names cannot be opened, and where nothing can.
    """
    models, detect = settings.models, settings.detect
    known = {spec.name: spec for spec in known_embedders(models.dir)}
    _, damaged = packs.readable(models.dir)
    for name in names:
        if name in damaged:
            raise damaged[name]
    _require_known(names, [*DETECTORS, *known])
    wanted = {name: spec for name, spec in known.items() if not names or name in names}
    detectors, missing = _opened(
        {name: partial(open_detector, name, models, detect) for name in DETECTORS if not names or name in names},
        skip=not names,
    )
    embedders, others = _embedders(wanted, settings, skip=not names)
    sizes = {name: _detector_bytes(DetectorName(name), settings) for name in detectors}
    return Contenders(
        detectors=detectors,
        embedders=embedders,
        finder=next(iter(embedders.values()), None),
        sizes=sizes | {name: _embedder_bytes(known[name], models) for name in embedders},
        skipped=tuple(f"{error.problem}; fix: {error.fix}" for error in [*missing, *others, *damaged.values()]),
    )


def _require_known(names: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ModelError(f"no detector or embedder {unknown[0][:60]!r}", fix=f"name some of: {', '.join(known)}")


def _opened(
    makers: Mapping[str, Callable[[], Contender]], *, skip: bool
) -> tuple[dict[str, Contender], list[ModelError]]:
    """What the functions open, by name, and why others cannot be opened. skip: otherwise that is raised."""
    found: dict[str, Contender] = {}
    missing: list[ModelError] = []
    for name, make in makers.items():
        try:
            found[str(name)] = make()
        except ModelError as error:
            if not skip:
                raise
            missing.append(error)
    return found, missing


def _embedders(
    wanted: Mapping[str, EmbedderSpec], settings: Settings, *, skip: bool
) -> tuple[dict[str, FaceEngine], list[ModelError]]:
    """As `_opened`; they share the detector that enrolment has."""
    if not wanted:
        return {}, []
    detector = open_thorough(settings.models, settings.detect)
    return _opened({name: partial(_engine, spec, detector, settings) for name, spec in wanted.items()}, skip=skip)


def _engine(spec: EmbedderSpec, detector: FaceDetector, settings: Settings) -> FaceEngine:
    models = settings.models
    embedder = Embedder(spec, folder=models.dir, precision=models.precision, threads=models.threads)
    return FaceEngine(detector=detector, embedder=embedder, quality=settings.quality)


def _detector_bytes(name: DetectorName, settings: Settings) -> int:
    size = sum(_network_bytes(network, settings.models) for network in DETECTORS[name].networks)
    if name is DetectorName.HAAR:
        size += haar_cascade(settings.models, settings.detect).stat().st_size
    return size


def _embedder_bytes(spec: EmbedderSpec, models: ModelSettings) -> int:
    if spec.pack is None:
        return _network_bytes(spec.network, models)
    name = packs.file_name(spec.name, spec.pack.closest(models.precision))
    return next(file.size for file in spec.pack.card.files if file.name == name)


def _network_bytes(network: str, models: ModelSettings) -> int:
    return (models.dir / CATALOG[network].file_name(models.precision)).stat().st_size
