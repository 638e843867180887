"""What only some commands need: packages, which an extra of footfall installs, and the networks."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from config.errors import SettingsError

if TYPE_CHECKING:
    from config.recognition import MatchSettings
    from config.settings import Settings
    from tracker.store.store import Store
    from tracker.vision.bodies import BodyDetector
    from tracker.vision.embedders import EmbedderSpec
    from tracker.vision.engine import FaceEngine

_NAMES = {"argon2": "argon2-cffi", "firebase_admin": "firebase-admin", "skimage": "scikit-image"}
"""Name of the package, where it is not that of the module."""


def require(feature: str, extra: str, *modules: str) -> None:
    """Raises SettingsError, with the command that installs the extra, where a module is missing."""
    missing = [_NAMES.get(name, name) for name in modules if not find_spec(name)]
    if missing:
        raise SettingsError(f"{feature} needs {' and '.join(missing)}", fix=f"pip install 'footfall[{extra}]'")


def require_firestore() -> None:
    """Raises SettingsError where the client of Firestore is missing."""
    require("Firestore", "cloud", "firebase_admin")


def embedder_of(settings: Settings, store: Store | None = None) -> EmbedderSpec:
    """The embedder of the settings or of the vectors in the store, which the store uses from now on.

    Raises ModelError where the two differ.
    """
    from tracker.vision.embedders import chosen

    embedder = chosen(settings.recognition.embedder, None if store is None else store.people.network())
    if store is not None:
        store.use_model(embedder.network)
    return embedder


def match_of(settings: Settings, store: Store) -> MatchSettings:
    """The distances that decide, for the people who are enrolled in the store. Raises ModelError."""
    from tracker.identity.limits import match_settings
    from tracker.presence.people import PersonKind

    embedder = embedder_of(settings, store)
    enrolled = set(store.people.vectors(PersonKind.ENROLLED)[1])
    return match_settings(settings.match, embedder, people=len(enrolled))


def load_engine(settings: Settings, store: Store | None = None, *, thorough: bool = True) -> FaceEngine:
    """The networks, with the embedder of the settings or of the store; see `engine_of`."""
    return engine_of(settings, embedder_of(settings, store), thorough=thorough)


def engine_of(settings: Settings, embedder: EmbedderSpec, *, thorough: bool = True) -> FaceEngine:
    """The networks, built first where they are missing. thorough: see `FaceEngine.load`. Raises ModelError."""
    from models.catalog import required
    from models.runtime import ensure_built
    from tracker.vision.engine import FaceEngine

    ensure_built(settings.models.dir, settings.models.precision, required(embedder.network))
    return FaceEngine.load(
        models=settings.models,
        detect=settings.detect,
        quality=settings.quality,
        embedder=embedder,
        thorough=thorough,
    )


def body_detector(settings: Settings) -> BodyDetector:
    """The network that finds bodies, downloaded first where it is missing. Raises ModelError."""
    from models.runtime import ensure_built
    from tracker.vision.bodies import BodyDetector

    models = settings.models
    ensure_built(models.dir, models.precision, ["bodies"])
    return BodyDetector(folder=models.dir, precision=models.precision, threads=models.threads)
