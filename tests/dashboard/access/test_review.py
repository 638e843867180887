"""The review, asked over HTTP: who may read and answer it, and what malformed answers do."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.review_form import PICKER
from tests.dashboard import gym
from tests.dashboard.access.conftest import NAMES, Site
from tests.dashboard.access.test_requests import UPDATE, calls
from tracker.presence.people import Person
from tracker.store.users import UserRole

VISITOR = "v-0000000001"
IGNORED = {"answer": "ignore", "items": [{"people": [VISITOR]}]}


def post(site: Site, client: FlaskClient, trigger: str, **values: object) -> TestResponse:
    """What the page's callback with this input answers. values: by id, with _ for -."""
    for _, asked in calls(site):
        parts = [*asked["inputs"], *asked["state"]]
        is_own = "review-" in asked["output"]
        if is_own and f"{asked['inputs'][0]['id']}.{asked['inputs'][0]['property']}" == trigger:
            for part in parts:
                name = "review_person" if PICKER in str(part["id"]) else str(part["id"]).replace("-", "_")
                part["value"] = values.get(name, part["value"])
            return client.post(UPDATE, json={**asked, "changedPropIds": [trigger]})
    raise LookupError(trigger)


def asked(site: Site, client: FlaskClient, data: object) -> TestResponse:
    return post(site, client, "review-asked.data", review_asked=data)


def saved(site: Site, client: FlaskClient, data: object, **values: object) -> TestResponse:
    return post(site, client, "review-save.n_clicks", review_save=1, review_asked=data, **values)


def test_viewer_finds_neither_the_page_nor_an_answer(site: Site) -> None:
    client, version = site.signed_in(UserRole.VIEWER), site.store.version()
    assert client.get("/people/review").status_code == 404
    for _, each in calls(site):
        if any(str(part["id"]).startswith("review-") for part in each["inputs"]):
            answer = client.post(UPDATE, json=each)
            assert answer.status_code == 404
            assert "Visitor" not in answer.text
    assert asked(site, client, IGNORED).status_code == 404
    named = saved(site, client, {**IGNORED, "answer": "name"}, review_who="new", review_name="Eve")
    assert named.status_code == 404
    assert site.store.version() == version


@pytest.mark.parametrize("role", [UserRole.DESK, UserRole.ADMIN])
def test_answer_is_that_of_the_user(site: Site, role: UserRole) -> None:
    client = site.signed_in(role)
    assert client.get("/people/review").status_code == 200
    listed = post(site, client, "pulse.data", url="", review_shown=None)
    assert "Visitor 1" in json.dumps(listed.json, ensure_ascii=False)
    assert "Ignored: 1 visitor." in asked(site, client, IGNORED).text
    (entry,) = site.store.audit.all()
    assert (entry.action, entry.actor, entry.role, entry.subject_id) == ("review.ignore", NAMES[role], role, VISITOR)


def test_form_names_a_visitor(site: Site) -> None:
    client = site.signed_in(UserRole.DESK)
    form = {**IGNORED, "answer": "name"}
    assert "Who is Visitor 1?" in asked(site, client, form).text
    assert "Visitor 1: named." in saved(site, client, form, review_who="new", review_name=" Eve  Polastri ").text
    person = site.store.people.get(VISITOR)
    assert person is not None
    assert person.name == "Eve Polastri"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"review_who": "new", "review_name": " "}, "The name is empty."),
        ({"review_who": "new", "review_name": gym.MEMBERS[0].upper()}, "Somebody is called Ada Brandt already."),
        ({"review_who": "known", "review_person": None}, "Nobody is chosen."),
        ({"review_who": "known", "review_person": "p-nobody"}, "Nobody is chosen."),
    ],
)
def test_form_says_what_is_missing(site: Site, values: dict[str, Any], words: str) -> None:
    version = site.store.version()
    client = site.signed_in(UserRole.DESK)
    assert words in saved(site, client, {**IGNORED, "answer": "name"}, **values).text
    assert site.store.people.get(VISITOR) is not None
    assert site.store.audit.all() == []
    assert site.store.version() > version  # by the sign-in alone


def test_faces_are_kept_of_people_who_agreed_only(site: Site) -> None:
    known = Person(person_id="card-17", name="Card 17", created_at=site.store.now())
    site.store.people.add(known, np.empty((0, 128), np.float32))
    client, form = site.signed_in(UserRole.DESK), {**IGNORED, "answer": "name"}
    values = {"review_who": "known", "review_person": "card-17"}
    assert "Card 17 did not agree to be recognised." in saved(site, client, form, **values).text
    assert "Visitor 1: named." in saved(site, client, form, review_consent=True, **values).text
    person = site.store.people.get(VISITOR)
    assert person is not None
    assert (person.person_id, person.consented_at is None) == ("card-17", False)


@pytest.mark.parametrize(
    "data",
    [
        None, 1, [], {}, {"answer": "ignore"}, {"answer": "ignore", "items": []}, {"answer": 1, "items": [{}]},
        {"answer": "ignore", "items": [{"people": VISITOR}]}, {"answer": "ignore", "items": [{"people": [1]}]},
        {"answer": "ignore", "items": [VISITOR]}, {"answer": "ignore", "items": [{"people": [VISITOR], "visit": "x"}]},
        {"answer": "ignore", "items": [{"people": [VISITOR]}] * 201},
        {"answer": "drop", "items": [{"people": [VISITOR]}]}, {"answer": "merge", "items": [{"people": ["x"]}]},
        {"answer": "yes", "items": [{"visit": "nosuchid"}]}, {"answer": "no", "items": [{"visit": "nosuchid"}]},
        {"answer": "ignore", "items": [{"people": ["p-000000000000"]}]},
    ],
)  # fmt: skip
def test_malformed_answers_change_nothing(site: Site, data: object) -> None:
    client = site.signed_in(UserRole.ADMIN)
    assert asked(site, client, data).status_code in {200, 204}
    assert site.store.audit.all() == []
