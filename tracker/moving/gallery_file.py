"""The content of a gallery file: enrolled people as JSON, with their vectors as base64 of little-endian float32."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from config.errors import PeopleError, RecordError
from tracker.moving.json_files import MOST_PEOPLE, parsed
from tracker.presence.documents import decode, encode
from tracker.presence.events import as_utc, time_text
from tracker.presence.people import Person, PersonKind
from tracker.store.people_copy import Faces, PersonCopy

SCHEMA = 1
MOST_OF_A_PERSON = 100_000
"""Faces, negatives or former ids."""
LONGEST_TEXT = 500
_FIX = "export the gallery again"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GalleryFile:
    """A gallery that is taken from one machine to another. network: of all vectors, by its id in the store."""

    network: str
    exported_at: datetime
    people: tuple[PersonCopy, ...]


def encode_gallery(gallery: GalleryFile) -> bytes:
    """The gallery as JSON."""
    document = {
        "schema": SCHEMA,
        "network": gallery.network,
        "exported_at": time_text(gallery.exported_at),
        "people": [
            {
                "person": encode(each.person),
                "former_ids": list(each.former_ids),
                "faces": _encode_faces(each.faces),
                "negatives": _encode_faces(each.negatives),
                "limit": each.limit,
            }
            for each in gallery.people
        ],
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


def decode_gallery(content: bytes, *, name: str) -> GalleryFile:
    """The gallery of such a JSON text. name: of the file, for messages. Raises PeopleError where it is not one."""
    document = parsed(content, name=name)
    schema = document.get("schema") if isinstance(document, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise PeopleError(f"{name}: written by a newer Footfall (schema {schema})", fix="update Footfall")
    try:
        people = _list(document["people"], MOST_PEOPLE)
        gallery = GalleryFile(
            network=_text(document["network"]),
            exported_at=as_utc(datetime.fromisoformat(_text(document["exported_at"]))),
            people=tuple(_copy(each) for each in people),
        )
    except (KeyError, TypeError, ValueError, OverflowError, RecordError) as error:
        raise PeopleError(f"{name}: not a gallery ({_reason(error)})", fix=_FIX) from error
    ids = [person_id for each in gallery.people for person_id in (each.person.person_id, *each.former_ids)]
    if len(set(ids)) < len(ids):
        raise PeopleError(f"{name}: not a gallery (two people have one id)", fix=_FIX)
    return gallery


def _encode_faces(faces: Faces) -> list[dict[str, str]]:
    return [
        {"vector": base64.b64encode(row.tobytes()).decode(), "source": source}
        for row, source in zip(faces[0].astype("<f4"), faces[1], strict=True)
    ]


def _copy(entry: Mapping[str, Any]) -> PersonCopy:
    """Raises KeyError, TypeError, ValueError and RecordError."""
    person = decode(Person, entry["person"])
    if person.kind is not PersonKind.ENROLLED:
        raise ValueError(f"{person.person_id} is not enrolled")
    faces, limit = _faces(entry["faces"]), entry["limit"]
    if len(faces[0]) and person.consented_at is None:
        raise ValueError(f"{person.person_id} did not agree to be recognised")
    if limit is not None and not (isinstance(limit, int | float) and 0 < limit <= 2):
        raise ValueError("a limit is between 0 and 2")
    return PersonCopy(
        person=person,
        former_ids=tuple(map(_text, _list(entry["former_ids"], MOST_OF_A_PERSON))),
        faces=faces,
        negatives=_faces(entry["negatives"]),
        limit=limit,
    )


def _faces(entries: object) -> Faces:
    """Raises KeyError, TypeError and ValueError."""
    found = _list(entries, MOST_OF_A_PERSON)
    rows = [_vector(_text(each["vector"], longest=100_000)) for each in found]
    if len({len(row) for row in rows}) > 1:
        raise ValueError("vectors differ in length")
    vectors = np.stack(rows) if rows else np.empty((0, 1), np.float32)
    return vectors, tuple(_source(each["source"]) for each in found)


def _vector(text: str) -> np.typing.NDArray[np.float32]:
    try:
        vector = np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
    except binascii.Error as error:
        raise ValueError("a vector is not base64") from error
    if not len(vector) or not np.isfinite(vector).all() or not vector.any():
        raise ValueError("a vector is not one of finite numbers")
    return vector


def _list(value: object, most: int) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"expected a list of at most {most:,}")
    return value


def _source(value: object) -> str:
    """The name of a picture, of any characters that file names have."""
    if not isinstance(value, str):
        raise ValueError("expected the name of a picture")
    return value[:LONGEST_TEXT].encode(errors="replace").decode()


def _text(value: object, *, longest: int = LONGEST_TEXT) -> str:
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise ValueError(f"expected a text of at most {longest:,} characters")
    return value


def _reason(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(getattr(error, "problem", error))
