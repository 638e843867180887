"""The documents of days that a machine uploads have the figures of its own report on each day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from config.settings import Settings
from tracker.presence.calendar import day_edges, day_range
from tracker.presence.day import DayFigures
from tracker.presence.events import OPERATOR, Action, CameraRef, Correction, Event, EventKind, unidentified_id
from tracker.presence.people import Person, PersonKind, Role
from tracker.presence.rules import Rules
from tracker.reports.periods import Period
from tracker.reports.selection import ReportQuery, select, site_of_report
from tracker.reports.tables import usage_report
from tracker.store.cursors import Cursor, Stream
from tracker.store.observation import Observation
from tracker.store.store import Store

BERLIN = ZoneInfo("Europe/Berlin")
SITE = "main"
DOORS = frozenset({"door", "gate"})
COUNTED = Rules(zone=BERLIN, entrances=DOORS, exits=DOORS, counted=DOORS, closes_at=time(22))
ROOMS = frozenset({"hall", "bar"})
RULES = {
    "doors": COUNTED,
    "doors-and-rooms": replace(COUNTED, rooms=ROOMS),
    "never-closes": replace(COUNTED, rooms=ROOMS, closes_at=None),
    "closes-after-midnight": replace(COUNTED, closes_at=time(2, 30)),
    "rooms": Rules(zone=BERLIN, rooms=ROOMS),
    "faces": replace(COUNTED, counted=frozenset(), rooms=ROOMS),
}
FIRST = {"spring": date(2026, 3, 27), "autumn": date(2026, 10, 23)}
"""The third day has 23 hours, or 25."""
SETTLED = timedelta(minutes=5)
"""After this long no view is too short any more to be evidence."""
_WHO = ("?", "?", "ada", "bob", "sue", "v-1")


class Machine:
    """A store, and the documents of days as they were uploaded last."""

    def __init__(self, path: Path, rules: Rules, now: datetime, seed: int = 0) -> None:
        self.now = now
        self.random = Random(seed)
        self.store = Store(path, clock=lambda: self.now).open()
        self.store.outbox.begin()
        self.store.sites.use_default_rules(rules)
        for name in ("ada", "bob", "sue"):
            role = Role.STAFF if name == "sue" else Role.MEMBER
            person = Person(person_id=name, name=name.title(), created_at=now, kind=PersonKind.ENROLLED, role=role)
            self.store.people.add(person, np.zeros((0, 128), np.float32))
        self.days: dict[str, DayFigures] = {}
        self._cursor = Cursor()
        self._tracks = 0

    def event(self, kind: str, at: datetime, who: str, camera: str, track: str) -> Event:
        person_id = unidentified_id(CameraRef(SITE, camera), track) if who == "?" else who
        return Event(kind=EventKind(kind), site_id=SITE, camera_id=camera, person_id=person_id, at=at, track_id=track)

    def track(self) -> str:
        self._tracks += 1
        return f"t{self._tracks}"

    def upload(self) -> int:
        """The pages of the stream of days. Returns how many documents."""
        self.store.sessions.tick()
        written, is_last = 0, False
        while not is_last:
            page = self.store.outbox.page(Stream.DAYS, self._cursor, now=self.now, limit=7, vectors=False)
            for each in page.messages:
                assert isinstance(each.record, DayFigures)
                self.days[each.record_id] = each.record
            self._cursor, is_last, written = page.cursor, page.is_last, written + len(page.messages)
        return written

    def reported(self, day: date) -> dict[str, Any]:
        """What the report has of a day; nothing before the first record."""
        since, until = day_range(day, BERLIN)
        query = ReportQuery(since=since, until=until, staff=True)
        site = replace(site_of_report(Settings(), self.store), zone=BERLIN)
        report = usage_report(select(self.store, site, query, self.now), Period.DAY)
        rows = report.sheet("usage").rows
        if not rows:
            return {"entries": 0, "exits": 0, "peak": 0}
        (row,) = rows
        figures = {figure.key: figure.value for figure in report.figures}
        return {
            "entries": row["entries"],
            "exits": row["exits"],
            "visitors": row["visitors"],
            "unidentified": 0 if row["recognised"] is None else row["entries"] - row["recognised"],
            "peak": row["peak"],
            "peak_at": figures["peak_at"],
        }

    # -- what happens at random

    def late(self) -> datetime:
        """A moment of the last days, whole seconds, as often as not near midnight or the closing time."""
        ago = self.random.choice([0.2, 2, 20, 60]) * self.random.random()
        at = (self.now - SETTLED - timedelta(hours=ago)).replace(microsecond=0)
        if self.random.random() < 0.3:
            midnight = day_range(at.astimezone(BERLIN).date(), BERLIN)[0]
            at = midnight + timedelta(seconds=self.random.choice([-61, -30, -1, 0, 1, 29, 60]))
        return at

    def cross(self) -> None:
        kind, camera = self.random.choice(["enter", "enter", "exit"]), self.random.choice(["door", "gate"])
        at, who = self.late(), self.random.choice(_WHO)
        self.store.record(Observation(events=[self.event(kind, at, who, camera, self.track())]))

    def view(self) -> None:
        at, who, track = self.late(), self.random.choice(_WHO), self.track()
        camera = self.random.choice(["hall", "bar"])
        length = timedelta(seconds=self.random.choice([10, 59, 61, 600, 7200]))
        events = [self.event("enter", at, who, camera, track)]
        if self.random.random() < 0.8 and at + length <= self.now - SETTLED:
            events.append(self.event("exit", at + length, who, camera, track))
        self.random.shuffle(events)
        for each in events:
            self.store.record(Observation(events=[each]))
            self.sometimes(self.upload)

    def correct(self) -> None:
        events = self.store.events.select()
        if events and self.random.random() < 0.6:
            wrong = self.random.choice(events)
            self.store.events.correct([Correction(action=Action.VOID, event_id=wrong.event_id, by="ann", at=self.now)])
            return
        added = self.event("exit", self.late(), self.random.choice(["ada", "bob"]), OPERATOR, self.track())
        self.store.events.correct(
            [Correction(action=Action.ADD, event_id=added.event_id, event=added, by="ann", at=self.now)]
        )

    def name_late(self) -> None:
        nobody = [each for each in self.store.events.select() if each.person_id.startswith("u-")]
        if nobody:
            event = self.random.choice(nobody)
            named = replace(event, person_id="bob", event_id="")
            void = Correction(action=Action.VOID, event_id=event.event_id, by="footfall", at=self.now)
            self.store.record(Observation(events=[named], corrections=[void]))

    def wait(self) -> None:
        self.now += timedelta(hours=self.random.choice([1, 5, 11]))

    def sometimes(self, work: Callable[[], object]) -> None:
        if self.random.random() < 0.15:
            work()


@pytest.mark.parametrize("season", FIRST)
@pytest.mark.parametrize("rules", RULES)
def test_documents_of_days_are_rows_of_the_report(tmp_path: Path, rules: str, season: str) -> None:
    """Over random histories, uploaded in between; they end in the night or by day."""
    begin = day_range(FIRST[season], BERLIN)[0]
    machine = Machine(tmp_path / "store.sqlite3", RULES[rules], begin + timedelta(hours=20), len(rules + season))
    whatever = [machine.cross] * 6 + [machine.view] * 3 + [machine.correct, machine.name_late, machine.wait]
    while machine.now < begin + timedelta(days=4):
        machine.random.choice(whatever)()
        machine.sometimes(machine.upload)
    machine.upload()
    assert machine.upload() == 0
    days = [each.astimezone(BERLIN).date() for each in day_edges(begin - timedelta(days=3), machine.now, BERLIN)[:-1]]
    unidentified = 0
    for day in days:
        expected = machine.reported(day)
        found = machine.days.get(day.isoformat())
        if found is None:
            assert (expected["entries"], expected["exits"]) == (0, 0)
            continue
        assert {name: getattr(found, name) for name in expected} == expected, day
        unidentified += found.unidentified
    assert len(machine.days) >= 5
    assert (unidentified > 0) is RULES[rules].counts_everybody


def test_the_first_unidentified_person_changes_the_days_before(tmp_path: Path) -> None:
    """From then on crossings count, and the two of one visit are two."""
    machine = Machine(tmp_path / "store.sqlite3", COUNTED, datetime(2026, 3, 12, 20, tzinfo=UTC))
    noon = datetime(2026, 3, 10, 12, tzinfo=UTC)
    kinds = zip(("enter", "exit", "enter", "exit"), (0, 60, 62, 90), strict=True)
    events = [
        machine.event(kind, noon + timedelta(minutes=minutes), "ada", "door", machine.track())
        for kind, minutes in kinds
    ]
    machine.store.record(Observation(events=events))
    machine.upload()
    assert machine.days["2026-03-10"].entries == 1
    nobody = machine.event("enter", noon + timedelta(days=2), "?", "door", machine.track())
    machine.store.record(Observation(events=[nobody]))
    assert machine.upload() == 2
    assert machine.days["2026-03-10"].entries == machine.reported(date(2026, 3, 10))["entries"] == 2
    assert (machine.days["2026-03-12"].entries, machine.days["2026-03-12"].unidentified) == (1, 1)


@pytest.mark.parametrize("voided", [False, True])
def test_whoever_was_open_over_midnight_leaves_the_second_day(tmp_path: Path, voided: bool) -> None:
    """Closed at the last evidence, before midnight, or gone."""
    late = datetime(2026, 3, 10, 22, tzinfo=UTC)
    machine = Machine(tmp_path / "store.sqlite3", Rules(zone=BERLIN), late + timedelta(hours=2))
    enter = machine.event("enter", late, "ada", "hall", machine.track())
    machine.store.record(Observation(events=[enter]))
    machine.upload()
    assert machine.days["2026-03-11"].peak == 1
    if voided:
        void = Correction(action=Action.VOID, event_id=enter.event_id, by="ann", at=machine.now)
        machine.store.events.correct([void])
    else:
        machine.now += timedelta(hours=20)
    machine.upload()
    assert machine.days["2026-03-11"].peak == machine.reported(date(2026, 3, 11))["peak"] == 0
