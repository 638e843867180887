"""One open connection, and the batches of one store that are uploaded over it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from config.errors import CloudError
from tracker.cloud.batch import DELETED_FROM, VECTORS, Batch, BatchBuilder, Rights
from tracker.cloud.breaker import CircuitBreaker
from tracker.cloud.client import Connection
from tracker.cloud.commit import Committer, RejectedWrite
from tracker.cloud.erasure import erase
from tracker.cloud.heartbeats import STATE as HEARTBEATS
from tracker.cloud.heartbeats import Heartbeats, Load, machine_name
from tracker.cloud.site import Derivation
from tracker.cloud.writes import Encoder
from tracker.presence.events import CameraRef, time_text
from tracker.store.cursors import TRACKS_HERE, Cursor, Rejected, Stream
from tracker.store.outbox import Acknowledgement
from tracker.store.store import Store

SENT_AT = "upload sent at"
"""The state with the time of the last success."""
_AS = "upload as"
_DERIVES = "upload derives"
_DAYS_EVERY_S = 3600.0
_TICK_EVERY_S = 60.0
_CLAIM_EVERY_S = 10.0
"""Between two tries to find out who derives sessions, while that fails."""
_JUDGED_BY_AGE = ("corrections",)
"""Of what a device uploads, the rules take only what is recent."""
_A_DEVICE = "the key of a camera machine may not do this: forget the person where a service account is set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is uploaded, of which site. vectors: with the vectors of people who consented. heartbeat_s: between two
    heartbeats of a camera. timeout_s: of a request. site: fields of the site's document where there is none yet."""

    site_id: str
    version: str
    vectors: bool = False
    heartbeat_s: float = 300.0
    timeout_s: float = 30.0
    site: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch is done. writes: how many documents were written. more: there is more to upload."""

    writes: int
    more: bool


class Upload:
    """Uploads batches over one connection and acknowledges them in the store. For one thread."""

    def __init__(
        self,
        store: Store,
        connection: Connection,
        terms: Terms,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._connection = connection
        self._monotonic = monotonic
        device = connection.device
        scope = None if device is None else CameraRef(device.site_id, device.camera_id)
        _begin_again_elsewhere(store, connection.client.database, "owner" if device is None else device.uid)
        _drop_state_of_forgotten(store)
        rights = Rights(scope=scope, vectors=device is None and terms.vectors)
        self._encoder = Encoder(terms.site_id)
        self._builder = BatchBuilder(store, self._encoder, rights)
        self._committer = Committer(connection.client, timeout_s=terms.timeout_s)
        self._breaker = CircuitBreaker(monotonic, one_by_one=() if device is None else _JUDGED_BY_AGE)
        self._home = terms.site_id
        self._derivation = Derivation(store, connection, home_site=terms.site_id, fields=terms.site)
        self._heartbeats = Heartbeats(
            store,
            machine_name(store.outbox.machine_id()),
            every_s=terms.heartbeat_s,
            version=terms.version,
            scope=scope,
            monotonic=monotonic,
        )
        self._days_s = self._ticked_s = self._claim_s = float("-inf")
        self._no_claim: CloudError | None = None
        self._derives = store.outbox.state(_DERIVES).get("", "")
        self._tracks_here = bool(store.outbox.state(TRACKS_HERE))
        self._rejected = {(each.collection, each.record_id) for each in store.outbox.rejected()}

    @property
    def denied(self) -> dict[str, str]:
        """By collection why it is skipped: the circuit breaker is open."""
        return self._breaker.open

    def next(self, now: datetime) -> Sent:
        """Upload one batch. Raises CloudError, StoreError; what was not acknowledged is uploaded again."""
        no_claim = self._derive()
        days = self._monotonic() - self._days_s >= _DAYS_EVERY_S
        batch = self._builder.next(
            now, size=self._committer.size, skip=self._breaker.open_streams, days=days and no_claim is None
        )
        beats = [] if "heartbeats" in self.denied else self._heartbeats.due(now, self._load)
        batch.add(each.write for each in beats)
        writes = list(batch.writes.values())
        if no_claim is not None and not writes and not batch.erasures:  # facts are uploaded first
            raise no_claim
        refused = self._committer.commit(writes) if writes else []
        erased = self._erase(batch, now)
        delivered = len(writes) - len(refused)
        bad = self._breaker.judge([*writes, *(each.write for each in erased)], [*refused, *erased])
        state: dict[str, str | None] = {SENT_AT: time_text(now)} if delivered > len(erased) else {}
        state |= {} if "heartbeats" in self.denied else self._heartbeats.delivered(beats)
        begins = batch.events > 0 and not self._tracks_here
        self._acknowledge(batch, bad, state, now)
        if Stream.DAYS in batch.cursors and not batch.more:
            self._days_s = self._monotonic()
        return Sent(delivered - len(erased), batch.more or begins or no_claim is not None)

    def save_cursors(self) -> None:
        """Keep how far reading has got, where nothing was to be uploaded."""
        self._store.outbox.acknowledge(Acknowledgement(cursors=self._builder.cursors))

    def close(self) -> None:
        """End the connection; a request under way fails."""
        self._connection.close()

    def _derive(self) -> CloudError | None:
        """Find out whose sessions this machine derives. Returns why that is not known."""
        rights = self._builder.rights
        if rights.scope is not None or not self._tracks_here:
            return None
        if self._no_claim is not None and self._monotonic() - self._claim_s < _CLAIM_EVERY_S:
            return self._no_claim
        self._claim_s = self._monotonic()
        try:
            sites = self._derivation.sites()
        except CloudError as error:
            self._no_claim = error
            return error
        self._no_claim = None
        if sites and self._monotonic() - self._ticked_s >= _TICK_EVERY_S:
            self._ticked_s = self._monotonic()
            self._store.sessions.tick()
        self._builder.rights = replace(rights, sites=sites)
        names = json.dumps(sorted(sites))
        if names != self._derives:  # upload all of it, from the beginning
            fresh = {Stream.SESSIONS: Cursor(), Stream.DAYS: Cursor()}
            self._store.outbox.acknowledge(Acknowledgement(cursors=fresh, state={_DERIVES: names}))
            self._builder.cursors |= fresh
            self._derives = names
            self._days_s = float("-inf")
        return None

    def _erase(self, batch: Batch, now: datetime) -> list[RejectedWrite]:
        rejected: list[RejectedWrite] = []
        sites = sorted({self._home, *self._store.outbox.sites()}) if batch.erasures else []
        for each in batch.erasures:
            if self._builder.rights.people:
                rejected += erase(self._connection.client, self._committer, each, sites)
                batch.vectors[each.person_id] = []
            else:
                collection, person_id = each.deletion.collection, each.person_id
                batch.rejected.append(Rejected(collection=collection, record_id=person_id, reason=_A_DEVICE, at=now))
        return rejected

    def _acknowledge(
        self, batch: Batch, bad: Sequence[RejectedWrite], state: dict[str, str | None], now: datetime
    ) -> None:
        is_open = self._breaker.open_streams
        reached = {stream: cursor for stream, cursor in batch.cursors.items() if stream not in is_open}
        cursors = self._builder.cursors | reached
        rejected = [
            *batch.rejected,
            *(
                Rejected(collection=each.write.collection, record_id=each.write.record_id, reason=each.reason, at=now)
                for each in bad
            ),
        ]
        if not (batch.writes or batch.deletions or rejected):
            self._builder.cursors = cursors
            return
        new = {(each.collection, each.record_id) for each in rejected}
        delivered = {(each.collection, each.record_id) for each in batch.writes.values()} & self._rejected - new
        if batch.events and Stream.EVENTS not in is_open and not self._tracks_here:
            self._tracks_here = True
            state[TRACKS_HERE] = "1"
        deletions = [
            each
            for each in batch.deletions
            if (each.collection, each.record_id) not in new and DELETED_FROM[each.kind] not in is_open
        ]
        self._store.outbox.acknowledge(
            Acknowledgement(
                cursors=cursors,
                deletions=deletions,
                rejected=rejected,
                delivered=delivered,
                sites=batch.sites - {""},
                state=state | self._vector_state(batch, rejected),
            )
        )
        self._rejected = (self._rejected - delivered) | new
        self._builder.cursors = cursors  # only now: a dead letter must be in the store before it is passed by

    def _vector_state(self, batch: Batch, rejected: Sequence[Rejected]) -> dict[str, str | None]:
        """Which vectors of whom are uploaded now."""
        spoilt = {each.record_id for each in rejected if each.collection in ("people", "person deletion")}
        state: dict[str, str | None] = {}
        for person_id, ids in batch.vectors.items():
            if Stream.PEOPLE in self._breaker.open_streams or person_id in spoilt:
                continue
            self._builder.vectors.pop(person_id, None)
            if ids:
                self._builder.vectors[person_id] = ids
            state[f"{VECTORS}{person_id}"] = json.dumps(ids) if ids else None
        return state

    def _load(self) -> Load:
        rights = self._builder.rights
        pending = self._store.outbox.backlog(sessions=bool(rights.sites), people=rights.people, scope=rights.scope)
        return Load(backlog=pending.total, rejected=len(self._rejected))


def _begin_again_elsewhere(store: Store, database: str, user: str) -> None:
    """Upload everything again when this file was uploaded elsewhere, or with other rights; uploads are idempotent.

    Which vectors are uploaded stays known while the database is the same, so that they can be withdrawn.
    """
    store.outbox.begin()
    before, identity = store.outbox.state(_AS).get("", ""), f"{database} as {user}"
    if before == identity:
        return
    prefixes = (HEARTBEATS,) if before.startswith(f"{database} as ") else (HEARTBEATS, VECTORS)
    old: dict[str, str | None] = {f"{each}{name}": None for each in prefixes for name in store.outbox.state(each)}
    store.outbox.acknowledge(
        Acknowledgement(cursors=dict.fromkeys(Stream, Cursor()), state={**old, _DERIVES: None, _AS: identity})
    )


def _drop_state_of_forgotten(store: Store) -> None:
    """Who was forgotten elsewhere has no vectors there any more; their id stays in no state."""
    unknown = [person_id for person_id in store.outbox.state(VECTORS) if store.people.get(person_id) is None]
    if unknown:
        store.outbox.acknowledge(Acknowledgement(state={f"{VECTORS}{person_id}": None for person_id in unknown}))
