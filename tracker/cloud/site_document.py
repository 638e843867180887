"""The document of a site: read before anything is put into it, and then no more than this machine has to say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from config.errors import CloudError
from config.storage import VisitsBy
from tracker.cloud import layout
from tracker.cloud.connect import Connection, explained
from tracker.cloud.writes import Outgoing, Writer
from tracker.presence.events import content_id
from tracker.store.outbox import Receipt
from tracker.store.site_words import SiteWords, visits_said
from tracker.store.store import Store

NOTE = "up site"
"""The note of what this machine said last, and of which document it knew then."""
_TIMEOUT_S = 15.0


class SiteDocument:
    """The document of a site, as the machine behind one connection has a say in it. For one thread.

    trouble: why it could not be read, when it last was to be.
    """

    def __init__(self, store: Store, connection: Connection, writer: Writer, *, site_id: str, words: SiteWords) -> None:
        self.trouble: CloudError | None = None
        self._store = store
        self._connection = connection
        self._writer = writer
        self._site_id = site_id
        self._words = words
        self._found: Mapping[str, object] | None = None
        self._there: Mapping[str, object] | None = None

    @property
    def visits_by(self) -> VisitsBy | None:
        """Who writes the visits of the site; None while the document was neither heard of nor read."""
        heard = self._store.inbox.site_document(self._site_id)
        return visits_said(self._there if heard is None else heard)

    def due(self) -> tuple[list[Outgoing], dict[str, str | None]]:
        """What is to be written, and the notes to be made once it is. Raises StoreError."""
        self.trouble = None
        heard = self._store.inbox.site_document(self._site_id)
        is_known = heard is not None or self._found is not None
        if is_known and self._words.is_silent:
            return [], {}
        last = self._store.outbox.notes(NOTE).get("")
        text = json.dumps(
            {"said": self._words.said, "heard": content_id("site", json.dumps(heard, sort_keys=True))}, sort_keys=True
        )
        if is_known and last == text:
            return [], {}
        try:
            self._found = self._read()
        except CloudError as error:
            self.trouble = error
            return [], {}
        path = layout.site_path(self._site_id)
        self._there = self._words.whole() if self._found is None else self._found
        if self._found is None:
            return [self._writer.founded("sites", self._site_id, path, self._words.whole())], {NOTE: text}
        new = self._words.over(self._found, _said(last))
        if new:
            return [self._writer.merged("sites", self._site_id, path, new)], {NOTE: text}
        if not self._words.is_silent:
            self._store.outbox.acknowledge(Receipt(notes={NOTE: text}))
        return [], {}

    def _read(self) -> Mapping[str, object] | None:
        place = self._connection.client.document(layout.site_path(self._site_id))
        with explained():
            found: Mapping[str, object] | None = place.get(timeout=_TIMEOUT_S, retry=None).to_dict()
        return found


def _said(note: str | None) -> Mapping[str, Any]:
    """What a note says was said; nothing where there is none, or one of an older version."""
    said = json.loads(note or "{}").get("said")
    return said if isinstance(said, dict) else {}
