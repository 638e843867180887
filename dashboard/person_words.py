"""What a person may do here, their consent and last visit, in plain words and as rows of a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from dashboard.wording import capital, day, moment
from tracker.presence.people import Person, PersonKind, Role, is_authorised
from tracker.reports.sheets import Column, Kind, Row
from tracker.store.directory import DirectoryEntry

ROLES = {Role.MEMBER: "Member", Role.STAFF: "Staff"}
"""The roles of enrolled people, by what forms call them."""


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


@dataclass(frozen=True, slots=True)
class Rights:
    """Whether somebody may be here, in words. fine: nothing is known that forbids it today."""

    words: str
    fine: bool = True


def rights(person: Person, at: datetime, zone: ZoneInfo) -> Rights:
    """Access and validity of a person at an instant."""
    if person.kind is PersonKind.VISITOR:
        return Rights("Not enrolled")
    refused = refusal(person, at, zone)
    if refused:
        return Rights(capital(refused), fine=False)
    if person.valid_until is not None:
        return Rights(f"Until {day(person.valid_until, at.astimezone(zone).date())}")
    return Rights("Always")


def consent(person: Person, today: date, zone: ZoneInfo) -> str:
    """When a person agreed to be recognised; a dash for visitors, who are not asked."""
    if person.consented_at is not None:
        return day(person.consented_at.astimezone(zone).date(), today)
    return "–" if person.kind is PersonKind.VISITOR else "None"


def seen(seen_at: datetime | None, zone: ZoneInfo, now: datetime, *, inside: bool) -> str:
    """When somebody was here last."""
    if inside:
        return "In now"
    return "Never" if seen_at is None else moment(seen_at, zone, now)


def kind(person: Person) -> str:
    """The word behind a name: visitor, staff, or nothing."""
    if person.role is Role.STAFF:
        return "staff"
    return "visitor" if person.kind is PersonKind.VISITOR else ""


EXPORT_COLUMNS = (
    Column("person_id", "person id"),
    Column("name", "name"),
    Column("kind", "kind"),
    Column("role", "role"),
    Column("groups", "groups", Kind.TEXTS),
    Column("access", "access", Kind.FLAG),
    Column("valid_from", "valid from", Kind.DAY),
    Column("valid_until", "valid until", Kind.DAY),
    Column("consented_at", "consented", Kind.MOMENT),
    Column("created_at", "since", Kind.MOMENT),
    Column("visits", "visits", Kind.COUNT),
    Column("seen_at", "last seen", Kind.MOMENT),
)
"""Of the CSV file of people."""


def export_row(entry: DirectoryEntry) -> Row:
    """A person as the CSV file has them."""
    own = {"visits": entry.visits, "seen_at": entry.seen_at}
    return own | {each.key: getattr(entry.person, each.key) for each in EXPORT_COLUMNS if each.key not in own}
