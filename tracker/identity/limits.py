"""The distances that decide: as set, and where unset those of the embedder for the size of the gallery."""

from __future__ import annotations

from config.recognition import MatchSettings
from tracker.vision.embedders import EmbedderSpec


def match_settings(given: MatchSettings, embedder: EmbedderSpec, *, people: int) -> MatchSettings:
    """The settings with every unset distance replaced by that of the embedder for so many enrolled people.

    The two distances stay in order: an unset one moves to the given one where it has to.
    """
    limits = embedder.embedding.limits_for(people)
    own = {
        "max_distance": limits.max_distance,
        "stranger_distance": limits.stranger_distance,
        "min_margin": embedder.embedding.min_margin,
        "clear_by": embedder.embedding.clear_by,
    }
    unset = {name: value for name, value in own.items() if name not in given.model_fields_set}
    if "max_distance" not in unset and "stranger_distance" in unset:
        unset["stranger_distance"] = max(limits.stranger_distance, given.max_distance)
    if "stranger_distance" not in unset and "max_distance" in unset:
        unset["max_distance"] = min(limits.max_distance, given.stranger_distance)
    return given.model_copy(update=unset)


def confident_distance(settings: MatchSettings) -> float:
    """The distance within which a match is confident: a track that matches two visitors so merges them."""
    return settings.max_distance - settings.clear_by
