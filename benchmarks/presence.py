"""Accuracy of visits and counts on simulated places by noise level, compared with simpler methods; and scaling.

`python -m benchmarks.presence [--json | --markdown | --counts] [--large]`; --large adds ten million events.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise, product

from rich.console import Console
from rich.table import Table

from benchmarks.baselines import first_seen, pairs
from benchmarks.growth import growth
from benchmarks.measure import SEED, Row, machine
from benchmarks.scenarios import LEVELS, ZONE, rules_of
from benchmarks.visit_score import CountedScore, Score, ScoredVisit, counted_score, score, true_visits
from tracker.presence.events import Event
from tracker.presence.occupancy import Passage, cameras_of, count, resets
from tracker.presence.rules import Rules
from tracker.presence.sessions import SessionState, sessions, without_duplicates
from tracker.simulation.cameras import camera_output_on
from tracker.simulation.people import people_of
from tracker.simulation.profiles import PROFILES, ProfileName
from tracker.simulation.scenario import Noise, Scenario
from tracker.simulation.site import Day, simulate

FIRST_DAY = date(2026, 1, 5)
DAYS, LIVE_DAYS, LIVE_EVERY = 28, 3, timedelta(hours=2)
PEOPLE = {ProfileName.GYM: 300, ProfileName.OFFICE: 120, ProfileName.SHOP: 1500}
_METHODS = ("ours", "pairs", "timer")
COUNTED_LEVELS, UNSEEN = ("none", "light", "target"), (0.0, 0.5, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One place at one noise level, with the score of each method.

    live: people in at a moment by what had arrived by then, mean |ours - true| / mean true, of ours and of pairs.
    """

    case: str
    events: int
    ours: Score
    pairs: Score
    timer: Score
    live: float
    live_pairs: float
    target: str | None
    met: bool | None

    def record(self) -> dict[str, object]:
        """As a JSON object; figures of other methods are prefixed by their name."""
        others = {f"{method}_{key}": value for method in _METHODS[1:] for key, value in self._figures(method).items()}
        about = {"case": self.case, "events": self.events, "target": self.target, "met": self.met}
        return {**about, **self._figures("ours"), "live": round(self.live, 4), **others,
                "pairs_live": round(self.live_pairs, 4)}  # fmt: skip

    def _figures(self, method: str) -> dict[str, object]:
        found = asdict(getattr(self, method))
        return {key: round(value, 5) if isinstance(value, float) else value for key, value in found.items()}


def scenarios() -> Iterator[Scenario]:
    """Every profile, with door cameras only and with room cameras."""
    for name, people in PEOPLE.items():
        for rooms in (0, PROFILES[name].rooms):
            yield Scenario(
                profile=PROFILES[name], people=people, days=DAYS, doors=2, rooms=rooms,
                first_day=FIRST_DAY, zone=ZONE, site_id=name, seed=SEED,
            )  # fmt: skip


def cases() -> Iterator[Case]:
    """Every scenario at every noise level."""
    for scenario, (level, noise) in product(scenarios(), LEVELS.items()):
        print(f"{scenario.site_id}, {scenario.rooms} rooms, noise {level} ...", file=sys.stderr, flush=True)
        yield _case(f"{scenario.site_id}, {_cameras(scenario)}, noise {level}", scenario, level, noise)


def _cameras(scenario: Scenario) -> str:
    return f"{scenario.doors} doors" + (
        f" + {scenario.rooms} room{'s' if scenario.rooms > 1 else ''}" if scenario.rooms else ""
    )


def _case(title: str, scenario: Scenario, level: str, noise: Noise) -> Case:
    days = list(simulate(scenario, noise, people_of(scenario)))
    events = [event for day in days for event in day.camera_output.events]
    rules = rules_of(scenario, noise)
    now = scenario.ends_at + rules.max_visit + timedelta(hours=1)
    truth = _true_visits(days, rules.merge_gap)

    def beside(visits: Sequence[ScoredVisit]) -> Score:
        return score(truth, visits, zone=ZONE, tolerance=max(rules.skew, timedelta(seconds=1)))

    ours = beside([ScoredVisit.of(session, now) for session in sessions(events, rules=rules, now=now)])
    live, live_pairs = _live(scenario, noise, days, rules)
    target, met = _target(level, ours)
    return Case(
        case=title,
        events=len(events),
        ours=ours,
        pairs=beside(pairs(_at_doors(events), now=now)),
        timer=beside(first_seen(events, zone=ZONE)),
        live=live,
        live_pairs=live_pairs,
        target=target,
        met=met,
    )


