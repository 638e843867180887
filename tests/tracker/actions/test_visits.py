"""Corrections of whole visits."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from config.errors import ModelError, RecordError
from tests.tracker.actions.conftest import DESK, NOW, SITE, Gym, ago, event, vector
from tracker.actions import reassigning, visits
from tracker.actions.undo import undo
from tracker.presence.events import OPERATOR
from tracker.presence.people import PersonKind
from tracker.store.audit import SubjectKind
from tracker.store.observation import Observation
from tracker.store.shadow import ShadowVector
from tracker.vision.embedders import DLIB, SFACE, EmbedderSpec


def test_somebody_who_left_unseen_has_left_now(gym: Gym) -> None:
    visits.mark_left(gym.store, DESK, site_id=SITE, person_id="p-ada", reason="by the fire door")
    assert gym.visits() == [("p-ada", 300, 240), ("p-ada", 60, 0)]
    (correction,) = gym.store.events.corrections()
    assert (correction.by, correction.reason) == ("Desk", "by the fire door")
    assert correction.event is not None
    assert correction.event.camera_id == OPERATOR


def test_nobody_has_left_before_a_camera_saw_them_last(gym: Gym) -> None:
    gym.store.record(Observation(events=[event("exit", 30), event("enter", 29)]))
    with pytest.raises(RecordError, match="a camera saw the person after that"):
        visits.mark_left(gym.store, DESK, site_id=SITE, person_id="p-ada", at=ago(40))
    assert gym.visits()[-1] == ("p-ada", 60, None)


def test_a_visit_moves_to_the_person_who_was_there(gym: Gym) -> None:
    gym.store.record(Observation(events=[event("exit", 200, "p-bob"), event("enter", 210, "p-bob")]))
    reassigning.reassign(gym.store, DESK, site_id=SITE, session_id=gym.over, to="p-bob", embedder=lambda: SFACE)
    assert gym.visits() == [("p-bob", 300, 240), ("p-bob", 210, 200), ("p-ada", 60, None)]


def test_faces_of_a_reassigned_visit_are_not_the_first_persons_but_their_own_are_left_out(gym: Gym) -> None:
    audit_id = reassigning.reassign(
        gym.store, DESK, site_id=SITE, session_id=gym.over, to="p-bob", embedder=lambda: SFACE
    )
    vectors, owners = gym.store.people.negatives()
    assert owners == ("p-ada",)
    assert np.array_equal(vectors, vector(7))
    undo(gym.store, DESK, audit_id)
    assert gym.store.people.negatives()[1] == ()


def test_faces_taken_for_the_next_network_go_with_the_name_of_a_reassigned_visit(gym: Gym) -> None:
    faces = [ShadowVector("p-ada", vector(7)[0], "t-p-ada"), ShadowVector("p-ada", vector(8)[0], "t-other")]
    gym.store.shadow.add(DLIB.network, faces)
    reassigning.reassign(gym.store, DESK, site_id=SITE, session_id=gym.over, to="p-bob", embedder=lambda: SFACE)
    assert gym.store.shadow.vectors(DLIB.network)[2] == ("t-other",)


def test_the_network_is_needed_only_where_faces_of_the_visit_are_here(gym: Gym) -> None:
    def missing() -> EmbedderSpec:
        raise ModelError("the model pack is not here", fix="add it")

    def give_away() -> None:
        reassigning.reassign(gym.store, DESK, site_id=SITE, session_id=gym.over, to="p-bob", embedder=missing)

    before = gym.visits()
    with pytest.raises(ModelError, match="not here"):
        give_away()
    assert gym.visits() == before
    gym.store.matches.drop_evidence(NOW + timedelta(days=1))
    give_away()
    assert gym.visits() == [("p-bob", 300, 240), ("p-ada", 60, None)]


def test_a_visit_of_nobody_known_is_that_of_a_new_visitor(gym: Gym) -> None:
    audit_id = reassigning.reassign(gym.store, DESK, site_id=SITE, session_id=gym.over, to=None, embedder=lambda: SFACE)
    known = gym.store.people.all(kind=PersonKind.VISITOR)
    assert [each.name for each in known] == ["Visitor 1", "Visitor 2"]
    assert gym.visits() == [(known[1].person_id, 300, 240), ("p-ada", 60, None)]
    undo(gym.store, DESK, audit_id)
    assert [each.name for each in gym.store.people.all(kind=PersonKind.VISITOR)] == ["Visitor 1"]
    assert gym.visits() == [("p-ada", 300, 240), ("p-ada", 60, None)]


def test_a_new_visitor_who_came_again_is_kept_when_the_visit_moves_back(gym: Gym) -> None:
    audit_id = reassigning.reassign(gym.store, DESK, site_id=SITE, session_id=gym.over, to=None, embedder=lambda: SFACE)
    new = gym.visits()[0][0]
    visits.add(gym.store, DESK, site_id=SITE, person_id=new, entered_at=ago(50), left_at=ago(40))
    undo(gym.store, DESK, audit_id)
    assert gym.visits() == [("p-ada", 300, 240), ("p-ada", 60, None), (new, 50, 40)]
    assert gym.store.people.get(new) is not None


def test_what_cameras_saw_in_between_stays_when_times_are_corrected(gym: Gym) -> None:
    gym.store.record(Observation(events=[event("exit", 280), event("enter", 278)]))
    visits.move(gym.store, DESK, site_id=SITE, session_id=gym.over, left_at=ago(230))
    (first, _) = gym.store.sessions.select(site_id=SITE, now=NOW)
    assert len(first.segments) == 2
    assert first.dwell_s == 68 * 60
    visits.move(gym.store, DESK, site_id=SITE, session_id=first.session_id, entered_at=ago(279))
    (first, _) = gym.store.sessions.select(site_id=SITE, now=NOW)
    assert (first.started_at, first.ended_at) == (ago(279), ago(230))


def test_an_open_visit_may_begin_at_another_time(gym: Gym) -> None:
    visits.move(gym.store, DESK, site_id=SITE, session_id=gym.current, entered_at=ago(90))
    assert gym.visits()[-1] == ("p-ada", 90, None)


def test_the_changes_of_a_visit_are_found_under_the_id_that_it_has_now(gym: Gym) -> None:
    visits.move(gym.store, DESK, site_id=SITE, session_id=gym.over, entered_at=ago(310))
    (moved, _) = gym.store.sessions.select(site_id=SITE, now=NOW)
    visits.move(gym.store, DESK, site_id=SITE, session_id=moved.session_id, entered_at=ago(320))
    (moved, _) = gym.store.sessions.select(site_id=SITE, now=NOW)
    visits.mark_left(gym.store, DESK, site_id=SITE, person_id="p-ada")
    found = gym.store.audit.about(SubjectKind.VISIT, moved.session_id)
    assert [each.action for each in found] == ["visits.move", "visits.move"]
    assert [each.audit_id for each in gym.store.audit.about(SubjectKind.PERSON, "p-ada")] == [3, 2, 1]


def test_a_correction_is_in_force_when_the_clock_was_set_back(gym: Gym) -> None:
    visits.void(gym.store, DESK, site_id=SITE, session_id=gym.over)
    gym.now[0] = NOW - timedelta(seconds=30)
    (entry,) = gym.store.audit.all()
    undo(gym.store, DESK, entry.audit_id)
    assert gym.visits()[0] == ("p-ada", 300, 240)
