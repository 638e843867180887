"""Which collections take nothing from us: those are left alone for a while, and nothing of them is parked.

A document that is refused while others of its collection are taken is at fault itself. Where all are refused, the
rules or the credentials are, and somebody will mend them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence

from tracker.cloud.delivery import Refusal
from tracker.cloud.wire import Verdict
from tracker.cloud.writes import Outgoing
from tracker.store.sync_rows import Kind

BARRED_FOR_S = 300.0
_KINDS = {
    "events": (Kind.EVENTS,),
    "corrections": (Kind.CORRECTIONS,),
    "zone_stays": (Kind.ZONE_STAYS,),
    "people": (Kind.PEOPLE, Kind.ALIASES),
    "sessions": (Kind.SESSIONS,),
}
_BESIDE = {"matches": "events"}
"""Collections that are sent along with another one and cannot be left alone by themselves."""


class Welcome:
    """What is taken from us at the moment. For one thread.

    one_by_one: collections whose documents the rules judge by something else than who sends them, so that one which is
    refused says nothing of the others.
    """

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, *, one_by_one: Collection[str] = frozenset()
    ) -> None:
        self._monotonic = monotonic
        self._apart = {*_BESIDE, *one_by_one}
        self._until_s: dict[str, float] = {}
        self._said: dict[str, str] = {}

    @property
    def barred(self) -> dict[str, str]:
        """By collection why it takes nothing."""
        now_s = self._monotonic()
        return {collection: said for collection, said in self._said.items() if self._until_s[collection] > now_s}

    @property
    def left_alone(self) -> set[Kind]:
        """Kinds that are not to be sent for now."""
        return {kind for collection in self.barred for kind in _KINDS.get(collection, ())}

    def judge(self, writes: Iterable[Outgoing], refusals: Sequence[Refusal]) -> list[Refusal]:
        """The refusals that are the documents' own fault, out of those of these writes."""
        denied = {id(each.write) for each in refusals if each.error.verdict is Verdict.REFUSED}
        taken = {each.collection for each in writes if id(each) not in denied}
        for each in refusals:
            collection = each.write.collection
            if id(each.write) in denied and collection not in taken and collection not in self._apart:
                self._said[collection] = each.error.said
                self._until_s[collection] = self._monotonic() + BARRED_FOR_S
        barred = self.barred
        return [
            each
            for each in refusals
            if id(each.write) not in denied or _BESIDE.get(each.write.collection, each.write.collection) not in barred
        ]
