"""Checks of the networks and of the compiled detection."""

from __future__ import annotations

import time

import numpy as np

from config.findings import Finding, Outcome
from config.settings import Settings
from tracker.vision.embedders import EmbedderSpec
from tracker.vision.engine import FaceEngine
from tracker.vision.native import kernels


def check_compiled() -> Finding:
    """Whether detection runs compiled."""
    if kernels.KERNELS is not None:
        return Finding(check="compiled", detail="detection at full speed")
    detail = f"detection takes half as long again: {kernels.UNAVAILABLE_REASON}"
    return Finding(check="compiled", outcome=Outcome.WARNING, detail=detail, fix=kernels.FIX)


def check_networks(settings: Settings, embedder: EmbedderSpec) -> Finding:
    """Whether the networks run, on a black picture. Raises ModelError where they do not."""
    engine = FaceEngine.load(
        models=settings.models, detect=settings.detect, quality=settings.quality, embedder=embedder
    )
    began_s = time.perf_counter()
    engine.analyse(np.zeros((360, 640, 3), np.uint8))
    networks = f"{settings.models.dir}, {embedder.name}, {settings.models.precision}"
    detail = f"{networks}, first frame {time.perf_counter() - began_s:.2f} s"
    return Finding(check="models", detail=detail)
