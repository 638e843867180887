"""Puts the agents of a run together from the settings: one for each camera."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from config.settings import CameraSettings, ModelSettings, Settings
from models.catalog import required
from models.runtime import ensure_built, has_network
from tracker.agent.looks import BodyWatch
from tracker.agent.loop import Agent
from tracker.agent.roles.choice import line_of, role_of
from tracker.cameras.frames import FrameSource
from tracker.cameras.sources import SystemClock
from tracker.identity.accuracy import require_accurate
from tracker.identity.gallery import Gallery
from tracker.identity.known import KnownPeople, enrolled_gallery
from tracker.identity.networks import shadow_of
from tracker.identity.recognition import Recognition
from tracker.identity.shadow import Shadow
from tracker.presence.events import CameraRef
from tracker.reports.text import count_text
from tracker.store.store import Store
from tracker.vision.bodies import BodyDetector
from tracker.vision.boxes import Region
from tracker.vision.embed import Embedder
from tracker.vision.engine import FaceEngine

if TYPE_CHECKING:
    from tracker.agent.audience import Audience

log = logging.getLogger("footfall.agent")


def assemble(
    settings: Settings,
    cameras: Sequence[CameraSettings],
    sources: Sequence[FrameSource],
    store: Store,
    known: KnownPeople,
) -> list[Agent]:
    """One agent a camera; they share the networks, the store and the people they know. Raises ModelError."""
    engine = FaceEngine.load(
        models=settings.models, detect=settings.detect, quality=settings.quality, embedder=known.embedder
    )
    names = {person.person_id: person.name for person in store.people.all()}
    require_accurate(known.embedder, settings, enrolled_gallery(store.people), engine=engine, names=names)
    shadow = _shadow(settings, known, store)
    bodies = _body_detector(settings.models, [each for each in cameras if each.counts_bodies])
    audiences = _audiences(settings, [CameraRef(settings.site.id, each.id) for each in cameras], known)
    clock = SystemClock()
    agents = []
    for each, source in zip(cameras, sources, strict=True):
        camera = CameraRef(settings.site.id, each.id)
        recognition = Recognition(
            site_id=settings.site.id, camera_id=each.id, known=known, track=settings.track, zone=settings.site.zone
        )
        agent = Agent(
            camera,
            source=source,
            engine=engine.within(each.region or settings.detect.region),
            recognition=recognition,
            role=role_of(each, camera, presence=settings.presence, max_gap_s=settings.track.max_gap_s),
            known=known,
            store=store,
            clock=clock,
            resume_within=timedelta(seconds=settings.presence.merge_gap_s),
            watch=None if bodies is None or not each.counts_bodies else _watch(each, bodies, settings.detect.region),
            shadow=shadow,
            evidence_days=settings.store.evidence_days,
            visitor_days=settings.store.visitor_days,
            audit_days=settings.store.audit_days,
            audience=audiences.get(each.id),
        )
        agents.append(agent)
    return agents


def _shadow(settings: Settings, known: KnownPeople, store: Store) -> Shadow | None:
    """What takes faces for the network that the site changes to; None without one, and those taken before are deleted.

    Raises ModelError, StoreError.
    """
    embedder = shadow_of(settings)
    if embedder is None or embedder.network == known.embedder.network:
        count = store.shadow.delete()
        if count:
            log.warning("the shadow period is over: %s deleted that were taken for it", count_text(count, "face"))
        if embedder is not None:
            log.warning("people are recognised by %s already: remove recognition.shadow", embedder.name)
        return None
    require_accurate(embedder, settings, Gallery.empty())
    models = settings.models
    ensure_built(models.dir, models.precision, required(embedder.network))
    loaded = Embedder(embedder, folder=models.dir, precision=models.precision, threads=models.threads)
    return Shadow(loaded, store.shadow)


def _audiences(settings: Settings, cameras: Sequence[CameraRef], known: KnownPeople) -> dict[str, Audience]:
    """By camera what counts its people, with the same networks for all; empty where no setting asks for it."""
    networks, models = settings.audience.networks, settings.models
    if not networks:
        return {}
    from tracker.agent.audience import Audience, Counted
    from tracker.presence.audience import Attribute
    from tracker.vision.attributes import AttributeReader

    readers = {
        Attribute(name): AttributeReader(name, folder=models.dir, precision=models.precision) for name in networks
    }
    counted = Counted()
    return {
        camera.camera_id: Audience(camera, readers=readers, known=known, counted=counted, zone=settings.site.zone)
        for camera in cameras
    }


def _body_detector(models: ModelSettings, cameras: Sequence[CameraSettings]) -> BodyDetector | None:
    """The network that finds bodies, for all cameras that count them; None without such a camera, or without it."""
    if not cameras:
        return None
    if not has_network("bodies", folder=models.dir, precision=models.precision):
        names = ", ".join(each.id for each in cameras)
        log.warning(
            "%s: only faces are counted: the network for bodies is not there; run 'footfall models build'", names
        )
        return None
    return BodyDetector(folder=models.dir, precision=models.precision, threads=models.threads)


def _watch(camera: CameraSettings, detector: BodyDetector, region: Region) -> BodyWatch:
    return BodyWatch(detector, camera.id, line=line_of(camera), region=camera.region or region)
