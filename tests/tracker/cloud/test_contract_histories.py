"""Random histories: a machine that downloads has the same records as the one that uploads."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.errors import PeopleError, RecordError
from tests.firestore.fixtures import Firestore
from tests.tracker.cloud.machines import SITE
from tests.tracker.cloud.shared_stores import NOW, RULES, OneFile, TwoMachines, at, event, person, vectors
from tracker.presence.events import Action, Correction
from tracker.presence.sessions import sessions
from tracker.store.observation import Observation
from tracker.store.store import Store

IDS = ("p-a", "p-b", "p-c", "v/d")
who = st.sampled_from(IDS)
second = st.integers(0, 600)
kinds = st.sampled_from(["enter", "exit"])


@dataclass(frozen=True)
class Deed:
    """An action at a machine; a refused one has no effect."""

    words: str
    do: Callable[[Store], object]

    def __repr__(self) -> str:
        return self.words


def see(person_id: str, kind: str, seconds: int, camera: str) -> Deed:
    one = event(seconds, kind, person_id, camera)
    return Deed(f"{kind} {person_id} at {seconds} by {camera}", lambda store: store.record(Observation(events=[one])))


def enrol(person_id: str, name: str) -> Deed:
    somebody = person(person_id, name)
    return Deed(f"enrol {person_id} as {name}", lambda store: store.people.add(somebody, vectors(1, seed=len(name))))


def rename(person_id: str, name: str) -> Deed:
    return Deed(f"rename {person_id} to {name}", lambda store: store.people.rename(person_id, name))


def merge(gone: str, kept: str) -> Deed:
    return Deed(f"merge {gone} into {kept}", lambda store: store.people.merge(gone, kept))


def forget(person_id: str, erase_history: bool) -> Deed:
    words = f"forget {person_id}{' and all they did' if erase_history else ''}"
    return Deed(words, lambda store: store.people.forget(person_id, erase_history))


def correct(pick: int, action: str, seconds: int) -> Deed:
    def do(store: Store) -> None:
        known = [each for each, _ in store.events.find("")]
        if known:
            about = known[pick % len(known)]
            added = about if action == Action.ADD else None
            store.events.correct(
                [Correction(action=Action(action), event_id=about.event_id, by="Ann", at=at(seconds), event=added)]
            )

    return Deed(f"{action} event {pick} at {seconds}", do)


deeds = st.one_of(
    st.builds(see, who, kinds, second, st.sampled_from("xy")),
    st.builds(see, who, kinds, second, st.sampled_from("xy")),
    st.builds(enrol, who, st.sampled_from(["Ada", "Bob", "ada"])),
    st.builds(rename, who, st.sampled_from(["Ada", "Bob", "Cyd"])),
    st.builds(merge, who, who),
    st.builds(forget, who, st.booleans()),
    st.builds(correct, st.integers(0, 9), st.sampled_from(["add", "void"]), st.integers(601, 700)),
    st.just(None),
)
"""None: both machines send and take in."""


def live_through(history: list[Deed | None], ends: OneFile) -> None:
    for deed in history:
        if deed is None:
            ends.sync()
            continue
        try:
            deed.do(ends.a)
        except (PeopleError, RecordError):
            continue


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(deeds, max_size=24))
def test_a_reading_machine_has_the_same_records(firestore_server: Firestore, history: list[Deed | None]) -> None:
    place = replace(firestore_server, project=f"test-{uuid.uuid4().hex[:12]}")
    with tempfile.TemporaryDirectory() as folder, TwoMachines(Path(folder), place) as ends:
        live_through(history, ends)
        ends.sync()
        ends.sync()
        assert ends.b.events.select() == ends.a.events.select()
        assert ends.b.people.all() == ends.a.people.all()
        assert ends.b.events.corrections() == ends.a.events.corrections()
        assert ends.b.people.vector_counts() == ends.a.people.vector_counts()
        batch = sessions(ends.a.events.select(), rules=RULES, now=NOW)
        for store in (ends.a, ends.b):
            assert store.sessions.select(site_id=SITE, now=NOW) == batch
            assert store.outbox.rejected() == []
            assert store.inbox.unreadable() == []
