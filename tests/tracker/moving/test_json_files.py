"""JSON files of other programs: whoever is in them is found by the structure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import PeopleError
from tracker.moving.json_files import read_json
from tracker.presence.people import Role

V = [round(0.1 * number, 1) for number in range(16)]
POSITIONS = {str(position): value for position, value in enumerate(V)}
TEXT = " ".join(map(str, V))


def counts(document: Any) -> dict[str, int]:
    """By name how many vectors each person has."""
    found = read_json(json.dumps(document).encode(), name="file.json").people
    return {person.name: len(person.vectors) for person in found}


SHAPES: dict[str, tuple[Any, dict[str, int]]] = {
    "by-name": ({"Ada": V, "Bob": [V, V]}, {"Ada": 1, "Bob": 2}),
    "by-name-objects": ({"Ada": {"embedding": V}, "Bob": [{"vector": V}, {"vector": V}]}, {"Ada": 1, "Bob": 2}),
    "by-id": ({"17": {"name": "Ada", "faceEncoding": V}}, {"Ada": 1}),
    "list": ([{"id": 1, "name": "Ada", "encoding": V}, {"id": 1, "name": "Ada", "encoding": V}], {"Ada": 2}),
    "ids-only": ([{"student_id": 17, "face_embedding": V}], {"17": 1}),
    "first-and-last-name": ([{"first_name": "Ada", "last_name": "Byron", "features": [V]}], {"Ada Byron": 1}),
    "one": ({"name": "Ada", "encodings": [V, V]}, {"Ada": 2}),
    "one-by-side": ({"name": "Ada", "embeddings": {"front": V, "left": V}}, {"Ada": 2}),
    "one-with-faces": ({"name": "Ada", "faces": [{"file": "1.jpg", "embedding": V}]}, {"Ada": 1}),
    "parallel": ({"names": ["Ada", "Ada"], "encodings": [V, V]}, {"Ada": 2}),
    "parallel-known": ({"known_face_names": ["Ada"], "known_face_encodings": [V]}, {"Ada": 1}),
    "pair": ([["Ada", "Bob"], [V, V]], {"Ada": 1, "Bob": 1}),
    "pair-reversed": ([[V, V], ["Ada", "Bob"]], {"Ada": 1, "Bob": 1}),
    "wrapped": ({"model": "sface", "dimension": 16, "embeddings": {"Ada": [V]}}, {"Ada": 1}),
    "wrapped-by-a-name": ({"name": "our gallery", "people": [{"name": "Ada", "vector": V}]}, {"Ada": 1}),
    "wrapped-twice": ({"data": {"members": [{"label": "Ada", "descriptors": [V, V]}]}}, {"Ada": 2}),
    "beside-others": ({"students": {"s1": {"name": "Ada", "encoding": V}}, "days": {"1": ["s1"]}}, {"Ada": 1}),
    "called-like-a-wrapper": ({"Data": {"embedding": V}, "Ada": {"embedding": V}}, {"Data": 1, "Ada": 1}),
    "typed-array": ({"Ada": POSITIONS, "Bob": {"descriptor": POSITIONS}}, {"Ada": 1, "Bob": 1}),
    "text": ([{"name": "Ada", "encoding": TEXT}, {"name": "Bob", "encoding": json.dumps(V)}], {"Ada": 1, "Bob": 1}),
    "identity": ([{"identity": f"/db/{name}/1.jpg", "embedding": V} for name in ("Ada", "Bob")], {"Ada": 1, "Bob": 1}),
    "identity-files": ([{"identity": f"db/{name}.jpg", "vector": V} for name in ("Ada", "Bob")], {"Ada": 1, "Bob": 1}),
    "identity-names": ([{"identity": "Dr. Ada", "embedding": V}], {"Dr. Ada": 1}),
    "names-only": ({"1": "Ada", "2": "Bob"}, {"Ada": 0, "Bob": 0}),
    "texts-of-numbers": ({"Ada": V, "Bob": list(map(str, V)), "ids": [str(i) for i in range(9)]}, {"Ada": 1, "Bob": 1}),
    "without-a-name": ({"names": ["Ada", ""], "encodings": [V, V]}, {"Ada": 1, "": 1}),
    "broken-vector": ({"Ada": [V, ["x", *V], [None, *V]]}, {"Ada": 3}),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_everybody_is_found(shape: str) -> None:
    document, expected = SHAPES[shape]
    assert counts(document) == expected


@pytest.mark.parametrize(
    "vector", [V, POSITIONS, dict(reversed(POSITIONS.items())), TEXT, json.dumps(V), ", ".join(map(str, V))]
)
@pytest.mark.parametrize(
    "document", [{"Ada": None}, {"Ada": {"embedding": None}}, [{"name": "Ada", "encodings": [None]}]]
)
def test_vectors_are_numbers_however_they_are_written(vector: Any, document: Any) -> None:
    text = json.dumps(document).replace("null", json.dumps(vector))
    (ada,) = read_json(text.encode(), name="file.json").people
    assert ada.vectors == (V,)


@pytest.mark.parametrize("reversed_pair", [False, True])
def test_each_name_gets_its_own_vectors(reversed_pair: bool) -> None:
    names, vectors = ["Ada", "Bob", "Ada"], [V, V[1:], V[2:]]
    document = [vectors, names] if reversed_pair else [names, vectors]
    found = read_json(json.dumps(document).encode(), name="file.json").people
    assert {person.name: person.vectors for person in found} == {"Ada": (V, V[2:]), "Bob": (V[1:],)}


@pytest.mark.parametrize("document", [{}, [], [[""], [[]]]])
def test_a_file_without_anybody_is_refused(document: Any) -> None:
    with pytest.raises(PeopleError, match="no people found in it"):
        counts(document)


@pytest.mark.parametrize(
    "document", [[V], [[None], [""]], {"encodings": [V]}, {"names": ["Ada", "Bob"], "encodings": [V, V, V]}]
)
def test_vectors_without_names_are_refused(document: Any) -> None:
    with pytest.raises(PeopleError, match="vectors without names"):
        counts(document)


def test_profiles_are_mapped_and_the_rest_is_listed() -> None:
    entry = {
        "name": "Ada", "Role": "employee", "Class": "Maths", "team": ["Chess", "Maths"], "valid_from": "2026-01-01",
        "expiry_date": "2026-12-31T00:00:00Z", "email": "ada@example.org", "phone": 1,
    }  # fmt: skip
    (ada,) = read_json(json.dumps([entry]).encode(), name="file.json").people
    assert {key: str(value) for key, value in ada.changes.items()} == {
        "role": Role.STAFF, "groups": "('Maths', 'Chess')", "valid_from": "2026-01-01", "valid_until": "2026-12-31",
    }  # fmt: skip
    assert ada.ignored == ("email", "phone")


@pytest.mark.parametrize(
    ("fields", "ignored"),
    [
        pytest.param({"role": "king"}, ("role",), id="role"),
        pytest.param({"group": "a/b"}, ("group",), id="group"),
        pytest.param({"expires": "soon"}, ("expires",), id="day"),
        pytest.param(
            {"valid_from": "2027-01-01", "valid_until": "2026-01-01"}, ("valid_from", "valid_until"), id="order"
        ),
    ],
)  # fmt: skip
def test_profiles_that_nobody_can_have_are_not_taken(fields: dict[str, str], ignored: tuple[str, ...]) -> None:
    (ada,) = read_json(json.dumps([{"name": "Ada", **fields}]).encode(), name="file.json").people
    assert (dict(ada.changes), ada.ignored) == ({}, ignored)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8) | st.just(V),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "people", "encoding", "1", "names", "encodings", "identity"]), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_has_people_or_is_refused(document: Any) -> None:
    try:
        found = counts(document)
    except PeopleError:
        return
    assert found
    assert all(name.strip() or vectors for name, vectors in found.items())
