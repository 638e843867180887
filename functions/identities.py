"""Who is meant by an id: people who were merged have several, and the forgotten have none any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from tracker.cloud.layout import Collection, path_of, record_id
from tracker.presence.events import content_id

_Item = TypeVar("_Item")
_MOST_AT_ONCE = 30
"""Values that one `in` takes."""
_LONGEST_CHAIN = 50


@dataclass(frozen=True, slots=True)
class Identity:
    """A person under the id that counts now. ids: all that they had, the one that counts first."""

    person_id: str
    ids: tuple[str, ...]


def digest_of(person_id: str) -> str:
    """What is left of the id of somebody who was forgotten: the document `forgotten/{digest}`."""
    return content_id("forgotten", person_id)


def identity_of(
    client: firestore.Client,
    site_id: str,
    person_id: str,
    document: dict[str, Any] | None,
    transaction: firestore.Transaction | None,
) -> Identity:
    """Who somebody is now. document: `people/{person_id}` as it was read, None where there is none.

    Follows merges in both directions, also those of people who were merged before. Merges that lead in a circle end
    where they are met again.
    """
    root, seen = person_id, {person_id}
    into = merged_into(document)
    while into is not None and into not in seen and len(seen) < _LONGEST_CHAIN:
        root = into
        seen.add(into)
        found = client.document(path_of(site_id, Collection.PEOPLE, into)).get(transaction=transaction)
        into = merged_into(found.to_dict() if found.exists else None)
    ids = [root]
    frontier = [root]
    while frontier:
        people = client.collection(path_of(site_id, Collection.PEOPLE))
        merged: list[str] = []
        for some in chunks(frontier):
            query = people.where(filter=any_of("merged_into", some))
            merged += [record_id(each.id) for each in query.stream(transaction=transaction)]
        frontier = [each for each in merged if each not in ids]
        ids += frontier
    return Identity(root, tuple(ids))


def merged_into(document: dict[str, Any] | None) -> str | None:
    """Whom the person of a document was merged into."""
    into = None if document is None else document.get("merged_into")
    return into if isinstance(into, str) and into else None


def any_of(name: str, values: Sequence[str]) -> FieldFilter:
    """The condition that a field has one of the values, 30 at most."""
    return FieldFilter(name, "==", values[0]) if len(values) == 1 else FieldFilter(name, "in", list(values))


def chunks(items: Iterable[_Item], size: int = _MOST_AT_ONCE) -> Iterator[list[_Item]]:
    """The items in lists of at most `size`."""
    some: list[_Item] = []
    for item in items:
        some.append(item)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some
