"""Documents of a collection in the order of one field, indexed on the first query that needs it.

This only makes the server quick; what a query gives does not depend on it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import TYPE_CHECKING

from tests.firestore.server.filters import Path, key_at
from tests.firestore.server.values import Key

if TYPE_CHECKING:
    from tests.firestore.server.archive import Version

KEY: Callable[[tuple[Key, str]], Key] = itemgetter(0)


class Shelf:
    """Ids of the newest documents that have the field, by the field's key and then by id."""

    def __init__(self, path: Path, collection: dict[str, Version]) -> None:
        self._path = path
        held = [(self._key(version), last) for last, version in collection.items()]
        self._entries = sorted((key, last) for key, last in held if key is not None)

    def move(self, last: str, before: Version | None, after: Version) -> None:
        """A document has changed."""
        old, new = self._key(before), self._key(after)
        if old == new:
            return
        if old is not None:
            del self._entries[bisect_left(self._entries, (old, last))]
        if new is not None:
            insort(self._entries, (new, last))

    def span(self, low: Key, high: Key | None) -> tuple[int, int]:
        """The range of entries [first, last) with keys between the inclusive bounds."""
        end = len(self._entries) if high is None else bisect_right(self._entries, high, key=KEY)
        return bisect_left(self._entries, low, key=KEY), end

    def ids(self, span: tuple[int, int], *, backwards: bool) -> Iterator[str]:
        start, end = span
        places = range(end - 1, start - 1, -1) if backwards else range(start, end)
        return (self._entries[place][1] for place in places)

    def _key(self, version: Version | None) -> Key | None:
        document = None if version is None else version.document()
        return None if document is None else key_at(document, self._path)