def counts() -> Iterator[dict[str, object]]:
    """People counted at the doors of every scenario, by how many faces cannot be recognised."""
    for scenario, level, share in product(scenarios(), COUNTED_LEVELS, UNSEEN):
        found = _counted(scenario, replace(LEVELS[level], unseen_faces=share))
        case = f"{scenario.site_id}, {_cameras(scenario)}, noise {level}"
        yield {"case": case, "unseen_faces": share, **asdict(found)}


def _counted(scenario: Scenario, noise: Noise) -> CountedScore:
    rules = rules_of(scenario, noise)
    rules = replace(rules, counted=rules.entrances)
    days = list(simulate(scenario, noise, people_of(scenario)))
    events = without_duplicates(event for day in days for event in day.camera_output.events)
    truth = _true_visits(days, timedelta())
    first = min(visit.started_at for visit in truth)
    passages = (Passage.of(event) for event in events if event.camera_id in cameras_of(rules))
    return counted_score(truth, count(passages, rules, since=resets(rules, first, first)[0]))


def _true_visits(days: Sequence[Day], merge_gap: timedelta) -> list[ScoredVisit]:
    return true_visits((segment for day in days for segment in day.segments), merge_gap=merge_gap)


def _at_doors(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event.camera_id.startswith("door")]


def _target(level: str, ours: Score) -> tuple[str | None, bool | None]:
    if level == "none":
        exact = (ours.entries, ours.exits, ours.matched, ours.on_time, ours.measured) == (1.0,) * 5
        return "all exact", exact and ours.invented == 0 and (ours.dwell_p95 or 0.0) < 1e-6
    if level != "target":
        return None, None
    figures = (ours.total, ours.matched, ours.dwell_median)
    met = None not in figures and abs((ours.total or 0) - 1) <= 0.01
    met = met and (ours.matched or 0) >= 0.98 and (ours.dwell_median or 0) <= 0.02
    return "entries within 1 %, 98 % matched, median dwell error within 2 %", met


def _live(scenario: Scenario, noise: Noise, days: Sequence[Day], rules: Rules) -> tuple[float, float]:
    """Error of the current occupancy, by sessions and by pairs."""
    people = {person.record.person_id: person for person in people_of(scenario)}
    true = wrong = wrong_pairs = 0
    open_days = [(before, day) for before, day in pairwise(days) if day.segments]
    for before, day in open_days[-LIVE_DAYS:]:
        opens_at = datetime.combine(day.date, scenario.profile.opens, ZONE)
        closes_at = datetime.combine(day.date, scenario.profile.closes, ZONE)
        at = opens_at
        while at <= closes_at:
            output = camera_output_on(day.date, day.segments, scenario, noise, people, until=at)
            events = [*before.camera_output.events, *output.events]
            inside = sum(segment.entered_at <= at < segment.left_at for segment in day.segments)
            found = sessions(events, rules=rules, now=at, presences=output.presences)
            paired = pairs(_at_doors(events), now=at + timedelta(seconds=1))
            true += inside
            wrong += abs(sum(session.state is SessionState.OPEN for session in found) - inside)
            wrong_pairs += abs(sum(visit.ended_at > at for visit in paired) - inside)
            at += LIVE_EVERY
    return wrong / true, wrong_pairs / true


COLUMNS = {
    "visits": "visits", "in/h": "entries", "out/h": "exits", "total": "total", "matched": "matched",
    "invented": "invented", "on time": "on_time", "measured": "measured", "dwell": "dwell_median",
    "p95": "dwell_p95", "occup.": "occupancy", "live": "live",
}  # fmt: skip
COUNTED_COLUMNS = ("place, cameras, noise", "no face", "entries", "occup. of peak", "recognised")
BESIDE = {
    "in/h": "entries",
    "matched": "matched",
    "invented": "invented",
    "dwell": "dwell_median",
    "occup.": "occupancy",
}


