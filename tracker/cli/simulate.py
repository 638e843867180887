"""`footfall simulate`: a place that never was, for trying pages, reports and settings before cameras hang."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
import typer

from config.errors import StoreError
from config.settings import Settings, load_settings
from tracker.cli.door import JsonOption, SettingsOption, StoreOption, UsageError, open_store, settings_for
from tracker.cli.length import parse_length
from tracker.cli.lines import STDIO, explained, json_lines, progress_bar
from tracker.cli.output import console, errors, print_json
from tracker.presence.documents import event_to_document
from tracker.presence.people import PersonKind
from tracker.simulation.camera_faults import Outage, coverage_of, health_of, source_of
from tracker.simulation.people import SimulatedPerson, people_of
from tracker.simulation.profiles import PROFILES, ProfileName
from tracker.simulation.scenario import Noise, Scenario
from tracker.simulation.site import Day
from tracker.simulation.site import simulate as days_of
from tracker.simulation.truth import segment_to_document
from tracker.store.history import site_of
from tracker.store.observation import Observation
from tracker.store.store import Store

_NO_VECTORS = np.zeros((0, 128), np.float32)
_MOST_PEOPLE, _MOST_DAYS, _MOST_CAMERAS = 1_000_000, 3660, 100

_SETTINGS_SUFFIX = ".settings.toml"
_SETTINGS_HEAD = "# Written by footfall simulate"

_Sink: TypeAlias = Callable[[Day], None]
"""Takes the days of a simulation as they come."""


@dataclass(slots=True)
class Tally:
    """What a simulation came to. stays: times inside without a break. missed, confused: of what cameras could report.

    inside: people in at the end; most: at once. until: the moment up to which it was simulated.
    """

    until: datetime
    people: int = 0
    days: int = 0
    stays: int = 0
    events: int = 0
    missed: int = 0
    confused: int = 0
    inside: int = 0
    most: int = 0


def simulate(
    profile: Annotated[ProfileName, typer.Option(help="What kind of place: when it opens, who comes, for how long.")],
    people: Annotated[int, typer.Option(min=1, max=_MOST_PEOPLE, help="How many different people come.")] = 200,
    days: Annotated[int, typer.Option(min=1, max=_MOST_DAYS, help="Over how many days.")] = 30,
    doors: Annotated[int, typer.Option(min=1, max=_MOST_CAMERAS, help="Cameras at doors.")] = 1,
    rooms: Annotated[
        int | None, typer.Option(min=0, max=_MOST_CAMERAS, help="Cameras inside. Default: as the profile has them.")
    ] = None,
    miss: Annotated[float, typer.Option(min=0, max=1, help="Share of what a camera sees that it does not report.")] = 0,
    confuse: Annotated[float, typer.Option(min=0, max=1, help="Share that it reports of somebody else.")] = 0,
    skew: Annotated[str, typer.Option(metavar="TIME", help="How far two cameras' clocks may differ: 2s.")] = "0s",
    outage: Annotated[
        str, typer.Option(metavar="TIME", help="How long each camera is down once a day: blind, or offline: 10m.")
    ] = "0s",
    duplicate: Annotated[float, typer.Option(min=0, max=1, help="Share of events that are delivered twice.")] = 0,
    seed: Annotated[int, typer.Option(help="Another number gives another place; the same gives the same.")] = 0,
    start: Annotated[
        str | None, typer.Option(metavar="DATE", help="First day. Default: so that the last day is today.")
    ] = None,
    store: StoreOption = None,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the events as JSON lines; - is stdout.")
    ] = None,
    truth: Annotated[str | None, typer.Option(metavar="FILE", help="Write who really was in, as JSON lines.")] = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make up people, their days and what cameras would have told of them, with the errors that you ask for.

    Fills a new store, that the dashboard and reports show like any other, or writes the events to a file; settings
    beside either say which cameras hang at doors. --truth tells what really happened. Nothing that lies ahead of now
    is simulated: who is in now is in.
    """
    if store is None and out is None and truth is None:
        raise UsageError(
            "nothing to write to", fix="add --store sqlite:///simulated.sqlite3, --out FILE or --truth FILE"
        )
    if out is not None and out == truth:
        raise UsageError("--out and --truth are the same file", fix="name two files")
    chosen = settings_for(settings, store=store)
    now = datetime.now(UTC)
    plan = Scenario(
        profile=PROFILES[profile],
        people=people,
        days=days,
        doors=doors,
        rooms=PROFILES[profile].rooms if rooms is None else rooms,
        first_day=_first_day(start, days, now.astimezone(chosen.site.zone).date()),
        zone=chosen.site.zone,
        site_id=chosen.site.id,
        seed=seed,
    )
    noise = Noise(
        miss=miss,
        confuse=confuse,
        skew=parse_length(skew, option="--skew"),
        outage=parse_length(outage, option="--outage"),
        duplicate=duplicate,
    )
    kept = chosen if store else None
    beside = None if out in (None, STDIO) else Path(str(out)).with_suffix(_SETTINGS_SUFFIX)
    if beside is not None and beside.exists() and not _is_ours(beside):
        raise UsageError(f"--out: {beside} is there, and not by footfall simulate", fix="name another file")
    tally = _run(plan, noise, kept, out, truth, until=min(now, plan.ends_at))
    if beside is not None:
        with explained(beside):
            beside.write_text(_settings_text(plan, chosen, tally.most, store=False), encoding="utf-8")
    _tell(tally, plan, kept, out if beside else None, as_json=as_json, aside=STDIO in (out, truth))


