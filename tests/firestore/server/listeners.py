"""Listen: the documents of each target, then the changes of every commit, with resume tokens."""

from __future__ import annotations

import queue
import struct
from dataclasses import dataclass, field
from typing import Any

from tests.firestore.server.engine import Change, Engine
from tests.firestore.server.names import document_place, project_of
from tests.firestore.server.protos import ListenResponse, TargetChange
from tests.firestore.server.queries import Query, place_in_order, read_query, run, trimmed
from tests.firestore.server.refusal import RefusedError, expect
from tests.firestore.server.values import set_time, stamp_us

KIND = TargetChange.TargetChangeType
TOKEN = struct.Struct(">8sq")


@dataclass(slots=True, kw_only=True)
class Target:
    """What one target of a stream watches: a query, or named documents; sent holds what the client has.

    sent: name -> update time in microseconds.
    """

    id: int
    query: Query | None
    names: frozenset[str]
    sent: dict[str, int] = field(default_factory=dict)

    @property
    def collection_id(self) -> str:
        return self.query.collection_id if self.query else next(iter(self.names)).split("/")[-2]


class Stream:
    """One Listen call. `answers` fills with responses; a RefusedError in it ends the call, None ends it quietly."""

    def __init__(self, engine: Engine, database: str, epoch: bytes) -> None:
        self.answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._engine = engine
        self.database = database
        self._epoch = epoch
        self._targets: dict[int, Target] = {}
        self._counts_project = project_of(database)

    def open(self) -> None:
        with self._engine.lock:
            self._engine.observers.append(self.receive)

    def close(self) -> None:
        with self._engine.lock:
            if self.receive in self._engine.observers:
                self._engine.observers.remove(self.receive)
            self._targets.clear()

    def end(self, refused: RefusedError) -> None:
        """End the call with a status."""
        self.answers.put(refused)

    def request(self, asked: Any) -> None:
        """Take one request of the client."""
        try:
            with self._engine.lock:
                if asked.WhichOneof("target_change") == "remove_target":
                    self._targets.pop(asked.remove_target, None)
                    self._tell_target(KIND.REMOVE, asked.remove_target)
                else:
                    self._add(asked.add_target)
        except RefusedError as refused:
            self.answers.put(refused)

    def receive(self, database: str, time_us: int, changes: list[Change]) -> None:
        """Send what a commit changes in the targets' results."""
        if database != self.database or not self._targets:
            return
        moved = [self._hear(target, time_us, changes) for target in self._targets.values()]
        if any(moved):
            self.tell_all(KIND.NO_CHANGE, time_us)

    def heartbeat(self) -> None:
        """Send the client its position, so that it can resume from there."""
        with self._engine.lock:
            if self._targets:
                self.tell_all(KIND.NO_CHANGE, self._engine.archive.now_us())

    # Targets

    def _add(self, asked: Any) -> None:
        target = self._target(asked)
        expect(target.id not in self._targets, f"Target {target.id} is there already.")
        self._targets[target.id] = target
        self._tell_target(KIND.ADD, target.id)
        now_us = self._engine.archive.now_us()
        since_us = self._resumed_us(asked)
        if since_us is not None:
            try:
                target.sent = {name: each[0] for name, each in self._result(target, since_us).items()}
            except RefusedError:
                since_us = None
        if since_us is None and asked.WhichOneof("resume_type") is not None:
            self._tell_target(KIND.RESET, target.id)
        sent = self._send_difference(target, self._result(target, now_us), now_us)
        if target.query and not sent and since_us is None:
            self._bill(target, 1)  # an empty result costs one read
        self._tell_target(KIND.CURRENT, target.id, now_us)
        self.tell_all(KIND.NO_CHANGE, now_us)

    def _target(self, asked: Any) -> Target:
        kind = asked.WhichOneof("target_type")
        target_id = asked.target_id or (max(self._targets, default=0) + 1)
        if kind == "documents":
            expect(asked.documents.documents, "A documents target names at least one document.")
            names = frozenset(document_place(each).name for each in asked.documents.documents)
            return Target(id=target_id, query=None, names=names)
        expect(kind == "query", "A target is neither a query nor documents.")
        query = read_query(asked.query.parent, asked.query.structured_query)
        indexes = self._engine.indexes_of(self._counts_project)
        if indexes is not None:
            indexes.check(query, ())
        return Target(id=target_id, query=query, names=frozenset())

    def _resumed_us(self, asked: Any) -> int | None:
        """From when the client knows the result; None when it is to get everything."""
        kind = asked.WhichOneof("resume_type")
        now_us = self._engine.archive.now_us()
        if kind == "read_time":
            asked_us = stamp_us(asked.read_time)
        elif kind == "resume_token" and len(asked.resume_token) == TOKEN.size:
            epoch, asked_us = TOKEN.unpack(asked.resume_token)
            if epoch != self._epoch:
                return None
        else:
            return None
        return asked_us if asked_us <= now_us else None

    # Results

    def _result(self, target: Target, time_us: int) -> dict[str, tuple[int, Any]]:
        """name -> (update time, document) of the target's documents at a time."""
        if target.query is not None:
            documents = run(target.query, self._engine.archive.database(self.database), time_us).documents
        else:
            documents = []
            for name in target.names:
                place = document_place(name)
                version = self._engine.archive.database(place.database).at(place.ids, time_us)
                if version is not None:
                    documents.append(version.document())
        return {each.name: (stamp_us(each.update_time), each) for each in documents}

    def _hear(self, target: Target, time_us: int, changes: list[Change]) -> bool:
        query = target.query
        if query is None:
            touched = [each for each in changes if each.place.name in target.names]
            fitting = {each.place.name: each.after for each in touched}
        else:
            touched = [each for each in changes if _reaches(query, each)]
            if query.limit is not None or query.offset:
                if not any(_fits(query, each.before) or _fits(query, each.after) for each in touched):
                    return False
                return self._send_difference(target, self._result(target, time_us), time_us) > 0
            fitting = {each.place.name: each.after if _fits(query, each.after) else None for each in touched}
        moved = 0
        for change in touched:
            after = fitting[change.place.name]
            if after is not None:
                self._send_document(target, stamp_us(after.update_time), trimmed(query, after) if query else after)
                moved += 1
            elif change.place.name in target.sent:
                self._send_gone(target, change.place.name, time_us, deleted=change.after is None)
                moved += 1
        return moved > 0

    def _send_difference(self, target: Target, result: dict[str, tuple[int, Any]], time_us: int) -> int:
        """Send what the client lacks and what it has too much; gives the number of messages."""
        moved = 0
        database = self._engine.archive.database(self.database)
        for name in [name for name in target.sent if name not in result]:
            self._send_gone(target, name, time_us, deleted=database.at(document_place(name).ids, time_us) is None)
            moved += 1
        for name, (updated_us, document) in result.items():
            if target.sent.get(name) != updated_us:
                self._send_document(target, updated_us, document)
                moved += 1
        for name in sorted(target.names - result.keys() - target.sent.keys()):
            self._send_gone(target, name, time_us, deleted=True)
            self._bill(target, 1)
        return moved

    # Messages

    def _send_document(self, target: Target, updated_us: int, document: Any) -> None:
        answer = ListenResponse()
        answer.document_change.document.CopyFrom(document)
        answer.document_change.target_ids.append(target.id)
        self.answers.put(answer)
        target.sent[document.name] = updated_us
        self._bill(target, 1)

    def _send_gone(self, target: Target, name: str, time_us: int, *, deleted: bool) -> None:
        answer = ListenResponse()
        removed = answer.document_delete if deleted else answer.document_remove
        removed.document = name
        removed.removed_target_ids.append(target.id)
        set_time(removed.read_time, time_us)
        self.answers.put(answer)
        target.sent.pop(name, None)
        if not deleted:
            self._bill(target, 1)  # a document that no longer fits costs a read, one that was deleted does not

    def _tell_target(self, kind: int, target_id: int, time_us: int | None = None) -> None:
        self._tell(kind, [target_id], time_us)

    def tell_all(self, kind: int, time_us: int) -> None:
        self._tell(kind, [], time_us)

    def _tell(self, kind: int, target_ids: list[int], time_us: int | None) -> None:
        answer = ListenResponse()
        change = answer.target_change
        change.SetInParent()
        change.target_change_type = kind
        change.target_ids.extend(target_ids)
        if time_us is not None:
            change.resume_token = TOKEN.pack(self._epoch, time_us)
            set_time(change.read_time, time_us)
        self.answers.put(answer)

    def _bill(self, target: Target, reads: int) -> None:
        self._engine.counts(self._counts_project).reads[target.collection_id] += reads


def _reaches(query: Query, change: Change) -> bool:
    """True if the document is in the collections of the query."""
    ids, depth = change.place.ids, len(query.parent)
    if ids[:depth] != query.parent or (query.collection_id and ids[-2] != query.collection_id):
        return False
    return query.deep or len(ids) == depth + 2


def _fits(query: Query, document: Any | None) -> bool:
    return document is not None and place_in_order(query, document) is not None
