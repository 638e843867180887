"""What a person may do here, in plain words."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.wording import day
from tracker.presence.people import Person, PersonKind, is_authorised


def refusal(person: Person, at: datetime, zone: ZoneInfo) -> str:
    """Why an enrolled person may not be here: `no access`, `expired 3 Nov`, `valid from 1 Dec`; empty where they may.

    Nobody decided about visitors, so they are not refused.
    """
    if person.kind is PersonKind.VISITOR or is_authorised(person, at, zone):
        return ""
    today = at.astimezone(zone).date()
    if person.access and person.valid_from is not None and today < person.valid_from:
        return f"valid from {day(person.valid_from, today)}"
    if person.access and person.valid_until is not None:
        return f"expired {day(person.valid_until, today)}"
    return "no access"
