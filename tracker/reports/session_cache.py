"""The latest sessions and counts of a site, kept in memory by a process that reads them again and again."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain

import numpy as np

from tracker.presence.rules import Rules
from tracker.reports.columns import LATE, Codes, Columns, Instants, Rows, SessionColumns, instant_of, instants_of
from tracker.reports.frames import Frames
from tracker.reports.headcount_cache import HeadcountCache
from tracker.store.session_queries import LONG, REPORT_COLUMNS, Snapshot
from tracker.store.store import Store

LONGEST = timedelta(days=400)
"""Ranges that begin earlier are not kept in memory."""


class SessionCache:
    """Sessions of one site of a store. Thread-safe.

    They are read when first asked for, and kept as far back as was asked. After a change, those are read again that
    begin from the earliest changed one on, whatever the range.
    """

    def __init__(self, store: Store, site_id: str) -> None:
        self.store = store
        self._site_id = site_id
        self._lock = threading.Lock()
        self._version = 0
        self._begin = datetime.max.replace(tzinfo=UTC)
        self._people, self._cameras = Codes(), Codes()
        self._first_at: Instants = np.array([], dtype="datetime64[us]")
        self._known: Columns | None = None
        self._headcount = HeadcountCache(Rules())

    def frames(self, since: datetime, until: datetime, now: datetime, *, rules: Rules) -> Frames:
        """The visits that touch [since, until), open ones up to `now`, and the count by these rules of the site.

        Raises StoreError.
        """
        with self._lock, self.store.sessions.snapshot(self._site_id) as snapshot:
            known = self._refreshed(snapshot, since - LONG)
            cuts, unsettled = snapshot.unsettled(since, until, now)
            projected = self._parsed(unsettled)
            first, last = np.searchsorted(known.started, [instant_of(since - LONG), instant_of(until)])
            stored = Columns.joined(
                [self._parsed(snapshot.long(since)).in_order(self._people), known.between(first, last)]
            )
            columns = stored.take(self._holding(stored, instant_of(since), instant_of(until), cuts))
            if len(projected):
                columns = Columns.joined([columns, projected]).in_order(self._people)
            first_at = self._first_starts(snapshot, projected)
            frames = Frames.of(columns, self._people, self._cameras, first_at=first_at, now=now)
            if rules != self._headcount.rules:
                self._headcount = HeadcountCache(rules)
            return replace(frames, count=self._headcount.between(snapshot, since, until, now))

    def _refreshed(self, snapshot: Snapshot, begin: datetime) -> Columns:
        """The stored sessions that begin from `begin` or earlier on, as of the snapshot."""
        changed, known, first = snapshot.changed_after(self._version), self._known, self._begin
        self._known = None  # an error while reading leaves nothing behind
        if known is None or (changed is not None and changed <= first):
            self._people, self._cameras = Codes(), Codes()
            self._first_at = np.array([], dtype="datetime64[us]")
            known, first = self._read(snapshot, begin, None), begin
        elif changed is not None:
            unchanged = int(np.searchsorted(known.started, instant_of(changed)))
            known = Columns.joined([known.between(0, unchanged), self._read(snapshot, changed, None)])
            self._first_at[self._first_at >= instant_of(changed)] = LATE
        if begin < first:
            known, first = Columns.joined([self._read(snapshot, begin, first), known]), begin
        self._version, self._known, self._begin = snapshot.version, known, first
        return known

    def _read(self, snapshot: Snapshot, since: datetime, until: datetime | None) -> Columns:
        return Columns.joined(map(self._parsed, chain([_NONE], snapshot.begun(since, until)))).in_order(self._people)

    def _parsed(self, portion: SessionColumns) -> Columns:
        return Columns.parsed(portion, self._people, self._cameras)

    def _holding(
        self, stored: Columns, since: np.datetime64, until: np.datetime64, cuts: Mapping[str, datetime]
    ) -> Rows:
        """The rows that touch [since, until), and that hold as of now."""
        mask = (stored.started < until) & (np.isnat(stored.ended) | (stored.ended >= since))
        if cuts:
            cut_at = np.full(len(self._people), LATE)
            cut_at[self._people.of(list(cuts))] = [instant_of(at) for at in cuts.values()]
            mask &= stored.started < cut_at[stored.person]
        return np.flatnonzero(mask)

    def _first_starts(self, snapshot: Snapshot, projected: Columns) -> Instants:
        """The start of the first visit of each person, by code; asked for only where it is not known."""
        missing = len(self._people) - len(self._first_at)
        self._first_at = np.concatenate([self._first_at, np.full(missing, LATE)])
        texts = list(self._people.codes)
        unknown = [texts[code] for code in np.flatnonzero(self._first_at == LATE)]
        if unknown:
            found = snapshot.first_starts(unknown)
            self._first_at[self._people.of(list(found))] = instants_of(found.values())
        first_at = self._first_at.copy()
        np.minimum.at(first_at, projected.person, projected.started)
        return first_at


_NONE: SessionColumns = {name: [] for name in REPORT_COLUMNS}
