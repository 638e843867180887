"""Actions of the dashboard, asked over HTTP: who may, as whom, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from dash import Input, Output, html
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard import app as dashboard_app
from tests.dashboard import gym
from tests.dashboard.access.conftest import NAMES, Site
from tests.dashboard.access.test_requests import UPDATE, calls
from tests.dashboard.conftest import with_token
from tracker.actions import people
from tracker.actions.actor import Actor
from tracker.store.users import UserRole

ADA = "p-000000000000"
ADMIN = Actor("Ann", UserRole.ADMIN)


def undo(site: Site, client: FlaskClient, audit_id: object, **more: Any) -> TestResponse:
    """What the dashboard answers to a click on the undo button of a notification."""
    (asked,) = [each for output, each in calls(site) if "hideNotifications" in output]
    asked["inputs"][0]["value"] = {"audit_id": audit_id, "at": 1}
    return client.post(UPDATE, json=asked, **more)


def notified(answer: TestResponse) -> str:
    """The notification in an answer, as text."""
    assert answer.status_code == 200
    return json.dumps(answer.json["response"]["notifications"]["sendNotifications"], ensure_ascii=False)


@pytest.fixture
def renamed(site: Site) -> int:
    return people.rename(site.store, ADMIN, ADA, "Ada Lovelace")


def name(site: Site) -> str:
    person = site.store.people.get(ADA)
    assert person is not None
    return person.name


@pytest.mark.parametrize("role", [UserRole.DESK, UserRole.ADMIN])
def test_an_action_is_that_of_the_user(site: Site, renamed: int, role: UserRole) -> None:
    assert "Undone" in notified(undo(site, site.signed_in(role), str(renamed)))
    assert name(site) == "Ada Brandt"
    entry, _ = site.store.audit.all()
    assert (entry.actor, entry.role, entry.undoes) == (NAMES[role], role, renamed)


def test_a_viewer_finds_no_action(site: Site, renamed: int) -> None:
    assert undo(site, site.signed_in(UserRole.VIEWER), str(renamed)).status_code == 404
    assert name(site) == "Ada Lovelace"


def test_without_users_an_action_is_that_of_this_machine(new_site: Callable[..., Site]) -> None:
    site = new_site(users=False)
    audit_id = people.rename(site.store, ADMIN, ADA, "Ada Lovelace")
    undo(site, with_token(site.client()), str(audit_id))
    assert [each.actor for each in site.store.audit.all()] == ["this machine", "Ann"]


def test_a_problem_is_notified_with_its_fix(site: Site, renamed: int) -> None:
    client = site.signed_in(UserRole.DESK)
    people.rename(site.store, ADMIN, ADA, "Zoe")
    text = notified(undo(site, client, str(renamed)))
    assert "Changed since by Ann, so nothing is undone." in text
    assert "Make the change that you want now." in text
    assert "There is no change 99." in notified(undo(site, client, "99"))
    assert name(site) == "Zoe"


@pytest.mark.parametrize("audit_id", [1, None, "1.5", {"a": 1}, ["1"], "-1", "9" * 30, "１"])
def test_a_button_that_no_page_has_does_nothing(site: Site, renamed: int, audit_id: object) -> None:
    answer = undo(site, site.signed_in(UserRole.ADMIN), audit_id)
    assert answer.status_code in {200, 204, 400}
    assert name(site) == "Ada Lovelace"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"X-CSRF-Token": "0" * 64}, 401),
    ],
)
def test_actions_of_other_pages_are_refused(site: Site, renamed: int, headers: dict[str, str], status: int) -> None:
    client = site.signed_in(UserRole.ADMIN)
    client.environ_base.update({f"HTTP_{key.upper().replace('-', '_')}": value for key, value in headers.items()})
    assert undo(site, client, str(renamed)).status_code == status
    assert name(site) == "Ada Lovelace"


# -- pages for some


@pytest.fixture
def with_desk_page(monkeypatch: pytest.MonkeyPatch, new_site: Callable[..., Site]) -> Site:
    """A gym whose page of visits is for the desk."""

    def register(app: Any, _board: Any) -> None:
        @app.callback(Output("secret", "children"), Input("url", "search"))
        def fill(_search: object) -> str:
            return "the secret"

    page = SimpleNamespace(
        TITLE="Secrets", LEAST=UserRole.DESK, layout=lambda *_: html.Div("secrets", id="secret"), register=register
    )
    monkeypatch.setitem(dashboard_app.PAGES, "/visits", page)  # type: ignore[arg-type]
    return new_site()


def test_a_page_is_there_for_its_role_only(with_desk_page: Site) -> None:
    site = with_desk_page
    (fill,) = [asked for output, asked in calls(site) if output == "secret.children"]
    (show,) = [asked for output, asked in calls(site) if "page.children" in output]
    for role in UserRole:
        client = site.signed_in(role)
        page, content, answer = client.get("/visits"), client.post(UPDATE, json=show), client.post(UPDATE, json=fill)
        if role is UserRole.VIEWER:
            assert (page.status_code, answer.status_code) == (404, 404)
            assert "Secrets" not in page.text
            assert "There is no such page" in content.text
            assert '"Visits"' not in content.text
            assert '"Visits"' not in client.get("/_dash-layout").text
        else:
            assert (page.status_code, answer.status_code) == (200, 200)
            assert "the secret" in answer.text
            assert '"Visits"' in content.text


# -- corrections of visits

FOR_THE_DESK = ("notifications.", "visit-dialog", "adding", "person-picker")


def test_a_viewer_finds_none_of_the_callbacks_of_actions(site: Site) -> None:
    viewer, desk = site.signed_in(UserRole.VIEWER), site.signed_in(UserRole.DESK)
    actions = {output: asked for output, asked in calls(site) if any(each in output for each in FOR_THE_DESK)}
    assert len(actions) >= 8
    for output, asked in actions.items():
        assert viewer.post(UPDATE, json=asked).status_code == 404, output
    found = [output for output, asked in actions.items() if desk.post(UPDATE, json=asked).status_code in {200, 204}]
    assert len(found) >= 8


def void(site: Site, client: FlaskClient, session_id: str) -> TestResponse:
    """What the dashboard answers to a click on the button that voids a visit."""
    (asked,) = [each for _, each in calls(site) if each["inputs"][0]["id"] == "visit-do-void"]
    asked["inputs"][0]["value"] = 1
    asked["state"][0]["value"], asked["state"][1]["value"] = {"visit": session_id}, "a reflection"
    return client.post(UPDATE, json=asked)


def test_a_visit_is_corrected_by_who_may(site: Site) -> None:
    visit = site.store.sessions.select(site_id=gym.SITE, now=site.store.now())[-1]
    assert void(site, site.signed_in(UserRole.VIEWER), visit.session_id).status_code == 404
    assert site.store.events.corrections() == []
    answer = void(site, site.signed_in(UserRole.DESK), visit.session_id)
    assert "The visit is void." in notified(answer)
    assert answer.json["response"]["visit-dialog"] == {"opened": False}
    assert answer.json["sideUpdate"]["visit-moved"]["data"] == {"from": [visit.session_id], "to": ""}
    assert {(each.by, each.reason) for each in site.store.events.corrections()} == {("Front Desk", "a reflection")}
    again = void(site, site.signed_in(UserRole.DESK), visit.session_id)
    assert "There is no such visit any more." in notified(again)
    assert "visit-dialog" not in again.json["response"]
