"""`footfall events void | restore | add | corrections`: corrections of what the cameras reported."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from config.errors import RecordError
from config.settings import CameraRole, Settings
from tracker.cli.door import JsonOption, SettingsOption, StoreOption, UsageError, settings_for
from tracker.cli.in_step import in_step
from tracker.cli.times import parse_instant
from tracker.cli.output import console, local_time, print_json, print_table, short, span
from tracker.cli.people import WhoArgument, find_person
from tracker.presence.documents import encode
from tracker.presence.events import ITSELF, OPERATOR, Action, Correction, Event, EventKind, corrected
from tracker.presence.sessions import Session, sessions
from tracker.store.store import Store

_LONGEST_WORDS = 500
_RESTORE = "restore"
"""The action of a correction that adds an event that was there before."""

EventsArgument = Annotated[
    list[str],
    typer.Argument(metavar="EVENT...", help="Ids of events, or their first letters; `report explain` shows them."),
]
ByOption = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Author of the correction. Default: your user name.")
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Reason, kept with the correction.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How corrections change one person's visits at one site: those before and after that differ.

    zone: of the site.
    """

    person_id: str
    name: str
    zone: ZoneInfo
    before: tuple[Session, ...]
    after: tuple[Session, ...]


def void(
    events: EventsArgument,
    by: ByOption = None,
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Void events that did not happen. They are kept, marked, and visits are derived without them.

    Several events are voided together or not at all. To revert it, restore them.
    """
    chosen, by = settings_for(settings, store=store), _signed(by)
    with in_step(chosen) as opened:
        found = _events_of(opened, events, voided=False)
        said = [_correction(Action.VOID, event, by=by, reason=reason) for event in found]
        _carry_out(opened, chosen, said, found, done="void", dry_run=dry_run, as_json=as_json)


def restore(
    events: EventsArgument,
    by: ByOption = None,
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Restore voided events."""
    chosen, by = settings_for(settings, store=store), _signed(by)
    with in_step(chosen) as opened:
        found = _events_of(opened, events, voided=True)
        said = [_correction(Action.ADD, event, by=by, reason=reason) for event in found]
        _carry_out(opened, chosen, said, found, done="restored", dry_run=dry_run, as_json=as_json)


def add(
    kind: Annotated[EventKind, typer.Argument(help="Whether the person came in or went out.")],
    who: WhoArgument,
    at: Annotated[
        str,
        typer.Option("--at", metavar="TIME", help="Time on the site's clock: 2026-01-31T18:30, or 18:30 for today."),
    ],
    camera: Annotated[
        str | None, typer.Option("--camera", metavar="ID", help="Camera in front of which it happened, if any.")
    ] = None,
    site: Annotated[
        str | None, typer.Option("--site", metavar="ID", help="Another site than the one in the settings.")
    ] = None,
    by: ByOption = None,
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add an enter or exit that no camera saw. It counts like one at a door.

    To revert it, void the event.
    """
    chosen, by = settings_for(settings, store=store), _signed(by)
    with in_step(chosen) as opened:
        site_id = _known_site(opened, chosen, site)
        moment = parse_instant(at, _zone(opened, chosen, site_id), now=datetime.now(UTC), option="--at")
        if camera is not None:
            _require_camera(opened, chosen, site_id, camera, kind)
        event = Event(
            kind=kind,
            site_id=site_id,
            camera_id=camera or OPERATOR,
            person_id=_person_id(opened, who),
            at=moment,
            track_id=OPERATOR,
        )
        for known, voided in opened.events.find(event.event_id):
            fix = f"'footfall events restore {short(known.event_id)}' brings it back" if voided else "nothing to do"
            state = "was added and voided" if voided else "is there already"
            raise RecordError(f"this {kind} {state}: event {short(known.event_id)}", fix=fix)
        said = [_correction(Action.ADD, event, by=by, reason=reason)]
        _carry_out(opened, chosen, said, [event], done="added", dry_run=dry_run, as_json=as_json)


def corrections(store: StoreOption = None, settings: SettingsOption = None, as_json: JsonOption = False) -> None:
    """List corrections with author, time and reason, the earliest first."""
    chosen = settings_for(settings, store=store)
    zone = chosen.site.zone
    with in_step(chosen) as opened:
        said = opened.events.corrections()
        holding = {each.event_id: each.correction_id for each in said}  # they come by time: the last one stays
        about = {event_id: _one_event(opened, event_id) for event_id in holding}
        names = {person.person_id: person.name for person in opened.people.all()}
    words = _words_said(said, about)
    if as_json:
        print_json(
            [
                {
                    **encode(each),
                    "said": words[each.correction_id],
                    "event": encode(about[each.event_id]),
                    "holds": holding[each.event_id] == each.correction_id,
                }
                for each in said
            ]
        )
        return
    rows = []
    for each in said:
        event = about[each.event_id]
        what = f"{event.kind} of {names.get(event.person_id, event.person_id)}, {local_time(event.at, zone)}"
        note = "" if holding[each.event_id] == each.correction_id else "overruled since"
        shown = short(each.event_id)
        rows.append([local_time(each.at, zone), each.by, words[each.correction_id], shown, what, each.reason, note])
    columns = ["time", "by", "said", "event", "which", "reason", "note"]
    print_table("", columns, rows, empty="Nothing was corrected. 'footfall events void' and 'add' do that.")


def _words_said(said: Iterable[Correction], about: Mapping[str, Event]) -> dict[str, str]:
    """By correction id what was said: void, add, or restore where the event was there before. They come by time."""
    words: dict[str, str] = {}
    there = {event_id for event_id, event in about.items() if event.track_id != OPERATOR}
    for each in said:
        is_back = each.action is Action.ADD and each.event_id in there
        words[each.correction_id] = _RESTORE if is_back else str(each.action)
        there.add(each.event_id)
    return words


def _carry_out(
    store: Store,
    settings: Settings,
    said: Sequence[Correction],
    events: Sequence[Event],
    *,
    done: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write the corrections of these events, unless it is a dry run, and print how visits change.

    done: the new state of each event, in a word.
    """
    now = datetime.now(UTC)
    names = {person.person_id: person.name for person in store.people.all()}
    changes = []
    for site_id, person_id in dict.fromkeys((event.site_id, event.person_id) for event in events):
        own, presences = (
            store.events.select(site_id=site_id, person_id=person_id),
            store.cameras.presences(site_id=site_id),
        )
        mine = [
            each
            for each, event in zip(said, events, strict=True)
            if (event.site_id, event.person_id) == (site_id, person_id)
        ]
        rules = store.sites.rules(site_id)
        before = sessions(own, rules=rules, now=now, presences=presences)
        after = sessions(corrected(own, mine), rules=rules, now=now, presences=presences)
        changes.append(
            Change(
                person_id=person_id,
                name=names.get(person_id, person_id),
                zone=_zone(store, settings, site_id),
                before=tuple(each for each in before if each not in after),
                after=tuple(each for each in after if each not in before),
            )
        )
    if not dry_run:
        store.events.correct(said)
    if as_json:
        print_json(_document(said, changes, written=not dry_run))
        return
    for each, event in zip(said, events, strict=True):
        zone = _zone(store, settings, event.site_id)
        _print_correction(each, event, names, zone, done=done, dry_run=dry_run)
    for change in changes:
        _print_change(change)
    if not dry_run:
        back = "void" if said[0].action is Action.ADD else "restore"
        ids = " ".join(short(each.event_id) for each in said)
        console.print(f"to revert: footfall events {back} {ids}", markup=False, soft_wrap=True)


def _document(said: Iterable[Correction], changes: Iterable[Change], *, written: bool) -> dict[str, object]:
    return {
        "written": written,
        "corrections": [encode(each) for each in said],
        "changes": [
            {
                "person_id": change.person_id,
                "name": change.name,
                "before": [encode(each) for each in change.before],
                "after": [encode(each) for each in change.after],
            }
            for change in changes
        ],
    }


def _print_correction(
    said: Correction, event: Event, names: dict[str, str], zone: ZoneInfo, *, done: str, dry_run: bool
) -> None:
    done = f"would be {done}" if dry_run else done
    where = "" if event.camera_id == OPERATOR else f", camera {event.camera_id}"
    what = f"{event.kind} of {names.get(event.person_id, event.person_id)} at {local_time(event.at, zone)}"
    line = f"{done} by {said.by}: {what}{where}, event {short(event.event_id)}"
    console.print(line, markup=False, soft_wrap=True)


def _print_change(change: Change) -> None:
    zone = change.zone
    rows = [
        [
            word,
            local_time(each.started_at, zone),
            "still in" if each.ended_at is None else local_time(each.ended_at, zone, after=each.started_at),
            span(each.dwell_s),
            "entry not seen" if each.enter_inferred else "exit not seen" if each.exit_inferred else "",
        ]
        for word, found in (("was", change.before), ("is", change.after))
        for each in found
    ]
    print_table(
        f"visits of {change.name}",
        ["", "entered", "left", "net dwell", "note"],
        rows,
        empty=f"The visits of {change.name} stay as they were.",
    )


def _events_of(store: Store, starts: Iterable[str], *, voided: bool) -> list[Event]:
    """The events whose ids start so, each once. Raises RecordError on one that is, or is not, voided already."""
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
    """The one event whose id starts so, and whether it is voided. Raises UsageError where there is none or are more."""
    found = store.events.find(start, limit=2) if start.strip() and start.isprintable() else []
    exact = [each for each in found if each[0].event_id == start]
    if not found:
        fix = "'footfall report explain' shows the events of a visit and their ids"
        raise UsageError(f"no event has the id {start[:40]!r}", fix=fix)
    if len(found) > 1 and not exact:
        raise UsageError(f"several events have ids that start with {start[:40]!r}", fix="give more of the id")
    return (exact or found)[0]


def _one_event(store: Store, event_id: str) -> Event:
    return _event_of(store, event_id)[0]


def _correction(action: Action, event: Event, *, by: str, reason: str) -> Correction:
    return Correction(
        action=action,
        event_id=event.event_id,
        by=by,
        at=datetime.now(UTC),
        reason=_words(reason, "--reason"),
        event=event if action is Action.ADD else None,
    )


def _signed(by: str | None) -> str:
    """The author of a correction. Raises UsageError where there is none."""
    if by is None:
        try:
            by = getpass.getuser()
        except (OSError, KeyError, ImportError):  # this user has no name on this machine
            by = ""
    name = _words(by, "--by")
    if not name or name.startswith("@") or name.casefold() == ITSELF:
        raise UsageError("the correction has no author", fix="give your name, as --by Ann")
    return name


def _words(text: str, option: str) -> str:
    """Text on one line. Raises UsageError when it is too long or holds control characters."""
    words = " ".join(text.split())
    if len(words) > _LONGEST_WORDS or not words.isprintable():
        raise UsageError(
            f"{option}: expected up to {_LONGEST_WORDS} characters of plain text",
            fix="shorten it, and leave control characters out",
        )
    return words


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


def _zone(store: Store, settings: Settings, site_id: str) -> ZoneInfo:
    zone = settings.site.zone if site_id == settings.site.id else store.sites.rules(site_id).zone
    return zone if isinstance(zone, ZoneInfo) else ZoneInfo("UTC")


def _require_camera(store: Store, settings: Settings, site_id: str, camera_id: str, kind: EventKind) -> None:
    """Raises UsageError on a camera that is not known, or whose role has no events of this kind."""
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
