"""Records of a device: written once, as an agent's are, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from config.settings import CameraRole
from dashboard.queries import Board
from tests.dashboard.devices.conftest import ANN, SITE, Gym, body_of, documents
from tracker.actions import devices, people
from tracker.presence.documents import encode
from tracker.presence.events import Action, Correction, Match, content_id, time_text
from tracker.presence.health import CameraState
from tracker.presence.room import Presence
from tracker.store.devices import LEASE


def board(gym: Gym) -> Board:
    return Board(gym.store.path, gym.settings)


def reasons(answer: dict[str, Any]) -> list[str]:
    return [each["reason"] for each in answer["rejected"]]


def a_match(gym: Gym, person_id: str | None = "p-ada", **other: Any) -> Match:
    fields: dict[str, Any] = {"site_id": SITE, "camera_id": "phone", "track_id": "t-p-ada", **other}
    return Match(
        at=gym.ago(100), person_id=person_id, distance=0.7, margin=None, quality=0.8, authorised=True,
        reason="near enough", **fields,
    )  # fmt: skip


def a_void(gym: Gym, event_id: str, *, by: str = "footfall", seconds_ago: float = 10) -> Correction:
    return Correction(action=Action.VOID, event_id=event_id, by=by, at=gym.ago(seconds_ago), reason="somebody else")


def presence(gym: Gym, person_id: str = "p-bob", **other: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"site_id": SITE, "camera_id": "phone", **other}
    found = Presence(
        person_id=person_id, track_id="t1", entered_at=gym.ago(50), seen_at=gym.ago(1), x_frac=0.5, y_frac=0.5, **fields
    )
    return encode(found)


# -- what is written


def test_events_become_visits_in_reports_and_on_now(gym: Gym) -> None:
    sent = documents(gym.event("enter", 600), gym.event("exit", 300), gym.event("enter", 90, "p-bob"))
    answer = gym.send(events=sent, matches=documents(a_match(gym)), corrections=[], heartbeat=gym.heartbeat())
    assert (answer["stored"], answer["known"], answer["rejected"]) == (4, 0, [])
    view = board(gym).now_view()
    assert [row["name"] for row in view.inside] == ["Bob"]
    assert (view.watching, view.people_in) == (True, 1)
    (camera,) = view.cameras
    assert (camera.camera_id, camera.words, camera.source) == ("phone", "live", "browser on Phone")
    visits = gym.store.sessions.select(site_id=SITE, now=gym.now)
    assert [(each.person_id, each.started_at, each.ended_at) for each in visits] == [
        ("p-ada", gym.ago(600), gym.ago(300)), ("p-bob", gym.ago(90), None),
    ]  # fmt: skip
    (match,) = gym.store.matches.select(site_id=SITE)
    assert match.reason == "near enough"


def test_unidentified_people_count_at_the_door_of_a_device(gym: Gym) -> None:
    gym.send(heartbeat=gym.heartbeat(role={"kind": "door", "line": [[0.2, 0.5], [0.8, 0.5]], "inside": "below"}))
    gym.send(events=documents(gym.stranger("enter", 60), gym.stranger("enter", 50, "t-10"), gym.event("enter", 40)))
    view = board(gym).now_view()
    assert (view.people_in, len(view.inside)) == (3, 1)
    device = gym.store.devices.get(gym.device.device_id)
    assert device is not None
    assert device.role is CameraRole.DOOR
    assert gym.store.sites.rules(SITE).counted == {"phone"}


def test_the_same_records_again_change_nothing(gym: Gym) -> None:
    events = [gym.event("enter", 600), gym.event("exit", 300)]
    void = a_void(gym, events[1].event_id)
    sent = {"events": documents(*events), "matches": documents(a_match(gym)), "corrections": documents(void)}
    first, visits = gym.send(**sent), gym.store.sessions.select(site_id=SITE, now=gym.now)
    again = gym.restarted().send(**sent)
    assert (first["stored"], first["known"]) == (4, 0)
    assert (again["stored"], again["known"], again["rejected"]) == (0, 4, [])
    assert gym.store.sessions.select(site_id=SITE, now=gym.now) == visits
    assert [each.kind for each in gym.store.events.select(site_id=SITE)] == ["enter"]
    assert len(gym.store.events.corrections()) == 1


def test_what_is_written_waits_for_its_upload(gym: Gym) -> None:
    gym.store.outbox.begin()
    gym.send(events=documents(gym.event("enter", 60)), heartbeat=gym.heartbeat())
    assert gym.store.outbox.oldest_at() == gym.ago(60)


def test_a_merged_person_counts_as_the_other_and_a_forgotten_one_is_left_out(gym: Gym) -> None:
    people.merge(gym.store, ANN, "p-bob", "p-ada")
    answer = gym.send(events=documents(gym.event("enter", 60, "p-bob")))
    assert (answer["stored"], answer["rejected"]) == (1, [])
    (visit,) = gym.store.sessions.select(site_id=SITE, now=gym.now)
    assert visit.person_id == "p-ada"
    people.forget(gym.store, ANN, "p-ada", erase_history=True)
    late = gym.send(
        events=documents(gym.event("exit", 20)), matches=documents(a_match(gym)),
        heartbeat=gym.heartbeat(presences=[presence(gym, "p-ada")]),
    )  # fmt: skip
    assert (late["stored"], late["known"], late["rejected"]) == (0, 2, [])
    assert gym.store.events.select(site_id=SITE) == []
    assert gym.store.cameras.presences() == []


def test_a_heartbeat_is_health_coverage_and_who_is_in_sight(gym: Gym) -> None:
    gym.send(events=documents(gym.event("enter", 50, "p-bob", track_id="t1")))
    gym.send(heartbeat=gym.heartbeat(presences=[presence(gym)], problem=None))
    (health,) = gym.store.cameras.health(SITE)
    assert (health.state, health.fps, health.frames, health.last_frame_at) == (CameraState.LIVE, 6.5, 390, gym.now)
    (span,) = gym.store.cameras.coverage(SITE)
    assert (span.started_at, span.ended_at) == (gym.ago(60), gym.now)
    assert [each.person_id for each in gym.store.cameras.presences(site_id=SITE)] == ["p-bob"]
    device = gym.store.devices.get(gym.device.device_id)
    assert device is not None
    assert device.seen_at is not None


def test_a_delayed_heartbeat_only_adds_what_was_watched(gym: Gym) -> None:
    gym.send(heartbeat=gym.heartbeat(presences=[presence(gym)]))
    gym.send(heartbeat=gym.heartbeat(3600, presences=[]))
    (health,) = gym.store.cameras.health(SITE)
    assert health.updated_at == gym.now
    assert [each.started_at for each in gym.store.cameras.coverage(SITE)] == [gym.ago(3660), gym.ago(60)]
    assert len(gym.store.cameras.presences()) == 1


def test_a_delayed_heartbeat_neither_changes_the_role_nor_frees_the_camera(gym: Gym) -> None:
    gym.send(heartbeat=gym.heartbeat(role={"kind": "door"}))
    gym.send(heartbeat=gym.heartbeat(20, role={"kind": "room"}, state="stopped"))
    assert gym.store.sites.rules(SITE).exits == {"phone"}
    assert gym.post(instance="page-2").status_code == 409


def test_a_silent_camera_is_down(gym: Gym) -> None:
    gym.send(heartbeat=gym.heartbeat(300))
    (camera,) = board(gym).now_view().cameras
    assert (camera.is_down, camera.words) == (True, "no report for 5 min")


# -- one page at a time


def test_two_pages_with_one_key_do_not_both_act(gym: Gym) -> None:
    sent = documents(gym.event("enter", 60))
    assert gym.post(events=sent).status_code == 200
    refused = gym.post(instance="page-2", events=documents(gym.event("exit", 30)))
    assert refused.status_code == 409
    assert "another page is this camera" in refused.get_json()["error"]
    assert "close the other page" in refused.get_json()["fix"]
    assert gym.client().get("/camera/api/config?instance=page-2").status_code == 409
    assert gym.client().get("/camera/api/config?instance=page-1").status_code == 200
    assert len(gym.store.events.select(site_id=SITE)) == 1


def test_a_page_that_stops_frees_the_camera(gym: Gym) -> None:
    gym.send(heartbeat=gym.heartbeat(5))
    gym.send(heartbeat=gym.heartbeat(state="stopped"))
    assert gym.post(instance="page-2").status_code == 200
    assert gym.post(instance="page-1").status_code == 409


def test_a_page_that_is_silent_loses_the_camera(gym: Gym) -> None:
    gym.send(heartbeat=gym.heartbeat())
    seen_at = time_text(gym.ago(LEASE.total_seconds() + 1))
    with gym.store.writing() as writing:
        writing.connection.execute("UPDATE devices SET seen_at = ?", (seen_at,))
    assert gym.post(instance="page-2").status_code == 200


# -- what is refused, record by record


def test_a_record_that_is_wrong_is_rejected_and_the_others_are_stored(gym: Gym) -> None:
    good = gym.event("enter", 60)
    other = gym.event("enter", 60, camera_id="front-door")
    answer = gym.send(events=documents(other, good))
    assert answer["stored"] == 1
    (rejected,) = answer["rejected"]
    assert rejected["id"] == other.event_id
    assert rejected["reason"] == "event: expected camera gym/phone, got gym/front-door"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"site_id": "pool"}, "expected camera gym/phone, got pool/phone", id="other-site"),
        pytest.param({"camera_id": "door"}, "expected camera gym/phone", id="other-camera"),
        pytest.param({"event_id": "0" * 32}, "which follows from the content", id="other-id"),
        pytest.param({"person_id": "p-nobody"}, "nobody of the id 'p-nobody' is enrolled", id="unknown-person"),
        pytest.param({"person_id": "v-0000000001"}, "nobody of the id 'v-0000000001' is enrolled", id="visitor"),
        pytest.param({"person_id": "x-000000000000"}, "nobody of the id", id="anonymous"),
        pytest.param({"person_id": "u-1"}, "nobody of the id", id="no-unidentified-id"),
        pytest.param({"ahead_s": 125}, "is in the future", id="future"),
        pytest.param({"at": "1969-12-31T23:59:59.000000Z"}, "is before 1970", id="past"),
        pytest.param({"at": "2026-03-01T12:00:00"}, "expected an ISO 8601 time with a zone", id="naive"),
        pytest.param({"at": "9999-12-31T23:59:59.999999Z"}, "is in the future", id="end-of-time"),
        pytest.param({"kind": "jump"}, "kind: expected enter or exit", id="kind"),
        pytest.param({"x_frac": 1.5}, "x_frac: expected 0..1", id="outside"),
        pytest.param({"x_frac": 10**400}, "x_frac: expected a finite number", id="huge"),
        pytest.param({"schema": 2}, "schema: expected version 1", id="schema"),
        pytest.param({"extra": 1}, "unknown field 'extra'", id="unknown-field"),
        pytest.param({"track_id": "t" * 501}, "texts of up to 500 characters", id="long"),
        pytest.param({"track_id": "a\u0000b"}, "without control characters", id="control"),
        pytest.param({"inferred": "yes"}, "inferred: expected true or false", id="type"),
        pytest.param({"track_id": "\ud800"}, "whole characters", id="half-a-character"),
    ],
)
def test_an_event_that_is_wrong_is_rejected(gym: Gym, change: dict[str, Any], reason: str) -> None:
    ahead_s = change.pop("ahead_s", -60)
    document = {**encode(gym.event("enter", -ahead_s)), **change}
    if "event_id" not in change:
        parts = [str(document[name]) for name in ("kind", "site_id", "camera_id", "person_id", "at", "track_id")]
        document["event_id"] = content_id(*(part.encode("utf-8", "replace").decode() for part in parts))
    answer = gym.send(events=[document])
    assert (answer["stored"], answer["known"]) == (0, 0)
    assert reason in reasons(answer)[0]
    assert gym.store.events.select() == []


@pytest.mark.parametrize("document", [None, 5, "event", [], {}, {"event_id": ["a"]}])
def test_what_is_no_record_is_rejected(gym: Gym, document: object) -> None:
    answer = gym.send(events=[document], matches=[document], corrections=[document])
    assert len(reasons(answer)) == 3


def test_the_clock_of_a_device_may_be_a_little_ahead(gym: Gym) -> None:
    assert gym.send(events=documents(gym.event("enter", -100)))["stored"] == 1


def test_matches_are_checked_as_events_are(gym: Gym) -> None:
    nobody = a_match(gym, None)
    wrong = [a_match(gym, "p-x"), a_match(gym, camera_id="door"), replace(nobody, match_id="0" * 32)]
    answer = gym.send(matches=documents(nobody, *wrong))
    assert answer["stored"] == 1
    assert [each["id"] for each in answer["rejected"]] == [each.match_id for each in wrong]


def test_a_device_corrects_only_its_own_events(gym: Gym) -> None:
    other, key = gym.add("Tablet")
    theirs = gym.event("enter", 60, camera_id=other.camera_id)
    gym.send(key=key, instance="tablet-1", events=documents(theirs))
    mine = gym.event("enter", 60)
    gym.send(events=documents(mine))
    added = Correction(
        action=Action.ADD, event_id=theirs.event_id, by="footfall", at=gym.ago(5), reason="", event=theirs
    )
    answer = gym.send(
        corrections=documents(
            a_void(gym, theirs.event_id), a_void(gym, mine.event_id, by="Ann"), added,
            a_void(gym, mine.event_id, seconds_ago=-500), a_void(gym, "f" * 32), a_void(gym, mine.event_id),
        )
    )  # fmt: skip
    assert (answer["stored"], answer["known"]) == (1, 1)  # a correction of an event that is not there is skipped
    expected = ("expected camera gym/phone", "by: expected footfall", "expected camera gym/phone", "in the future")
    assert len(reasons(answer)) == len(expected)
    assert all(part in reason for part, reason in zip(expected, reasons(answer), strict=True))
    assert [each.event_id for each in gym.store.events.select(site_id=SITE)] == [theirs.event_id]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"camera_id": "door"}, "expected camera phone"),
        ({"site_id": "pool"}, "expected camera phone"),
        ({"state": "sleeping"}, "state: expected live"),
        ({"at": None}, "updated_at: expected"),
        ({"fps": -1}, "fps: expected 0 or more"),
        ({"frames": 2**63}, "frames: expected a whole number of at most 63 bits"),
        ({"at": "2999-01-01T00:00:00Z"}, "at: 2999-01-01T00:00:00.000000Z is in the future"),
        ({"watch_ended_at": "2000-01-01T00:00:00Z"}, "ended_at: expected no time before started_at"),
        ({"watch_started_at": None}, "started_at"),
        ({"role": {"kind": "window"}}, "role: expected room, entrance, exit, door"),
        ({"role": {"kind": ["room"]}}, "role: expected room"),
        ({"presences": {}}, "presences: expected a list"),
        ({"presences": [{"person_id": "p-ada"}]}, "presence: site_id is missing"),
        ({"problem": "x" * 501}, "up to 500 characters"),
    ],
)
def test_a_heartbeat_that_is_wrong_is_rejected_alone(gym: Gym, change: dict[str, Any], reason: str) -> None:
    answer = gym.send(events=documents(gym.event("enter", 60)), heartbeat=gym.heartbeat(**change))
    assert answer["stored"] == 1
    assert reason in reasons(answer)[0]
    assert gym.store.cameras.health(SITE) == []


def test_presences_are_the_cameras_own_and_of_known_people(gym: Gym) -> None:
    for wrong in (presence(gym, "p-x"), presence(gym, camera_id="door"), presence(gym, site_id="pool")):
        assert reasons(gym.send(heartbeat=gym.heartbeat(presences=[wrong])))
    assert gym.store.cameras.presences() == []


# -- what is refused as a whole


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", "not JSON", id="empty"),
        pytest.param(b"\xff\xfe", "not JSON", id="bytes"),
        pytest.param(b"{", "not JSON", id="cut"),
        pytest.param(b"[]", "expected an object", id="list"),
        pytest.param(b'{"events": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not JSON", id="deep"),
        pytest.param(b'{"instance": "a", "events": [NaN]}', "NaN is no number of JSON", id="nan"),
        pytest.param(b'{"instance": "a", "events": [' + b"9" * 5000 + b"]}", "not JSON", id="digits"),
        pytest.param(b'{"instance": "a", "events": {}}', "events: expected a list", id="events"),
        pytest.param(b'{"instance": "a", "heartbeats": []}', "unknown field 'heartbeats'", id="unknown"),
        pytest.param(b'{"events": []}', "instance: expected", id="no-instance"),
        pytest.param(b'{"instance": 5}', "instance: expected", id="instance"),
        pytest.param(b'{"instance": "../a"}', "instance: expected", id="strange-instance"),
        pytest.param(body_of({"instance": "a", "events": [1] * 501}), "expected up to 500 records", id="many"),
        pytest.param(body_of({"instance": "a", "events": [1] * 300, "matches": [1] * 201}), "up to 500", id="sum"),
    ],
)
def test_a_body_that_is_none_is_refused_and_nothing_is_written(gym: Gym, body: bytes, reason: str) -> None:
    version = gym.store.version()
    answer = gym.client().post("/camera/api/records", data=body)
    assert answer.status_code == 400
    assert reason in answer.get_json()["error"]
    assert answer.get_json()["fix"]
    assert gym.store.version() == version


def test_a_large_body_is_refused(gym: Gym) -> None:
    answer = gym.client().post("/camera/api/records", data=b" " * 10_000_000)
    assert (answer.status_code, answer.get_json()["fix"]) == (413, "send fewer records at once")


def test_five_hundred_records_are_stored(gym: Gym) -> None:
    sent = documents(*(gym.event("enter", 1000 + number, track_id=f"t-{number}") for number in range(500)))
    assert len(json.dumps(sent)) < 900_000
    assert gym.send(events=sent)["stored"] == 500


def test_a_store_that_is_busy_is_a_reason_to_try_again(gym: Gym) -> None:
    with gym.store.writing() as writing:
        writing.connection.execute("UPDATE state SET version = version")
        answer = gym.post(events=documents(gym.event("enter", 60)))
    assert answer.status_code == 503
    assert set(answer.get_json()) == {"error", "fix"}
    assert gym.send(events=documents(gym.event("enter", 60)))["stored"] == 1


def test_a_revoked_device_writes_nothing(gym: Gym) -> None:
    devices.revoke(gym.store, gym.settings, ANN, gym.device.device_id)
    answer = gym.post(events=documents(gym.event("enter", 60)))
    assert (answer.status_code, answer.get_json()["revoked"]) == (401, True)
    assert gym.store.events.select() == []
