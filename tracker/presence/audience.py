"""The audience: how many people looked like what, by the hour, and what of it may be published.

A count is of a group; no record is of a person. A group is published when it has at least MIN_PEOPLE people, and so is
each part of it. Whatever is published besides, such as the sum of a day, is made of what is published of its hours, so
that no difference of two figures shows a smaller group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from types import MappingProxyType

from tracker.presence.events import as_utc

MIN_PEOPLE = 5
"""The smallest group that is published."""
HOUR = timedelta(hours=1)
OPEN_FOR = timedelta(minutes=5)
"""An hour is published so long after its end: people whom it is about may still be in sight at its end."""
REST = "other"
"""Label of the people of a group whose own labels have too few."""


class Attribute(StrEnum):
    EXPRESSION = "expression"
    AGE = "age"


_BANDS = ((18, "under 18"), (35, "18-34"), (50, "35-49"), (65, "50-64"))
_OLDEST = "65 and over"
LABELS: Mapping[Attribute, tuple[str, ...]] = MappingProxyType(
    {
        Attribute.EXPRESSION: ("angry", "disgusted", "afraid", "happy", "sad", "surprised", "neutral"),
        Attribute.AGE: (*(band for _, band in _BANDS), _OLDEST),
    }
)
"""The labels of each attribute in order; those of expressions are the classes of their network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceGroup:
    """The people of one hour at one camera, counted by one attribute.

    hour: its start, UTC. since: first frame of the run that counted them; a person counts once an hour and run. people:
    how many have each label, without zeros. Raises ValueError on a naive time.
    """

    site_id: str
    camera_id: str
    hour: datetime
    since: datetime
    attribute: Attribute
    people: Mapping[str, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "hour", as_utc(self.hour))
        object.__setattr__(self, "since", as_utc(self.since))


def label_of(attribute: Attribute, probabilities: Sequence[float]) -> str:
    """What somebody looks like, by the probabilities of the attribute's classes, or the sums of several looks.

    Classes of ages are years from 0.
    Raises ValueError where there are not as many as labels of expressions.
    """
    if attribute is Attribute.AGE:
        return age_band(sum(year * each for year, each in enumerate(probabilities)) / sum(probabilities))
    labels = LABELS[attribute]
    return max(zip(labels, probabilities, strict=True), key=lambda each: each[1])[0]


def age_band(years: float) -> str:
    """The label of an age."""
    return next((band for limit, band in _BANDS if years < limit), _OLDEST)


def hour_of(at: datetime, zone: tzinfo) -> datetime:
    """The start, UTC, of the hour of the site's clock in which a moment lies."""
    there = at.astimezone(zone)
    return there.replace(minute=0, second=0, microsecond=0).astimezone(UTC)


def is_closed(hour: datetime, now: datetime) -> bool:
    """Whether an hour is so long over that nobody is added to it: counts that still grow would show who came last."""
    return hour + HOUR + OPEN_FOR <= now


def published(people: Mapping[str, int]) -> dict[str, int]:
    """What of a group may be published: each label with at least MIN_PEOPLE, the others together as REST.

    Where those others are too few, the smallest label of the rest joins them. Empty for a group that is too small.
    Publishing what is published changes nothing.
    """
    total = sum(people.values())
    if total < MIN_PEOPLE:
        return {}
    shown = {label: count for label, count in people.items() if count >= MIN_PEOPLE and label != REST}
    rest = total - sum(shown.values())
    while 0 < rest < MIN_PEOPLE:
        smallest = min(shown, key=lambda label: (shown[label], label))
        rest += shown.pop(smallest)
    return shown | ({REST: rest} if rest else {})


def published_groups(groups: Iterable[AudienceGroup], now: datetime) -> list[AudienceGroup]:
    """The groups of hours that are closed, each reduced to what may be published."""
    closed = (replace(each, people=published(each.people)) for each in groups if is_closed(each.hour, now))
    return [each for each in closed if each.people]
