"""`footfall report explain`: why a visit begins and ends where it does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from config.settings import Settings
from tracker.cli.current import OfflineFlag, open_current
from tracker.cli.door import JsonOption, SettingsOption, StoreOption, UsageError
from tracker.cli.output import console, local_time, print_json, print_table, short, span
from tracker.presence.documents import correction_to_document, event_to_document, session_to_document
from tracker.presence.events import Correction, Event
from tracker.presence.explain import Explanation, explain, in_words, uncounted
from tracker.presence.rules import Rules
from tracker.store.store import Store

_ADD = "if it was the person, 'footfall events add' says what other cameras missed"
_EDGES = {"start": "begins", "pause": "pauses", "resume": "goes on", "end": "ends"}

VisitArgument = Annotated[
    str, typer.Argument(metavar="VISIT", help="Id of a visit, or its first letters; `report visits --json` shows ids.")
]


def explain_visit(
    visit: VisitArgument,
    store: StoreOption = None,
    settings: SettingsOption = None,
    offline: OfflineFlag = False,
    as_json: JsonOption = False,
) -> None:
    """The events of a visit, what each did, and the rule behind each of its boundaries."""
    chosen, current = open_current(settings, store=store, offline=offline)
    now = datetime.now(UTC)
    with current as opened:
        rules = opened.sites.rules(chosen.site.id)
        session_id = _id_of(opened, chosen, rules, visit, now)
        site_id = chosen.site.id
        found = explain(
            session_id,
            opened.events.select(site_id=site_id),
            rules=rules,
            now=now,
            presences=opened.cameras.presences(site_id=site_id),
        )
        known = {event.event_id for event, _ in found.events}
        corrections = [each for each in opened.events.corrections() if each.event_id in known]
        person = opened.people.get(found.session.person_id)
    if as_json:
        print_json(_document(found, corrections, rules))
    else:
        _tell(found, corrections, rules, chosen, person.name if person is not None else found.session.person_id)


def _id_of(store: Store, settings: Settings, rules: Rules, start: str, now: datetime) -> str:
    """The one visit whose id starts so. Raises UsageError where there is none or are several."""
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
        raise UsageError(why or f"no visit has the id {start[:40]!r}", fix=_ADD if why else fix)
    if len(found) > 1:
        raise UsageError(f"{len(found)} visits have ids that start with {start[:40]!r}", fix="give more of the id")
    return found[0]


def _why_uncounted(store: Store, settings: Settings, rules: Rules, start: str, now: datetime) -> str | None:
    """Why the event whose id starts so lies in no visit; None if there is no such event."""
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
        "visit": session_to_document(found.session),
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
        "events": [event_to_document(event) | {"rule": because} for event, because in found.events],
        "corrections": [correction_to_document(each) for each in corrections],
    }


def _tell(found: Explanation, corrections: list[Correction], rules: Rules, settings: Settings, name: str) -> None:
    zone, session = settings.site.zone, found.session
    console.print(f"Visit {session.session_id} of {name}", markup=False, soft_wrap=True)
    console.print(f"inside {span(session.dwell_s)}, with gaps {span(session.gross_s)}\n", markup=False)
    boundaries = [
        (
            _EDGES[each.edge],
            "still lasts" if each.at is None else local_time(each.at, zone),
            "" if each.event is None else each.event.camera_id,
            in_words(each.reason, rules),
        )
        for each in found.boundaries
    ]
    print_table("", ["visit", "time", "camera", "because"], boundaries, empty="")
    said = {each.event_id: f"{each.action} by {each.by}, {local_time(each.at, zone)}" for each in corrections}
    console.print()
    print_table(
        "",
        ["time", "camera", "event", "id", "what it did", "note"],
        [
            (
                local_time(event.at, zone),
                event.camera_id,
                event.kind,
                short(event.event_id),
                in_words(because, rules),
                _note(event, said),
            )
            for event, because in found.events
        ],
        empty="",
    )


def _note(event: Event, said: dict[str, str]) -> str:
    return said.get(event.event_id) or ("not seen, worked out" if event.inferred else "")
