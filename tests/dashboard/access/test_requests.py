"""What the dashboard lets through: hosts, origins, tokens, sign-ins and roles, asked over HTTP."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from config.errors import StoreError
from tests.dashboard import gym
from tests.dashboard.access.conftest import NAMES, Site
from tests.dashboard.conftest import with_token
from tracker.store.store import Store
from tracker.store.users import User, UserRole

UPDATE = "/_dash-update-component"
ALL_NAMES = (*gym.MEMBERS, *gym.STAFF, gym.AT_THE_DESK)
EVERY_ROLE = pytest.mark.parametrize("role", UserRole)


def calls(site: Site) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every callback of the pages, with values that make it answer with everything it has."""
    values = {
        "url.pathname": "/visits",
        "url.search": "?days=30",
        "colours.data": "light",
        "viewport.data": "wide",
    }

    def exact(part: dict[str, str]) -> dict[str, Any]:
        """A part of one component, where the callback is for any that match."""
        is_pattern = part["id"].startswith("{")
        return {**part, "id": json.loads(part["id"].replace('["MATCH"]', '"any"'))} if is_pattern else {**part}

    def named(parts: list[dict[str, str]]) -> list[dict[str, Any]]:
        return [{**exact(part), "value": values.get(f"{part['id']}.{part['property']}")} for part in parts]

    for output, callback in site.app.callback_map.items():
        if "callback" not in callback:
            continue  # it runs in the browser
        parts = output.strip(".").split("...")
        outputs = [exact(dict(zip(("id", "property"), part.split("."), strict=True))) for part in parts]
        yield (
            output,
            {
                "output": output,
                "outputs": outputs if output.startswith("..") else outputs[0],
                "inputs": named(callback["inputs"]),
                "state": named(callback["state"]),
            },
        )


def answers(site: Site, client: FlaskClient) -> dict[str, str]:
    """What every callback answers to this browser, by its output; nothing where it is not there for its role."""
    found = {}
    for output, asked in calls(site):
        answer = client.post(UPDATE, json=asked)
        assert answer.status_code in {200, 204, 404}, (output, answer.status_code)
        found[output] = json.dumps(answer.json, ensure_ascii=False) if answer.status_code == 200 else ""
    return found


# -- hosts


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8050",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "x:y",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/", "/sign-in", "/assets/base.css", "/_dash-layout"])
def test_a_foreign_host_is_refused(site: Site, host: str, path: str) -> None:
    client = site.signed_in(UserRole.ADMIN)
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert "Northside" not in answer.text


@pytest.mark.parametrize(
    "host", ["localhost:8050", "127.0.0.1", "[::1]:8050", "192.168.1.7:80", "Gym.Example", "gym.example.:443"]
)
def test_own_names_and_addresses_are_accepted(site: Site, host: str) -> None:
    assert site.client().get("/sign-in", headers={"Host": host}).status_code == 200


# -- pages of other sites


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "https://evil.example"}, id="origin"),
        pytest.param({"Origin": "null"}, id="null-origin"),
        pytest.param({"Origin": "http://localhost:9999"}, id="another-port"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="cross-site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, id="same-site"),
        pytest.param({"Sec-Fetch-Site": "none"}, id="typed"),
    ],
)
@pytest.mark.parametrize("path", [UPDATE, "/sign-out", "/account", "/sign-out-everywhere"])
def test_a_request_from_another_page_changes_nothing(site: Site, headers: dict[str, str], path: str) -> None:
    client = site.signed_in(UserRole.ADMIN)
    assert client.post(path, json={}, headers=headers).status_code == 403
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
@pytest.mark.parametrize("path", [UPDATE, "/sign-out", "/account", "/sign-in"])
def test_a_request_without_the_token_of_the_page_is_refused(site: Site, token: str, path: str) -> None:
    client = site.signed_in(UserRole.ADMIN)
    client.environ_base["HTTP_X_CSRF_TOKEN"] = token.encode().decode("latin-1")
    assert client.post(path, data={"name": "Ada"}).status_code == 401
    assert client.get("/account").status_code == 200


def test_the_token_of_another_browser_is_refused(site: Site) -> None:
    one, other = site.signed_in(UserRole.ADMIN), site.signed_in(UserRole.VIEWER)
    one.environ_base["HTTP_X_CSRF_TOKEN"] = other.environ_base["HTTP_X_CSRF_TOKEN"]
    assert one.post("/sign-out").status_code == 401


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_methods_that_pages_do_not_use_are_refused(site: Site, method: str) -> None:
    client = site.signed_in(UserRole.ADMIN)
    assert client.open("/", method=method).status_code in {403, 404, 405}


