"""The page of people over HTTP: who finds it, what it answers, and that nobody below a role can act."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.dashboard.access.conftest import NAMES, Site
from tests.dashboard.access.test_requests import UPDATE, calls
from tests.dashboard.conftest import with_token
from tracker.presence.people import Role
from tracker.store.users import UserRole

ADA = "p-000000000000"
OF_PEOPLE = ("people-", "person-", "forget-")
ROLES = [UserRole.VIEWER, UserRole.DESK, UserRole.ADMIN]


def asked(site: Site, button: str, **values: object) -> dict[str, Any]:
    """The request of a click on a button of Ada's profile, with the values of controls by their ids."""
    known = {"url": f"?person={ADA}", button: 1, **{name.replace("_", "-"): value for name, value in values.items()}}
    (found,) = [each for _, each in calls(site) if any(part["id"] == button for part in each["inputs"])]
    for part in (*found["inputs"], *found["state"]):
        part["value"] = known.get(part["id"])
    return found


def click(site: Site, client: FlaskClient, button: str, **values: object) -> TestResponse:
    return client.post(UPDATE, json=asked(site, button, **values))


def save_profile(site: Site, client: FlaskClient, name: object, groups: object) -> TestResponse:
    return click(site, client, "person-save-profile", person_name=name, person_groups=groups)


def save_rights(site: Site, client: FlaskClient, **values: object) -> TestResponse:
    given = {"person_role": "staff", "person_access": False, "person_until": "2030-12-31", **values}
    return click(site, client, "person-save-rights", **given)


def forget(site: Site, client: FlaskClient, typed: object, history: object = "erase") -> TestResponse:
    return click(site, client, "forget-yes", forget_typed=typed, forget_history=history)


def ada(site: Site) -> Any:
    return site.store.people.get(ADA)


@pytest.mark.parametrize("role", ROLES)
def test_the_page_and_its_files_are_there_for_their_roles(site: Site, role: UserRole) -> None:
    client = site.signed_in(role)
    found = {
        path: client.get(path).status_code for path in ("/people", "/people.csv", f"/people/export.zip?person={ADA}")
    }
    assert list(found.values()) == {
        UserRole.VIEWER: [404, 404, 404], UserRole.DESK: [200, 200, 404], UserRole.ADMIN: [200, 200, 200],
    }[role]  # fmt: skip


def test_a_viewer_finds_no_callback_of_the_page(site: Site) -> None:
    client = site.signed_in(UserRole.VIEWER)
    found = [
        client.post(UPDATE, json=each).status_code
        for output, each in calls(site)
        if any(str(part["id"]).startswith(OF_PEOPLE) for part in (*each["inputs"], *each["state"]))
        or output.strip(".").startswith(OF_PEOPLE)
    ]
    assert len(found) >= 6
    assert set(found) == {404}


def test_the_list_answers_a_query(site: Site) -> None:
    client = site.signed_in(UserRole.DESK)
    (rows,) = [each for output, each in calls(site) if "people-table.children" in output]
    rows["inputs"][1]["value"] = "?q=bjorn"
    text = json.dumps(client.post(UPDATE, json=rows).json, ensure_ascii=False)
    assert "Björn Ólafsson" in text
    assert "Ada Brandt" not in text


def test_the_file_has_all_who_fit_as_text_that_runs_nothing(site: Site) -> None:
    save_profile(site, site.signed_in(UserRole.DESK), "=HYPERLINK(1)", ["Yoga", "Rowing"])
    lines = site.signed_in(UserRole.DESK).get("/people.csv?who=members").text.splitlines()
    assert lines[0].startswith("\ufeffperson_id,name,kind,role,groups,access")
    assert len(lines) == 1 + 20
    (row,) = [line for line in lines if line.startswith(ADA)]
    assert row.startswith(f"""{ADA},'=HYPERLINK(1),enrolled,member,"Rowing, Yoga",true""")


def test_an_export_has_the_person_alone(site: Site) -> None:
    answer = site.signed_in(UserRole.ADMIN).get(f"/people/export.zip?person={ADA}")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="ada-brandt.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.data)) as files:
        data = json.loads(files.read("ada-brandt.json"))
    assert data["person"]["name"] == "Ada Brandt"
    assert {each["person_id"] for each in data["events"]} == {ADA}
    assert site.signed_in(UserRole.ADMIN).get("/people/export.zip?person=p-nobody").status_code == 404


@pytest.mark.parametrize("role", [UserRole.DESK, UserRole.ADMIN])
def test_the_desk_saves_name_and_groups(site: Site, role: UserRole) -> None:
    assert "is saved" in save_profile(site, site.signed_in(role), " Ada  Lovelace ", ["Yoga", "yoga"]).text
    assert (ada(site).name, ada(site).groups) == ("Ada Lovelace", ("Yoga",))
    entry, *_ = site.store.audit.all()
    assert (entry.actor, entry.action) == (NAMES[role], "people.profile")


