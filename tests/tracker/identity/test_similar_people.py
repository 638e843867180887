"""Similar people: suggestions for merging visitors."""

from __future__ import annotations

import numpy as np
import pytest

from config.recognition import MatchSettings
from tracker.identity.gallery import Gallery
from tracker.identity.visitors import SimilarPerson, mergeable_pairs, similar_people

SETTINGS = MatchSettings(max_distance=0.55, stranger_distance=0.6, clear_by=0.05)
NOBODY = Gallery.empty()


def gallery(**people: tuple[float, ...]) -> Gallery:
    """Faces on a line, so that distances are differences."""
    found = Gallery.empty()
    for person_id, places in people.items():
        vectors = np.zeros((len(places), 128), np.float32)
        vectors[:, 0] = places
        found = found.with_person(person_id.replace("_", "-"), vectors)
    return found


def test_most_similar_person_of_each_visitor() -> None:
    visitors = gallery(v_1=(0.0,), v_2=(0.3, 0.4), v_3=(0.9,), v_4=(5.0,))
    found = similar_people(visitors, gallery(p_ada=(1.2, 9.0)), SETTINGS)
    assert {each.person_id: each.other_id for each in found.values()} == {"v-1": "v-2", "v-2": "v-1", "v-3": "p-ada"}
    assert found["v-3"].distance == pytest.approx(0.3, abs=1e-3)


def test_enrolled_person_counts_within_their_own_limit() -> None:
    enrolled = gallery(p_ada=(0.5,)).with_exceptions({"p-ada": 0.45}, np.empty((0, 128)), ())
    assert similar_people(gallery(v_1=(0.0,)), enrolled, SETTINGS) == {}


def test_strong_similarity_is_by_the_median() -> None:
    weak = similar_people(gallery(v_1=(0.0, -1.0, -2.0), v_2=(0.3,)), NOBODY, SETTINGS)
    strong = similar_people(gallery(v_1=(0.0, -0.1, -2.0), v_2=(0.3,)), NOBODY, SETTINGS)
    assert (weak["v-1"].strong, strong["v-1"].strong) == (False, True)


def test_mergeable_pairs_are_mutual_and_strong() -> None:
    chain = similar_people(gallery(v_1=(0.0,), v_2=(0.4,), v_3=(0.7,), v_4=(0.75,)), NOBODY, SETTINGS)
    assert mergeable_pairs(chain) == [("v-3", "v-4")]
    assert mergeable_pairs({"v-1": SimilarPerson(person_id="v-1", other_id="p-ada", distance=0.1, strong=True)}) == []


@pytest.mark.parametrize("visitors", [NOBODY, gallery(v_1=(0.0,))])
def test_similar_people_of_none_and_one(visitors: Gallery) -> None:
    assert similar_people(visitors, NOBODY, SETTINGS) == {}
