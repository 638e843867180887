"""The document of a site: its name, time zone, rules, retention, and who derives its sessions."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from google.cloud import firestore

from functions.database import stamped
from tracker.cloud.documents import FUNCTIONS
from tracker.cloud.paths import Collection, site_path
from tracker.presence.events import SCHEMA, content_id
from tracker.presence.rules import Rules, Site, decode_rules, encode_rules

LOG = logging.getLogger(__name__)
CLAIM = {"derived_by": FUNCTIONS, "schema": SCHEMA}
"""The fields by which the functions claim a site that nobody derives yet."""
_KEPT_DAYS = {Collection.MATCHES: 90, Collection.ZONE_STAYS: 400, Collection.HEARTBEATS: 400}
"""Days for which records are kept by default. Events and sessions are deleted only with their person."""
_MAX_DAYS = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteConfig(Site):
    """A site as its document describes it; without a document, by the defaults.

    derived_by: who derives the sessions: FUNCTIONS, the id of a machine, or "" where nobody does yet. retention: how
    long records are kept, by collection; those of other collections are kept for ever.
    """

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    derived_by: str = ""
    retention: Mapping[Collection, timedelta] = field(default_factory=dict)

    @property
    def is_derived_here(self) -> bool:
        """Whether the functions derive the sessions."""
        return self.derived_by == FUNCTIONS

    @property
    def rules_digest(self) -> str:
        """Kept with every session: one with another digest was derived by other rules."""
        return content_id("rules", encode_rules(self.rules))[:12]


def read_site(client: firestore.Client, site_id: str) -> SiteConfig:
    """The site of an id, with or without a document."""
    return site_of(site_id, client.document(site_path(site_id)).get().to_dict())


def claim(client: firestore.Client, site_id: str, transaction: firestore.Transaction) -> SiteConfig:
    """Claim a site that nobody derives yet. Returns the site."""
    reference = client.document(site_path(site_id))
    document = reference.get(transaction=transaction).to_dict() or {}
    if not site_of(site_id, document).derived_by:
        document |= CLAIM
        transaction.set(reference, stamped(CLAIM), merge=True)
    return site_of(site_id, document)


def site_of(site_id: str, document: Mapping[str, Any] | None) -> SiteConfig:
    """The site of a document. A value that cannot be read is logged, and its default used."""
    found = document or {}
    zone = _zone(found.get("time_zone"))
    name, capacity = found.get("name"), found.get("capacity")
    deriver = found.get("derived_by") or found.get("visits_by")  # as versions before 0.2 wrote it
    return SiteConfig(
        site_id=site_id,
        name=name if isinstance(name, str) and name else site_id,
        zone=zone,
        capacity=capacity if isinstance(capacity, int) and capacity > 0 else None,
        rules=_rules(found.get("rules"), zone),
        derived_by=deriver if isinstance(deriver, str) else "",
        retention=_retention(found.get("retention")),
    )


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(name) if isinstance(name, str) and name else ZoneInfo("UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        LOG.error("site: time_zone: expected an IANA name such as Europe/Berlin, got %r; using UTC", name)
        return ZoneInfo("UTC")


def _rules(text: object, zone: tzinfo) -> Rules:
    try:
        if isinstance(text, str) and text:
            return decode_rules(text)
    except ValueError as error:
        LOG.error("site: rules: %s; using the defaults", error)
    return Rules(zone=UTC if getattr(zone, "key", "") == "UTC" else zone)


def _retention(found: object) -> dict[Collection, timedelta]:
    given: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    kept = {}
    for collection, default in _KEPT_DAYS.items():
        name = f"{collection}_days"
        days = given.get(name, default)
        if days is None:
            continue
        if isinstance(days, bool) or not isinstance(days, int) or days < 1:
            LOG.error("site: retention.%s: expected 1 or more days, or null, got %r; using %d", name, days, default)
            days = default
        if days > _MAX_DAYS:
            LOG.error("site: retention.%s: expected at most %d days, got %d; keeping all", name, _MAX_DAYS, days)
            continue
        kept[collection] = timedelta(days=days)
    return kept
