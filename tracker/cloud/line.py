"""A connection that is open, and one load sent over it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tracker.cloud import layout
from tracker.cloud.connect import Connection
from tracker.cloud.delivery import Delivery, Refusal
from tracker.cloud.erasure import erase
from tracker.cloud.heartbeat import NOTES as HEARTBEAT_NOTES
from tracker.cloud.heartbeat import Burden, Heartbeats, Sign
from tracker.cloud.load import Load, Loader, Rights
from tracker.cloud.wire import Verdict, Wire
from tracker.cloud.writes import Writer
from tracker.presence.events import SCHEMA, time_text
from tracker.store.local import LocalStore
from tracker.store.outbox import Forgotten, Receipt
from tracker.store.outbox_pages import Scope
from tracker.store.sync_rows import MADE_HERE, Kind, Parked, Position

SENT_AT = "up sent at"
"""The note of the last success."""
TROUBLE = "up trouble"
"""The note of what stands in the way."""
_AS = "up as"
_TURNED = "up turned"
_SITE = "up site"
_TURN_EVERY_S = 60.0
_BARRED_FOR_S = 300.0
_KINDS = {
    "events": (Kind.EVENTS,),
    "corrections": (Kind.CORRECTIONS,),
    "zone_stays": (Kind.ZONE_STAYS,),
    "people": (Kind.PEOPLE, Kind.ALIASES),
    "sessions": (Kind.SESSIONS,),
    "usage": (Kind.USAGE,),
}
_A_DEVICE = "the key of a camera machine does not do this: forget the person where a service account is set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is sent, of which site. visits, vectors: whether visits, and vectors of people who agreed, are sent at all.

    site: what the document of the site says: its name, its time zone, how many it holds, who writes its visits.
    """

    site_id: str
    version: str
    visits: bool = True
    vectors: bool = False
    heartbeat_s: float = 300.0
    timeout_s: float = 30.0
    site: dict[str, object] = field(default_factory=dict)


