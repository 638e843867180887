"""`footfall simulate`: a simulated site, to try pages, reports and settings without cameras."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from config.errors import StoreError
from tracker.cli.command import command
from tracker.cli.lines import STDIO, explained, json_lines, progress_bar
from tracker.cli.options import JsonOption, Options, UsageError
from tracker.cli.output import note, print_json, print_line
from tracker.cli.store import open_store
from tracker.cli.times import parse_duration
from tracker.presence.documents import encode
from tracker.presence.events import CameraRef
from tracker.presence.people import PersonKind
from tracker.simulation.camera_faults import Outage, coverage_of, health_of, source_of
from tracker.simulation.people import SimulatedPerson, people_of
from tracker.simulation.profiles import PROFILES, ProfileName
from tracker.simulation.scenario import Noise, Scenario
from tracker.simulation.site import Day
from tracker.simulation.site import simulate as days_of
from tracker.simulation.truth import segment_to_document
from tracker.store.observation import Observation

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.store.store import Store

_MOST_PEOPLE, _MOST_DAYS, _MOST_CAMERAS = 1_000_000, 3660, 100

_SETTINGS_SUFFIX = ".settings.toml"
_SETTINGS_HEAD = "# Written by footfall simulate"

_Sink: TypeAlias = Callable[[Day], None]
"""Takes the days of a simulation as they come."""


@dataclass(slots=True)
class Tally:
    """Totals of a simulation. stays: segments inside. missed, confused: of what cameras could report.

    inside: people in at the end; most: at once. until: the end of the simulated time.
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


