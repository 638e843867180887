"""What corrections would change: the visits before and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tracker.presence.events import Correction, Event, corrected
from tracker.presence.room import Presence
from tracker.presence.rules import Rules
from tracker.presence.sessions import Session, sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How corrections change visits: those before and after that differ."""

    before: tuple[Session, ...]
    after: tuple[Session, ...]


def preview(
    events: Iterable[Event],
    corrections: Iterable[Correction],
    *,
    rules: Rules,
    now: datetime,
    presences: Iterable[Presence] = (),
) -> Change:
    """The change by corrections that are not among the events yet, from the facts that `sessions` takes."""
    own, at_hand = list(events), list(presences)
    before = sessions(own, rules=rules, now=now, presences=at_hand)
    after = sessions(corrected(own, corrections), rules=rules, now=now, presences=at_hand)
    return Change(
        before=tuple(each for each in before if each not in after),
        after=tuple(each for each in after if each not in before),
    )