class Line:
    """Sends loads of one store over one connection, and notes in the store what arrived. For one thread."""

    def __init__(
        self,
        store: LocalStore,
        connection: Connection,
        terms: Terms,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.wire = Wire(connection, timeout_s=terms.timeout_s)
        self._store = store
        self._terms = terms
        self._monotonic = monotonic
        device = connection.device
        scope = None if device is None else Scope(device.site_id, device.camera_id)
        owner = device is None
        self.rights = Rights(scope=scope, people=owner, visits=owner and terms.visits, vectors=owner and terms.vectors)
        _become(store, f"{self.wire.database} as {'owner' if device is None else device.uid}")
        writer = Writer(self.wire.database, home_site=terms.site_id)
        self._writer = writer
        self._delivery = Delivery(self.wire)
        self._loader = Loader(store, writer, self.rights)
        self._heartbeats = Heartbeats(
            store, writer, every_s=terms.heartbeat_s, version=terms.version, scope=scope, monotonic=monotonic
        )
        self._turned_s = float("-inf")
        self._parked = {(each.collection, each.record_id) for each in store.parked()}
        self._barred: dict[Kind, float] = {}
        self.barred: dict[str, str] = {}
        """By collection why nothing of it is taken from us."""

    def send(self, now: datetime, *, derived: bool) -> tuple[int, bool]:
        """Send one load: how many writes that were, and whether there is more. derived: visits and usage as well.

        Raises WireError, CloudError and StoreError; whatever was not noted as arrived is sent again.
        """
        now_s = self._monotonic()
        self._barred = {kind: until_s for kind, until_s in self._barred.items() if until_s > now_s}
        load = self._loader.next(now, without=self._barred, derived=derived)
        notes: dict[str, str | None] = {}
        if derived and self.rights.visits and self._loader.made_here and now_s - self._turned_s >= _TURN_EVERY_S:
            notes |= self._add_turned(load, now)
        signs = self._heartbeats.due(now, self._burden)
        load.add(sign.write for sign in signs)
        notes |= self._add_site(load)
        writes = list(load.writes.values())
        refusals = self._delivery.deliver(writes) if writes else []
        refusals += self._erase(load.forgotten)
        barred = self._bar(load, refusals)
        self._note(load, [each for each in refusals if each.write.collection not in barred], signs, notes, now)
        return len(writes) - len(refusals), load.more

    def keep(self) -> None:
        """Note how far reading has got, where nothing was to be sent."""
        self._store.receipt(Receipt(positions=self._loader.positions))

    def close(self) -> None:
        """End the connection; a request under way fails."""
        self.wire.close()

    def _note(
        self, load: Load, refusals: Sequence[Refusal], signs: list[Sign], notes: dict[str, str | None], now: datetime
    ) -> None:
        open_kinds = {kind: reached for kind, reached in load.reached.items() if kind not in self._barred}
        self._loader.positions |= open_kinds
        refused = load.refused + [
            Parked(collection=each.write.collection, record_id=each.write.record_id, reason=each.error.said, at=now)
            for each in refusals
        ]
        if not (load.writes or load.gone or refused):
            return
        bad = {(each.collection, each.record_id) for each in refused}
        delivered = {(each.collection, each.record_id) for each in load.writes.values()} & self._parked - bad
        self._parked = (self._parked - delivered) | bad
        if load.events and not self._loader.made_here:
            self._loader.made_here = True
            notes[MADE_HERE] = "1"
        notes |= self._heartbeats.given(signs)
        notes |= {SENT_AT: time_text(now)}
        self._store.receipt(
            Receipt(positions=self._loader.positions, gone=load.gone, refused=refused, delivered=delivered, notes=notes)
        )

    def _erase(self, forgotten: Sequence[Forgotten]) -> list[Refusal]:
        refusals: list[Refusal] = []
        for each in forgotten:
            if self.rights.people:
                refusals += erase(
                    self.wire.connection, self._delivery, self._writer, each, site_id=self._terms.site_id
                )[:1]
        return refusals

    def _bar(self, load: Load, refusals: Sequence[Refusal]) -> set[str]:
        """Leave collections alone of which every document is refused: it is not the documents. Returns which."""
        refused = {each.write.collection for each in refusals if each.error.verdict is Verdict.REFUSED}
        denied = {id(each.write) for each in refusals if each.error.verdict is Verdict.REFUSED}
        taken = {each.collection for each in load.writes.values() if id(each) not in denied}
        self.barred = {
            each.write.collection: each.error.said
            for each in refusals
            if each.write.collection in refused - taken and each.write.collection != "matches"
        } | {collection: said for collection, said in self.barred.items() if _still(collection, self._barred)}
        until_s = self._monotonic() + _BARRED_FOR_S
        for collection in refused - taken:
            for kind in _KINDS.get(collection, ()):
                self._barred[kind] = until_s
        return (refused - taken) - {"matches"}

    def _add_turned(self, load: Load, now: datetime) -> dict[str, str | None]:
        self._turned_s = self._monotonic()
        last = self._store.notes(_TURNED).get("")
        since = now if last is None else datetime.fromisoformat(last)
        for unsent in self._store.turned(self._terms.site_id, since=since, now=now):
            load.add(self._writer.writes_of(unsent))
        return {_TURNED: time_text(now)} if load.writes or last is None else {}

    def _add_site(self, load: Load) -> dict[str, str | None]:
        """What the document of the site says, when that is something else than it said from here last."""
        if not self.rights.people or not self._terms.site:
            return {}
        document = {**self._terms.site, "rules": self._store.rules_text(), "schema": SCHEMA}
        text = json.dumps(document, sort_keys=True)
        if self._store.notes(_SITE).get("") == text:
            return {}
        path = layout.site_path(self._terms.site_id)
        load.add([self._writer.merged("sites", self._terms.site_id, path, document)])
        return {_SITE: text}

    def _burden(self) -> Burden:
        waiting = self._store.backlog(visits=self.rights.visits, people=self.rights.people, scope=self.rights.scope)
        return Burden(backlog=waiting.total, parked=len(self._parked))


def _still(collection: str, barred: dict[Kind, float]) -> bool:
    return any(kind in barred for kind in _KINDS.get(collection, ()))


def _become(store: LocalStore, identity: str) -> None:
    """Send everything anew when this file was sent elsewhere, or by somebody who may do less; nothing comes twice."""
    store.begin_sync()
    if store.notes(_AS).get("") == identity:
        return
    anew: dict[str, str | None] = {f"{HEARTBEAT_NOTES}{name}": None for name in store.notes(HEARTBEAT_NOTES)}
    store.receipt(
        Receipt(positions=dict.fromkeys(Kind, Position()), notes={**anew, _SITE: None, _TURNED: None, _AS: identity})
    )
