"""Which face belongs to which body, and whose name a body has. Bodies are 60 px wide and 200 px tall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tracker.agent.person_tracks import PersonTracks
from tracker.agent.roles.role import View
from tracker.identity.recognition import FaceName, RecognitionResult, Retraction
from tracker.presence.events import CameraRef, unidentified_id
from tracker.presence.line import Inside, Line
from tracker.presence.room import Sighting
from tracker.vision.body_tracks import BodyTrack
from tracker.vision.faces import Faces

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
CAMERA = CameraRef("gym", "door")
LINE = Line(start=(0.5, 0.0), end=(0.5, 1.0), inside=Inside.RIGHT)
SIZE_WH = (1000, 500)
Face = tuple[str, str | None, float, float]
"""Its track, whose it is, its middle in px."""


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def head(track_id: str, person_id: str | None, body_x: float) -> Face:
    """A face in the head of the body that stands there."""
    return track_id, person_id, body_x, 220


@dataclass
class Film:
    """Frames that follow each other; a body began two seconds before it is first seen here."""

    tracks: PersonTracks = field(default_factory=lambda: PersonTracks(CAMERA, line=LINE))
    begun: dict[str, datetime] = field(default_factory=dict)

    def show(
        self,
        second: float,
        faces: Sequence[Face] = (),
        bodies: dict[str, float] | None = None,
        *,
        retracted: Sequence[Retraction] = (),
        ended: Sequence[str] = (),
        hits: int = 9,
    ) -> View:
        """bodies: x of the foot by track; None for a frame without a look."""
        boxes = np.array([(x - 10, y - 12, x + 10, y + 12) for *_, x, y in faces], np.float32).reshape(-1, 4)
        sightings = [
            Sighting(person_id=who, track_id=key, since=at(second), seen_at=at(second), x_frac=x / 1000, y_frac=y / 500)
            for key, who, x, y in faces
            if who is not None
        ]
        recognised = RecognitionResult(
            sightings=tuple(sightings),
            matches=(),
            faces=tuple(FaceName(track_id=key, person_id=who, reason="") for key, who, *_ in faces),
            retracted=tuple(retracted),
            ended=tuple(ended),
        )
        count = len(faces)
        found = Faces(boxes, np.ones(count, np.float32), np.zeros((count, 5, 2), np.float32))
        looked = None if bodies is None else [self._body(key, x, second, hits) for key, x in bodies.items()]
        return self.tracks.update(recognised, found, looked, at(second), size_wh=SIZE_WH)

    def _body(self, track_id: str, x: float, second: float, hits: int) -> BodyTrack:
        begun = self.begun.setdefault(track_id, at(second - 2))
        box = np.array([x - 30, 200, x + 30, 400], np.float32)
        return BodyTrack(track_id=track_id, started_at=begun, seen_at=at(second), box=box, hits=hits)


@pytest.fixture
def film() -> Film:
    return Film()


def names(view: View) -> dict[str, str | None]:
    """Whose each point is, by track."""
    return {each.track_id: each.person_id for each in view.points}


def seen(view: View) -> dict[str, tuple[str, float]]:
    """By person, the track of each sighting and since which second it reaches."""
    return {each.person_id: (each.track_id, (each.since - START).total_seconds()) for each in view.sightings}


def test_a_body_has_the_name_of_its_face_since_it_began(film: Film) -> None:
    view = film.show(0, [head("f1", "ada", 300)], {"b1": 300})
    assert names(view) == {"b1": "ada"}
    assert seen(view) == {"ada": ("f1", -2)}
    (point,) = view.points
    assert (point.named_by, point.is_body, point.y_frac) == ("f1", True, 0.8)
    assert point.counted_as == unidentified_id(CAMERA, "b1")


def test_the_name_stays_while_the_face_is_turned_away(film: Film) -> None:
    film.show(0, [head("f1", "ada", 300)], {"b1": 300})
    away = film.show(1, [], {"b1": 320}, ended=["f1"])
    assert (names(away), seen(away), away.ended_tracks) == ({"b1": "ada"}, {"ada": ("f1", 1)}, ())
    back = film.show(2, [head("f2", None, 340)], {"b1": 340})
    assert (names(back), seen(back)) == ({"b1": "ada"}, {"ada": ("f1", 2)})
    known = film.show(3, [head("f2", "ada", 340)], {"b1": 340})
    assert (seen(known), known.ended_tracks) == ({"ada": ("f2", 3)}, ("f1",))
    other = film.show(4, [head("f2", "bob", 340)], {"b1": 340})
    assert (names(other), seen(other)) == ({"b1": "bob"}, {"bob": ("f2", 4)})


def test_a_name_goes_with_the_body_that_had_it(film: Film) -> None:
    film.show(0, [head("f1", "ada", 300)], {"b1": 300})
    gone = film.show(3, [], {}, ended=["f1"])
    assert sorted(gone.ended_tracks) == ["b1", "f1"]
    assert names(film.show(4, [], {"b2": 300})) == {"b2": None}


def test_two_people_whose_paths_cross_keep_their_names(film: Film) -> None:
    for second in range(11):
        x, y = 300 + 20 * second, 500 - 20 * second
        faces = [head("f1", "ada", x)] if second < 3 else []
        view = film.show(second / 4, [*faces, head("f2", "bob", y)], {"b1": x, "b2": y})
        assert names(view) == {"b1": "ada", "b2": "bob"}


def test_a_body_that_took_the_wrong_way_gets_its_name_from_the_face(film: Film) -> None:
    """Where two meet, the tracks of their bodies were mixed up: the faces put it right."""
    film.show(0, [head("f1", "ada", 300), head("f2", "bob", 500)], {"b1": 300, "b2": 500})
    mixed = film.show(1, [head("f1", "ada", 500), head("f2", "bob", 300)], {"b1": 300, "b2": 500})
    assert names(mixed) == {"b1": "bob", "b2": "ada"}
    assert seen(mixed) == {"ada": ("f1", 1), "bob": ("f2", 1)}


def test_a_person_is_on_the_body_whose_face_was_seen_last(film: Film) -> None:
    film.show(0, [head("f1", "ada", 300)], {"b1": 300, "b2": 700})
    view = film.show(1, [head("f3", "ada", 700)], {"b1": 300, "b2": 700}, ended=["f1"])
    assert names(view) == {"b1": None, "b2": "ada"}
    assert [each.since for each in view.unnamed] == [at(1)]


def test_a_face_that_is_out_of_its_head_for_a_moment_leaves_the_name_there(film: Film) -> None:
    film.show(0, [head("f1", "ada", 300)], {"b1": 300})
    bent = film.show(1, [("f1", "ada", 340, 260)], {"b1": 300})
    assert (names(bent), seen(bent)) == ({"b1": "ada"}, {"ada": ("f1", 1)})
    assert seen(film.show(2, [], {"b1": 300}, ended=["f1"])) == {"ada": ("f1", 2)}


@pytest.mark.parametrize("x", [260, 300, 345], ids=["left", "middle", "right"])
def test_two_faces_near_one_body(film: Film, x: float) -> None:
    """The one in the middle of the head is its own; the other one is by itself."""
    faces = [("f1", "ada", 302.0, 222.0), ("f2", "bob", x, 250.0)]
    view = film.show(0, faces, {"b1": 300})
    assert names(view) == {"b1": "ada", "f2": "bob"}


def test_two_bodies_never_share_a_face(film: Film) -> None:
    view = film.show(0, [head("f1", "ada", 310)], {"b1": 300, "b2": 330})
    assert names(view) == {"b1": "ada", "b2": None}


@pytest.mark.parametrize(("x", "y"), [(340, 220), (300, 150), (300, 320)], ids=["beside", "above", "at-the-waist"])
def test_a_face_outside_of_the_head_is_by_itself(film: Film, x: float, y: float) -> None:
    view = film.show(0, [("f1", "ada", x, y)], {"b1": 300})
    assert names(view) == {"b1": None, "f1": "ada"}
    assert seen(view) == {"ada": ("f1", 0)}


def test_faces_alone_are_as_recognition_leaves_them(film: Film) -> None:
    wrong = Retraction(track_id="f1", person_id="bob", into_id="ada")
    faces = [head("f1", "ada", 300), head("f2", None, 400)]
    view = film.show(0, faces, None, retracted=[wrong], ended=["f0"])
    assert (names(view), view.retractions, view.ended_tracks) == ({"f1": "ada", "f2": None}, (wrong,), ("f0",))
    assert not any(each.is_body or each.counted_as for each in view.points)


def test_a_face_whose_body_is_lost_has_a_name_and_no_place(film: Film) -> None:
    film.show(0, [head("f1", None, 300)], {"b1": 300})
    for second in (1, 5):
        (point,) = film.show(second, [head("f1", "ada", 900)], {}).points
        assert (point.track_id, point.person_id, point.band) == ("b1", "ada", np.inf)
    taken_up = film.show(6, [head("f1", "ada", 900)], {"b7": 900})
    assert [(each.track_id, each.band < 1) for each in taken_up.points] == [("b1", True)]


def test_a_wrong_name_is_taken_from_the_body(film: Film) -> None:
    film.show(0, [head("f1", "ada", 300)], {"b1": 300})
    wrong = Retraction(track_id="f1", person_id="ada", into_id=None)
    view = film.show(1, [head("f1", None, 300)], {"b1": 300}, retracted=[wrong])
    assert (names(view), view.retractions) == ({"b1": None}, (wrong,))
    assert [each.since for each in view.unnamed] == [at(-2)]


def test_a_name_retracts_what_was_unidentified(film: Film) -> None:
    anonymous = unidentified_id(CAMERA, "b1")
    (unnamed,) = film.show(0, [], {"b1": 300}).unnamed
    assert (unnamed.person_id, unnamed.track_id, unnamed.since) == (anonymous, "b1", at(-2))
    view = film.show(1, [head("f1", "ada", 300)], {"b1": 300})
    assert view.retractions == (Retraction(track_id="b1", person_id=anonymous, into_id="ada"),)


def test_a_body_that_is_not_confirmed_does_not_count(film: Film) -> None:
    view = film.show(0, [], {"b1": 300}, hits=2)
    assert view.unnamed == ()
    assert [each.counted_as for each in view.points] == [None]


def test_people_are_merged_and_forgotten_on_their_bodies(film: Film) -> None:
    film.show(0, [head("f1", "ada", 300), head("f2", "bob", 700)], {"b1": 300, "b2": 700})
    film.tracks.move("ada", "eve")
    film.tracks.move("bob", None)
    assert film.tracks.person_ids == {"eve"}
    assert names(film.show(1, [], {"b1": 300, "b2": 700})) == {"b1": "eve", "b2": None}


def test_nothing_is_left_of_a_thousand_people(film: Film) -> None:
    begun, ended = 0, 0
    for number in range(1000):
        faces = [head(f"f{number}", f"p{number}", 300)] if number % 2 else []
        view = film.show(
            10.0 * number, faces, {f"b{number}": 300}, ended=[f"f{number - 2}"] if faces and number > 2 else []
        )
        begun, ended = begun + 1 + len(faces), ended + len(view.ended_tracks)
    film.tracks.end()
    ended += len(film.show(20_000).ended_tracks)
    assert (film.tracks.person_ids, ended) == (frozenset(), begun)
