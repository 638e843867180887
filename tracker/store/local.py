"""The embedded store: everything that one machine knows, in one SQLite file."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from tracker.presence.events import Event, EventKind, Match
from tracker.presence.health import CameraHealth
from tracker.presence.people import Person, PersonKind, Role
from tracker.presence.room import Presence
from tracker.presence.watches import Watch
from tracker.store import camera_rows, event_rows, exception_rows, people_rows, vector_rows, watch_rows
from tracker.store.database import Database, Transaction
from tracker.store.event_rows import Wanted
from tracker.store.leases import lease

ANONYMOUS_PREFIX = "x-"
"""Ids that stand for people who asked to be forgotten start with this; nobody is behind them."""


class LocalStore:
    """People, vectors, events, matches, open presences and camera health in the file `path`.

    Safe to use from several threads of a process and several processes on one machine. What a method wrote is on the
    disk when it returns, all of it or nothing. Every method raises StoreError when the file or the disk fails, and
    StoreBusyError when others kept the store for longer than `busy_timeout_s`.

    model: the network whose vectors are written and read; those of other networks stay out of sight.
    """

    def __init__(self, path: Path, *, model: str = vector_rows.DEFAULT_MODEL, busy_timeout_s: float = 10.0) -> None:
        self.path = path
        self._model = model
        self._database = Database(path, busy_timeout_s=busy_timeout_s)

    def open(self, *, create: bool = True) -> Self:
        """Open the store, and bring the file of an older version to this one.

        create: make file and folder where missing and prove that they can be written (agents); without it a missing
        store is refused and reading needs no right to write. Raises StoreError on what is no store, is damaged or is
        of a newer version; such a file is left as it is. Opening twice does nothing.
        """
        self._database.open(create=create)
        return self

    def close(self) -> None:
        """Close the store after a write in progress. Closing twice does nothing; it can be opened again."""
        self._database.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- what agents write

    def record(
        self,
        *,
        events: Iterable[Event] = (),
        matches: Iterable[Match] = (),
        camera_id: str | None = None,
        site_id: str | None = None,
        presences: Iterable[Presence] | None = None,
        visitors: Iterable[tuple[Person, NDArray[np.float32]]] = (),
        health: CameraHealth | None = None,
        watch: Watch | None = None,
        evidence: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> int:
        """Write what one step of an agent found, in one transaction. Returns the number of new events.

        Events and matches whose ids are known are skipped. presences: replace all open presences of that site and
        camera, which must both be given; None leaves them. visitors: each with all vectors (N, D) kept for them;
        a visitor whom somebody named, merged or enrolled meanwhile stays so. evidence: vectors (N, D) behind matches,
        by match_id. watch: since when and until when a camera watched; one with a known start makes that longer, never
        shorter. Whatever names a forgotten person is dropped.
        """
        if presences is not None and (site_id is None or camera_id is None):
            raise ValueError("presences: expected site_id and camera_id beside them")
        with self._database.writing() as writing:
            for person, vectors in visitors:
                people_rows.save_visitor(writing, person, vectors, model=self._model)
            count = event_rows.insert_events(writing, _without_forgotten(writing, events))
            event_rows.insert_matches(writing, _without_forgotten(writing, matches))
            exception_rows.insert_evidence(writing, evidence or {}, model=self._model)
            if presences is not None and site_id is not None and camera_id is not None:
                known = _without_forgotten(writing, presences)
                camera_rows.replace_presences(writing, known, site_id=site_id, camera_id=camera_id)
            if health is not None:
                camera_rows.save_health(writing, health)
            if watch is not None:
                watch_rows.save(writing, watch)
        return count

    # -- people

    def add_person(self, person: Person, vectors: NDArray[np.float32], *, sources: Sequence[str] = ()) -> None:
        """Add a person with vectors (N, D) and the pictures they come from, or nothing of it.

        Raises PeopleError when the name (in any case or Unicode form) or the id is taken.
        """
        with self._database.writing() as writing:
            people_rows.insert(writing, person)
            vector_rows.insert(writing, person.person_id, vectors, model=self._model, sources=sources)

    def add_vectors(self, person_id: str, vectors: NDArray[np.float32], *, sources: Sequence[str] = ()) -> None:
        """Add vectors (N, D) to a person. Raises PeopleError when there is nobody of that id."""
        with self._database.writing() as writing:
            people_rows.require(writing.connection, person_id)
            vector_rows.insert(writing, person_id, vectors, model=self._model, sources=sources)

    def rename_person(self, person_id: str, name: str) -> None:
        """Give a person or visitor another name; id and history stay. Raises PeopleError when it is taken."""
        with self._database.writing() as writing:
            person = people_rows.require(writing.connection, person_id)
            people_rows.update(writing, replace(person, name=name))

    def promote_visitor(
        self, person_id: str, name: str, *, consented_at: datetime, role: Role = Role.MEMBER, access: bool = True
    ) -> Person:
        """Enrol a visitor who agreed to it, under a name; id, vectors and history stay. Returns the person.

        Raises PeopleError when there is no such visitor or the name is taken.
        """
        with self._database.writing() as writing:
            person = people_rows.require_visitor(writing.connection, person_id)
            enrolled = replace(
                person, name=name, kind=PersonKind.ENROLLED, consented_at=consented_at, role=role, access=access
            )
            people_rows.update(writing, enrolled)
        return enrolled

    def merge_people(self, from_id: str, into_id: str) -> None:
        """Make two people one: vectors move, and the history of `from_id` is read as that of `into_id`.

        Raises PeopleError when one is missing, both are the same, or an enrolled person would become a visitor.
        """
        with self._database.writing() as writing:
            people_rows.merge(writing, from_id, into_id)

    def forget_person(self, person_id: str, erase_history: bool) -> None:
        """Erase a person: name, vectors, picture names, matches and every id, overwritten on the disk.

        erase_history: delete the events too. Without it they stay for the counts under a new random id that leads
        back to nobody, and an open visit ends at the last sighting. A running agent cannot bring the person back.
        Forgetting the same id again only cleans up again. Raises PeopleError when there is nobody of that id, and
        StoreBusyError when the rows are gone but a reader of another process kept their pages from being overwritten.
        """
        with self._database.writing() as writing:
            if not people_rows.is_forgotten(writing.connection, person_id):
                people_rows.require(writing.connection, person_id)
                _forget(writing, person_id, erase_history=erase_history)
        self._database.scrub()

    def people(self, *, kind: PersonKind | None = None) -> list[Person]:
        """Everybody of one kind, or of all: enrolled people by name, then visitors, oldest first."""
        with self._database.reading() as connection:
            return people_rows.select(connection, kind)

    def person(self, person_id: str) -> Person | None:
        """The person of this id, or into whom this id was merged."""
        with self._database.reading() as connection:
            return people_rows.find(connection, people_rows.resolve(connection, person_id))

    def person_by_name(self, name: str) -> Person | None:
        """The person of this name, in any case or Unicode form."""
        with self._database.reading() as connection:
            return people_rows.by_name(connection, name)

    def vectors(self, kind: PersonKind) -> tuple[NDArray[np.float32], tuple[str, ...]]:
        """Vectors (N, D) float32 of all people of one kind, and the person id of each row."""
        with self._database.reading() as connection:
            return vector_rows.select(connection, kind, model=self._model)

    def vector_counts(self) -> dict[str, int]:
        """How many vectors each person id has; who has none is left out."""
        with self._database.reading() as connection:
            return vector_rows.count(connection, model=self._model)

    # -- what holds for single people only

    def limits(self) -> dict[str, float]:
        """By person id the greatest distance at which a face is theirs; who is left out goes by the setting."""
        with self._database.reading() as connection:
            return exception_rows.select_limits(connection)

    def replace_limits(self, limits: Mapping[str, float]) -> None:
        """Make these the own limits, between 0 and 2; whoever is left out has none.

        Raises PeopleError when there is nobody of an id; then nothing changes.
        """
        with self._database.writing() as writing:
            for person_id in limits:
                people_rows.require(writing.connection, person_id)
            exception_rows.replace_limits(writing, limits)

    def negatives(self) -> tuple[NDArray[np.float32], tuple[str, ...]]:
        """Faces (N, D) float32 that are not somebody's, and whose each is not."""
        with self._database.reading() as connection:
            return exception_rows.select_negatives(connection, model=self._model)

    def add_negatives(self, person_id: str, vectors: NDArray[np.float32], *, sources: Sequence[str] = ()) -> None:
        """Remember faces (N, D) that are not the person's. Raises PeopleError when there is nobody of that id."""
        with self._database.writing() as writing:
            people_rows.require(writing.connection, person_id)
            exception_rows.insert_negatives(writing, person_id, vectors, model=self._model, sources=sources)

    def clear_negatives(self, person_id: str) -> int:
        """Forget the faces that are not the person's. Returns how many there were."""
        with self._database.writing() as writing:
            return exception_rows.delete_negatives(writing, person_id)

    def evidence(self, track_id: str) -> tuple[NDArray[np.float32], tuple[str, ...]]:
        """Vectors (N, D) behind the matches of a track, and whom each was taken for."""
        with self._database.reading() as connection:
            return exception_rows.select_evidence(connection, track_id, model=self._model)

    def drop_evidence(self, before: datetime) -> int:
        """Erase the vectors behind matches older than that. Returns how many there were."""
        with self._database.writing() as writing:
            return exception_rows.delete_evidence(writing, before)

    # -- history and the present

    def events(
        self,
        *,
        site_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        person_id: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Event]:
        """Events with since <= at < until in order of (at, event_id), those of merged people under one id."""
        wanted = Wanted(
            site_id=site_id, since=since, until=until, person_id=person_id, limit=limit, newest_first=newest_first
        )
        with self._database.reading() as connection:
            return event_rows.select_events(connection, wanted)

    def matches(
        self,
        *,
        site_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        person_id: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Match]:
        """Matches with since <= at < until in order of (at, match_id), those of merged people under one id."""
        wanted = Wanted(
            site_id=site_id, since=since, until=until, person_id=person_id, limit=limit, newest_first=newest_first
        )
        with self._database.reading() as connection:
            return event_rows.select_matches(connection, wanted)

    def presences(self, *, site_id: str | None = None, camera_id: str | None = None) -> list[Presence]:
        """Who is in sight, longest first, as the agents wrote it last."""
        with self._database.reading() as connection:
            return camera_rows.select_presences(connection, site_id, camera_id)

    def cameras(self, site_id: str | None = None) -> list[CameraHealth]:
        """The last known state of each camera, by site and id."""
        with self._database.reading() as connection:
            return camera_rows.select_health(connection, site_id)

    def watches(self, site_id: str | None = None) -> list[Watch]:
        """When each camera watched, by site, camera and start."""
        with self._database.reading() as connection:
            return watch_rows.select(connection, site_id)

    def version(self) -> int:
        """A number that grows whenever anybody changed anything; cheap enough to ask several times a second."""
        return self._state("version")

    def people_version(self) -> int:
        """The `version` at which people, vectors or merges changed last: time to load the gallery again."""
        return self._state("people_version")

    def events_version(self) -> int:
        """The `version` at which events changed last; with `people_version`, time to read the history again."""
        return self._state("events_version")

    def camera_lease(self, camera_id: str) -> AbstractContextManager[None]:
        """Hold a camera while inside, so that no second agent tracks it into this store.

        Raises StoreBusyError naming the process that holds it. The kernel frees it when the process dies.
        """
        return lease(self.path, camera_id)

    def _state(self, column: str) -> int:
        with self._database.reading() as connection:
            return int(connection.execute(f"SELECT {column} FROM state").fetchone()[0])  # noqa: S608 - fixed names


