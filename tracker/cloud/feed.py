"""One collection of a site, read from where the store stands: what is there, then what is added."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from tracker.cloud.layout import EMBEDDINGS, SITES, Collection, document_id, embeddings_path, site_path
from tracker.cloud.parcel import SITE, Parcel
from tracker.cloud.reading import Listening, Page, Place, Reader
from tracker.presence.events import time_text
from tracker.store.event_rows import read_time
from tracker.store.store import Store

PAGE = 1000
OVERLAP = timedelta(minutes=2)
"""Documents become visible in a slightly other order than that of their times: so much is read again."""
OVERLAP_MOST = 2000
"""Documents that a listener reads again at most."""
LISTENER_MOST = 10_000
LISTENER_FULL = 8_000
"""A listener that told so many documents is opened anew, so that neither side remembers more and more of them."""
VECTORS_MOST = 1000
"""Of one person."""
HASTE = timedelta(seconds=10)
"""The servers' clocks differ by less; a document that says that it came later than it was read is wrong."""


class Scope(Enum):
    """What comes down: all, what a camera machine may read, or all but what is needed to know faces."""

    EVERYTHING = "everything"
    GALLERY = "gallery"
    HISTORY = "history"

    @property
    def collections(self) -> Sequence[Collection | None]:
        """In the order in which they are read; None is the document of the site."""
        gallery = (None, Collection.FORGOTTEN, Collection.PEOPLE)
        if self is Scope.GALLERY:
            return gallery
        return (*gallery, Collection.EVENTS, Collection.CORRECTIONS, Collection.ZONE_STAYS, Collection.HEARTBEATS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Whose documents are read into which store, and as what."""

    site_id: str
    scope: Scope
    store: Store


def site_place(site_id: str) -> Place:
    """The document of a site."""
    return Place(parent="", collection=SITES, document_id=document_id(site_id))


class Feed:
    """Reads one collection of a site, or with None the site's own document, into the store."""

    def __init__(self, reader: Reader, wanted: Subscription, collection: Collection | None) -> None:
        self.name = SITE if collection is None else collection.value
        self._reader = reader
        self._store = wanted.store
        self._site_id = wanted.site_id
        self._scope = wanted.scope
        self._collection = collection
        self._cursor = f"down {wanted.site_id} {self.name}"
        self._position: datetime | None = None
        self.taken = 0
        """Documents read so far."""
        self._recent: deque[datetime] = deque(maxlen=OVERLAP_MOST)
        if collection is None:
            self._place = site_place(wanted.site_id)
        else:
            self._place = Place(parent=site_path(wanted.site_id), collection=collection.value)

    def catch_up(self, told: Callable[[int, int], None], *, patience_s: float) -> None:
        """Read what the server took since the store last heard of it.

        told: gets, after each page, how many documents were read so far, and of how many about.
        Raises what Google's libraries raise, StoreError.
        """
        if self._collection is None:
            found = self._reader.document(self._place, patience_s=patience_s)
            self.take(Page([] if found is None else [found], datetime.now(UTC)))
            return
        since, after, limit, seen = self._begin(), "", PAGE, set[str]()
        done = total = 0
        while True:
            page = self._reader.page(self._place, limit=limit, since=since, after=after, patience_s=patience_s)
            fresh = [paper for paper in page.papers if paper.document_id not in seen]
            whole = len(page.papers) < limit
            (self.take_all if whole else self.take)(Page(fresh, page.read_at))
            if len(page.papers) == limit and not total:
                total = self._reader.count(self._place, since=since, patience_s=patience_s)
            done += len(fresh)
            told(done, max(done, total))
            timed = [paper for paper in page.papers if paper.received_at is not None]
            if whole or not timed:
                return
            limit = PAGE if fresh else 2 * limit  # a server that knows no cursors told the same again
            since, after = timed[-1].received_at, timed[-1].document_id
            seen = {paper.document_id for paper in page.papers}

    def listen(self) -> Listening:
        """A listener on what comes from now on, and a little before."""
        return self._reader.listen(self._place, limit=LISTENER_MOST, since=self._begin())

    def take(self, page: Page) -> None:
        """Write documents into the store, and how far that gets it. One that says it came later than now is no help."""
        papers = page.papers
        if not papers:
            return
        parcel = Parcel(self._site_id)
        if self._collection is None:
            parcel.add_site(papers[-1].fields)
        else:
            parcel.add(self._collection, papers)
            if self._scope is not Scope.HISTORY and self._collection is Collection.PEOPLE:
                self._add_vectors(parcel)
        latest = (page.read_at or datetime.now(UTC)) + HASTE
        received = (paper.received_at for paper in papers)
        times = [at for at in received if at is not None and at <= latest]
        self._reach(max(times, default=None))
        self._store.inbox.apply(parcel.arrivals(self.cursors, whole_history=self._scope is not Scope.GALLERY))
        self._recent.extend(times)
        self.taken += len(papers)

    def take_all(self, page: Page) -> None:
        """The same, of the last there is: all that the server took before it read this is here."""
        self.take(page)
        self._reach(page.read_at)

    @property
    def cursors(self) -> dict[str, str]:
        """How far reading has got, as the store keeps it."""
        if self._position is None or self._collection is None:
            return {}
        return {self._cursor: time_text(self._position)}

    def _reach(self, at: datetime | None) -> None:
        if at is not None:
            self._position = at if self._position is None else max(at, self._position)

    def _begin(self) -> datetime | None:
        """From when on to read: a little before what is known; None from the beginning."""
        text = self._store.inbox.cursor(self._cursor) if self._position is None else None
        known = self._position if text is None else read_time(text)
        if known is None:
            return None
        since = known - OVERLAP
        return max(since, self._recent[0]) if len(self._recent) == OVERLAP_MOST else since

    def _add_vectors(self, parcel: Parcel) -> None:
        for person_id, consented in parcel.people():
            parent = embeddings_path(self._site_id, person_id).rpartition("/")[0]
            place = Place(parent=parent, collection=EMBEDDINGS)
            found = self._reader.all_of(place, limit=VECTORS_MOST) if consented else []
            parcel.add_vectors(person_id, found)
