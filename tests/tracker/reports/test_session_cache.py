"""Sessions kept in memory are those of the store, whatever happens to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest

from tracker.presence.events import Action, CameraRef, Correction, Event, EventKind
from tracker.presence.people import Person
from tracker.presence.room import Presence
from tracker.presence.rules import Rules
from tracker.reports.frames import Frames
from tracker.reports.session_cache import SessionCache
from tracker.store.observation import Observation
from tracker.store.store import Store

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
PEOPLE = tuple("pqrst")
RULES = (Rules(), Rules(merge_gap=timedelta(0), max_visit=timedelta(hours=2)), Rules(merge_gap=timedelta(hours=3)))


class History:
    """A store to which anything may happen at any time of forty days."""

    def __init__(self, path: Path, random: Random) -> None:
        self.now = MARCH + timedelta(days=40)
        self.store = Store(path, clock=lambda: self.now)
        self.random = random
        self._number = 0

    def happen(self) -> None:
        kinds: tuple[Callable[[], None], ...] = (
            self.visit, self.visit, self.visit, self.come, self.void, self.add, self.merge, self.forget, self.see,
            self.change_rules, self.wait,
        )  # fmt: skip
        self.random.choice(kinds)()

    def visit(self) -> None:
        person, begin = self.random.choice(PEOPLE), self._moment()
        length = timedelta(minutes=self.random.choice([0, 7, 90, 1500]))
        self.store.record(
            Observation(events=[self.event("enter", begin, person), self.event("exit", begin + length, person)])
        )

    def come(self) -> None:
        self.store.record(Observation(events=[self.event("enter", self.now, self.random.choice(PEOPLE))]))

    def void(self) -> None:
        events = self.store.events.select()
        if events:
            self._correct(Action.VOID, self.random.choice(events).event_id)

    def add(self) -> None:
        missed = self.event("exit", self._moment(), self.random.choice(PEOPLE))
        if missed.person_id in self._known():
            self._correct(Action.ADD, missed.event_id, missed)

    def merge(self) -> None:
        gone, kept = self.random.sample(PEOPLE, 2)
        if {gone, kept} <= self._known() and self.random.random() < 0.3:
            self.store.people.merge(gone, kept)

    def forget(self) -> None:
        person = self.random.choice(PEOPLE)
        if person in self._known() and self.random.random() < 0.3:
            self.store.people.forget(person, self.random.choice([True, False]))

    def see(self) -> None:
        held = Presence(
            site_id="s", camera_id="c", person_id=self.random.choice(PEOPLE), track_id="x", entered_at=self.now,
            seen_at=self.now, x_frac=0.5, y_frac=0.5,
        )  # fmt: skip
        self.store.record(Observation(camera=CameraRef("s", "c"), presences=[held]))

    def change_rules(self) -> None:
        self.store.sites.use_default_rules(self.random.choice(RULES))

    def wait(self) -> None:
        self.now += timedelta(minutes=self.random.choice([1, 200, 1500]))

    def event(self, kind: str, at: datetime, person: str) -> Event:
        self._number += 1
        return Event(
            kind=EventKind(kind), site_id=self.random.choice("ssst"), camera_id=self.random.choice("cd"),
            person_id=person, at=at, track_id=f"x{self._number}",
        )  # fmt: skip

    def _known(self) -> set[str]:
        return {person.person_id for person in self.store.people.all()}

    def _moment(self) -> datetime:
        return MARCH + timedelta(minutes=self.random.randrange(40 * 24 * 60))

    def _correct(self, action: Action, event_id: str, event: Event | None = None) -> None:
        self._number += 1
        at = MARCH + timedelta(seconds=self._number)
        self.store.events.correct([Correction(action=action, event_id=event_id, by="ann", at=at, event=event)])


def read_again(store: Store, since: datetime, until: datetime, now: datetime) -> Frames:
    return Frames.of_columns(
        store.sessions.columns(site_id="s", now=now, since=since, until=until),
        now=now,
        first_starts=lambda people: store.sessions.first_starts("s", people),
    )


def plain(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    return [tuple(row) for row in frame.astype(object).where(frame.notna(), None).itertuples(index=True)]


@pytest.mark.parametrize("seed", range(6))
def test_it_follows_whatever_happens(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    history = History(tmp_path / "footfall.sqlite3", random)
    with history.store as store:
        for person in PEOPLE:
            store.people.add(
                Person(person_id=person, name=person, created_at=MARCH, consented_at=MARCH),
                np.zeros((0, 128), np.float32),
            )
        cache = SessionCache(store, "s")
        for _ in range(40):
            history.happen()
            days = random.choice([1, 7, 30])
            since = history.now - timedelta(days=days)
            until = since + timedelta(days=random.choice([days, 1, 60]))
            got, wanted = (
                cache.frames(since, until, history.now, rules=Rules()),
                read_again(store, since, until, history.now),
            )
            assert plain(got.visits) == plain(wanted.visits)
            assert plain(got.segments) == plain(wanted.segments)