# -- signing in


def test_nothing_but_the_sign_in_is_open_without_it(site: Site) -> None:
    client = with_token(site.client(), "/sign-in")
    for rule in site.app.server.url_map.iter_rules():
        path = rule.rule.replace("<path:filename>", "base.css").replace("<path:path>", "visits")
        path = path.replace("<string:package_name>", "dash").replace("<path:fingerprinted_path>", "deps/react.js")
        for method in rule.methods & {"GET", "POST"}:
            answer = client.open(path, method=method, json={} if method == "POST" else None)
            if path.startswith(("/sign-in", "/assets/")):
                assert answer.status_code in {200, 401}, path
            elif path.startswith("/camera/") and not path.startswith("/camera/api/"):
                assert answer.status_code in {200, 404, 503}, path
            elif answer.status_code == 303:
                assert (method, answer.headers["Location"]) == ("GET", f"/sign-in?next={path}")
            else:
                assert answer.status_code == 401, path


def test_no_callback_answers_without_a_sign_in(site: Site) -> None:
    client = with_token(site.client(), "/sign-in")
    asked = dict(calls(site))
    assert len(asked) > 6
    assert {client.post(UPDATE, json=each).status_code for each in asked.values()} == {401}


def test_without_users_the_pages_are_open(new_site: Callable[..., Site]) -> None:
    site = new_site(users=False)
    client = with_token(site.client())
    assert any("Ada Brandt" in text for text in answers(site, client).values())
    assert client.get("/account").status_code == 404


def test_without_users_nothing_is_open_where_others_can_reach_it(new_site: Callable[..., Site]) -> None:
    site = new_site(users=False, always_sign_in=True)
    client = site.client()
    assert client.get("/").status_code == 303
    text = client.get("/sign-in").text
    assert "footfall users add NAME --role admin" in text
    assert "<form" not in text


def test_the_first_user_closes_open_pages(new_site: Callable[..., Site]) -> None:
    site = new_site(users=False)
    client = with_token(site.client())
    asked = dict(calls(site))
    assert client.post(UPDATE, json=next(iter(asked.values()))).status_code != 401
    site.store.users.add(User(name="Ada", role=UserRole.ADMIN, created_at=site.store.now()), "hash")
    assert {client.post(UPDATE, json=each).status_code for each in asked.values()} == {401}
    site.store.users.remove("Ada")
    assert client.post(UPDATE, json=next(iter(asked.values()))).status_code == 401


def test_a_store_that_cannot_be_read_opens_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client = site.signed_in(UserRole.ADMIN)

    def fail(_self: Store, *_more: object, **_named: object) -> Store:
        raise StoreError("the disk fails", fix="replace it")

    monkeypatch.setattr("dashboard.queries._StoreFile.opened", fail)
    answer = client.get("/")
    assert answer.status_code == 503
    assert "disk" not in answer.text


# -- roles


@pytest.mark.parametrize("role", [UserRole.DESK, UserRole.ADMIN])
def test_desk_and_admin_see_names(site: Site, role: UserRole) -> None:
    texts = answers(site, site.signed_in(role)).values()
    assert {name for name in ALL_NAMES if any(name in text for text in texts)} >= {"Ada Brandt", gym.AT_THE_DESK}


def test_a_viewer_gets_no_name_from_any_callback(site: Site) -> None:
    found = answers(site, site.signed_in(UserRole.VIEWER))
    for output, text in found.items():
        for person in site.store.people.all():
            assert person.name not in text, output
            assert person.person_id not in text, output
    assert sum("Somebody" in text for text in found.values()) >= 3
    events = site.store.events.select(site_id=gym.SITE, limit=50, newest_first=True)
    sessions = site.store.sessions.select(site_id=gym.SITE, now=site.store.now())
    everything = "".join(found.values())
    assert not any(event.event_id in everything for event in events)
    assert not any(session.session_id in everything for session in sessions)


def test_a_viewer_gets_no_name_from_any_page(site: Site) -> None:
    client = site.signed_in(UserRole.VIEWER)
    for path in ("/", "/visits", "/usage", "/account", "/_dash-layout", "/_dash-dependencies"):
        text = client.get(path).text
        assert not any(name in text for name in ALL_NAMES), path


