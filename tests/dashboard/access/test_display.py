"""The display at the door: what its link opens, and that it opens nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from config.errors import StoreError
from dashboard.access.identity import current_actor, names_shown
from dashboard.plain.display import Shown, shown
from dashboard.queries import Board
from tests.dashboard import gym
from tests.dashboard.access.conftest import Site
from tests.dashboard.access.test_requests import ALL_NAMES, UPDATE, calls
from tests.dashboard.boards import NOW, minutes_ago, stay
from tests.dashboard.conftest import with_token
from tracker.presence.health import CameraState
from tracker.store.observation import Observation
from tracker.store.store import Store
from tracker.store.users import UserRole

OPEN = {"/display", "/display.json"}


@pytest.fixture
def key(site: Site) -> str:
    return site.store.display_links.add("door")


def paths(site: Site) -> set[str]:
    """Every address that answers a GET, with something for what is variable in it."""
    found = {"/visits", "/usage", "/nope", "/display/", "/display.json/", "/Display"}
    for rule in site.app.server.url_map.iter_rules():
        path = rule.rule.replace("<path:filename>", "base.css").replace("<path:path>", "display/x")
        path = path.replace("<string:package_name>", "dash").replace("<path:fingerprinted_path>", "deps/react.js")
        found |= {path} if "GET" in rule.methods else set()
    return found


def without_sign_in(client: FlaskClient, path: str, key: str) -> int:
    status: int = client.get(path, query_string={"key": key}).status_code
    return status


def test_the_key_opens_the_display_and_its_numbers(site: Site, key: str) -> None:
    client = site.client()
    page = client.get("/display", query_string={"key": key})
    assert page.status_code == 200
    assert "Northside Gym" in page.text
    assert f"/display.json?key={key}" in page.text
    data = client.get("/display.json", query_string={"key": key}).json
    assert data["of"] == "of 12"
    assert f'<span id="number">{data["number"]}</span>' in page.text
    for text in (page.text, str(data)):
        assert not any(name in text for name in ALL_NAMES)


def test_the_key_opens_no_other_page(site: Site, key: str) -> None:
    client = site.client()
    for path in sorted(paths(site) - OPEN):
        expected = {200, 404} if path.startswith(("/assets/", "/sign-in")) else {303, 401}
        if path.startswith("/camera/") and not path.startswith("/camera/api/"):
            expected = {200, 404, 503}  # the page of a device, which may not be built here
        assert without_sign_in(client, path, key) in expected, path
    for path in OPEN:
        assert client.head(path, query_string={"key": key}).status_code == 200


def test_the_key_answers_no_callback_and_takes_nothing(site: Site, key: str) -> None:
    client = with_token(site.client(), "/sign-in")
    for output, asked in calls(site):
        assert client.post(UPDATE, json=asked, query_string={"key": key}).status_code == 401, output
        assert client.post(f"/display?key={key}", json=asked).status_code in {401, 405}
    assert client.post(f"/sign-out-everywhere?key={key}").status_code == 401


def test_the_key_is_no_sign_in(site: Site, key: str) -> None:
    client = site.client()
    answer = client.get("/display", query_string={"key": key})
    assert not any("sign-in" in cookie for cookie in answer.headers.getlist("Set-Cookie"))
    assert client.get("/").status_code == 303


def test_whoever_has_the_key_acts_as_a_viewer(site: Site, key: str) -> None:
    with site.app.server.test_request_context("/display", query_string={"key": key}):
        assert site.app.server.preprocess_request() is None
        assert (current_actor().role, names_shown()) == (UserRole.VIEWER, False)


@pytest.mark.parametrize("wrong", ["", "door", "x" * 43])
def test_without_the_key_the_display_is_closed(site: Site, key: str, wrong: str) -> None:
    client = site.client()
    assert len(key) == len("x" * 43)
    assert without_sign_in(client, "/display", wrong) == 303
    assert without_sign_in(client, "/display.json", wrong) == 401


def test_a_revoked_key_opens_nothing(site: Site, key: str) -> None:
    client = site.client()
    assert without_sign_in(client, "/display.json", key) == 200
    site.store.display_links.revoke("door")
    assert without_sign_in(client, "/display.json", key) == 401


@pytest.mark.parametrize("role", UserRole)
def test_everybody_who_is_signed_in_may_open_it(site: Site, role: UserRole) -> None:
    client = site.signed_in(role)
    assert client.get("/display").status_code == client.get("/display.json").status_code == 200


def test_without_users_it_is_open_as_all_is(new_site: Callable[..., Site]) -> None:
    assert new_site(users=False).client().get("/display").status_code == 200


def test_where_others_reach_it_the_link_is_needed_also_without_users(new_site: Callable[..., Site]) -> None:
    site = new_site(users=False, always_sign_in=True)
    assert without_sign_in(site.client(), "/display", "") == 303
    assert without_sign_in(site.client(), "/display", site.store.display_links.add("door")) == 200


def test_light_or_dark_may_be_chosen(site: Site, key: str) -> None:
    client = site.client()
    for given, found in (("dark", True), ("light", True), ("pink", False), ('"><b>', False)):
        page = client.get("/display", query_string={"key": key, "scheme": given}).text
        assert (f'data-mantine-color-scheme="{given}"' in page) is found
        assert "<b>" not in page


def test_a_store_that_fails_has_no_number(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client = site.signed_in(UserRole.VIEWER)

    def fail(_self: Board) -> None:
        raise StoreError("the disk fails", fix="replace it")

    monkeypatch.setattr(Board, "now_view", fail)
    assert client.get("/display.json").json["words"] == "not available"
    page = client.get("/display")
    assert (page.status_code, "disk" in page.text) == (200, False)


# -- what it says


@pytest.mark.parametrize(
    ("inside", "capacity", "expected"),
    [
        pytest.param(3, None, Shown(number="3", of="", words="", percent=None, level="calm"), id="no-capacity"),
        pytest.param(3, 10, Shown(number="3", of="of 10", words="7 free", percent=30, level="calm"), id="calm"),
        pytest.param(
            8, 10, Shown(number="8", of="of 10", words="nearly full · 2 free", percent=80, level="orange"), id="orange"
        ),
        pytest.param(9, 10, Shown(number="9", of="of 10", words="full · 1 free", percent=90, level="red"), id="red"),
        pytest.param(
            12, 10, Shown(number="12", of="of 10", words="full · no place free", percent=100, level="red"), id="over"
        ),
    ],
)
def test_the_number_and_its_level(
    store: Store, board: Board, inside: int, capacity: int | None, expected: Shown
) -> None:
    store.record(Observation(health=gym.health("door", NOW)))
    for number in range(inside):
        stay(store, f"v-{number}", 20 + number, None)
    assert shown(board.now_view(), capacity) == expected


def test_where_nothing_watches_there_is_no_number(store: Store, board: Board) -> None:
    nothing = Shown(number="–", of="", words="not watched", percent=None, level="calm")
    assert shown(board.now_view(), 10) == nothing
    stay(store, "p-ada", 20, None)
    assert shown(board.now_view(), 10).number == "1"  # imported events: no camera, and nothing is wrong
    store.record(Observation(health=gym.health("door", minutes_ago(9), state=CameraState.LOST)))
    assert shown(board.now_view(), 10) == nothing
