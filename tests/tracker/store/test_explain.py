"""Explanations read the events around a session only, and say what all events would."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from tracker.presence.explain import explain
from tracker.presence.rules import Rules, Site
from tracker.store.observation import Observation
from tracker.store.store import Store

RULES = {
    "rooms-alone": Rules(),
    "doors-and-rooms": Rules(entrances=frozenset({"door"}), exits=frozenset({"door"}), rooms=frozenset({"hall"})),
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@pytest.mark.parametrize("seed", range(4))
def test_an_explanation_is_that_of_the_whole_history(store: Store, records: Any, rules: Rules, seed: int) -> None:
    dice = random.Random(seed)
    store.sites.save(Site(site_id="gym", name="Gym", rules=rules))
    seconds = sorted(dice.uniform(0, 400_000) for _ in range(120))
    events = [
        records.event(
            each, dice.choice(["enter", "exit"]), dice.choice(["p-ada", "p-bob"]), dice.choice(["door", "hall"])
        )
        for each in seconds
    ]
    store.record(Observation(events=events))
    now = records.at(400_000) + timedelta(hours=1)
    found = store.sessions.select(site_id="gym", now=now)
    assert len(found) > 10
    for session in found:
        whole = explain(session.session_id, store.events.select(site_id="gym"), rules=rules, now=now)
        near = store.sessions.explain(session.session_id, site_id="gym", now=now)
        assert near == whole
        assert near.session == session


def test_an_explanation_of_nothing_is_refused(store: Store, records: Any) -> None:
    store.record(Observation(events=[records.event(0), records.event(60, "exit")]))
    for session_id, site_id in (("nosuchid", "gym"), (records.event(0).event_id, "pool")):
        with pytest.raises(LookupError):
            store.sessions.explain(session_id, site_id=site_id, now=records.at(100))
