"""From when on sessions changed since a version of the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tracker.presence.events import Action, CameraRef, Correction, Event, EventKind, unidentified_id
from tracker.presence.rules import Rules
from tracker.store.observation import Observation
from tracker.store.store import Store

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def event(kind: str, minutes: float, person: str = "p") -> Event:
    return Event(kind=EventKind(kind), site_id="s", camera_id="c", person_id=person, at=at(minutes), track_id="x")


def test_a_snapshot_tells_from_when_on_sessions_changed(store: Store) -> None:
    def changed_after(version: int) -> datetime | None:
        with store.sessions.snapshot("s") as snapshot:
            return snapshot.changed_after(version)

    pairs = [(0, 10), (100, 110), (300, 310)]
    store.record(
        Observation(events=[each for start, end in pairs for each in (event("enter", start), event("exit", end))])
    )
    version = store.version()
    assert changed_after(version) is None
    store.record(Observation(events=[event("enter", 200, "q")]))
    store.record(Observation(events=[event("exit", 220, "q")]))
    assert changed_after(version) == at(200)
    middle = next(each for each in store.events.select() if each.at == at(100))
    store.events.correct([Correction(action=Action.VOID, event_id=middle.event_id, by="ann", at=at(400))])
    assert changed_after(version) == at(100)
    assert changed_after(store.version()) is None
    version_now = store.version()
    store.record(Observation(events=[event("enter", 250, unidentified_id(CameraRef("s", "c"), "x"))]))
    assert changed_after(version_now) == at(250)
    store.sites.use_default_rules(Rules(merge_gap=timedelta(0)))
    assert changed_after(version) == datetime.min.replace(tzinfo=UTC)
