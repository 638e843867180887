"""The document of a site: its name, time zone, rules, retention, and who derives its sessions."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tracker.presence.events import SCHEMA, content_id
from tracker.presence.rules import Rules, decode_rules, encode_rules

LOG = logging.getLogger(__name__)
FUNCTIONS = "functions"
"""The value of `derived_by` by which the functions derive the sessions of a site; any other one is a machine's id."""
_MAX_DAYS = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days for which records are kept; None for ever. Events and sessions are deleted only with their person."""

    matches_days: int | None = 90
    zone_stays_days: int | None = 400
    heartbeats_days: int | None = 400

    @property
    def by_collection(self) -> dict[str, timedelta]:
        """The collections that are not kept for ever."""
        found = {each.name.removesuffix("_days"): getattr(self, each.name) for each in fields(self)}
        return {name: timedelta(days=days) for name, days in found.items() if days is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteConfig:
    """A site as its document describes it; without a document, by the defaults.

    derived_by: who derives the sessions, "" where nobody does yet. capacity: None where it is not known.
    """

    site_id: str
    name: str = ""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    capacity: int | None = None
    rules: Rules = field(default_factory=Rules)
    derived_by: str = ""
    retention: Retention = field(default_factory=Retention)

    @property
    def is_derived_here(self) -> bool:
        """Whether the functions derive the sessions."""
        return self.derived_by == FUNCTIONS

    @property
    def rules_digest(self) -> str:
        """Kept with every session: one with another digest was derived by other rules."""
        return content_id("rules", encode_rules(self.rules))[:12]


def site_of(site_id: str, document: Mapping[str, Any] | None) -> SiteConfig:
    """The site of a document. A value that cannot be read is logged, and its default used."""
    found = document or {}
    zone = _zone(found.get("time_zone"))
    name = found.get("name")
    capacity = found.get("capacity")
    return SiteConfig(
        site_id=site_id,
        name=name if isinstance(name, str) and name else site_id,
        zone=zone,
        capacity=capacity if isinstance(capacity, int) and capacity > 0 else None,
        rules=_rules(found.get("rules"), zone),
        derived_by=_deriver(found),
        retention=_retention(found.get("retention")),
    )


def claim_fields() -> dict[str, Any]:
    """The fields by which the functions claim a site that nobody derives yet."""
    return {"derived_by": FUNCTIONS, "schema": SCHEMA}


def _deriver(document: Mapping[str, Any]) -> str:
    """`derived_by`, or the `visits_by` of the release before, whose machines still write where it is "edge"."""
    deriver = document.get("derived_by") or document.get("visits_by")
    return deriver if isinstance(deriver, str) else ""


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


def _retention(found: object) -> Retention:
    if not isinstance(found, Mapping):
        return Retention()
    return Retention(
        **{each.name: _days(each.name, found.get(each.name, each.default), each.default) for each in fields(Retention)}
    )


def _days(name: str, value: Any, default: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        LOG.error(
            "site: retention.%s: expected 1 or more days, or null for ever, got %r; using %s", name, value, default
        )
        return int(default)
    if value > _MAX_DAYS:
        LOG.error(
            "site: retention.%s: expected at most %d days, or null for ever, got %d; keeping all",
            name,
            _MAX_DAYS,
            value,
        )
        return None
    return value
