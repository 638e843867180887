"""Check of the network and the distances that recognition uses."""

from __future__ import annotations

from importlib.util import find_spec

from config.findings import Finding, Outcome
from config.recognition import MatchSettings
from tracker.identity.fitting import FITTED
from tracker.vision.embedders import DLIB, EmbedderSpec

CHECK = "recognition"


def check_recognition(given: MatchSettings, embedder: EmbedderSpec) -> Finding:
    """Whether the rule can be fitted, distances that are set fit the network, and it tells all people apart."""
    if given.rule in FITTED and find_spec("sklearn") is None:
        return Finding(
            check=CHECK,
            outcome=Outcome.FAILED,
            detail=f"match.rule is {given.rule}, which needs scikit-learn",
            fix="pip install 'footfall[rules]'",
        )
    distance = given.max_distance
    if (
        "max_distance" in given.model_fields_set
        and not embedder.embedding.min_limit <= distance <= embedder.embedding.max_limit
    ):
        return Finding(
            check=CHECK,
            outcome=Outcome.WARNING,
            detail=f"match.max_distance is {distance:g}; distances of {embedder.name} that make sense are"
            f" {embedder.embedding.min_limit:g} to {embedder.embedding.max_limit:g}",
            fix="remove match.max_distance from the settings, or run 'footfall people calibrate'",
        )
    if embedder.network == DLIB.network:
        return Finding(
            check=CHECK,
            outcome=Outcome.WARNING,
            detail="dlib confuses people of some groups: of pairs of East Asian people 22 % are within 0.55",
            fix="footfall people re-enroll --pictures DIR",
        )
    return Finding(check=CHECK, detail=f"{embedder.name}")
