"""What a review goes by: the site, the distances that decide, and how far back it looks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from config.recognition import MatchSettings
from config.settings import Settings
from tracker.identity.networks import embedder_of, match_of
from tracker.presence.sessions import Session
from tracker.store.store import Store
from tracker.vision.embedders import EmbedderSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRules:
    """What a review goes by.

    match: as resolved for the people in the store. evidence: for how long matches are looked at. visitors: for how long
    visits of strangers are.
    """

    site_id: str
    zone: ZoneInfo
    match: MatchSettings
    embedder: EmbedderSpec
    evidence: timedelta
    visitors: timedelta

    @classmethod
    def of(cls, settings: Settings, store: Store) -> Self:
        """Those of the settings and of the people in the store. Raises ModelError where their networks differ."""
        return cls(
            site_id=settings.site.id,
            zone=settings.site.zone,
            match=match_of(settings, store),
            embedder=embedder_of(settings, store),
            evidence=timedelta(days=settings.store.evidence_days),
            visitors=timedelta(days=settings.store.visitor_days),
        )


def sessions_by_person(
    store: Store, rules: ReviewRules, person_ids: Sequence[str], *, since: datetime, now: datetime
) -> Mapping[str, list[Session]]:
    """The visits of these people that touch [since, now], by start; an empty list for everybody else."""
    found: dict[str, list[Session]] = defaultdict(list)
    for visit in store.sessions.select(site_id=rules.site_id, now=now, since=since, person_ids=person_ids):
        found[visit.person_id].append(visit)
    return found
