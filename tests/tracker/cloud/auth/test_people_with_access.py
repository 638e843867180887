"""Granting and revoking people's access to sites."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

import pytest
from firebase_admin import auth
from hypothesis import given
from hypothesis import strategies as st

from config.errors import CloudError, CloudUnreachableError
from tests.rules.ruling import Request, Rules
from tests.rules.samples import NOW
from tests.tracker.cloud.auth.auth_server import AuthServer
from tests.tracker.cloud.auth.conftest import SITE, Project
from tracker.cloud.auth.access import LONGEST_CLAIMS, Access, access_to, device_claims, granted, is_device
from tracker.cloud.auth.admin import grant, web_api_key

SITES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,15}", fullmatch=True)


@pytest.fixture
def email() -> str:
    return f"ann-{uuid.uuid4().hex[:8]}@example.org"


def claims_of(project: Project, email: str) -> object:
    return auth.get_user_by_email(email, app=project.connect().app).custom_claims


def test_a_new_user_is_created_with_a_link(project: Project, email: str) -> None:
    done = grant(project.connect(), email, SITE, Access.OPERATOR)
    assert done.link is not None
    assert done.link.startswith("http")
    assert claims_of(project, email) == {"sites": {SITE: "operator"}}


def test_access_is_granted_and_revoked_per_site(project: Project, email: str) -> None:
    owner = project.connect()
    grant(owner, email, SITE, Access.OPERATOR)
    assert grant(owner, email, "pool", Access.ADMIN).link is None
    grant(owner, email, SITE, Access.ADMIN)
    assert claims_of(project, email) == {"sites": {SITE: "admin", "pool": "admin"}}
    grant(owner, email, SITE, None)
    assert claims_of(project, email) == {"sites": {"pool": "admin"}}
    grant(owner, email, "pool", None)
    assert not claims_of(project, email)


def test_an_unverified_address_gets_no_access(project: Project, email: str) -> None:
    owner = project.connect()
    auth.create_user(email=email, password="guessed-it", app=owner.app)
    with pytest.raises(CloudError, match="nobody has confirmed"):
        grant(owner, email, SITE, Access.ADMIN)
    assert not claims_of(project, email)


def test_a_verified_address_gets_access(project: Project, email: str) -> None:
    owner = project.connect()
    auth.create_user(email=email, password="chosen-well", email_verified=True, app=owner.app)
    assert grant(owner, email, SITE, Access.ADMIN).link is None
    assert claims_of(project, email) == {"sites": {SITE: "admin"}}


def test_a_disabled_user_gets_no_access(project: Project, email: str) -> None:
    owner = project.connect()
    grant(owner, email, SITE, Access.OPERATOR)
    auth.update_user(auth.get_user_by_email(email, app=owner.app).uid, disabled=True, app=owner.app)
    with pytest.raises(CloudError, match="disabled"):
        grant(owner, email, SITE, Access.ADMIN)


@pytest.mark.parametrize("wrong", ["", "ann", "ann@", "@example.org"])
def test_an_invalid_address_is_refused(project: Project, wrong: str) -> None:
    with pytest.raises(CloudError):
        grant(project.connect(), wrong, SITE, Access.OPERATOR)


def test_revoking_access_of_an_unknown_user_is_refused(project: Project, email: str) -> None:
    with pytest.raises(CloudError, match="nobody signs in"):
        grant(project.connect(), email, SITE, None)


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (400, "CONFIGURATION_NOT_FOUND", CloudError),
        (403, "PERMISSION_DENIED", CloudError),
        (401, "UNAUTHENTICATED", CloudError),
        (503, "UNAVAILABLE", CloudUnreachableError),
        (429, "QUOTA", CloudUnreachableError),
        (400, "SOMETHING_NEW", CloudError),
    ],
)
def test_errors_of_authentication_have_a_fix(
    own_project: Project, email: str, status: int, word: str, kind: type[CloudError]
) -> None:
    owner = own_project.connect()
    assert own_project.stand_in is not None
    own_project.stand_in.fault = (status, json.dumps({"error": {"code": status, "message": word}}).encode())
    with pytest.raises(CloudError) as caught:
        grant(owner, email, SITE, Access.OPERATOR)
    assert type(caught.value) is kind
    assert len(caught.value.fix) > 5


def test_an_emulator_needs_no_web_api_key(project: Project) -> None:
    assert web_api_key(project.connect(), emulated=True)


def management(project: Project, monkeypatch: pytest.MonkeyPatch) -> AuthServer:
    """Google's project management API on the test's server."""
    assert project.stand_in is not None
    monkeypatch.setattr("tracker.cloud.auth.admin._MANAGEMENT", f"http://{project.stand_in.host}/v1beta1/projects")
    return project.stand_in


def test_the_web_api_key_is_that_of_the_first_web_app(own_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    management(own_project, monkeypatch)
    assert web_api_key(own_project.connect()) == "the-web-key"


@pytest.mark.parametrize("apps", [{}, {"apps": []}, {"apps": [{}]}, {"apps": 7}], ids=str)
def test_a_project_without_a_web_app_needs_the_key_to_be_given(
    own_project: Project, monkeypatch: pytest.MonkeyPatch, apps: dict[str, object]
) -> None:
    management(own_project, monkeypatch).web_apps = apps
    with pytest.raises(CloudError, match="no web app") as caught:
        web_api_key(own_project.connect())
    assert "--api-key" in caught.value.fix


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, b"{}", CloudError),
        (404, b"{}", CloudError),
        (429, b"{}", CloudUnreachableError),
        (503, b"{}", CloudUnreachableError),
        (200, b"<html>", CloudUnreachableError),
        (200, b"[]", CloudError),
    ],
)
def test_unexpected_answers_about_a_project_are_reported(
    own_project: Project, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, kind: type[CloudError]
) -> None:
    management(own_project, monkeypatch).fault = (status, body)
    with pytest.raises(CloudError) as caught:
        web_api_key(own_project.connect())
    assert type(caught.value) is kind


def test_a_network_error_for_the_web_api_key_is_retryable(
    own_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.cloud.auth.admin._MANAGEMENT", "http://127.0.0.1:9/v1beta1/projects")
    with pytest.raises(CloudUnreachableError):
        web_api_key(own_project.connect())


# Claims


@given(st.dictionaries(SITES, st.sampled_from([*Access]), max_size=20))
def test_claims_hold_the_granted_access_as_the_rules_read_it(wanted: dict[str, Access]) -> None:
    claims: dict[str, object] = {"keeps": 1}
    for site_id, access in wanted.items():
        claims = granted(claims, site_id, access)
    rules = Rules.read()
    for site_id, access in wanted.items():
        assert access_to(claims, site_id) is access
        reading = Request(method="get", ids=("sites", site_id, "events", "e"), at=NOW, uid="u", claims=claims)
        assert rules.rule(reading, NO_DOCUMENT).allowed
        deleting = Request(method="delete", ids=("sites", site_id, "people", "p"), at=NOW, uid="u", claims=claims)
        assert rules.rule(deleting, NO_DOCUMENT).allowed is (access is Access.ADMIN)
    assert access_to(claims, "-") is None
    for site_id in wanted:
        claims = granted(claims, site_id, None)
    assert claims == {"keeps": 1}


NO_DOCUMENT: Callable[[tuple[str, ...]], None] = {}.get  # type: ignore[assignment]  # no document anywhere


@pytest.mark.parametrize(
    "claims", [{}, {"sites": None}, {"sites": ["gym"]}, {"sites": {"gym": "owner"}}, {"sites": {"gym": ["admin"]}}]
)
def test_claims_of_another_form_give_no_access(claims: dict[str, object]) -> None:
    assert access_to(claims, "gym") is None


@pytest.mark.parametrize("site_id", ["", "a/b", "x" * 65, "-a", "a b", "gym\n"])
def test_access_to_an_invalid_site_is_refused(site_id: str) -> None:
    with pytest.raises(ValueError, match="id of a site"):
        granted({}, site_id, Access.ADMIN)


def test_claims_that_are_too_long_are_refused() -> None:
    claims: dict[str, object] = {}
    names = [f"site-with-a-long-name-{number:03}" for number in range(23)]
    for name in names:
        claims = granted(claims, name, Access.OPERATOR)
    assert len(json.dumps(claims)) <= LONGEST_CLAIMS
    with pytest.raises(ValueError, match="sites"):
        granted(claims, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", Access.OPERATOR)


def test_a_camera_machine_cannot_be_granted_access() -> None:
    claims = device_claims("gym", "door")
    assert is_device(claims)
    assert access_to(claims, "gym") is None
    with pytest.raises(ValueError, match="camera machine"):
        granted(claims, "gym", Access.ADMIN)