def _first_day(start: str | None, days: int, today: date) -> date:
    if start is None:
        return today - timedelta(days=days - 1)
    try:
        first = date.fromisoformat(start)
        first + timedelta(days=days + 2)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--start: {start[:40]!r} is no date", fix="write it as 2026-01-31") from error
    if first > today:
        raise UsageError(f"--start: {start} lies in the future", fix="name a day that has begun")
    return first


def _run(
    plan: Scenario, noise: Noise, settings: Settings | None, out: str | None, truth: str | None, *, until: datetime
) -> Tally:
    tally = Tally(until)
    cast = people_of(plan)
    with ExitStack() as stack:
        sinks: list[_Sink] = []
        if settings is not None:
            sinks.append(stack.enter_context(_into_store(settings, plan, cast, until)))
        if out is not None:
            write = stack.enter_context(json_lines(out))
            sinks.append(lambda day: write(map(event_to_document, day.camera_output.events)))
        if truth is not None:
            write_truth = stack.enter_context(json_lines(truth))
            sinks.append(lambda day: write_truth(_true_lines(day, plan, until)))
        met: set[str] = set()
        for day in _shown(days_of(plan, noise, cast, until=until), plan.days):
            for sink in sinks:
                sink(day)
            _count(tally, day)
            met.update(stay.person_id for stay in day.segments)
        tally.people = len(met)
        if settings is not None:
            file = _settings_file(settings)
            with explained(file):
                file.write_text(_settings_text(plan, settings, tally.most), encoding="utf-8")
    if settings is not None:
        with open_store(settings) as store:
            store.sites.save(site_of(load_settings(file, {})))
    return tally


def _settings_file(settings: Settings) -> Path:
    return settings.store.path.with_suffix(_SETTINGS_SUFFIX)


def _is_ours(file: Path) -> bool:
    with explained(file):
        return file.read_bytes().startswith(_SETTINGS_HEAD.encode())


def _true_lines(day: Day, plan: Scenario, until: datetime) -> Iterator[object]:
    return (segment_to_document(stay, site_id=plan.site_id, until=until) for stay in day.segments)


def _count(tally: Tally, day: Day) -> None:
    tally.days += 1
    tally.stays += len(day.segments)
    tally.events += len(day.camera_output.events)
    tally.missed += day.camera_output.missed
    tally.confused += day.camera_output.confused
    tally.inside = sum(stay.left_at > tally.until for stay in day.segments)
    steps = sorted((at, step) for stay in day.segments for at, step in ((stay.entered_at, 1), (stay.left_at, -1)))
    tally.most = max(tally.most, *accumulate((step for _, step in steps), initial=0))


def _settings_text(plan: Scenario, settings: Settings, most: int, *, store: bool = True) -> str:
    """Settings under which dashboard and reports read the place as it is: its doors, its rooms, its hours.

    store: where it is kept, too.
    """
    url = f"url = {json.dumps(f'sqlite:///{settings.store.path.absolute()}')}"
    lines = [
        f"{_SETTINGS_HEAD}: the place that the file beside it holds.",
        "[site]",
        f"id = {json.dumps(plan.site_id)}",
        f"name = {json.dumps(f'Simulated {plan.profile.name}')}",
        f"time_zone = {json.dumps(settings.site.zone.key)}",
        f"capacity = {_round_capacity(most)}",
        *(["[store]", url] if store else []),
        "[presence]",
        f'closes_at = "{plan.profile.closes:%H:%M}"',
    ]
    for camera_id in plan.camera_ids:
        lines += ["[[camera]]", f'id = "{camera_id}"', f'source = "{source_of(camera_id, plan)}"']
        if camera_id in plan.door_ids:
            lines += ['role = "door"', "line = [[0.1, 0.5], [0.9, 0.5]]", 'inside = "below"']
    return "\n".join(lines) + "\n"


