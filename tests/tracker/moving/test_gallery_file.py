"""The content of a gallery file: back as it was, and strict about everything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

from config.errors import PeopleError
from tracker.moving.gallery_file import GalleryFile, decode_gallery, encode_gallery
from tracker.presence.people import Person, Role
from tracker.store.people_copy import PersonCopy

AT = datetime(2026, 3, 2, 18, tzinfo=UTC)
VECTORS = np.random.default_rng(7).normal(size=(2, 128)).astype(np.float32)
ADA = PersonCopy(
    person=Person(
        person_id="p-ada", name="Ada", created_at=AT, role=Role.STAFF, access=False, consented_at=AT,
        consent_version="2", consent_by="Ann", groups=("Yoga",), valid_until=date(2026, 12, 31),
    ),
    former_ids=("v-0000000001",),
    faces=(VECTORS, ("ada.jpg", "")),
    negatives=(VECTORS[:1] + 1, ("sister.jpg",)),
    limit=0.9,
)  # fmt: skip
BOB = PersonCopy(
    person=Person(person_id="p-bob", name="Bob", created_at=AT),
    former_ids=(),
    faces=(VECTORS[:0], ()),
    negatives=(VECTORS[:0], ()),
    limit=None,
)
GALLERY = GalleryFile(network="sface", exported_at=AT, people=(ADA, BOB))


def test_a_gallery_comes_back_as_it_was() -> None:
    found = decode_gallery(encode_gallery(GALLERY), name="gym")
    assert (found.network, found.exported_at) == ("sface", AT)
    for back, given in zip(found.people, GALLERY.people, strict=True):
        assert (back.person, back.former_ids, back.limit) == (given.person, given.former_ids, given.limit)
        assert (back.faces[1], back.negatives[1]) == (given.faces[1], given.negatives[1])
    assert (found.people[0].faces[0] == VECTORS).all()
    assert (found.people[0].negatives[0] == ADA.negatives[0]).all()


def test_whatever_can_be_enrolled_comes_back() -> None:
    count = 1_001
    names = ("shot 3.45\u202fPM.png", "a\nb.png", "\U0001f468\u200d\U0001f469.png", "n" * 255)
    vectors = np.ones((count, 4), np.float32)
    copy = replace(
        ADA, faces=(vectors, (*names, *[""] * (count - len(names)))), former_ids=tuple(map(str, range(count)))
    )
    (found,) = decode_gallery(encode_gallery(replace(GALLERY, people=(copy,))), name="gym").people
    assert (found.faces[1], found.former_ids) == (copy.faces[1], copy.former_ids)


def test_half_a_character_in_the_name_of_a_picture_is_replaced() -> None:
    document = json.loads(encode_gallery(GALLERY))
    document["people"][0]["faces"][0]["source"] = "\ud800.png"
    assert decode_gallery(json.dumps(document).encode(), name="gym").people[0].faces[1][0] == "?.png"


def _set(*path: Any, to: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = to

    return change


CHANGES = {
    "newer": (_set("schema", to=2), "written by a newer Footfall"),
    "no-people": (lambda document: document.pop("people"), "'people' is missing"),
    "people-by-name": (_set("people", to={}), "expected a list"),
    "no-person": (_set("people", 0, to="Ada"), "not a gallery"),
    "visitor": (_set("people", 1, "person", "kind", to="visitor"), "p-bob is not enrolled"),
    "role": (_set("people", 0, "person", "role", to="boss"), "role"),
    "without-consent": (_set("people", 0, "person", "consented_at", to=None), "did not agree"),
    "twice": (_set("people", 1, "person", "person_id", to="p-ada"), "two people have one id"),
    "own-former-id": (_set("people", 0, "former_ids", to=["p-ada"]), "two people have one id"),
    "merged-into-two": (_set("people", 1, "former_ids", to=["v-0000000001"]), "two people have one id"),
    "no-base64": (_set("people", 0, "faces", 0, "vector", to="!"), "not base64"),
    "odd-bytes": (_set("people", 0, "faces", 0, "vector", to="AAA="), "not a gallery"),
    "zeros": (_set("people", 0, "faces", 0, "vector", to="AAAAAAAAAAA="), "finite numbers"),
    "not-finite": (_set("people", 0, "faces", 0, "vector", to="AADAfwAAAAA="), "finite numbers"),
    "lengths": (_set("people", 0, "faces", 0, "vector", to="AACAPwAAAAA="), "differ in length"),
    "source": (_set("people", 0, "faces", 0, "source", to=None), "name of a picture"),
    "limit": (_set("people", 0, "limit", to=-1), "between 0 and 2"),
    "year-0": (_set("exported_at", to="0001-01-01T00:00:00+10:00"), "not a gallery"),
    "time": (_set("exported_at", to="yesterday"), "not a gallery"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_anything_else_is_refused(name: str) -> None:
    change, words = CHANGES[name]
    document = json.loads(encode_gallery(GALLERY))
    change(document)
    with pytest.raises(PeopleError, match=words):
        decode_gallery(json.dumps(document).encode(), name="gym")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'"x"', b"\xff", b"[" * 100_000])
def test_other_texts_are_refused(content: bytes) -> None:
    with pytest.raises(PeopleError, match="gym: "):
        decode_gallery(content, name="gym")