class _NamesPerson(Protocol):
    @property
    def person_id(self) -> str | None: ...


_Named = TypeVar("_Named", bound=_NamesPerson)


def _without_forgotten(writing: Transaction, records: Iterable[_Named]) -> list[_Named]:
    """The records that name nobody who was forgotten."""
    kept = list(records)
    if not people_rows.anyone_forgotten(writing.connection):
        return kept
    named = {record.person_id for record in kept if record.person_id is not None}
    gone = {person_id for person_id in named if people_rows.is_forgotten(writing.connection, person_id)}
    return [record for record in kept if record.person_id not in gone]


def _forget(writing: Transaction, person_id: str, *, erase_history: bool) -> None:
    ids = people_rows.erase(writing, person_id)
    open_presences = [presence for one_id in ids for presence in camera_rows.delete_presences(writing, one_id)]
    event_rows.delete_matches(writing, ids)
    if erase_history:
        event_rows.delete_events(writing, ids)
        return
    anonymous_id = ANONYMOUS_PREFIX + secrets.token_hex(6)
    event_rows.rewrite(writing, ids, anonymous_id)
    event_rows.insert_events(
        writing,
        [
            Event(
                kind=EventKind.EXIT,
                site_id=presence.site_id,
                camera_id=presence.camera_id,
                person_id=anonymous_id,
                at=presence.seen_at,
                track_id=presence.track_id,
                inferred=True,
            )
            for presence in open_presences
        ],
    )
