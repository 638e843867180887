"""Records a simulated site in a store, as its cameras would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np

from config.errors import StoreError
from tracker.presence.events import CameraRef
from tracker.presence.people import PersonKind
from tracker.simulation.camera_faults import Outage, coverage_of, health_of
from tracker.simulation.people import SimulatedPerson
from tracker.simulation.scenario import Scenario
from tracker.simulation.settings import SUFFIX
from tracker.simulation.site import Day
from tracker.store.observation import Observation
from tracker.store.store import Store

_NO_VECTORS = np.zeros((0, 0), np.float32)


@contextmanager
def recording(
    path: Path, scenario: Scenario, people: Sequence[SimulatedPerson], *, until: datetime
) -> Iterator[Callable[[Day], None]]:
    """A function that records a day in the store; at the end the state of the cameras is recorded, too.

    until: the end of the simulated time. A new store that was not filled to the end is deleted. Raises StoreError where
    the store, or the settings file beside it, is in use already.
    """
    is_new = not path.exists()
    try:
        with Store(path) as store:
            _require_empty(store, path)
            recorder = _Recorder(store, people)
            yield recorder.record
            recorder.record_cameras(scenario, until)
    except BaseException:  # Ctrl-C included: an incomplete store would look complete
        if is_new:
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
        raise


def _require_empty(store: Store, path: Path) -> None:
    if store.people.all() or store.events.select(limit=1):
        raise StoreError(f"{path}: it holds people or events already", fix="name a store that does not exist yet")
    file = path.with_suffix(SUFFIX)
    if file.exists():
        raise StoreError(f"{file} exists already", fix="remove it, or name another store")


class _Recorder:
    """Enrols people at once, visitors with their first event."""

    def __init__(self, store: Store, people: Sequence[SimulatedPerson]) -> None:
        self._store = store
        self._visitors = {}
        for person in (each.record for each in people):
            if person.kind is PersonKind.ENROLLED:
                store.people.add(person, _NO_VECTORS)
            else:
                self._visitors[person.person_id] = person
        self._outages: list[Outage] = []
        self._last: Day | None = None

    def record(self, day: Day) -> None:
        """Record the events of a day."""
        events = day.camera_output.events
        new = {event.person_id for event in events} & self._visitors.keys()
        visitors = [self._visitors.pop(person_id) for person_id in new]
        visitors.sort(key=lambda person: int(person.name.rpartition(" ")[2]))
        self._store.record(Observation(events=events, visitors=[(each, _NO_VECTORS) for each in visitors]))
        self._outages.extend(day.camera_output.outages)
        self._last = day

    def record_cameras(self, scenario: Scenario, until: datetime) -> None:
        """Record coverage and health of the cameras, and who is in sight at the end of the last day."""
        for span in coverage_of(scenario, self._outages, until=until):
            self._store.record(Observation(coverage=[span]))
        presences = () if self._last is None else self._last.camera_output.presences
        for health in health_of(scenario, self._outages, until=until):
            seen = {  # a camera has somebody in sight once, even if it took another for them
                presence.person_id: presence for presence in presences if presence.camera_id == health.camera_id
            }
            camera = CameraRef(scenario.site_id, health.camera_id)
            self._store.record(Observation(camera=camera, presences=seen.values(), health=health))
