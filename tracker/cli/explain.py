"""`footfall report explain`: the events of a visit, and the rule behind each of its boundaries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.command import command
from tracker.cli.options import Reading, UsageError
from tracker.cli.output import Result, Table, duration, local_time, short
from tracker.cli.store import reading
from tracker.presence.documents import encode
from tracker.presence.events import Correction, is_unidentified
from tracker.presence.explain import Explanation, in_words, uncounted
from tracker.presence.rules import Rules

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.store.store import Store

_ADD = "if it was the person, add what other cameras missed with 'footfall events add'"
_EDGES = {"start": "begins", "pause": "pauses", "resume": "resumes", "end": "ends"}

VisitArgument = Annotated[
    str, typer.Argument(metavar="VISIT", help="Id of a visit, or its first letters; `report visits --json` shows ids.")
]


@command("footfall report explain 3f9c2ab1", "footfall report explain 3f9c --json")
def explain_visit(visit: VisitArgument, access: Reading) -> Result:
    """Explain a visit: its events, and the rule behind each boundary."""

    now = datetime.now(UTC)
    with reading(access) as (settings, store):
        rules = store.sites.rules(settings.site.id)
        session_id = _id_of(store, settings, rules, visit, now)
        site_id = settings.site.id
        found = store.sessions.explain(session_id, site_id=site_id, now=now)
        made = [each for event, _ in found.events for each in store.events.corrections(event.event_id)]
        corrections = sorted(made, key=lambda each: (each.at, each.correction_id))
        person = store.people.get(found.session.person_id)
    name = person.name if person is not None else found.session.person_id
    return Result(
        document=_document(found, corrections, rules), parts=_parts(found, corrections, rules, settings, name)
    )


def _id_of(store: Store, settings: Settings, rules: Rules, start: str, now: datetime) -> str:
    """The one visit whose id starts with the prefix. Raises UsageError where there are none or several."""
    fix = "'footfall report visits --json' shows the ids of visits"
    found = [
        session.session_id
        for session in store.sessions.select(site_id=settings.site.id, rules=rules, now=now)
        if session.session_id.startswith(start)
    ]
    if start in found:
        return start
    if not start or not found:
        why = _why_uncounted(store, settings, rules, start, now) if start else None
        if start and why is None and any(is_unidentified(event.person_id) for event, _ in store.events.find(start)):
            raise UsageError("the event is of somebody unidentified, who counts at doors and has no visits", fix=fix)
        raise UsageError(why or f"no visit has the id {start[:40]!r}", fix=_ADD if why else fix)
    if len(found) > 1:
        raise UsageError(f"{len(found)} visits have ids that start with {start[:40]!r}", fix="give more of the id")
    return found[0]


def _why_uncounted(store: Store, settings: Settings, rules: Rules, start: str, now: datetime) -> str | None:
    """Why the event with this prefix of an id counts in no visit; None if there is no such event."""
    site_id = settings.site.id
    events, presences = store.events.select(site_id=site_id), store.cameras.presences(site_id=site_id)
    for event, because in uncounted(events, rules=rules, now=now, presences=presences):
        if event.event_id.startswith(start):
            at = local_time(event.at, settings.site.zone)
            return (
                f"the {event.kind} of {at} by camera {event.camera_id} counts in no visit: {in_words(because, rules)}"
            )
    return None


def _document(found: Explanation, corrections: list[Correction], rules: Rules) -> dict[str, object]:
    return {
        "visit": encode(found.session),
        "boundaries": [
            {
                "edge": each.edge,
                "at": each.at,
                "rule": each.reason,
                "words": in_words(each.reason, rules),
                "event_id": None if each.event is None else each.event.event_id,
            }
            for each in found.boundaries
        ],
        "events": [encode(event) | {"rule": because} for event, because in found.events],
        "corrections": [encode(each) for each in corrections],
    }


def _parts(
    found: Explanation, corrections: list[Correction], rules: Rules, settings: Settings, name: str
) -> list[str | Table]:
    zone, session = settings.site.zone, found.session
    boundaries = [
        (
            _EDGES[each.edge],
            "still in" if each.at is None else local_time(each.at, zone),
            "" if each.event is None else each.event.camera_id,
            in_words(each.reason, rules),
        )
        for each in found.boundaries
    ]
    corrected = {each.event_id: f"{each.action} by {each.by}, {local_time(each.at, zone)}" for each in corrections}
    events = [
        (
            local_time(event.at, zone),
            event.camera_id,
            event.kind,
            short(event.event_id),
            in_words(because, rules),
            corrected.get(event.event_id) or ("not seen, inferred" if event.inferred else ""),
        )
        for event, because in found.events
    ]
    return [
        f"Visit {session.session_id} of {name}",
        f"inside {duration(session.dwell_s)}, with gaps {duration(session.gross_s)}\n",
        Table.of(["visit", "time", "camera", "because"], boundaries),
        "",
        Table.of(["time", "camera", "event", "id", "effect", "note"], events),
    ]
