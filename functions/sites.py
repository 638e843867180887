"""What the document of a site says to the functions: its rules, its clock, who works out visits, what to keep."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tracker.presence import rule_text
from tracker.presence.events import content_id
from tracker.presence.rules import Rules

LOG = logging.getLogger(__name__)
_EDGE = "edge"
_MOST_DAYS = 36_500
"""A hundred years: who keeps records for longer says so by nothing, for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days for which records are kept; None for ever. Events, visits and usage go only when a person is forgotten."""

    matches_days: int | None = 90
    zone_stays_days: int | None = 400
    heartbeats_days: int | None = 400

    @property
    def spans(self) -> dict[str, timedelta]:
        """By collection, for those that are not kept for ever."""
        found = {each.name.removesuffix("_days"): getattr(self, each.name) for each in fields(self)}
        return {name: timedelta(days=days) for name, days in found.items() if days is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A site as its document describes it; without a document, by the defaults.

    visits_here: the functions work out the visits, not the machines at the site. capacity: None where nobody said.
    """

    site_id: str
    name: str = ""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    capacity: int | None = None
    rules: Rules = field(default_factory=Rules)
    visits_here: bool = True
    retention: Retention = field(default_factory=Retention)

    @property
    def rules_mark(self) -> str:
        """Short, and the same for the same rules: by it a visit tells by which rules it was made."""
        return content_id("rules", rule_text.written(self.rules))[:12]

    @property
    def zone_name(self) -> str:
        """The zone of the rules, in which hours and days of usage are."""
        return getattr(self.rules.zone, "key", None) or "UTC"


def site_of(site_id: str, document: Mapping[str, Any] | None) -> Site:
    """The site of a document; what cannot be read is logged and taken as not said, so that visits go on."""
    said = document or {}
    zone = _zone(said.get("time_zone"))
    name = said.get("name")
    capacity = said.get("capacity")
    return Site(
        site_id=site_id,
        name=name if isinstance(name, str) and name else site_id,
        zone=zone,
        capacity=capacity if isinstance(capacity, int) and capacity > 0 else None,
        rules=_rules(said.get("rules"), zone),
        visits_here=said.get("visits_by") != _EDGE,
        retention=_retention(said.get("retention")),
    )


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(name) if isinstance(name, str) and name else ZoneInfo("UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        LOG.error("site: time_zone: expected the name of a zone such as Europe/Berlin, got %r; UTC is used", name)
        return ZoneInfo("UTC")


def _rules(text: object, zone: tzinfo) -> Rules:
    try:
        if isinstance(text, str) and text:
            return rule_text.read(text)
    except ValueError as error:
        LOG.error("site: rules: %s; the defaults are used", error)
    return Rules(zone=UTC if getattr(zone, "key", "") == "UTC" else zone)


def _retention(said: object) -> Retention:
    if not isinstance(said, Mapping):
        return Retention()
    days: dict[str, int | None] = {}
    for each in fields(Retention):
        value = said.get(each.name, each.default)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            LOG.error("site: retention.%s: expected days, 1 or more, or nothing for ever, got %r", each.name, value)
            value = each.default
        elif value is not None and value > _MOST_DAYS:
            said_so = "site: retention.%s: expected %d days at most, or nothing for ever, got %d; all of them are kept"
            LOG.error(said_so, each.name, _MOST_DAYS, value)
            value = None
        days[each.name] = value
    return Retention(**days)
