"""Limits of single people and the network of everybody: what a change of the network does to them."""

from __future__ import annotations

import pytest

from config.errors import RecordError
from tests.tracker.actions.conftest import ADMIN, Gym, vector
from tracker.actions import recognition
from tracker.actions.undo import undo


def change_network(gym: Gym) -> None:
    found = {"p-ada": (vector(7), ["ada.jpg"]), "p-bob": (vector(8), ["bob.jpg"])}
    recognition.replace_network(gym.store, ADMIN, "other", found, people=found)


def test_limits_of_the_former_network_do_not_come_back(gym: Gym) -> None:
    recognition.set_limits(gym.store, ADMIN, {"p-ada": 0.5})
    recognition.set_limits(gym.store, ADMIN, {})
    (reset, *_) = gym.store.audit.all()
    change_network(gym)
    with pytest.raises(RecordError, match="changed since"):
        undo(gym.store, ADMIN, reset.audit_id)
    assert gym.store.people.limits() == {}


def test_limits_of_the_present_network_come_back(gym: Gym) -> None:
    change_network(gym)
    recognition.set_limits(gym.store, ADMIN, {"p-ada": 0.5})
    recognition.set_limits(gym.store, ADMIN, {})
    (reset, *_) = gym.store.audit.all()
    undo(gym.store, ADMIN, reset.audit_id)
    assert gym.store.people.limits() == {"p-ada": 0.5}
