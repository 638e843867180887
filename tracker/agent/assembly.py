"""Puts the agents of a run together from the settings: one for each camera."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from config.settings import CameraSettings, Settings
from tracker.agent.loop import Agent
from tracker.agent.roles.choice import role_of
from tracker.cameras.frames import FrameSource
from tracker.cameras.sources import SystemClock
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import Recognition
from tracker.presence.events import CameraRef
from tracker.store.store import Store
from tracker.vision.engine import FaceEngine


def assemble(
    settings: Settings,
    cameras: Sequence[CameraSettings],
    sources: Sequence[FrameSource],
    store: Store,
    known: KnownPeople,
) -> list[Agent]:
    """One agent a camera; they share engine, store and the people they know. Raises ModelError."""
    engine = FaceEngine.load(
        models=settings.models, detect=settings.detect, quality=settings.quality, embedder=known.embedder
    )
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
            evidence_days=settings.store.evidence_days,
            visitor_days=settings.store.visitor_days,
            audit_days=settings.store.audit_days,
        )
        agents.append(agent)
    return agents
