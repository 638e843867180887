"""All ids of one person: people who were merged have several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from google.cloud import firestore

from functions.database import Fields, chunks, equals_any
from tracker.cloud.paths import Collection, path_of, record_id
from tracker.presence.events import content_id

_MAX_MERGES = 50


@dataclass(frozen=True, slots=True)
class Identity:
    """A person under their present id. ids: all they had, the present one first. names: of all their profiles."""

    person_id: str
    ids: tuple[str, ...]
    names: tuple[str, ...] = ()


def digest_of(person_id: str) -> str:
    """The id of the tombstone `forgotten/{digest}` of a person."""
    return content_id("forgotten", person_id)


def identity_of(
    client: firestore.Client,
    site_id: str,
    person_id: str,
    document: Fields | None,
    transaction: firestore.Transaction | None,
) -> Identity:
    """The identity of a person. document: `people/{person_id}` as read, None where it does not exist.

    Follows merges in both directions and over several steps. A circle of merges ends where it closes.
    """
    root, names, seen = person_id, [*_names(document)], {person_id}
    into = merged_into(document)
    while into is not None and into not in seen and len(seen) < _MAX_MERGES:
        root = into
        seen.add(into)
        found = client.document(path_of(site_id, Collection.PEOPLE, into)).get(transaction=transaction)
        document = found.to_dict() if found.exists else None
        names += _names(document)
        into = merged_into(document)
    ids = [root]
    frontier = [root]
    people = client.collection(path_of(site_id, Collection.PEOPLE))
    while frontier:
        merged: dict[str, Fields] = {}
        for chunk in chunks(frontier):
            for each in people.where(filter=equals_any("merged_into", chunk)).stream(transaction=transaction):
                merged[record_id(each.id)] = each.to_dict() or {}
        frontier = [each for each in merged if each not in ids]
        ids += frontier
        names += [name for each in frontier for name in _names(merged[each])]
    return Identity(root, tuple(ids), tuple(dict.fromkeys(names)))


def merged_into(document: Fields | None) -> str | None:
    """The id of the person that the one of a document was merged into."""
    into = None if document is None else document.get("merged_into")
    return into if isinstance(into, str) and into else None


def _names(document: Fields | None) -> Iterator[str]:
    name = (document or {}).get("name")
    if isinstance(name, str) and name.strip():
        yield name.strip()
