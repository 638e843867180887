"""`footfall events void | restore | add | corrections`: corrections of what the cameras reported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import RecordError
from tracker.actions import events as actions
from tracker.cli.command import command
from tracker.cli.corrector import CorrectionOptions, correcting
from tracker.cli.options import Reading, SiteOption, UsageError
from tracker.cli.output import Result, Table, local_time, short
from tracker.cli.people import WhoArgument, find_person, names_in
from tracker.cli.store import reading
from tracker.cli.times import parse_instant
from tracker.presence.documents import encode
from tracker.presence.events import OPERATOR, Action, Correction, Event, EventKind
from tracker.reports.sheets import Column, Kind

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.store.store import Store

_RESTORE = "restore"
"""The action of a correction that adds an event that was there before."""

EventsArgument = Annotated[
    list[str],
    typer.Argument(metavar="EVENT...", help="Ids of events, or their first letters; `report explain` shows them."),
]


_COLUMNS = (
    Column("at", "time", Kind.MOMENT),
    Column("by", "by"),
    Column("said", "action", Kind.WORD),
    Column("event_id", "event id", Kind.WORD, shown=False),
    Column("event", "event", Kind.WORD, in_data=False),
    Column("which", "which"),
    Column("reason", "reason"),
    Column("note", "note", in_data=False),
    Column("holds", "holds", Kind.FLAG, shown=False),
)


@command("footfall events void 3f9c2ab1 --reason 'that was her sister'", "footfall events void 3f 9c")
def void(events: EventsArgument, access: CorrectionOptions) -> Result:
    """Void events that did not happen.

    They are kept, marked, and visits are derived without them. Several events of a site are voided together or not at
    all. To revert it, restore them, or undo the change.
    """
    with correcting(access) as corrector:
        found = _events_of(corrector.store, events, voided=False)
        write = partial(actions.void, corrector.store, corrector.actor, _ids(found), reason=corrector.reason)
        return corrector.carry_out(Action.VOID, found, write, done="void")


@command("footfall events restore 3f9c2ab1")
def restore(events: EventsArgument, access: CorrectionOptions) -> Result:
    """Restore voided events."""
    with correcting(access) as corrector:
        found = _events_of(corrector.store, events, voided=True)
        write = partial(actions.restore, corrector.store, corrector.actor, _ids(found), reason=corrector.reason)
        return corrector.carry_out(Action.ADD, found, write, done="restored")


@command(
    "footfall events add exit 'Ada Lovelace' --at 18:30 --reason 'left by the fire door'",
    "footfall events add enter 'Ada Lovelace' --at 2026-01-31T08:00 --by Ann",
)
def add(
    kind: Annotated[EventKind, typer.Argument(help="Whether the person came in or went out.")],
    who: WhoArgument,
    at: Annotated[
        str,
        typer.Option("--at", metavar="TIME", help="Time on the site's clock: 2026-01-31T18:30, or 18:30 for today."),
    ],
    access: CorrectionOptions,
    camera: Annotated[
        str | None, typer.Option("--camera", metavar="ID", help="Camera in front of which it happened, if any.")
    ] = None,
    site: SiteOption = None,
) -> Result:
    """Add an enter or exit that no camera recorded.

    It counts like one at a door. To revert it, void the event.
    """
    with correcting(access) as corrector:
        store, settings = corrector.store, corrector.settings
        site_id = _known_site(store, settings, site)
        moment = parse_instant(at, corrector.zone(site_id), now=datetime.now(UTC), option="--at")
        if camera is not None:
            _require_camera(store, settings, site_id, camera, kind)
        event = Event(
            kind=kind,
            site_id=site_id,
            camera_id=camera or OPERATOR,
            person_id=_person_id(store, who),
            at=moment,
            track_id=OPERATOR,
        )
        actions.require_new(store, event)
        write = partial(actions.add, store, corrector.actor, event, reason=corrector.reason)
        return corrector.carry_out(Action.ADD, [event], write, done="added")


@command("footfall events corrections --json")
def corrections(access: Reading) -> Table:
    """List corrections: what, by whom, when and why.

    The earliest is first.
    """
    with reading(access) as (settings, store):
        made = store.events.corrections()
        latest = {each.event_id: each.correction_id for each in made}  # ordered by time: the last one applies
        about = {event_id: _event_of(store, event_id)[0] for event_id in latest}
        names = names_in(store)
    zone, actions = settings.site.zone, _actions(made, about)
    rows, documents = [], []
    for each in made:
        event, action = about[each.event_id], actions[each.correction_id]
        name, holds = names.get(event.person_id, event.person_id), latest[each.event_id] == each.correction_id
        rows.append(
            {
                "at": each.at,
                "by": each.by,
                "said": action,
                "event_id": each.event_id,
                "event": short(each.event_id),
                "which": f"{event.kind} of {name}, {local_time(event.at, zone)}",
                "reason": each.reason,
                "note": "" if holds else "overruled since",
                "holds": holds,
            }
        )
        documents.append({**encode(each), "said": action, "event": encode(event), "holds": holds})
    empty = "No corrections. Try: footfall events void --help"
    return Table(columns=_COLUMNS, rows=rows, empty=empty, zone=zone, documents=documents)


def _actions(made: Iterable[Correction], about: Mapping[str, Event]) -> dict[str, str]:
    """By correction id: void, add, or restore where the event was there before. They come by time."""
    actions: dict[str, str] = {}
    known = {event_id for event_id, event in about.items() if event.track_id != OPERATOR}
    for each in made:
        restores = each.action is Action.ADD and each.event_id in known
        actions[each.correction_id] = _RESTORE if restores else str(each.action)
        known.add(each.event_id)
    return actions


def _ids(events: Iterable[Event]) -> list[str]:
    return [event.event_id for event in events]


def _events_of(store: Store, starts: Iterable[str], *, voided: bool) -> list[Event]:
    """The events whose ids start with these prefixes, each once. Raises RecordError where `voided` does not hold."""
    found = {}
    for start in starts:
        event, is_void = _event_of(store, start)
        if is_void is not voided:
            state = "is not void" if voided else "is void already"
            raise RecordError(
                f"event {short(event.event_id)} {state}", fix="'footfall events corrections' lists corrections"
            )
        found[event.event_id] = event
    return list(found.values())


def _event_of(store: Store, start: str) -> tuple[Event, bool]:
    """The one event whose id has the prefix, and whether it is voided. Raises UsageError for none or several."""
    found = store.events.find(start, limit=2) if start.strip() and start.isprintable() else []
    exact = [each for each in found if each[0].event_id == start]
    if not found:
        fix = "'footfall report explain' shows the events of a visit and their ids"
        raise UsageError(f"no event has the id {start[:40]!r}", fix=fix)
    if len(found) > 1 and not exact:
        raise UsageError(f"several events have ids that start with {start[:40]!r}", fix="give more of the id")
    return (exact or found)[0]


def _person_id(store: Store, who: str) -> str:
    """The id of a person by name or id, also of one of whom only events are known. Raises PeopleError."""
    if store.people.by_name(who) is None and who.isprintable() and store.events.select(person_id=who, limit=1):
        return who
    return find_person(store, who).person_id


def _known_site(store: Store, settings: Settings, site_id: str | None) -> str:
    """The site of an event, by default that of the settings. Raises UsageError for a site that is not known."""
    known = {settings.site.id, *(site.site_id for site in store.sites.all())}
    if site_id is not None and site_id not in known:
        raise UsageError(f"--site: no site {site_id[:64]!r}", fix=f"known are {', '.join(sorted(known)[:10])}")
    return site_id or settings.site.id


def _require_camera(store: Store, settings: Settings, site_id: str, camera_id: str, kind: EventKind) -> None:
    """Raises UsageError on a camera that is not known, or whose role has no events of this kind."""
    from config.settings import CameraRole

    roles = {camera.id: camera.role for camera in settings.camera if site_id == settings.site.id}
    known = {*roles, *(each.camera_id for each in store.cameras.health(site_id))}
    if camera_id not in known:
        names = ", ".join(sorted(known)[:10])
        fix = f"known are {names}" if names else "leave --camera out"
        raise UsageError(f"--camera: no camera {camera_id[:64]!r}", fix=fix)
    wrong = {EventKind.ENTER: CameraRole.EXIT, EventKind.EXIT: CameraRole.ENTRANCE}[kind]
    if roles.get(camera_id) is wrong:
        fix = "give another camera, or leave --camera out"
        raise UsageError(f"--camera: {camera_id} is an {wrong}, it has no {kind} events", fix=fix)
