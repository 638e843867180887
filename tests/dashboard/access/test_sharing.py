"""Answers that readers share: who gets the same one, and what is computed anew."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from dash import Input, Output
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config.errors import StoreError
from dashboard.access.callbacks import RoleCallbacks, is_shared
from dashboard.access.identity import current_actor, names_shown
from tests.dashboard import gym
from tests.dashboard.access.conftest import Site
from tests.dashboard.access.test_requests import ALL_NAMES, UPDATE, calls
from tests.dashboard.conftest import with_token
from tracker.presence.events import EventKind
from tracker.store.observation import Observation
from tracker.store.users import UserRole

READERS = 6


class Probe:
    """A shared callback of a page, and how often it ran."""

    def __init__(self, site: Site, answer: Callable[[object], object], least: UserRole = UserRole.VIEWER) -> None:
        self.runs = 0
        self._lock = threading.Lock()
        self._answer = answer
        wires = (Output("probe", "children"), Input("probe-asked", "value"))
        RoleCallbacks(site.app, least).callback(*wires, shared=True)(self._run)

    def _run(self, value: object) -> object:
        with self._lock:
            self.runs += 1
        return self._answer(value)

    @staticmethod
    def post(client: FlaskClient, value: object = 1, **headers: str) -> TestResponse:
        asked = {
            "output": "probe.children",
            "outputs": {"id": "probe", "property": "children"},
            "inputs": [{"id": "probe-asked", "property": "value", "value": value}],
        }
        return client.post(UPDATE, json=asked, headers=headers)

    def ask(self, client: FlaskClient, value: object = 1) -> Any:
        """What the callback answers to a browser; None where it changes nothing."""
        answer = self.post(client, value)
        assert answer.status_code == 200
        return (answer.json or {})["response"].get("probe", {}).get("children")


def test_readers_who_ask_at_once_get_one_answer(site: Site) -> None:
    clients = [site.signed_in(UserRole.ADMIN) for _ in range(READERS)]
    begun, go_on = threading.Event(), threading.Event()

    def slow(_value: object) -> str:
        begun.set()
        assert go_on.wait(10)
        return "made once"

    probe = Probe(site, slow)
    with ThreadPoolExecutor(READERS) as pool:
        found = [pool.submit(probe.ask, client) for client in clients]
        assert begun.wait(10)
        go_on.set()
        assert {each.result() for each in found} == {"made once"}
    assert probe.runs == 1


def test_another_question_is_another_answer(site: Site) -> None:
    client = site.signed_in(UserRole.ADMIN)
    probe = Probe(site, lambda value: f"answer to {value}")
    assert [probe.ask(client, value) for value in (1, 2, 1)] == ["answer to 1", "answer to 2", "answer to 1"]
    assert probe.runs == 2


@pytest.mark.parametrize("order", [tuple(UserRole), tuple(UserRole)[::-1]], ids=["viewer-first", "admin-first"])
def test_roles_share_nothing(site: Site, order: tuple[UserRole, ...]) -> None:
    probe = Probe(site, lambda _value: f"{current_actor().role} {names_shown()}")
    clients = {role: site.signed_in(role) for role in order}
    for _ in range(2):
        found = {role: probe.ask(clients[role]) for role in order}
        assert found == {role: f"{role} {role is not UserRole.VIEWER}" for role in UserRole}
    assert probe.runs == len(UserRole)


def test_an_answer_for_the_desk_is_not_there_for_viewers(site: Site) -> None:
    probe = Probe(site, lambda _value: "for the desk", UserRole.DESK)
    assert probe.ask(site.signed_in(UserRole.DESK)) == "for the desk"
    assert probe.post(site.signed_in(UserRole.VIEWER)).status_code == 404


def test_what_is_shared_knows_nobody_by_name(site: Site) -> None:
    probe = Probe(site, lambda _value: f"made for {current_actor().name}")
    assert probe.ask(site.signed_in(UserRole.ADMIN)) == "made for admin"


def test_an_answer_carries_no_cookie_of_another_reader(site: Site) -> None:
    probe = Probe(site, str)
    for client in (site.signed_in(UserRole.ADMIN), site.signed_in(UserRole.ADMIN)):
        answer = probe.post(client)
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_change_of_the_store_is_seen_at_once(site: Site) -> None:
    client = site.signed_in(UserRole.ADMIN)
    probe = Probe(site, lambda _value: site.store.events.version())
    before = probe.ask(client)
    event = gym.event(EventKind.ENTER, "p-somebody", site.store.now() - timedelta(minutes=1))
    site.store.record(Observation(events=[event]))
    assert probe.ask(client) > before
    assert probe.runs == 2


def test_an_answer_that_failed_is_not_kept(site: Site) -> None:
    client = site.signed_in(UserRole.ADMIN)
    problems: list[Exception] = [StoreError("the store is busy", fix="wait"), ValueError("a bug")]

    def fails_first(_value: object) -> str:
        if problems:
            raise problems.pop()
        return "known"

    probe = Probe(site, fails_first)
    assert [probe.ask(client) for _ in range(4)] == [None, None, "known", "known"]
    assert probe.runs == 3


def test_a_browser_gets_the_encoding_that_it_takes(site: Site) -> None:
    client = site.signed_in(UserRole.ADMIN)
    probe = Probe(site, lambda _value: "long " * 1000)
    packed, plain = probe.post(client, **{"Accept-Encoding": "gzip"}), probe.post(client)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.data) == plain.data


def test_viewers_get_no_name_from_an_answer_that_an_admin_asked_for_before(site: Site) -> None:
    admin, viewer = site.signed_in(UserRole.ADMIN), with_token(site.signed_in(UserRole.VIEWER))
    shared = [asked for output, asked in calls(site) if is_shared(site.app, output)]
    assert len(shared) >= 5
    named = 0
    for asked in shared:
        texts = [client.post(UPDATE, json=asked).text for client in (admin, viewer)]
        named += any(name in texts[0] for name in ALL_NAMES)
        assert not any(name in texts[1] for name in ALL_NAMES)
    assert named >= 3
