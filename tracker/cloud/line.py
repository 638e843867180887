"""A connection that is open, and one load sent over it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from config.storage import VisitsBy
from tracker.cloud.connect import Connection
from tracker.cloud.delivery import Delivery, Refusal
from tracker.cloud.erasure import erase
from tracker.cloud.heartbeat import NOTES as HEARTBEAT_NOTES
from tracker.cloud.heartbeat import Burden, Heartbeats
from tracker.cloud.load import VECTORS, Load, Loader, Rights
from tracker.cloud.site_document import NOTE as SITE_NOTE
from tracker.cloud.site_document import SiteDocument
from tracker.cloud.welcome import Welcome
from tracker.cloud.wire import Verdict, Wire
from tracker.cloud.writes import Outgoing, Writer
from tracker.presence.events import time_text
from tracker.store.outbox import Receipt
from tracker.store.outbox_pages import Scope
from tracker.store.site_words import SiteWords
from tracker.store.store import Store
from tracker.store.sync_rows import MADE_HERE, Kind, Parked, Position

SENT_AT = "up sent at"
"""The note of the last success."""
TROUBLE = "up trouble"
"""The note of what stands in the way."""
_AS = "up as"
_TURN_EVERY_S = 60.0
_COLLECTIONS = {"session": "sessions", "zone_stay": "zone_stays", "person": "people"}
"""Where what is gone has to go."""
_JUDGED_BY_AGE = ("corrections",)
"""What a device may say only of what arrived lately."""
_A_DEVICE = "the key of a camera machine does not do this: forget the person where a service account is set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is sent, of which site. visits, vectors: whether visits, and vectors of people who agreed, are sent at all;
    visits None: unless the document of the site says that the functions write them.

    heartbeat_s: between two signs of life of a camera. timeout_s: how long a request may take. site: what this machine
    has to say in the document of the site.
    """

    site_id: str
    version: str
    visits: bool | None = True
    vectors: bool = False
    heartbeat_s: float = 300.0
    timeout_s: float = 30.0
    site: SiteWords | None = None


