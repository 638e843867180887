"""Malformed documents affect neither other sites nor other people."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config.errors import RecordError
from functions import handlers, schedule
from functions.report_data import Query, data_of
from functions.schedule import delete_expired, run_all
from functions.site import SiteConfig, site_of
from tests.functions.gym import RULES, SITE, Gym, at, event, visit
from tracker.cloud import documents
from tracker.cloud.documents import FUNCTIONS
from tracker.cloud.paths import Collection, path_of, site_path
from tracker.presence.events import Action, Correction, content_id
from tracker.presence.rules import encode_rules
from tracker.reports.data import ReportData

CLOSED = at(14 * 60)
"""The gym has closed: open sessions are due."""
GOOD = json.loads(encode_rules(RULES))
MALFORMED = [
    pytest.param({"rules": "[" * 9000}, id="rules-nested"),
    pytest.param({"rules": json.dumps({**GOOD, "max_visit": 1e15})}, id="rules-longer-than-all-time"),
    pytest.param({"rules": json.dumps({**GOOD, "zone": "Europe"})}, id="rules-zone-is-a-folder"),
    pytest.param({"rules": json.dumps({**GOOD, "rooms": [1, "hall"]})}, id="rules-cameras-of-two-kinds"),
    pytest.param({"time_zone": "Europe"}, id="zone-is-a-folder"),
    pytest.param({"retention": {"matches_days": 1_000_000}}, id="retention-a-million-days"),
    pytest.param({"retention": {"heartbeats_days": 10**15}}, id="retention-longer-than-all-time"),
]
TIMES = [
    pytest.param(datetime(1, 1, 1, tzinfo=UTC), id="year-1"),
    pytest.param(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), id="before-1970"),
    pytest.param(datetime(3000, 1, 1, tzinfo=UTC), id="year-3000"),
    pytest.param(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), id="year-9999"),
]


def report_of(gym: Gym, now: datetime) -> ReportData:
    """What a report over the days around the start is about."""
    site = site_of(SITE, gym.client.document(site_path(SITE)).get().to_dict())
    since = at(0) - timedelta(days=2)
    return data_of(gym.client, site, Query(since=since, until=now, now=now, whole_days=True, enrolled=True))


@pytest.mark.parametrize("fields", MALFORMED)
def test_a_malformed_site_does_not_stop_the_schedule_of_another(gym: Gym, fields: dict[str, Any]) -> None:
    gym.now = at(10)
    gym.send([event("enter", 0)])
    gym.client.document(site_path("aaa")).set({"derived_by": FUNCTIONS, **fields})
    done = run_all(gym.client, now=CLOSED)
    assert (done.closed, done.failed) == (1, 0)


@pytest.mark.parametrize("fields", MALFORMED)
def test_a_malformed_site_uses_the_defaults(gym: Gym, fields: dict[str, Any]) -> None:
    gym.open(**fields)
    gym.now = at(30)
    gym.send(visit(0, 20))
    handlers.site_written(gym.change(SITE, {"derived_by": FUNCTIONS, **fields}, {"derived_by": "m-1"}))
    assert gym.visits() == [(0, 20, "ada")]
    assert len(report_of(gym, gym.now).frames.visits) == 1
    assert run_all(gym.client, now=CLOSED).failed == 0


def test_a_retention_beyond_the_limit_keeps_all(gym: Gym, caplog: pytest.LogCaptureFixture) -> None:
    for site_id, days in (("aaa", 36_501), ("bbb", 36_500)):
        gym.client.document(site_path(site_id)).set({"retention": {"heartbeats_days": days}})
        long_ago = gym.client.document(path_of(site_id, Collection.HEARTBEATS, "h"))
        long_ago.set({"camera_id": "door-1", "at": at(0) - timedelta(days=36_502)})
    assert run_all(gym.client, now=at(0)).expired == 1
    assert len(list(gym.client.collection(path_of("aaa", Collection.HEARTBEATS)).stream())) == 1
    assert "retention.heartbeats_days: expected at most 36500 days" in caplog.text


def test_an_unexpected_error_stays_with_its_site(
    gym: Gym, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def delete_or_fail(client: Any, site: SiteConfig, *, now: datetime) -> int:
        if site.site_id == "aaa":
            raise ZeroDivisionError("unexpected")
        return delete_expired(client, site, now=now)

    monkeypatch.setattr(schedule, "delete_expired", delete_or_fail)
    gym.client.document(site_path("aaa")).set({"derived_by": FUNCTIONS})
    gone = {"at": at(0), "erase_history": True}
    gym.client.document(path_of("aaa", Collection.FORGOTTEN, content_id("forgotten", "ada"))).set(gone)
    match = {"person_id": "ada", "at": at(1), documents.RECEIVED_AT: CLOSED}
    gym.client.document(path_of("aaa", Collection.MATCHES, "m")).set(match)
    gym.now = at(10)
    gym.send([event("enter", 0)])
    done = run_all(gym.client, now=CLOSED)
    assert (done.closed, done.erased, done.failed) == (1, 1, 1)
    assert "site aaa failed; it is retried" in caplog.text
    assert "delete_or_fail" in caplog.text  # where it happened


@pytest.mark.parametrize("moment", TIMES)
def test_an_event_of_an_impossible_time_is_refused_and_affects_nothing_else(gym: Gym, moment: datetime) -> None:
    gym.now = at(30)
    bad = {**documents.event_document(event("exit", 5)), "at": moment}
    gym.client.document(path_of(SITE, Collection.EVENTS, "bad")).set(bad)
    with pytest.raises(RecordError, match="event: at: expected a time from 1970"):
        handlers.event_created(gym.change("bad", bad))
    gym.send(visit(0, 20))
    gym.send(visit(1, 21, "bob"))
    gym.merge("bob", "ada")
    assert gym.visits() == [(0, 21, "ada")]
    found = report_of(gym, gym.now)
    assert (len(found.frames.visits), len(found.events)) == (1, 4)
    assert run_all(gym.client, now=CLOSED).failed == 0


@pytest.mark.parametrize("moment", TIMES)
def test_a_correction_of_an_impossible_time_is_refused_and_affects_nothing_else(gym: Gym, moment: datetime) -> None:
    gym.now = at(30)
    added = event("enter", 5)
    whole = Correction(action=Action.ADD, event_id=added.event_id, by="op", at=at(6), event=added)
    late = documents.correction_document(replace(whole, correction_id="late"), "ada") | {"at": moment}
    early = documents.correction_document(replace(whole, correction_id="early"), "ada")
    early["event"] = early["event"] | {"at": moment}
    for name, bad in (("late", late), ("early", early)):
        gym.client.document(path_of(SITE, Collection.CORRECTIONS, name)).set(bad)
        with pytest.raises(RecordError, match="expected a time from 1970"):
            handlers.correction_created(gym.change(name, bad))
    gym.send(visit(0, 20))
    assert gym.visits() == [(0, 20, "ada")]
    assert len(report_of(gym, gym.now).events) == 2


@pytest.mark.parametrize("moment", [*TIMES, "yesterday"])
@pytest.mark.parametrize("field", ["at", "watch_started_at", "watch_ended_at"])
def test_a_heartbeat_of_an_impossible_time_is_left_out_of_reports(gym: Gym, field: str, moment: object) -> None:
    gym.now = at(30)
    gym.send(visit(5, 20))
    heartbeat = {"camera_id": "door-1", "at": at(25), "watch_started_at": at(2), "watch_ended_at": at(25)}
    for name, each in (("good", heartbeat), ("bad", {**heartbeat, "at": at(26), field: moment})):
        gym.client.document(path_of(SITE, Collection.HEARTBEATS, name)).set(each)
    assert report_of(gym, gym.now).coverage.recorded_since == at(2)


@pytest.mark.parametrize("moment", TIMES)
def test_a_session_of_an_impossible_time_is_derived_again(gym: Gym, moment: datetime) -> None:
    gym.now = at(30)
    gym.send(visit(0, 20))
    (name,) = gym.documents(Collection.SESSIONS)
    gym.client.document(path_of(SITE, Collection.SESSIONS, name)).update({"started_at": moment})
    assert report_of(gym, gym.now).frames.visits.empty
    gym.now = at(60)
    gym.send(visit(40, 50))
    assert gym.visits() == [(0, 20, "ada"), (40, 50, "ada")]
