"""The networks that settings and store agree on, the distances that decide, and whom new pictures are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.errors import ModelError

if TYPE_CHECKING:
    from config.recognition import MatchSettings
    from config.settings import Settings
    from tracker.identity.enrolment_checks import EnrolmentChecks
    from tracker.store.store import Store
    from tracker.vision.bodies import BodyDetector
    from tracker.vision.embedders import EmbedderSpec
    from tracker.vision.engine import FaceEngine


def embedder_of(settings: Settings, store: Store | None = None) -> EmbedderSpec:
    """The embedder of the settings or of the vectors in the store, which the store uses from now on.

    Raises ModelError where the two differ.
    """
    from tracker.vision.embedders import chosen

    stored = None if store is None else store.people.network()
    embedder = chosen(settings.recognition.embedder, stored, settings.models.dir)
    if store is not None:
        store.use_model(embedder.network)
    return embedder


def browser_embedder_of(settings: Settings, store: Store) -> EmbedderSpec:
    """The embedder for cameras that are browsers: one of the catalog. Raises ModelError as `embedder_of` does."""
    embedder = embedder_of(settings, store)
    if embedder.pack is not None:
        raise ModelError(
            f"browsers do not run the model pack {embedder.name}, with which the people are enrolled",
            fix="follow this camera with 'footfall track', or enrol everybody for sface: 'footfall people re-enroll'",
        )
    return embedder


def shadow_of(settings: Settings) -> EmbedderSpec | None:
    """The embedder of a shadow period, None where the settings name none. Raises ModelError where it is not there."""
    from tracker.vision.embedders import embedder_named

    name = settings.recognition.shadow
    return None if name is None else embedder_named(name, settings.models.dir, setting="recognition.shadow")


def accept_network(settings: Settings, store: Store, embedder: EmbedderSpec) -> None:
    """Make the store use the embedder of vectors that were made elsewhere.

    Raises ModelError where its people were enrolled with another one, or the settings name another one.
    """
    stored, setting = store.people.network(), settings.recognition.embedder
    if stored not in (None, embedder.network):
        raise ModelError(
            f"the vectors are of {embedder.name}, but the people in the store are recognised by {stored}",
            fix="import the pictures instead, or change the network first, by a shadow period (recognition.shadow)",
        )
    if setting not in (None, embedder.name):
        fix = f'import the pictures instead, or set recognition.embedder = "{embedder.name}"'
        raise ModelError(f"the vectors are of {embedder.name}, but recognition.embedder is {setting}", fix=fix)
    store.use_model(embedder.network)


def match_of(
    settings: Settings, store: Store, embedder: EmbedderSpec | None = None, *, people: int = 0
) -> MatchSettings:
    """The distances that decide, for the people who are enrolled in the store. Raises ModelError.

    embedder: that the store uses, None for that of `embedder_of`. people: how many there will be at least.
    """
    from tracker.identity.limits import match_settings
    from tracker.presence.people import PersonKind

    embedder = embedder or embedder_of(settings, store)
    enrolled = set(store.people.vectors(PersonKind.ENROLLED)[1])
    return match_settings(settings.match, embedder, people=max(len(enrolled), people))


def checks_of(
    settings: Settings, store: Store, *, force: bool = False, embedder: EmbedderSpec | None = None, people: int = 0
) -> EnrolmentChecks:
    """Everybody in the store, to compare pictures with. force: skip the checks. embedder, people: see `match_of`.

    Raises ModelError as `match_of`.
    """
    from tracker.identity.enrolment_checks import EnrolmentChecks
    from tracker.identity.gallery import Gallery
    from tracker.identity.known import enrolled_gallery
    from tracker.presence.people import PersonKind

    return EnrolmentChecks(
        settings=match_of(settings, store, embedder, people=people),
        gallery=enrolled_gallery(store.people),
        visitors=Gallery.of(*store.people.vectors(PersonKind.VISITOR)),
        names={person.person_id: person.name for person in store.people.all()},
        force=force,
    )


def load_engine(settings: Settings, store: Store | None = None, *, thorough: bool = True) -> FaceEngine:
    """The networks, with the embedder of the settings or of the store; see `engine_of`.

    Raises ModelError where the embedder would confuse the people in the store, see `require_accurate`.
    """
    engine = engine_of(settings, embedder_of(settings, store), thorough=thorough)
    if store is not None:
        from tracker.identity.accuracy import require_accurate
        from tracker.identity.known import enrolled_gallery

        names = {person.person_id: person.name for person in store.people.all()}
        require_accurate(engine.embedder, settings, enrolled_gallery(store.people), engine=engine, names=names)
    return engine


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