def show(records: Sequence[dict[str, object]], counted: Sequence[dict[str, object]], rows: Sequence[Row]) -> None:
    """Print four tables to stdout: sessions, other methods, people counted at doors, scaling."""
    about = ", ".join(f"{key} {value}" for key, value in machine().items())
    ours = Table(title=f"Visits beside the truth, share ({about})")
    beside = Table(title="Ours / pairs of previous enter and next exit / timer since first seen, restarted every night")
    for table, columns in ((ours, [*COLUMNS, "met"]), (beside, [*BESIDE, "live"])):
        table.add_column("case", no_wrap=True)
        for title in columns:
            table.add_column(title, justify="right")
    for record in records:
        ours.add_row(str(record["case"]), *(_cell(record[key]) for key in COLUMNS.values()), _cell(record["met"]))
        keys = [(key, f"pairs_{key}", f"timer_{key}") for key in BESIDE.values()] + [("live", "pairs_live")]
        beside.add_row(str(record["case"]), *(" / ".join(_cell(record[key]) for key in found) for found in keys))
    at_doors = Table(title="Everybody counted at the doors")
    for title in COUNTED_COLUMNS:
        at_doors.add_column(title)
    for record in counted:
        at_doors.add_row(*map(_cell, record.values()))
    grown = Table(title="Growth")
    for title in ("case", "ms", "processor ms", "target", "met", "note"):
        grown.add_column(title)
    for row in rows:
        grown.add_row(row.case, f"{row.ours_ms:.0f}", f"{row.ours_cpu_ms or 0:.0f}", row.target, str(row.met), row.note)
    console = Console(width=170 if not sys.stdout.isatty() else None)
    for table in (ours, beside, at_doors, grown):
        console.print(table)


def show_markdown(
    records: Sequence[dict[str, object]], counted: Sequence[dict[str, object]], rows: Sequence[Row]
) -> None:
    """The tables of docs/simulation.md on stdout."""
    titles = ["place, cameras, noise", *COLUMNS, "pairs: matched", "timer: matched", "pairs: live"]
    keys = ["case", *COLUMNS.values(), "pairs_matched", "timer_matched", "pairs_live"]
    print("| " + " | ".join(titles) + " |\n|---|" + "---:|" * (len(titles) - 1))
    for record in records:
        print("| " + " | ".join(_cell(record[key]) for key in keys) + " |")
    print()
    show_counts(counted)
    print("\n| what | time | processor | |\n|---|---:|---:|---|")
    for row in rows:
        cpu_s = (row.ours_cpu_ms or 0.0) / 1e3
        print(f"| {row.case} | {row.ours_ms / 1e3:.2f} s | {cpu_s:.2f} s | {row.note} |")


def show_counts(counted: Sequence[dict[str, object]]) -> None:
    """The table of people counted at doors, as markdown."""
    print("| " + " | ".join(COUNTED_COLUMNS) + " |\n|---|" + "---:|" * (len(COUNTED_COLUMNS) - 1))
    for record in counted:
        print("| " + " | ".join(map(_cell, record.values())) + " |")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "–" if value is None else str(value)


def main() -> None:
    """Command line: tables, or with --json a list of objects."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.presence")
    parser.add_argument("--json", action="store_true", help="print a list of objects instead of tables")
    parser.add_argument("--markdown", action="store_true", help="print the tables of docs/simulation.md")
    parser.add_argument("--large", action="store_true", help="measure ten million events too (minutes, several GB)")
    parser.add_argument("--counts", action="store_true", help="print only the people counted at doors, as markdown")
    wanted = parser.parse_args()
    counted = list(counts())
    if wanted.counts:
        show_counts(counted)
        return
    records = [case.record() for case in cases()]
    rows = list(growth(large=wanted.large))
    if wanted.json:
        about = machine()
        every = [*records, *counted, *(row.record() for row in rows)]
        print(json.dumps([{**record, **about} for record in every], indent=1))
    else:
        (show_markdown if wanted.markdown else show)(records, counted, rows)


if __name__ == "__main__":
    main()
