"""Running enrolments: whose they are, how long they last, how many there may be."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.enrolment.recognition import BusyError
from dashboard.enrolment.running import LASTS_S, Enrolments, GoneError
from tests.dashboard.enrolment.test_recognition import Clock
from tracker.identity.shots import Shot

SHOT = Shot(vector=np.zeros(128, np.float32), quality=0.9, pose=None)


def test_only_whoever_began_an_enrolment_has_it() -> None:
    running = Enrolments()
    own = running.begin("Ann", person_id="p-1")
    assert running.get(own.enrolment_id, "Ann") is own
    for enrolment_id, owner in ((own.enrolment_id, "Ben"), (own.enrolment_id, ""), ("guessed", "Ann"), ("", "Ann")):
        with pytest.raises(GoneError):
            running.get(enrolment_id, owner)
    running.end(own.enrolment_id, "Ben")
    assert running.get(own.enrolment_id, "Ann").person_id == "p-1"
    running.end(own.enrolment_id, "Ann")
    with pytest.raises(GoneError):
        running.get(own.enrolment_id, "Ann")


def test_an_enrolment_is_dropped_in_time() -> None:
    clock = Clock()
    running = Enrolments(monotonic=clock)
    own = running.begin("Ann")
    clock.now_s = LASTS_S - 1
    assert running.tidy()
    running.get(own.enrolment_id, "Ann")
    clock.now_s = LASTS_S
    assert not running.tidy()
    with pytest.raises(GoneError):
        running.get(own.enrolment_id, "Ann")


def test_a_user_who_begins_too_many_loses_the_oldest() -> None:
    running = Enrolments()
    other = running.begin("Ben")
    ids = [running.begin("Ann").enrolment_id for _ in range(4)]
    with pytest.raises(GoneError):
        running.get(ids[0], "Ann")
    assert [running.get(each, "Ann").enrolment_id for each in ids[1:]] == ids[1:]
    running.get(other.enrolment_id, "Ben")


def test_there_are_only_so_many_at_once() -> None:
    running = Enrolments()
    for user in range(12):
        running.begin(f"user {user}")
    with pytest.raises(BusyError):
        running.begin("one more")