class Line:
    """Sends loads of one store over one connection, and notes in the store what arrived. For one thread."""

    def __init__(
        self,
        store: Store,
        connection: Connection,
        terms: Terms,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.wire = Wire(connection, timeout_s=terms.timeout_s, monotonic=monotonic)
        self._store = store
        self._terms = terms
        self._monotonic = monotonic
        device = connection.device
        scope = None if device is None else Scope(device.site_id, device.camera_id)
        owner = device is None
        self.rights = Rights(
            scope=scope, people=owner, visits=owner and bool(terms.visits), vectors=owner and terms.vectors
        )
        _become(store, self.wire.database, "owner" if device is None else device.uid)
        writer = Writer(self.wire.database, home_site=terms.site_id)
        self._writer = writer
        self._delivery = Delivery(self.wire)
        _drop_notes_of_the_forgotten(store)
        self._loader = Loader(store, writer, self.rights)
        words = terms.site if owner else None
        self._site = (
            None if words is None else SiteDocument(store, connection, writer, site_id=terms.site_id, words=words)
        )
        self._heartbeats = Heartbeats(
            store, writer, every_s=terms.heartbeat_s, version=terms.version, scope=scope, monotonic=monotonic
        )
        self._turned_s = float("-inf")
        self._parked = {(each.collection, each.record_id) for each in store.outbox.rejected()}
        self._welcome = Welcome(monotonic, one_by_one=() if owner else _JUDGED_BY_AGE)

    @property
    def barred(self) -> dict[str, str]:
        """By collection why nothing of it is taken from us."""
        return self._welcome.barred

    def send(self, now: datetime) -> tuple[int, bool]:
        """Send one load: how many writes that were, and whether there is more.

        Raises WireError, CloudError and StoreError; whatever was not noted as arrived is sent again.
        """
        now_s = self._monotonic()
        site, notes = self._hear_of_site()
        load = self._loader.next(now, without=self._welcome.left_alone)
        load.add(site)
        if not load.more and self.rights.visits and self._loader.made_here and now_s - self._turned_s >= _TURN_EVERY_S:
            self._close_due()
        barred = self.barred
        signs = [] if "heartbeats" in barred else self._heartbeats.due(now, self._burden)
        load.add(sign.write for sign in signs)
        writes = list(load.writes.values())
        trouble = None if self._site is None or barred else self._site.trouble
        if trouble is not None and not (writes or load.gone):  # what was recorded goes first
            raise trouble
        if not writes:
            self.wire.rest()
        refusals = self._delivery.deliver(writes) if writes else []
        too_late = [each for each in refusals if each.error.verdict is Verdict.EXISTS]
        if too_late:  # somebody made the site's document meanwhile: it is read, and then we say what we have to
            refusals = [each for each in refusals if each not in too_late]
            notes.pop(SITE_NOTE, None)
        refusals += self._erase(load, now)
        faults = self._welcome.judge(writes, refusals)
        if len(writes) > len(refusals):
            notes[SENT_AT] = time_text(now)
        notes |= {} if "heartbeats" in self.barred else self._heartbeats.given(signs)
        if "sites" in self.barred:
            notes.pop(SITE_NOTE, None)
        notes |= self._vector_notes(load, faults)
        self._note(load, faults, notes, now)
        return len(writes) - len(refusals), load.more or trouble is not None or bool(too_late)

    def keep(self) -> None:
        """Note how far reading has got, where nothing was to be sent."""
        self._store.outbox.acknowledge(Receipt(positions=self._loader.positions))

    def close(self) -> None:
        """End the connection; a request under way fails."""
        self.wire.close()

    def _note(self, load: Load, faults: Sequence[Refusal], notes: dict[str, str | None], now: datetime) -> None:
        left_alone, barred = self._welcome.left_alone, self.barred
        positions = self._loader.positions | {k: reached for k, reached in load.reached.items() if k not in left_alone}
        refused = load.refused + [
            Parked(collection=each.write.collection, record_id=each.write.record_id, reason=each.error.said, at=now)
            for each in faults
        ]
        if not (load.writes or load.gone or refused):
            self._loader.positions = positions
            return
        bad = {(each.collection, each.record_id) for each in refused}
        delivered = {(each.collection, each.record_id) for each in load.writes.values()} & self._parked - bad
        self._parked = (self._parked - delivered) | bad
        if load.events and Kind.EVENTS not in left_alone and not self._loader.made_here:
            self._loader.made_here = True
            notes[MADE_HERE] = "1"
        gone = [each for each in load.gone if _COLLECTIONS[each.kind] not in barred]
        self._store.outbox.acknowledge(
            Receipt(positions=positions, gone=gone, refused=refused, delivered=delivered, notes=notes)
        )
        self._loader.positions = positions  # only now: what was refused must be in the store before it is passed by

    def _vector_notes(self, load: Load, faults: Sequence[Refusal]) -> dict[str, str | None]:
        """Which vectors of whom are there now."""
        spoilt = {each.write.record_id for each in faults if each.write.collection == "people"}
        notes: dict[str, str | None] = {}
        for person_id, ids in load.vectors.items():
            if "people" in self.barred or person_id in spoilt:
                continue
            self._loader.vectors.pop(person_id, None)
            if ids:
                self._loader.vectors[person_id] = ids
            notes[f"{VECTORS}{person_id}"] = json.dumps(ids) if ids else None
        return notes

    def _erase(self, load: Load, now: datetime) -> list[Refusal]:
        refusals: list[Refusal] = []
        for each in load.forgotten:
            if self.rights.people:
                place = (self.wire.connection, self._delivery, self._writer)
                refusals += erase(*place, each, site_id=self._terms.site_id)[:1]
                load.vectors[each.person_id] = []
            else:
                load.refused.append(Parked(collection="people", record_id=each.person_id, reason=_A_DEVICE, at=now))
        return refusals

    def _close_due(self) -> None:
        self._turned_s = self._monotonic()
        self._store.sessions.tick()

    def _hear_of_site(self) -> tuple[list[Outgoing], dict[str, str | None]]:
        """What is to be written into the site's document, with the notes then; it also says who writes visits."""
        if self._site is None:
            return [], {}
        due = ([], {}) if "sites" in self.barred else self._site.due()
        if self._terms.visits is None:
            self.rights = self._loader.rights = replace(self.rights, visits=self._site.visits_by is VisitsBy.EDGE)
        return due

    def _burden(self) -> Burden:
        waiting = self._store.outbox.backlog(
            visits=self.rights.visits, people=self.rights.people, scope=self.rights.scope
        )
        return Burden(backlog=waiting.total, parked=len(self._parked))


def _become(store: Store, database: str, who: str) -> None:
    """Send everything anew when this file was sent elsewhere, or by somebody who may do less; nothing comes twice.

    Which vectors are there stays known while the database is the same: somebody may want them back.
    """
    store.outbox.begin()
    before, identity = store.outbox.notes(_AS).get("", ""), f"{database} as {who}"
    if before == identity:
        return
    anew: dict[str, str | None] = {}
    for start in (HEARTBEAT_NOTES,) if before.startswith(f"{database} as ") else (HEARTBEAT_NOTES, VECTORS):
        anew |= {f"{start}{name}": None for name in store.outbox.notes(start)}
    store.outbox.acknowledge(
        Receipt(positions=dict.fromkeys(Kind, Position()), notes={**anew, SITE_NOTE: None, _AS: identity})
    )


def _drop_notes_of_the_forgotten(store: Store) -> None:
    """Who was forgotten elsewhere has no vectors there any more; their id stays in no note."""
    unknown = [person_id for person_id in store.outbox.notes(VECTORS) if store.people.get(person_id) is None]
    if unknown:
        store.outbox.acknowledge(Receipt(notes={f"{VECTORS}{person_id}": None for person_id in unknown}))
