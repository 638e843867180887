"""One collection of a site, downloaded into the store: the pages that it lacks, and where to listen from."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import Enum

from google.cloud.firestore_v1.base_query import BaseQuery, FieldFilter
from google.cloud.firestore_v1.document import DocumentReference

from tracker.cloud import paths
from tracker.cloud.client import RenewableConnection
from tracker.cloud.documents import RECEIVED_AT
from tracker.cloud.incoming import SITE, Decoder
from tracker.cloud.paths import Collection
from tracker.cloud.reads import Page, count_of, page_of, single
from tracker.presence.events import time_text
from tracker.store.store import Store
from tracker.store.tables import read_time

PAGE = 500
OVERLAP = timedelta(minutes=2)
"""Documents become visible in a slightly other order than that of their times: so much is read again."""
OVERLAP_MOST = 500
"""Documents that are read again at most."""
VECTORS_MOST = 1000
"""Of one person."""


class Scope(Enum):
    """What is downloaded: everything, what a camera machine may read, or all but face vectors."""

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


class Download:
    """Downloads one collection of a site, or with None the site's document. One thread at a time may use it.

    A page and its cursor are stored in one transaction, and the cursor in memory moves after that: what could not be
    stored is read again.
    """

    def __init__(
        self,
        connection: RenewableConnection,
        store: Store,
        *,
        site_id: str,
        scope: Scope,
        collection: Collection | None,
    ) -> None:
        self.name = SITE if collection is None else collection.value
        self.lock = threading.RLock()
        self._connection = connection
        self._store = store
        self._site_id = site_id
        self._scope = scope
        self._collection = collection
        self._cursor_name = f"download {site_id} {self.name}"
        self._cursor: datetime | None = None
        self._recent: deque[datetime] = deque(maxlen=OVERLAP_MOST)
        self.taken = 0
        """Documents downloaded so far."""
        self.read_at: datetime | None = None
        """When the site's document was read last, by the server's clock."""

    def catch_up(self, progress: Callable[[int, int], None], *, patience_s: float) -> None:
        """Read everything that the server took since the cursor, page by page.

        progress: called after each page with how many documents are downloaded, and of how many about.
        Raises what Google's libraries raise, StoreError.
        """
        if self._collection is None:
            page = single(self._site_reference(), patience_s=patience_s)
            self.read_at = page.read_at
            self.take(page)
            return
        query = self._query(self.since())
        read, limit, last, seen, total = 0, PAGE, None, set[str](), 0
        while True:
            asked = query.limit(limit) if last is None else self._query(last[0], after=last[1]).limit(limit)
            page = page_of(asked, patience_s=patience_s)
            fresh = tuple(each for each in page.documents if each.document_id not in seen)
            is_last = len(page.documents) < limit
            self.take(Page(fresh, page.read_at), complete=is_last)
            if not is_last and not total:
                total = count_of(query, patience_s=patience_s)
            read += len(fresh)
            progress(read, max(read, total))
            timed = [each for each in page.documents if each.received_at is not None]
            if is_last or not timed:
                return
            limit = PAGE if fresh else 2 * limit  # a server without cursors gave the same page again
            last = (timed[-1].received_at, timed[-1].document_id)
            seen = {each.document_id for each in page.documents}

    def target(self) -> BaseQuery | DocumentReference:
        """What to listen to: the site's document, or what is received from a little before the cursor on."""
        return self._site_reference() if self._collection is None else self._query(self.since())

    def take(self, page: Page, *, complete: bool = False) -> None:
        """Store documents, and how far that is. complete: all that was received before they were read is here."""
        cursor = max([*page.received, *([page.read_at] if complete and page.read_at else [])], default=None)
        if self._cursor is not None:
            cursor = self._cursor if cursor is None else max(cursor, self._cursor)
        if page.documents:
            decoder = Decoder(self._site_id)
            if self._collection is None:
                decoder.add_site(page.documents[-1].fields)
            else:
                decoder.add(self._collection, page.documents)
                if self._scope is not Scope.HISTORY and self._collection is Collection.PEOPLE:
                    self._add_vectors(decoder)
            whole_history = self._scope is not Scope.GALLERY
            self._store.inbox.apply(decoder.incoming(self._named(cursor), whole_history=whole_history))
        self._cursor = cursor  # only after the commit
        self._recent.extend(page.received)
        self.taken += len(page.documents)

    def reach(self, at: datetime) -> None:
        """Everything that was received before `at` is stored."""
        self._cursor = at if self._cursor is None else max(at, self._cursor)

    @property
    def cursors(self) -> dict[str, str]:
        """How far the collection is downloaded, as the store keeps it."""
        return self._named(self._cursor)

    def since(self) -> datetime | None:
        """From when on to read: a little before the cursor; None from the beginning."""
        if self._cursor is None:
            text = self._store.inbox.cursor(self._cursor_name)
            self._cursor = None if text is None else read_time(text)
        if self._cursor is None:
            return None
        since = self._cursor - OVERLAP
        return max(since, self._recent[0]) if len(self._recent) == OVERLAP_MOST else since

    def _site_reference(self) -> DocumentReference:
        return self._connection.current.client.document(paths.site_path(self._site_id))

    def _named(self, cursor: datetime | None) -> dict[str, str]:
        return {} if cursor is None or self._collection is None else {self._cursor_name: time_text(cursor)}

    def _query(self, since: datetime | None, *, after: str = "") -> BaseQuery:
        """Documents in the order in which the server took them, from a time on.

        after: of those taken just then only those behind the document of this id.
        """
        if self._collection is None:
            raise ValueError("the document of a site is no collection")
        collection = self._connection.current.client.collection(paths.path_of(self._site_id, self._collection))
        query = collection.order_by(RECEIVED_AT)
        if since is not None:
            query = query.where(filter=FieldFilter(RECEIVED_AT, ">=", since))
        if after:
            query = query.order_by("__name__").start_after({RECEIVED_AT: since, "__name__": collection.document(after)})
        return query

    def _add_vectors(self, decoder: Decoder) -> None:
        client = self._connection.current.client
        for person_id, consented in decoder.people():
            place = client.collection(paths.embeddings_path(self._site_id, person_id)).limit(VECTORS_MOST)
            found = page_of(place, patience_s=30.0).documents if consented else ()
            decoder.add_vectors(person_id, found)
