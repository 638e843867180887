"""`footfall simulate`: a simulated site, to try pages, reports and settings without cameras."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.command import command
from tracker.cli.lines import STDIO, explained, json_lines
from tracker.cli.options import JsonOption, Options, UsageError
from tracker.cli.output import note, print_json, print_line
from tracker.cli.store import open_store
from tracker.cli.terminal import with_progress
from tracker.cli.times import parse_duration
from tracker.presence.documents import encode
from tracker.simulation.people import people_of
from tracker.simulation.profiles import PROFILES, ProfileName
from tracker.simulation.scenario import Noise, Scenario
from tracker.simulation.settings import SUFFIX, is_ours, settings_text
from tracker.simulation.site import Day, Totals
from tracker.simulation.site import simulate as simulated_days
from tracker.simulation.truth import segment_to_document

if TYPE_CHECKING:
    from config.settings import Settings

_MOST_PEOPLE, _MOST_DAYS, _MOST_CAMERAS = 1_000_000, 3660, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOptions:
    """Options of the simulated place and its days."""

    people: Annotated[int, typer.Option(min=1, max=_MOST_PEOPLE, help="Number of different people.")] = 200
    days: Annotated[int, typer.Option(min=1, max=_MOST_DAYS, help="Number of days.")] = 30
    doors: Annotated[int, typer.Option(min=1, max=_MOST_CAMERAS, help="Cameras at doors.")] = 1
    rooms: Annotated[
        int | None, typer.Option(min=0, max=_MOST_CAMERAS, help="Cameras inside. Default: as in the profile.")
    ] = None
    seed: Annotated[int, typer.Option(help="Random seed: the same seed gives the same site.")] = 0
    start: Annotated[str | None, typer.Option(metavar="DATE", help="First day. Default: the last day is today.")] = None

    def scenario(self, profile: ProfileName, settings: Settings, today: date) -> Scenario:
        """The scenario at the site of the settings. Raises UsageError on an invalid day."""
        chosen = PROFILES[profile]
        return Scenario(
            profile=chosen,
            people=self.people,
            days=self.days,
            doors=self.doors,
            rooms=chosen.rooms if self.rooms is None else self.rooms,
            first_day=_first_day(self.start, self.days, today),
            zone=settings.site.zone,
            site_id=settings.site.id,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseOptions:
    """Options of the cameras' errors."""

    miss: Annotated[float, typer.Option(min=0, max=1, help="Share of crossings that a camera does not report.")] = 0
    confuse: Annotated[float, typer.Option(min=0, max=1, help="Share that it reports for the wrong person.")] = 0
    skew: Annotated[str, typer.Option(metavar="TIME", help="Largest difference of two cameras' clocks: 2s.")] = "0s"
    outage: Annotated[
        str, typer.Option(metavar="TIME", help="Outage of each camera once a day, blind or offline: 10m.")
    ] = "0s"
    duplicate: Annotated[float, typer.Option(min=0, max=1, help="Share of events that are delivered twice.")] = 0

    unseen_faces: Annotated[
        float, typer.Option(min=0, max=1, help="Share of crossings and views without a face to recognise.")
    ] = 0

    def noise(self) -> Noise:
        """Raises UsageError on an invalid length of time."""
        return Noise(
            miss=self.miss,
            confuse=self.confuse,
            skew=parse_duration(self.skew, option="--skew"),
            outage=parse_duration(self.outage, option="--outage"),
            duplicate=self.duplicate,
            unseen_faces=self.unseen_faces,
        )


