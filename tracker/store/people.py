"""People of a store: names, vectors, merging, forgetting, and the limits and negatives of single people."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from config.errors import PeopleError, StoreBusyError
from tracker.presence.people import Consent, Person, PersonKind, Role
from tracker.store import people_rows, vector_rows
from tracker.store.database import Transaction
from tracker.store.leases import lease
from tracker.store.people_rows import PEOPLE
from tracker.store.store_file import StoreFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_VECTORS = (
    "SELECT v.person_id, v.dimension, v.vector{} FROM vectors v JOIN people p USING (person_id)"
    " WHERE p.kind = ? AND v.model = ? ORDER BY v.person_id, v.vector_id"
)


class People:
    """People and their vectors. Every method raises StoreError when the file or the disk fails.

    Those that write vectors or distances raise ModelError where everybody was enrolled anew with another network
    meanwhile, as they are of the network that the store uses here.
    """

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def add(self, person: Person, vectors: NDArray[np.float32], *, sources: Sequence[str] = ()) -> None:
        """Add a person with vectors (N, D) and the pictures they come from, or nothing of it.

        Raises PeopleError when the name (in any case or Unicode form) or the id is taken, or the id was forgotten.
        """
        with self._file.writing() as writing:
            if people_rows.is_forgotten(writing.connection, person.person_id):
                raise PeopleError(f"the id {person.person_id} was forgotten", fix="enrol the person under a new id")
            people_rows.insert(writing, person)
            self._insert(writing, person.person_id, vectors, sources)

    def add_vectors(
        self,
        person_id: str,
        vectors: NDArray[np.float32],
        *,
        sources: Sequence[str] = (),
        consent: Consent | None = None,
    ) -> list[int]:
        """Add vectors (N, D) to a person. Returns their ids. Raises PeopleError when there is nobody of that id.

        consent: of a person who had not agreed before.
        """
        with self._file.writing() as writing:
            _consent(writing, person_id, consent)
            return self._insert(writing, person_id, vectors, sources)

    def _insert(
        self, writing: Transaction, person_id: str, vectors: NDArray[np.float32], sources: Sequence[str]
    ) -> list[int]:
        if len(vectors):
            vector_rows.require_network(writing.connection, self._file.model)
        return vector_rows.insert(writing, person_id, vectors, model=self._file.model, sources=sources)

    def delete_vectors(self, vector_ids: Mapping[str, Sequence[int]], *, network: str) -> int:
        """Delete vectors of a network by their ids, which are by the id of their person. Returns how many there were.

        Those of another person or network stay.
        """
        return self._delete("vectors", "vector_id", vector_ids, network)

    def rename(self, person_id: str, name: str) -> None:
        """Give a person or visitor another name; id and history stay. Raises PeopleError when it is taken."""
        with self._file.writing() as writing:
            person = people_rows.require(writing.connection, person_id)
            people_rows.update(writing, replace(person, name=name))

    def update(self, person: Person) -> None:
        """Write everything but id and creation time of a person who exists.

        Raises PeopleError when there is nobody of that id or the name is taken.
        """
        with self._file.writing() as writing:
            people_rows.require(writing.connection, person.person_id)
            people_rows.update(writing, person)

    def promote(self, person_id: str, name: str, *, consent: Consent, role: Role = Role.MEMBER) -> Person:
        """Enrol a visitor who agreed to it, under a name; id, vectors and history stay. Returns the person.

        Raises PeopleError when there is no such visitor or the name is taken.
        """
        with self._file.writing() as writing:
            person = people_rows.require(writing.connection, person_id)
            if person.kind is not PersonKind.VISITOR:
                raise PeopleError(f"{person.name} is enrolled already", fix="'footfall people rename' changes a name")
            enrolled = replace(person, name=name, kind=PersonKind.ENROLLED, role=role, access=True)
            people_rows.update(writing, enrolled.with_consent(consent))
        return enrolled.with_consent(consent)

    def merge(self, from_id: str, into_id: str, *, consent: Consent | None = None) -> None:
        """Make two people one: vectors and groups move, and the history of `from_id` is read as that of `into_id`.

        consent: of the person, where neither of the two had agreed.
        Where one camera has both in sight and no agent runs that would handle it, the one seen earlier has left then.
        Raises PeopleError when one is missing, both are the same, an enrolled person would become a visitor, or the
        vectors would go to an enrolled person without consent.
        """
        from tracker.store import camera_rows, event_rows, site_rows

        ids = (from_id, into_id)
        with ExitStack() as idle:
            with self._file.reading() as connection:
                shared = camera_rows.shared_cameras(connection, ids)
            cameras = [camera_id for camera_id in shared if self._rests(camera_id, idle)]
            with self._file.writing() as writing:
                _consent(writing, into_id, consent)
                people_rows.merge(writing, from_id, into_id)
                twins = camera_rows.drop_twins(writing, ids, cameras)
                rules = {each.site_id: site_rows.rules(writing.connection, each.site_id) for each in twins}
                exits = [
                    camera_rows.exit_of(each) for each in twins if each.camera_id not in rules[each.site_id].entrances
                ]
                event_rows.insert_events(writing, exits)

    def _rests(self, camera_id: str, until: ExitStack) -> bool:
        """Whether no agent has the camera; then none gets it `until` that is closed."""
        try:
            until.enter_context(lease(self._file.path, camera_id))
        except StoreBusyError:
            return False
        return True

    def forget(self, person_id: str, erase_history: bool) -> None:
        """Erase a person: name, vectors, picture names, matches and every id, overwritten on the disk.

        erase_history: delete the events too. Without it they stay for the counts under a new random id that leads
        back to nobody, and an open visit ends at the last sighting. A running agent cannot bring the person back.
        Forgetting the same id again only cleans up again. Raises PeopleError when there is nobody of that id. When the
        rows are gone but could not be overwritten, `is_forgotten` is true and the error names the fix: StoreError
        where the disk has no room for that, StoreBusyError where another process kept their pages.
        """
        from tracker.store import forgetting

        with self._file.writing() as writing:
            if not people_rows.is_forgotten(writing.connection, person_id):
                people_rows.require(writing.connection, person_id)
                forgetting.forget(writing, person_id, erase_history=erase_history)
            writing.scrub = True

    def remove_unused_visitor(self, person_id: str) -> None:
        """Remove a visitor without vectors and events; any other person stays."""
        with self._file.writing() as writing:
            removed = writing.connection.execute(
                "DELETE FROM people WHERE person_id = ?1 AND kind = 'visitor'"
                " AND NOT EXISTS (SELECT 1 FROM vectors v WHERE v.person_id = ?1)"
                " AND NOT EXISTS (SELECT 1 FROM events e WHERE e.person_id = ?1 AND e.voided = 0)"
                " AND NOT EXISTS (SELECT 1 FROM aliases a WHERE a.into_id = ?1)",
                (person_id,),
            ).rowcount
            if removed:
                writing.touch_people()

    def is_forgotten(self, person_id: str) -> bool:
        """Whether somebody of this id was erased."""
        with self._file.reading() as connection:
            return people_rows.is_forgotten(connection, person_id)

    def expire_visitors(self, before: datetime) -> int:
        """Erase the vectors of visitors who were not seen since then: on return they are somebody new.

        Their visits stay. Returns how many visitors that were.
        """
        with self._file.writing() as writing:
            return people_rows.fade_visitors(writing, before)

    def all(self, *, kind: PersonKind | None = None, role: Role | None = None) -> list[Person]:
        """Everybody of one kind and role, or of all: enrolled people by name, then visitors, oldest first."""
        rows = self._file.rows(
            f"{PEOPLE.select} WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR role = ?2)"
            " ORDER BY kind, CASE kind WHEN 'enrolled' THEN name_key END, created_at, person_id",
            (kind, role),
        )
        return PEOPLE.read(rows)

    def some(self, person_ids: Iterable[str]) -> list[Person]:
        """Those of these people of whom there is a record, in no order."""
        query = f"{PEOPLE.select} WHERE person_id IN (SELECT value FROM json_each(?))"
        return PEOPLE.read(self._file.rows(query, (json.dumps(list(person_ids)),)))

    def get(self, person_id: str) -> Person | None:
        """The person of this id, or into whom this id was merged."""
        with self._file.reading() as connection:
            return people_rows.find(connection, people_rows.resolve(connection, person_id))

    def by_name(self, name: str) -> Person | None:
        """The person of this name, in any case or Unicode form."""
        with self._file.reading() as connection:
            return people_rows.by_name(connection, name)

    def network(self) -> str | None:
        """The network of the vectors in the store, of several that of most enrolled people; None without any."""
        with self._file.reading() as connection:
            return vector_rows.network(connection)

    def recognised(self) -> list[Person]:
        """Enrolled people who agreed and have vectors of the network in the store, by name.

        A change of the network concerns them, and nobody else: not those of whom only events are known.
        """
        query = f"{PEOPLE.select} WHERE person_id IN (SELECT value FROM json_each(?)) ORDER BY name_key"
        with self._file.reading() as connection:
            return PEOPLE.read(connection.execute(query, (json.dumps(vector_rows.recognised(connection)),)))

    def replace_network(
        self,
        network: str,
        vectors: Mapping[str, tuple[NDArray[np.float32], Sequence[str]]],
        *,
        people: Collection[str],
    ) -> None:
        """Delete the vectors, negatives, evidence and limits of other networks, and add these, by person id.

        vectors: (N, D) and the sources of each, of people who agreed. people: the ids of all who were recognised when
        the vectors were made. Raises PeopleError where others are by now, for an unknown id, and where somebody did not
        agree; then nothing changes.
        """
        with self._file.writing() as writing:
            connection = writing.connection
            present = vector_rows.network(connection)
            if present == network or set(vector_rows.recognised(connection)) != set(people):
                raise PeopleError("who is recognised, or by which network, changed meanwhile", fix="run this again")
            vector_rows.delete_others(writing, network)
            people_rows.replace_limits(writing, {}, model=network)
            for person_id, (rows, sources) in vectors.items():
                people_rows.require_consent(people_rows.require(connection, person_id))
                vector_rows.insert(writing, person_id, rows, model=network, sources=sources)
        self._file.use_model(network)

    def vectors(self, kind: PersonKind) -> tuple[NDArray[np.float32], tuple[str, ...]]:
        """Vectors (N, D) float32 of all people of one kind, and the person id of each row."""
        return vector_rows.stacked(self._file.rows(_VECTORS.format(""), (kind, self._file.model)))

    def vectors_with_sources(self, kind: PersonKind) -> tuple[NDArray[np.float32], tuple[str, ...], tuple[str, ...]]:
        """The same, and the picture of each row, empty where none is known."""
        rows = self._file.rows(_VECTORS.format(", v.source"), (kind, self._file.model))
        return *vector_rows.stacked([row[:3] for row in rows]), tuple(row[3] for row in rows)

    def vector_counts(self) -> dict[str, int]:
        """How many vectors each person id has; without those who have none."""
        query = "SELECT person_id, count(*) FROM vectors WHERE model = ? GROUP BY person_id ORDER BY person_id"
        return dict(self._file.rows(query, (self._file.model,)))

    def vector_count(self, person_id: str) -> int:
        """How many vectors a person has."""
        query = "SELECT count(*) FROM vectors WHERE person_id = ? AND model = ?"
        return int(self._file.rows(query, (person_id, self._file.model))[0][0])

    def version(self) -> int:
        """The store's version at which people, vectors or merges changed last: time to load the gallery again."""
        return self._file.state("people_version")

    # -- the rule fitted to the vectors of enrolled people

    def fitted_rule(self, fingerprint: str) -> tuple[tuple[str, ...], NDArray[np.float32]] | None:
        """The person ids (P) and weights (P, D) of the rule with this fingerprint; None without it."""
        from tracker.store import rule_rows

        with self._file.reading() as connection:
            return rule_rows.find(connection, fingerprint)

    def save_fitted_rule(self, fingerprint: str, person_ids: Sequence[str], weights: NDArray[np.float32]) -> bool:
        """Keep a fitted rule instead of the one before: weights (P, D) of finite numbers.

        False, and nothing is kept, where somebody of it is not enrolled any more.
        """
        from tracker.store import rule_rows

        with self._file.writing() as writing:
            return rule_rows.replace(writing, fingerprint, person_ids, weights)

    # -- limits and negatives of single people

    def limits(self) -> dict[str, float]:
        """By person id the greatest distance at which a face is theirs, of those who have a limit of their own."""
        query = "SELECT person_id, max_distance FROM limits WHERE model = ? ORDER BY person_id"
        return dict(self._file.rows(query, (self._file.model,)))

    def replace_limits(self, limits: Mapping[str, float]) -> None:
        """Replace all distance limits of single people, between 0 and 2.

        Raises PeopleError when there is nobody of an id; then nothing changes.
        """
        with self._file.writing() as writing:
            vector_rows.require_network(writing.connection, self._file.model)
            for person_id in limits:
                people_rows.require(writing.connection, person_id)
            people_rows.replace_limits(writing, limits, model=self._file.model)

    def negatives(self) -> tuple[NDArray[np.float32], tuple[str, ...]]:
        """Faces (N, D) float32 that are not somebody's, and whose each is not."""
        return vector_rows.stacked(
            self._file.rows(
                "SELECT person_id, dimension, vector FROM negatives WHERE model = ? ORDER BY person_id, negative_id",
                (self._file.model,),
            )
        )

    def add_negatives(self, person_id: str, vectors: NDArray[np.float32], *, sources: Sequence[str] = ()) -> list[int]:
        """Add negatives of a person: faces (N, D) that are not theirs. Returns their ids.

        Raises PeopleError for an unknown id.
        """
        with self._file.writing() as writing:
            people_rows.require(writing.connection, person_id)
            vector_rows.require_network(writing.connection, self._file.model)
            return vector_rows.insert_negatives(writing, person_id, vectors, model=self._file.model, sources=sources)

    def delete_negatives(self, negative_ids: Mapping[str, Sequence[int]], *, network: str) -> int:
        """Delete negatives as `delete_vectors` deletes vectors. Returns how many there were."""
        return self._delete("negatives", "negative_id", negative_ids, network)

    def _delete(self, table: str, column: str, ids: Mapping[str, Sequence[int]], network: str) -> int:
        with self._file.writing() as writing:
            connection = writing.connection
            owned = [(row, people_rows.resolve(connection, owner)) for owner, rows in ids.items() for row in rows]
            count = connection.executemany(
                f"DELETE FROM {table} WHERE {column} = ? AND person_id = ? AND model = ?",
                [(*each, network) for each in owned],
            ).rowcount
            if count:
                writing.touch_people()
            return count

    def clear_negatives(self, person_id: str) -> int:
        """Delete the negatives of a person. Returns how many there were."""
        with self._file.writing() as writing:
            count = writing.delete("negatives", "person_id", [person_id])
            if count:
                writing.touch_people()
            return count


def _consent(writing: Transaction, person_id: str, consent: Consent | None) -> None:
    """Record that an enrolled person agreed, unless they had before. Raises PeopleError for an unknown id."""
    person = people_rows.require(writing.connection, person_id)
    if consent is not None and person.kind is PersonKind.ENROLLED and person.consented_at is None:
        people_rows.update(writing, person.with_consent(consent))