def _round_capacity(most: int) -> int:
    """A capacity that a place with at most so many people at once may have."""
    return max(10, math.ceil(most * 1.3 / 5) * 5)


@contextmanager
def _into_store(
    settings: Settings, plan: Scenario, cast: tuple[SimulatedPerson, ...], until: datetime
) -> Iterator[_Sink]:
    """People first, then day by day events, strangers once they are seen, and at the end what cameras see.

    A store that was made for this and is not filled to the end is taken away again.
    """
    path = settings.store.path
    made_here = not path.exists()
    try:
        with _filled(settings, plan, cast, until) as sink:
            yield sink
    except BaseException:  # whatever stopped it, Ctrl-C too: half a place would look like a whole one
        if made_here:
            for each in (path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))):
                each.unlink(missing_ok=True)
            errors.print(f"stopped: {path} was not filled, and is taken away again", markup=False, soft_wrap=True)
        raise


@contextmanager
def _filled(settings: Settings, plan: Scenario, cast: tuple[SimulatedPerson, ...], until: datetime) -> Iterator[_Sink]:
    by_id = {player.record.person_id: player.record for player in cast}
    with open_store(settings) as store:
        if store.people.all() or store.events.select(limit=1):
            raise StoreError(
                f"{settings.store.path}: it holds people or events already", fix="name a store that does not exist yet"
            )
        if _settings_file(settings).exists():
            raise StoreError(f"{_settings_file(settings)} exists already", fix="remove it, or name another store")
        for person in by_id.values():
            if person.kind is PersonKind.ENROLLED:
                store.people.add(person, _NO_VECTORS)
        met: set[str] = set()
        last: list[Day] = []
        outages: list[Outage] = []

        def sink(day: Day) -> None:
            told = {event.person_id for event in day.camera_output.events} - met
            met.update(told)
            strangers = [by_id[person_id] for person_id in sorted(told) if by_id[person_id].kind is PersonKind.VISITOR]
            strangers.sort(key=lambda person: int(person.name.rpartition(" ")[2]))
            store.record(
                Observation(
                    events=day.camera_output.events, visitors=[(stranger, _NO_VECTORS) for stranger in strangers]
                )
            )
            outages.extend(day.camera_output.outages)
            last[:] = [day]

        yield sink
        _leave_cameras(store, plan, last, outages, until)


def _leave_cameras(store: Store, plan: Scenario, last: list[Day], outages: Sequence[Outage], until: datetime) -> None:
    """When the cameras watched, how they do, and whom they have in sight, as the last day left it."""
    for watch in coverage_of(plan, outages, until=until):
        store.record(Observation(watch=watch))
    for health in health_of(plan, outages, until=until):
        seen = {
            presence.person_id: presence  # a camera has somebody in sight once, even if it took another for them
            for day in last
            for presence in day.camera_output.presences
            if presence.camera_id == health.camera_id
        }
        store.record(
            Observation(site_id=plan.site_id, camera_id=health.camera_id, presences=seen.values(), health=health)
        )


def _shown(days: Iterable[Day], total: int) -> Iterator[Day]:
    """The same days, with a progress bar on a terminal."""
    with progress_bar() as bar:
        task = bar.add_task("Simulating", total=total)
        for day in days:
            yield day
            bar.advance(task)
        bar.update(task, completed=total)


def _tell(
    tally: Tally, plan: Scenario, settings: Settings | None, out: str | None, *, as_json: bool, aside: bool
) -> None:
    if as_json:
        if not aside:
            print_json(asdict(tally))
        return
    told = errors if aside else console
    told.print(
        f"{tally.people} people on {tally.days} days at a simulated {plan.profile.name}: {tally.stays} times inside,"
        f" {tally.events} events; {tally.missed} reports missed, {tally.confused} of the wrong person;"
        f" {tally.inside} in now",
        markup=False,
        soft_wrap=True,
    )
    if settings is not None:
        words = f"footfall dashboard --settings {_settings_file(settings)} --store {settings.store.url}"
        told.print(f"See it: {words}", markup=False, soft_wrap=True)
    elif out is not None:
        words = f"footfall events import {out} --settings {Path(out).with_suffix(_SETTINGS_SUFFIX)} --store URL"
        told.print(f"Read it into a store: {words}", markup=False, soft_wrap=True)