@command("footfall simulate --profile gym --store sqlite:///simulated.sqlite3")
def simulate(
    profile: Annotated[ProfileName, typer.Option(help="Kind of site: opening hours, who visits, for how long.")],
    place: PlaceOptions,
    errors: NoiseOptions,
    access: Options,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the events as JSON lines; - is stdout.")
    ] = None,
    truth: Annotated[str | None, typer.Option(metavar="FILE", help="Write the true visits as JSON lines.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate a site: people, their visits, and what its cameras record.

    Fills a new store for dashboard and reports, or writes the events to a file, with the camera errors that the options
    set. A settings file beside it declares the cameras. --truth writes the true visits. The simulation ends now at the
    latest: some people may still be in.
    """
    if access.store is None and out is None and truth is None:
        fix = "add --store sqlite:///simulated.sqlite3, --out FILE or --truth FILE"
        raise UsageError("nothing to write to", fix=fix)
    if out is not None and out == truth:
        raise UsageError("--out and --truth are the same file", fix="name two files")
    settings, now = access.load(), datetime.now(UTC)
    scenario = place.scenario(profile, settings, now.astimezone(settings.site.zone).date())
    stored = settings if access.store else None
    beside = None if out in (None, STDIO) else Path(str(out)).with_suffix(SUFFIX)
    if beside is not None and beside.exists() and not _is_ours(beside):
        raise UsageError(f"--out: {beside} exists and was not written by footfall simulate", fix="name another file")
    totals = _run(scenario, errors.noise(), stored, out, truth, until=min(now, scenario.ends_at))
    if beside is not None:
        everybody, zone = errors.unseen_faces > 0, settings.site.zone.key
        _write(beside, settings_text(scenario, zone=zone, most=totals.most, everybody=everybody))
    if stored is not None:
        _save_site(stored)
    _report(totals, scenario, stored, out if beside else None, as_json=as_json, to_stderr=STDIO in (out, truth))


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
    scenario: Scenario, noise: Noise, stored: Settings | None, out: str | None, truth: str | None, *, until: datetime
) -> Totals:
    totals = Totals(until=until)
    people = people_of(scenario)
    met: set[str] = set()
    with ExitStack() as stack:
        writers: list[Callable[[Day], None]] = [totals.add]
        if stored is not None:
            from tracker.simulation.recording import recording

            is_new = not stored.store.path.exists()
            stack.push(lambda kind, *_: _note_removed(stored.store.path) if kind and is_new else None)
            writers.append(stack.enter_context(recording(stored.store.path, scenario, people, until=until)))
        if out is not None:
            write = stack.enter_context(json_lines(out))
            writers.append(lambda day: write(map(encode, day.camera_output.events)))
        if truth is not None:
            write_truth = stack.enter_context(json_lines(truth))
            document = partial(segment_to_document, site_id=scenario.site_id, until=until)
            writers.append(lambda day: write_truth(map(document, day.segments)))
        days = simulated_days(scenario, noise, people, until=until)
        for day in with_progress(days, "Simulating", total=scenario.days):
            for write_day in writers:
                write_day(day)
            met.update(segment.person_id for segment in day.segments)
        if stored is not None:
            path, zone = stored.store.path, stored.site.zone.key
            everybody = noise.unseen_faces > 0
            text = settings_text(scenario, zone=zone, most=totals.most, everybody=everybody, store=path)
            _write(path.with_suffix(SUFFIX), text)
    totals.people = len(met)
    return totals


def _note_removed(path: Path) -> None:
    note(f"stopped: {path} is incomplete and was removed")


def _is_ours(file: Path) -> bool:
    with explained(file):
        return is_ours(file)


def _write(file: Path, text: str) -> None:
    with explained(file):
        file.write_text(text, encoding="utf-8")


def _save_site(settings: Settings) -> None:
    """Record the site in its store, with the settings that were written beside it."""
    from config.settings import load_settings
    from tracker.store.site_settings import site_of

    with open_store(settings) as store:
        store.sites.save(site_of(load_settings(settings.store.path.with_suffix(SUFFIX), {})))


def _report(
    totals: Totals, scenario: Scenario, settings: Settings | None, out: str | None, *, as_json: bool, to_stderr: bool
) -> None:
    if as_json:
        if not to_stderr:
            print_json(asdict(totals))
        return
    write = note if to_stderr else print_line
    write(
        f"{totals.people} people on {totals.days} days at a simulated {scenario.profile.name}:"
        f" {totals.segments} segments, {totals.events} events; {totals.missed} missed,"
        f" {totals.confused} of the wrong person; {totals.inside} in now"
    )
    if settings is not None:
        words = f"footfall dashboard --settings {settings.store.path.with_suffix(SUFFIX)} --store {settings.store.url}"
        write(f"Open it: {words}")
    elif out is not None:
        words = f"footfall events import {out} --settings {Path(out).with_suffix(SUFFIX)} --store URL"
        write(f"Import it: {words}")
