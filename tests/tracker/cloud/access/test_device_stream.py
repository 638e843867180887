"""A camera machine's key over a stream: the rules are asked about each request, and no stream outlives its token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.rules import samples
from tests.tracker.cloud.access.conftest import CAMERA, SITE, Project
from tracker.cloud.device_key import DeviceTokens
from tracker.cloud.devices import revoke
from tracker.cloud.layout import Collection
from tracker.cloud.wire import Verdict, Wire, WireError
from tracker.cloud.writes import Writer


@pytest.fixture
def wire(project: Project) -> Iterator[Wire]:
    made = Wire(project.connect(project.registered()), timeout_s=10)
    yield made
    made.close()


def an_event(wire: Wire, name: str, **changes: Any) -> Any:
    fields = samples.WRITTEN["events"]() | changes
    return Writer(wire.database, home_site=SITE).created(SITE, Collection.EVENTS, name, fields).message


def there(project: Project) -> list[str]:
    return [each.id for each in project.connect().client.collection(f"sites/{SITE}/events").get()]


def answers(project: Project) -> dict[str, int]:
    counted = project.server.engine.counts(project.name).answers
    return {name: count for name, count in counted.items() if "Write" in name or "Commit" in name}


def test_each_request_is_asked_of_the_rules(wire: Wire, project: Project) -> None:
    project.server.engine.reset_counts(project.name)
    wire.commit([an_event(wire, "one"), an_event(wire, "two")])
    wire.commit([an_event(wire, "three")])
    with pytest.raises(WireError) as refusal:
        wire.commit([an_event(wire, "four"), an_event(wire, "five", camera_id="another")])
    assert refusal.value.verdict is Verdict.REFUSED
    wire.commit([an_event(wire, "six", camera_id=CAMERA)])
    assert there(project) == ["one", "six", "three", "two"]
    assert answers(project) == {"OpenWrite OK": 2, "Write OK": 3, "Write PERMISSION_DENIED": 1}


def test_a_machine_that_was_struck_off_writes_no_longer_than_its_token_lasts(wire: Wire, project: Project) -> None:
    wire.commit([an_event(wire, "before")])
    revoke(project.connect(), SITE, "pi")
    tokens = wire.connection.client._credentials
    assert isinstance(tokens, DeviceTokens)
    assert tokens._until_s is not None
    tokens._until_s -= 3600
    with pytest.raises(WireError) as refusal:
        wire.commit([an_event(wire, "after")])
    assert refusal.value.verdict is Verdict.UNKNOWN_TO_THEM
    assert there(project) == ["before"]