@pytest.mark.parametrize(
    ("name", "groups", "problem"),
    [
        ("Björn Ólafsson", [], "is called Björn Ólafsson already"),
        ("", [], "is empty"),
        ("x" * 300, [], "at most 200"),
        (7, [], "is empty"),
        ("Ada", ["x" * 99], "at most 60"),
        ("Ada", [str(number) for number in range(99)], "up to 20"),
        ("Ada", [None], "is empty"),
    ],
)
def test_what_cannot_be_saved_is_said_with_the_fix(site: Site, name: object, groups: object, problem: str) -> None:
    answer = save_profile(site, site.signed_in(UserRole.DESK), name, groups)
    assert problem in json.dumps(answer.json, ensure_ascii=False)
    assert ada(site).name == "Ada Brandt"
    assert site.store.audit.all() == []


def test_only_admins_change_what_somebody_may(site: Site) -> None:
    before = ada(site)
    for role in (UserRole.VIEWER, UserRole.DESK):
        assert save_rights(site, site.signed_in(role)).status_code == 404
    assert ada(site) == before
    assert save_rights(site, site.signed_in(UserRole.ADMIN)).status_code == 200
    found = ada(site)
    assert (found.role, found.access, str(found.valid_until), found.valid_from) == (
        Role.STAFF,
        False,
        "2030-12-31",
        None,
    )


@pytest.mark.parametrize("values", [{"person_until": "soon"}, {"person_until": 7}, {"person_from": "2031-01-01"}])
def test_days_that_are_none_change_nothing(site: Site, values: dict[str, object]) -> None:
    before = ada(site)
    assert "day" in save_rights(site, site.signed_in(UserRole.ADMIN), **values).text
    assert ada(site) == before


def test_only_admins_forget(site: Site) -> None:
    for role in (UserRole.VIEWER, UserRole.DESK):
        client = site.signed_in(role)
        assert forget(site, client, "Ada Brandt").status_code == 404
        assert click(site, client, "person-forget").status_code == 404
    assert ada(site) is not None


@pytest.mark.parametrize(
    ("typed", "history"), [("Ada", "erase"), ("", "erase"), (None, "keep"), ("Ada Brandt", "some")]
)
def test_nobody_is_forgotten_without_their_name(site: Site, typed: object, history: object) -> None:
    forget(site, site.signed_in(UserRole.ADMIN), typed, history)
    assert ada(site) is not None
    assert site.store.audit.all() == []


@pytest.mark.parametrize("history", ["keep", "erase"])
def test_forgetting_erases_what_it_said(site: Site, history: str) -> None:
    client = site.signed_in(UserRole.ADMIN)
    events = len(site.store.events.select())
    theirs = len(site.store.events.select(person_id=ADA))
    question = json.dumps(click(site, client, "person-forget").json, ensure_ascii=False)
    assert "Type “Ada Brandt” to confirm" in question
    assert "Face vectors" in question
    answer = forget(site, client, "ada brandt", history)
    assert "is forgotten" in answer.text
    said = json.dumps(answer.json).partition("Kept without a name")
    assert ("Enters and exits" in said[2]) is (history == "keep")
    assert ("Enters and exits" in said[0]) is (history == "erase")
    assert ada(site) is None
    assert site.store.people.is_forgotten(ADA)
    assert site.store.events.select(person_id=ADA) == []
    assert len(site.store.events.select()) == events - (theirs if history == "erase" else 0)
    assert "Ada Brandt" not in client.get("/people.csv").text
    files = b"".join(path.read_bytes() for path in site.path.parent.glob("footfall.sqlite3*"))
    assert b"Ada Brandt" not in files


def test_control_characters_of_older_names_are_shown_escaped_and_typed_so(site: Site) -> None:
    site.store.people.update(replace(ada(site), name="Ada\u202eevE"))
    client = site.signed_in(UserRole.ADMIN)
    (rows,) = [each for output, each in calls(site) if "people-table.children" in output]
    for request in (rows, asked(site, "person-forget")):
        request["inputs"][-1]["value"] = request["inputs"][-1]["value"] or ""
        text = json.dumps(client.post(UPDATE, json=request).json, ensure_ascii=False)
        assert "Ada\\\\u202eevE" in text
        assert "\u202e" not in text
    forget(site, client, "Ada\\u202eevE")
    assert ada(site) is None


def test_without_users_everything_is_open_on_this_machine(new_site: Callable[..., Site]) -> None:
    site = new_site(users=False)
    client = with_token(site.client())
    assert save_rights(site, client).status_code == 200
    assert site.store.audit.all()[0].actor == "this machine"