def test_a_viewer_downloads_visits_of_nobody_in_particular(site: Site) -> None:
    desk, viewer = site.signed_in(UserRole.DESK), site.signed_in(UserRole.VIEWER)
    assert "Ada Brandt" in desk.get("/visits.csv?days=30").text
    text = viewer.get("/visits.csv?days=30").text
    assert text.count("\n") == desk.get("/visits.csv?days=30").text.count("\n") > 2
    for person in site.store.people.all():
        assert person.name not in text
        assert person.person_id not in text


def test_a_viewer_finds_nobody_by_name_or_id(site: Site) -> None:
    desk, viewer = site.signed_in(UserRole.DESK), site.signed_in(UserRole.VIEWER)
    (person,) = [each for each in site.store.people.all() if each.name == "Ada Brandt"]
    everybody = viewer.get("/visits.csv?days=30").text.count("\n")
    assert desk.get("/visits.csv?days=30&q=brandt").text.count("\n") > 1
    assert viewer.get("/visits.csv?days=30&q=brandt").text.count("\n") == 1
    assert viewer.get(f"/visits.csv?days=30&person={person.person_id}").text.count("\n") == everybody
    rows = list(csv.DictReader(viewer.get("/visits.csv?days=30&sort=name").text.removeprefix("\ufeff").splitlines()))
    starts = [datetime.fromisoformat(row["started_at"]) for row in rows]
    assert starts == sorted(starts, reverse=True)


def test_viewers_see_the_same_figures(site: Site) -> None:
    desk, viewer = answers(site, site.signed_in(UserRole.DESK)), answers(site, site.signed_in(UserRole.VIEWER))
    tiles = next(output for output in desk if "usage-tiles" in output)
    assert json.loads(desk[tiles])["response"]["usage-tiles"] == json.loads(viewer[tiles])["response"]["usage-tiles"]


def test_an_answer_for_the_desk_is_not_kept_for_viewers(site: Site) -> None:
    desk, viewer = site.signed_in(UserRole.DESK), site.signed_in(UserRole.VIEWER)
    for output, asked in calls(site):
        desk.post(UPDATE, json=asked)
        text = viewer.post(UPDATE, json=asked).text
        assert not any(name in text for name in ALL_NAMES), output
        desk.post(UPDATE, json=asked)


# -- answers


@EVERY_ROLE
def test_data_is_never_kept_by_browsers(site: Site, role: UserRole) -> None:
    client = site.signed_in(role)
    for path in ("/", "/sign-in", "/account", "/_dash-layout", "/nope"):
        assert client.get(path).headers["Cache-Control"] == "no-store", path
    for _, asked in calls(site):
        assert client.post(UPDATE, json=asked).headers["Cache-Control"] == "no-store"


def test_scripts_of_the_page_run_by_their_hashes_only(site: Site) -> None:
    headers = site.signed_in(UserRole.ADMIN).get("/").headers
    rules = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert "unsafe" not in rules["script-src"]
    assert "'sha256-" in rules["script-src"]
    assert (rules["object-src"], rules["base-uri"], rules["frame-ancestors"]) == ("'none'",) * 3
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nope", "/assets/nope.css"])
def test_no_answer_has_a_version_or_a_path(site: Site, path: str) -> None:
    for client in (site.client(), site.signed_in(UserRole.VIEWER)):
        answer = client.get(path)
        head = answer.text.partition("<footer>")[0] + answer.text.partition("dash_config")[2][:2000]
        assert 'python_version":"' not in answer.text
        assert 'dash_version":"' not in answer.text
        assert str(site.path.parent) not in head
        assert "Werkzeug" not in str(answer.headers)


def test_a_body_over_the_limit_is_refused(site: Site) -> None:
    client = site.signed_in(UserRole.ADMIN)
    assert client.post(UPDATE, data=b"x" * 1_000_001, content_type="application/json").status_code == 413
    del client.environ_base["HTTP_X_CSRF_TOKEN"]  # so that it is looked for in the form
    assert client.post("/sign-out", data={"name": "x" * 1_000_001}).status_code == 413


def test_no_other_origin_may_read_answers(site: Site) -> None:
    answer = site.signed_in(UserRole.ADMIN).get("/", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_every_role_has_a_user() -> None:
    assert set(NAMES) == set(UserRole)
