"""Recording while Firestore fails, and the conditions that hold then and afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from tests.tracker.cloud.machines import Cloud, Machine, assert_same, visits, wait_until
from tracker.cloud.retry import Backoff
from tracker.cloud.uploader import Uploader
from tracker.presence.events import Event, Match
from tracker.store.observation import Observation
from tracker.store.store import Store

EVERY_S = 0.01
"""Ten times as fast as a camera can say something new."""
FOR_EVER_S = 3600.0
_PATIENCE_S = 25.0
"""After which writes are taken for stuck. It decides nothing while they are not."""


class Recorder:
    """Records events at a constant rate, each with its match in one transaction, in a thread as a camera does."""

    def __init__(self, store: Store, events: Sequence[Event], matches: Sequence[Match] = ()) -> None:
        self.accepted: list[str] = []
        """Ids of the events that the store has taken, in this order."""
        self._store = store
        self._events = events
        self._matches = {each.track_id: each for each in matches}
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def require_all(self) -> None:
        """Wait for the last write; fail if any write was late."""
        self._thread.join(_PATIENCE_S)
        assert self.accepted == [each.event_id for each in self._events], "a write did not come to its turn"

    def _run(self) -> None:
        pause = threading.Event()
        for event in self._events:
            match = self._matches.get(event.track_id) if event.kind == "enter" else None
            self._store.record(Observation(events=[event], matches=[] if match is None else [match]))
            self.accepted.append(event.event_id)
            pause.wait(EVERY_S)


def record_meanwhile(
    machine: Machine, in_trouble: Callable[[], bool], *, first: int, delivered: Callable[[], int], **which: Any
) -> None:
    """Record twenty visits while a fault is on, whose number is `first`; returns with the fault still on.

    The first event makes the uplink try. As soon as that is in trouble, which is when its request waits, or has failed
    and it waits for the next try, all others are recorded; nothing is done about the fault, and so about that waiting,
    before the last of them is in the store. delivered: how many events Firestore has; none of these, for the fault is
    on.
    """
    events, matches = visits(20, first=first, **which)
    before = delivered()
    Recorder(machine.store, events[:1], matches)._run()
    wait_until(in_trouble)
    recorder = Recorder(machine.store, events[1:], matches)
    recorder.start()
    recorder.require_all()
    assert {each.event_id for each in events} <= {each.event_id for each in machine.store.events.select()}
    assert in_trouble()
    assert delivered() == before


class _Never(Backoff):
    def next_s(self) -> float:
        return FOR_EVER_S


def patient_uploader(machine: Machine) -> Uploader:
    """An uploader that waits after its first failure until it is stopped."""
    pause = _Never()
    return machine.uploader(gentle=True, soon=pause, late=pause)


def send_the_rest(machine: Machine) -> None:
    """Stop the uploader, then upload everything."""
    machine.end()
    machine.stop.clear()
    machine.drain()
    assert not is_reported(machine)


def event_writes(machine: Machine) -> int:
    """Writes of events to the test server since its start, including those of existing documents."""
    return int(machine.firestore.control.counts()["writes_by_collection"].get("events", 0))


def waits_for_an_answer(machine: Machine) -> bool:
    """Whether the server has an unanswered request."""
    counts = machine.firestore.control.counts()
    return sum(counts["calls"].values()) > sum(counts["answers"].values())


def is_reported(machine: Machine, word: str = "") -> bool:
    """Whether the machine reports a failure with this word in it."""
    trouble = machine.store.outbox.state("upload ").get("trouble")
    return trouble is not None and word in trouble


def assert_all_once(machine: Machine) -> None:
    """Firestore has every event, each written once, and the right sessions."""
    cloud = Cloud(machine.firestore)
    assert machine.store.outbox.rejected() == []
    assert_same(cloud, [machine.store])
    assert cloud.written_again("events") == []
    cloud.close()
