"""Signing in and out, and changing a password, by the forms alone."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from http.cookies import SimpleCookie

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.access.attempts import Attempts
from tests.dashboard.access.conftest import NAMES, PASSWORD, Site
from tests.dashboard.conftest import TOKEN, with_token
from tracker.store.users import UserRole

NEW = "another horse staple"


def problem(answer: TestResponse) -> str:
    """The announced problem of a page."""
    found = re.search(r'role="alert"[^>]*>([^<]*)<', answer.text)
    return found[1] if found else ""


def is_in(client: FlaskClient) -> bool:
    return client.get("/").status_code == 200


def cookies_of(answer: TestResponse) -> SimpleCookie:
    found = SimpleCookie()
    for line in answer.headers.getlist("Set-Cookie"):
        found.load(line)
    return found


def test_the_right_password_opens_the_page_that_was_asked_for(site: Site) -> None:
    client = site.client()
    assert client.get("/usage").headers["Location"] == "/sign-in?next=/usage"
    asked = client.get("/visits?from=2026-03-02&search=a+b%26c").headers["Location"]
    text = client.get(asked).text
    field = re.search(r'name="next" value="([^"]*)"', text)
    assert field
    answer = site.sign_in(client, "ADA", next=unescape(field[1]))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/visits?from=2026-03-02&search=a+b%26c")
    assert is_in(client)
    assert client.get("/sign-in").status_code == 303


@pytest.mark.parametrize(
    ("name", "password"),
    [("Ada", "wrong password"), ("Ada", ""), ("Nobody", PASSWORD), ("", PASSWORD), ("Ada\x00", PASSWORD), ("'--", "x")],
)
def test_a_wrong_name_and_a_wrong_password_get_one_answer(site: Site, name: str, password: str) -> None:
    client = site.client()
    answer = site.sign_in(client, name, password)
    assert (answer.status_code, problem(answer)) == (401, "Name or password is wrong.")
    assert 'aria-invalid="true" aria-describedby="problem"' in answer.text
    assert not is_in(client)


def test_what_was_typed_is_escaped_and_the_password_not_repeated(site: Site) -> None:
    answer = site.sign_in(site.client(), '"><script>alert(1)</script>', "my secret words")
    assert "<script>alert" not in answer.text
    assert "my secret words" not in answer.text


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/\nx", "", "/sign-out"],
)
def test_nobody_is_led_elsewhere_after_signing_in(site: Site, target: str) -> None:
    assert site.sign_in(site.client(), "Ada", next=target).headers["Location"] == "/"


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(site: Site) -> None:
    for cookie in cookies_of(site.sign_in(site.client(), "Ada")).values():
        assert cookie["httponly"]
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Strict", "/", "")
        assert not cookie["secure"]


def test_over_https_cookies_are_secure_and_bound_to_the_host(site: Site) -> None:
    client = site.client()
    token = TOKEN.search(client.get("/sign-in", base_url="https://localhost").text)
    assert token
    form = {"name": "Ada", "password": PASSWORD, "csrf_token": token[1]}
    answer = client.post("/sign-in", data=form, base_url="https://localhost")
    secure = [cookie for cookie in cookies_of(answer).values() if cookie["secure"]]
    assert len(secure) == 2
    assert all(cookie.key.startswith("__Host-") for cookie in secure)


def test_a_sign_in_gets_a_token_of_its_own(site: Site) -> None:
    client = with_token(site.client(), "/sign-in")
    before = client.environ_base["HTTP_X_CSRF_TOKEN"]
    first = cookies_of(site.sign_in(client, "Ada"))
    second = cookies_of(site.sign_in(site.client(), "Ada"))
    assert {cookie.value for cookie in first.values()}.isdisjoint(cookie.value for cookie in second.values())
    client.environ_base["HTTP_X_CSRF_TOKEN"] = before
    assert client.post("/sign-out").status_code == 401


def test_a_token_that_another_chose_is_never_a_sign_in(site: Site) -> None:
    client = site.client()
    client.set_cookie("footfall-sign-in", "chosen")
    assert not is_in(client)
    value = cookies_of(site.sign_in(client, "Ada"))["footfall-sign-in"].value
    assert value != "chosen"
    other = site.client()
    other.set_cookie("footfall-sign-in", "chosen")
    assert not is_in(other)


def test_a_sign_in_ends_after_a_week(site: Site) -> None:
    client = site.signed_in(UserRole.DESK)
    cookie = client.get_cookie("footfall-sign-in")
    assert cookie is not None
    assert cookie.max_age == 7 * 86400
    now = site.store.now()
    assert site.store.users.signed_in(cookie.value, now + timedelta(days=6.9)) is not None
    assert site.store.users.signed_in(cookie.value, now + timedelta(days=7.1)) is None


def test_signing_out_ends_this_sign_in_only(site: Site) -> None:
    phone, desk = site.signed_in(UserRole.DESK), site.signed_in(UserRole.DESK)
    cookie = phone.get_cookie("footfall-sign-in")
    assert phone.post("/sign-out").headers["Location"] == "/sign-in"
    assert cookie is not None
    phone.set_cookie("footfall-sign-in", cookie.value)
    assert not is_in(phone)
    assert is_in(desk)


def test_signing_out_everywhere_ends_every_sign_in_of_the_user(site: Site) -> None:
    phone, desk, other = (site.signed_in(role) for role in (UserRole.DESK, UserRole.DESK, UserRole.ADMIN))
    assert phone.post("/sign-out-everywhere").status_code == 303
    assert [is_in(client) for client in (phone, desk, other)] == [False, False, True]


def test_signing_out_needs_more_than_a_link(site: Site) -> None:
    client = site.signed_in(UserRole.DESK)
    assert client.get("/sign-out").status_code in {404, 405}
    assert is_in(client)


@pytest.mark.parametrize("change", ["remove", "sign_out_everywhere"])
def test_the_command_line_ends_sign_ins_at_once(site: Site, change: str) -> None:
    client = site.signed_in(UserRole.DESK)
    getattr(site.store.users, change)(NAMES[UserRole.DESK])
    assert not is_in(client)
    assert client.post("/_dash-update-component", json={}).status_code == 401


def change_password(client: FlaskClient, current: str, new: str, again: str | None = None) -> TestResponse:
    form = {"password": current, "new_password": new, "again": new if again is None else again}
    return client.post("/account", data=form)


def test_a_changed_password_signs_out_other_devices(site: Site) -> None:
    phone, desk = site.signed_in(UserRole.DESK), site.signed_in(UserRole.DESK)
    answer = change_password(phone, PASSWORD, NEW)
    assert answer.status_code == 303
    assert "The password is changed" in phone.get(answer.headers["Location"]).text
    assert [is_in(client) for client in (phone, desk)] == [True, False]
    assert site.sign_in(site.client(), NAMES[UserRole.DESK], PASSWORD).status_code == 401
    assert site.sign_in(site.client(), NAMES[UserRole.DESK], NEW).status_code == 303


@pytest.mark.parametrize(
    ("current", "new", "again", "words"),
    [
        pytest.param("wrong password", NEW, NEW, "The current password is wrong", id="current"),
        pytest.param(PASSWORD, NEW, f"{NEW}!", "The two new passwords differ", id="differ"),
        pytest.param(PASSWORD, "short", "short", "5 characters, at least 10", id="short"),
        pytest.param(PASSWORD, "front desk", "front desk", "easy to guess", id="the-name"),
    ],
)
def test_a_password_that_cannot_be_changed_says_why(site: Site, current: str, new: str, again: str, words: str) -> None:
    client = site.signed_in(UserRole.DESK)
    answer = change_password(client, current, new, again)
    assert answer.status_code in {400, 401}
    assert words in problem(answer)
    assert is_in(client)
    assert site.sign_in(site.client(), NAMES[UserRole.DESK], PASSWORD).status_code == 303


def test_guessing_is_slowed_down(site: Site) -> None:
    client = site.client()
    statuses = [site.sign_in(client, "Ada", f"wrong {number}").status_code for number in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    answer = site.sign_in(client, "Ada")
    assert answer.status_code == 429  # the right password has to wait too
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert problem(answer).startswith("Too many attempts. Try again in ")
    assert site.sign_in(site.client(), "Vic").status_code == 303


def test_guessing_many_names_from_one_address_is_slowed_down(site: Site) -> None:
    statuses = [site.sign_in(site.client(), f"name {number}", "wrong").status_code for number in range(22)]
    assert statuses[:20] == [401] * 20
    assert statuses[21] == 429


def test_guessing_the_current_password_is_slowed_down(site: Site) -> None:
    client = site.signed_in(UserRole.DESK)
    statuses = [change_password(client, f"wrong {number}", NEW).status_code for number in range(6)]
    assert statuses == [401] * 5 + [429]


def test_a_link_from_elsewhere_finds_the_sign_in_again(site: Site) -> None:
    client = site.client()  # as a browser sends it: without cookies that are for this site only
    answer = client.get("/visits", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0">' in answer.text
    assert "Set-Cookie" not in answer.headers
    again = client.get("/visits", headers={"Sec-Fetch-Site": "same-origin"})
    assert again.status_code == 303


@pytest.mark.parametrize("path", ["/sign-in", "/account"])
def test_the_pages_need_no_script_and_label_their_fields(site: Site, path: str) -> None:
    client = site.client() if path == "/sign-in" else site.signed_in(UserRole.DESK)
    text = client.get(path).text
    assert re.findall(r"<script(?! src=)", text) == []
    fields = re.findall(r'<input id="([a-z_]+)"', text)
    assert len(fields) >= 2
    assert [name for name in fields if f'<label for="{name}">' not in text] == []
    assert 'autocomplete="current-password"' in text


# -- the limit itself


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_pauses_double_up_to_a_minute_for_a_name(clock: Clock) -> None:
    attempts = Attempts(clock)
    pauses = []
    for number in range(12):
        wait_s = attempts.begin("ada", f"10.0.0.{number}")
        if wait_s:
            pauses.append(wait_s)
            clock.now_s += wait_s
            assert attempts.begin("ada", f"10.0.1.{number}") == 0
    assert pauses == [1, 2, 4, 8, 16, 32, 60]


def test_a_success_forgets_the_failures_of_the_name(clock: Clock) -> None:
    attempts = Attempts(clock)
    for _ in range(5):
        attempts.begin("ada", "10.0.0.1")
        clock.now_s += 2
    attempts.succeed("ada", "10.0.0.1")
    assert attempts.begin("ada", "10.0.0.1") == 0
    assert attempts.begin("ada", "10.0.0.1") == 0


def test_failures_are_forgotten_after_an_hour(clock: Clock) -> None:
    attempts = Attempts(clock)
    while attempts.begin("ada", "10.0.0.1") == 0:
        pass
    clock.now_s += 3601
    assert [attempts.begin("ada", "10.0.0.1") for _ in range(5)] == [0] * 5


def test_addresses_of_one_subscriber_count_together() -> None:
    attempts = Attempts(monotonic=lambda: 0.0)
    waits = [attempts.begin(f"name {number}", f"2001:db8:1:2::{number:x}") for number in range(22)]
    assert waits[19] == 0
    assert waits[21] > 0
    assert attempts.begin("other", "2001:db8:1:3::1") == 0


def test_addresses_of_ipv4_count_apart_on_a_socket_of_ipv6() -> None:
    attempts = Attempts(monotonic=lambda: 0.0)
    assert {attempts.begin(f"name {number}", f"::ffff:10.0.0.{number}") for number in range(30)} == {0}
    waits = [attempts.begin(f"other {number}", ("::ffff:10.0.0.7", "10.0.0.7")[number % 2]) for number in range(22)]
    assert waits[-1] > 0


def test_a_million_names_need_little_memory() -> None:
    attempts = Attempts(monotonic=lambda: 0.0)
    for number in range(15_000):
        attempts.begin(f"name {number}", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(attempts) <= 10_000
