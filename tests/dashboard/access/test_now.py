"""What each role finds on the page Now."""

from __future__ import annotations

import json

import pytest

from tests.dashboard.access.conftest import Site
from tests.dashboard.access.test_requests import UPDATE, calls
from tracker.store.users import UserRole


def answer(site: Site, role: UserRole, output: str, path: str = "/") -> str:
    """What the callback that fills `output` answers for the page at `path`."""
    asked = next(asked for known, asked in calls(site) if output in known)
    for each in asked["inputs"]:
        each["value"] = {"pathname": path, "search": ""}.get(each["property"], each["value"])
    return json.dumps(site.signed_in(role).post(UPDATE, json=asked).json)


@pytest.mark.parametrize(("role", "may_act"), [(UserRole.VIEWER, False), (UserRole.DESK, True), (UserRole.ADMIN, True)])
def test_only_desk_and_admin_get_the_roll_call_and_the_button_of_each_person(
    site: Site, role: UserRole, may_act: bool
) -> None:
    page, people = answer(site, role, "page.children"), answer(site, role, "now-inside.children")
    assert ('"/roll-call"' in page, '"/display"' in page) == (may_act, True)
    assert people.count('"people-grid"') == 1
    assert ('"data-correct"' in people) is may_act
