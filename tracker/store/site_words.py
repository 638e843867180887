"""What a machine says of its site in the document that all machines of the site share, and how that is put in there.

The document is everybody's. A machine puts into it only what its own settings file or environment says, each thing when
that is new, and never a default: two machines that say different things do not take turns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any
from zoneinfo import ZoneInfo

from config.settings import PresenceSettings, Settings
from config.shared import accepted
from config.storage import VisitsBy
from tracker.presence import rule_text
from tracker.presence.events import SCHEMA
from tracker.presence.rules import Rules
from tracker.store.history import rules_of, site_rules
from tracker.store.shared_site import rules_in, shared_by

_WAYS = ("entrances", "exits", "rooms")
_RULES = frozenset(each.name for each in fields(Rules))


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteWords:
    """What a machine says of its site.

    own: fields of the document that its settings say themselves. otherwise: what a site gets beside these that has no
    document yet. rules: of visits, by all its settings; ruled: fields of them that its settings say themselves.
    cameras: ids of its own; without any it says no rules.
    """

    own: Mapping[str, object] = field(default_factory=dict)
    otherwise: Mapping[str, object] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    ruled: frozenset[str] = frozenset()
    cameras: frozenset[str] = frozenset()

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing to say where a document is there."""
        return not (self.own or self.cameras)

    @property
    def said(self) -> dict[str, Any]:
        """All that is said, as JSON values."""
        plain = json.loads(rule_text.written(self.rules))
        ways = {each: [way for way in _WAYS if each in plain[way]] for each in sorted(self.cameras)}
        ruled = {name: plain[name] for name in sorted(self.ruled)} if self.cameras else {}
        return {"own": dict(self.own), "ruled": ruled, "cameras": ways}

    def whole(self) -> dict[str, object]:
        """The document of a site that has none."""
        return {**self.otherwise, **self.own, "rules": rule_text.written(self.rules), "schema": SCHEMA}

    def over(self, document: Mapping[str, object], before: Mapping[str, Any]) -> dict[str, object]:
        """The fields of the document that become others. before: what this machine `said` last."""
        is_new = before != self.said
        new = {name: value for name, value in self.own.items() if is_new and document.get(name) != value}
        if self.cameras:
            lacking = {**self.otherwise, **self.own}.items()
            new |= {name: value for name, value in lacking if value is not None and name not in document}
            rules = self._rules_over(document, is_new=is_new, known=before.get("cameras", ()))
            theirs = rules_in(document)
            if theirs is None or rule_text.written(theirs) != rule_text.written(rules):
                new["rules"] = rule_text.written(rules)
        return new | {"schema": SCHEMA} if new and "schema" not in document else new

    def _rules_over(self, document: Mapping[str, object], *, is_new: bool, known: Iterable[str]) -> Rules:
        theirs = rules_in(document)
        if theirs is None:
            return self.rules
        rules = _with_shared(theirs, document)
        if is_new:
            rules = _with(rules, self.rules, self.ruled)
        mine = self.cameras.union(known)  # those that it had before, too
        ways = {way: (getattr(rules, way) - mine) | (getattr(self.rules, way) & self.cameras) for way in _WAYS}
        return replace(rules, **ways)


def words_of(settings: Settings) -> SiteWords:
    """What a machine with these settings says."""
    site, cloud = settings.site, settings.cloud
    whole: dict[str, object] = {
        "name": site.name,
        "time_zone": site.zone.key,
        "capacity": site.capacity,
        "visits_by": str(cloud.visits),
    }
    named = site.model_fields_set | ({"visits_by"} if "visits" in cloud.model_fields_set else set())
    ruled = _ruled(settings.presence.model_fields_set) | ({"zone"} if "time_zone" in named else set())
    return SiteWords(
        own={name: value for name, value in whole.items() if name in named},
        otherwise=whole,
        rules=site_rules(settings),
        ruled=ruled,
        cameras=frozenset(camera.id for camera in settings.camera),
    )


def first_words_of(settings: Settings) -> SiteWords:
    """The same of one that has a say only where nobody said anything yet."""
    return replace(words_of(settings), own={}, ruled=frozenset(), cameras=frozenset())


def visits_said(document: Mapping[str, object] | None) -> VisitsBy | None:
    """Who writes the visits of a site with this document; None without one."""
    if document is None:
        return None
    return VisitsBy.FUNCTIONS if document.get("visits_by") == VisitsBy.FUNCTIONS else VisitsBy.EDGE


def _with_shared(rules: Rules, document: Mapping[str, object]) -> Rules:
    """The rules of a document with what the document says of them elsewhere."""
    said = accepted(document.get("settings") or {}).sections.get("presence", {})
    rules = _with(rules, rules_of(PresenceSettings.model_validate(said)), _ruled(said))
    zone = shared_by(document).sections.get("site", {}).get("time_zone", "local")
    return rules if zone == "local" else replace(rules, zone=ZoneInfo(str(zone)))


def _with(rules: Rules, other: Rules, names: Iterable[str]) -> Rules:
    values: dict[str, Any] = {name: getattr(other, name) for name in names}
    return replace(rules, **values)


def _ruled(names: Iterable[str]) -> frozenset[str]:
    """The fields of Rules that settings of `presence` say."""
    return frozenset(name.removesuffix("_s") for name in names) & _RULES
