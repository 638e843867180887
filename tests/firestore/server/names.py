"""Names of databases, collections, documents and fields, within Firestore's limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tests.firestore.server.refusal import expect, invalid

MAX_ID_BYTES = 1500
MAX_NAME_BYTES = 6 * 1024
MAX_COLLECTION_DEPTH = 100
RESERVED = re.compile(r"__.*__", re.DOTALL)
DATABASE = re.compile(r"projects/([^/]+)/databases/([^/]+)")
SEGMENT = re.compile(r"`(?:[^`\\]|\\.)+`|[A-Za-z_][A-Za-z_0-9]*")
NAME_FIELD = "__name__"


@dataclass(frozen=True, slots=True)
class Place:
    """A document's place: the database ("projects/P/databases/D") and the ids from the root, alternating."""

    database: str
    ids: tuple[str, ...]

    @property
    def collection(self) -> tuple[str, ...]:
        return self.ids[:-1]

    @property
    def name(self) -> str:
        return f"{self.database}/documents/{'/'.join(self.ids)}"


def project_of(name: str) -> str:
    """The project in the name of a database, a document or a parent; "" where there is none."""
    found = DATABASE.match(name)
    return found[1] if found else ""


def database_of(name: str) -> str:
    found = DATABASE.fullmatch(name)
    if found is None:
        raise invalid(f'Invalid database name "{name}".')
    return name


def split_name(name: str) -> Place:
    """Database and ids of "projects/P/databases/D/documents[/…]"; the root has no ids."""
    found = DATABASE.match(name)
    rest = name[found.end() :] if found else ""
    if found is None or not (rest == "/documents" or rest.startswith("/documents/")):
        raise invalid(f'Invalid resource name "{name}".')
    below = rest.removeprefix("/documents").removeprefix("/")
    return Place(found[0], tuple(below.split("/")) if below else ())


def parent_place(name: str) -> Place:
    """The root or a document: a parent of collections."""
    place = split_name(name)
    expect(len(place.ids) % 2 == 0, f'Parent "{name}" is neither the root nor a document.')
    return place


@lru_cache(maxsize=4096)
def known_collection(database: str, ids: tuple[str, ...]) -> Place:
    expect(len(ids) // 2 < MAX_COLLECTION_DEPTH, f"Collections nest deeper than {MAX_COLLECTION_DEPTH}.")
    for each in ids:
        check_id(each)
    return Place(database, ids)


def document_place(name: str) -> Place:
    """The document's place, once its ids keep the limits."""
    place = split_name(name)
    expect(place.ids and len(place.ids) % 2 == 0, f'Document name "{name}" has an odd number of ids.')
    known_collection(place.database, place.collection)
    check_id(place.ids[-1])
    size = len(name.encode())
    expect(size <= MAX_NAME_BYTES, f"The document's name has {size} bytes, the limit is {MAX_NAME_BYTES}.")
    return place


def check_id(each: str) -> None:
    expect(each, "A collection or document id is empty.")
    expect(each not in (".", ".."), f'Resource id "{each}" is invalid: it is a single or double dot.')
    expect(not RESERVED.fullmatch(each), f'Resource id "{each}" is invalid because it is reserved.')
    expect(len(each.encode()) <= MAX_ID_BYTES, f"Resource id is longer than {MAX_ID_BYTES} bytes.")


@lru_cache(maxsize=4096)
def check_field(each: str) -> None:
    expect(each, "A field name is empty.")
    expect(not RESERVED.fullmatch(each), f'Field name "{each}" is reserved.')
    expect(len(each.encode()) <= MAX_ID_BYTES, f"A field name is longer than {MAX_ID_BYTES} bytes.")


@lru_cache(maxsize=4096)
def field_path(text: str) -> tuple[str, ...]:
    """The segments of "a.`b c`.d"; ("__name__",) is the document's own name."""
    if text == NAME_FIELD:
        return (NAME_FIELD,)
    segments: list[str] = []
    at = 0
    while True:
        found = SEGMENT.match(text, at)
        if found is None:
            raise invalid(f'Invalid property path "{text}".')
        segment = found[0]
        segments.append(re.sub(r"\\(.)", r"\1", segment[1:-1]) if segment.startswith("`") else segment)
        at = found.end()
        if at == len(text):
            break
        if text[at] != ".":
            raise invalid(f'Invalid property path "{text}".')
        at += 1
    for segment in segments:
        check_field(segment)
    return tuple(segments)