@command("footfall simulate --profile gym --store sqlite:///simulated.sqlite3")
def simulate(
    profile: Annotated[ProfileName, typer.Option(help="Kind of site: opening hours, who visits, for how long.")],
    access: Options,
    people: Annotated[int, typer.Option(min=1, max=_MOST_PEOPLE, help="Number of different people.")] = 200,
    days: Annotated[int, typer.Option(min=1, max=_MOST_DAYS, help="Number of days.")] = 30,
    doors: Annotated[int, typer.Option(min=1, max=_MOST_CAMERAS, help="Cameras at doors.")] = 1,
    rooms: Annotated[
        int | None, typer.Option(min=0, max=_MOST_CAMERAS, help="Cameras inside. Default: as in the profile.")
    ] = None,
    miss: Annotated[float, typer.Option(min=0, max=1, help="Share of crossings that a camera does not report.")] = 0,
    confuse: Annotated[float, typer.Option(min=0, max=1, help="Share that it reports for the wrong person.")] = 0,
    skew: Annotated[str, typer.Option(metavar="TIME", help="Largest difference of two cameras' clocks: 2s.")] = "0s",
    outage: Annotated[
        str, typer.Option(metavar="TIME", help="Outage of each camera once a day, blind or offline: 10m.")
    ] = "0s",
    duplicate: Annotated[float, typer.Option(min=0, max=1, help="Share of events that are delivered twice.")] = 0,
    seed: Annotated[int, typer.Option(help="Random seed: the same seed gives the same site.")] = 0,
    start: Annotated[
        str | None, typer.Option(metavar="DATE", help="First day. Default: the last day is today.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the events as JSON lines; - is stdout.")
    ] = None,
    truth: Annotated[str | None, typer.Option(metavar="FILE", help="Write the true visits as JSON lines.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate a site: people, their visits, and what its cameras record.

    Fills a new store, which dashboard and reports read like any other, or writes the events to a file, with the errors
    that you ask for. A settings file beside it declares the cameras. --truth writes the true visits. Nothing after now
    is simulated: people who are in now are in.
    """
    if access.store is None and out is None and truth is None:
        raise UsageError(
            "nothing to write to", fix="add --store sqlite:///simulated.sqlite3, --out FILE or --truth FILE"
        )
    if out is not None and out == truth:
        raise UsageError("--out and --truth are the same file", fix="name two files")
    settings = access.load()
    now = datetime.now(UTC)
    plan = Scenario(
        profile=PROFILES[profile],
        people=people,
        days=days,
        doors=doors,
        rooms=PROFILES[profile].rooms if rooms is None else rooms,
        first_day=_first_day(start, days, now.astimezone(settings.site.zone).date()),
        zone=settings.site.zone,
        site_id=settings.site.id,
        seed=seed,
    )
    noise = Noise(
        miss=miss,
        confuse=confuse,
        skew=parse_duration(skew, option="--skew"),
        outage=parse_duration(outage, option="--outage"),
        duplicate=duplicate,
    )
    kept = settings if access.store else None
    beside = None if out in (None, STDIO) else Path(str(out)).with_suffix(_SETTINGS_SUFFIX)
    if beside is not None and beside.exists() and not _is_ours(beside):
        raise UsageError(f"--out: {beside} exists and was not written by footfall simulate", fix="name another file")
    tally = _run(plan, noise, kept, out, truth, until=min(now, plan.ends_at))
    if beside is not None:
        with explained(beside):
            beside.write_text(_settings_text(plan, settings, tally.most, store=False), encoding="utf-8")
    _report(tally, plan, kept, out if beside else None, as_json=as_json, aside=STDIO in (out, truth))


def _first_day(start: str | None, days: int, today: date) -> date:
    if start is None:
        return today - timedelta(days=days - 1)
    try:
        first = date.fromisoformat(start)
        first + timedelta(days=days + 2)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--start: {start[:40]!r} is not a date", fix="write it as 2026-01-31") from error
    if first > today:
        raise UsageError(f"--start: {start} is in the future", fix="name a day that has begun")
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
            sinks.append(lambda day: write(map(encode, day.camera_output.events)))
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
            from config.settings import load_settings
            from tracker.store.site_settings import site_of

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
    """Settings of the simulated site, for dashboard and reports: its doors, rooms and hours.

    store: whether they name the store.
    """
    url = f"url = {json.dumps(f'sqlite:///{settings.store.path.absolute()}')}"
    lines = [
        f"{_SETTINGS_HEAD}: the site in the file beside it.",
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
    """A plausible capacity of a site with at most so many people at once."""
    return max(10, math.ceil(most * 1.3 / 5) * 5)


@contextmanager
def _into_store(
    settings: Settings, plan: Scenario, cast: tuple[SimulatedPerson, ...], until: datetime
) -> Iterator[_Sink]:
    """Record people first, then day by day events, visitors at their first event, and at the end the cameras' state.

    A new store that was not filled to the end is removed.
    """
    path = settings.store.path
    made_here = not path.exists()
    try:
        with _filled(settings, plan, cast, until) as sink:
            yield sink
    except BaseException:  # whatever stopped it, Ctrl-C too: an incomplete store would look complete
        if made_here:
            for each in (path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))):
                each.unlink(missing_ok=True)
            note(f"stopped: {path} is incomplete and was removed")
        raise


@contextmanager
def _filled(settings: Settings, plan: Scenario, cast: tuple[SimulatedPerson, ...], until: datetime) -> Iterator[_Sink]:
    import numpy as np

    no_vectors = np.zeros((0, 128), np.float32)
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
                store.people.add(person, no_vectors)
        met: set[str] = set()
        last: list[Day] = []
        outages: list[Outage] = []

        def sink(day: Day) -> None:
            seen = {event.person_id for event in day.camera_output.events} - met
            met.update(seen)
            strangers = [by_id[person_id] for person_id in sorted(seen) if by_id[person_id].kind is PersonKind.VISITOR]
            strangers.sort(key=lambda person: int(person.name.rpartition(" ")[2]))
            store.record(
                Observation(
                    events=day.camera_output.events, visitors=[(stranger, no_vectors) for stranger in strangers]
                )
            )
            outages.extend(day.camera_output.outages)
            last[:] = [day]

        yield sink
        _leave_cameras(store, plan, last, outages, until)


def _leave_cameras(store: Store, plan: Scenario, last: list[Day], outages: Sequence[Outage], until: datetime) -> None:
    """Record coverage and health of the cameras, and who is in sight at the end of the last day."""
    for watch in coverage_of(plan, outages, until=until):
        store.record(Observation(coverage=[watch]))
    for health in health_of(plan, outages, until=until):
        seen = {
            presence.person_id: presence  # a camera has somebody in sight once, even if it took another for them
            for day in last
            for presence in day.camera_output.presences
            if presence.camera_id == health.camera_id
        }
        store.record(
            Observation(camera=CameraRef(plan.site_id, health.camera_id), presences=seen.values(), health=health)
        )


def _shown(days: Iterable[Day], total: int) -> Iterator[Day]:
    """The same days, with a progress bar on a terminal."""
    with progress_bar() as bar:
        task = bar.add_task("Simulating", total=total)
        for day in days:
            yield day
            bar.advance(task)
        bar.update(task, completed=total)


def _report(
    tally: Tally, plan: Scenario, settings: Settings | None, out: str | None, *, as_json: bool, aside: bool
) -> None:
    if as_json:
        if not aside:
            print_json(asdict(tally))
        return
    write = note if aside else print_line
    write(
        f"{tally.people} people on {tally.days} days at a simulated {plan.profile.name}: {tally.stays} stays,"
        f" {tally.events} events; {tally.missed} missed, {tally.confused} of the wrong person; {tally.inside} in now"
    )
    if settings is not None:
        words = f"footfall dashboard --settings {_settings_file(settings)} --store {settings.store.url}"
        write(f"Open it: {words}")
    elif out is not None:
        words = f"footfall events import {out} --settings {Path(out).with_suffix(_SETTINGS_SUFFIX)} --store URL"
        write(f"Import it: {words}")
