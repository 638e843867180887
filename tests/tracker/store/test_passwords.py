"""Passwords of users."""

from __future__ import annotations

import time

import pytest

from config.errors import UserError
from tracker.store.passwords import hash_password, is_password

RIGHT = "four random words, péché"


def test_only_the_right_password_fits_its_hash() -> None:
    password_hash = hash_password(RIGHT, name="Ada")
    assert password_hash.startswith("$argon2id$")
    assert RIGHT not in password_hash
    assert is_password(RIGHT, password_hash)
    assert not is_password(RIGHT + ".", password_hash)
    assert not is_password("", password_hash)


def test_equal_passwords_have_different_hashes() -> None:
    assert hash_password(RIGHT, name="Ada") != hash_password(RIGHT, name="Ada")


def test_accents_fit_however_they_are_composed() -> None:
    assert is_password("four random words, pe\u0301che\u0301", hash_password(RIGHT, name="Ada"))


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        pytest.param("nine-char", "has 9 characters, at least 10", id="short"),
        pytest.param("x" * 201, "more than 200", id="long"),
        pytest.param("aaaaaaaaaaaa", "easy to guess", id="one-letter"),
        pytest.param("ada lovelace", "easy to guess", id="the-name"),
    ],
)
def test_an_unsafe_password_is_refused_with_the_reason(password: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem) as refusal:
        hash_password(password, name="Ada Lovelace")
    assert password not in str(refusal.value)


def test_an_unknown_user_takes_as_long_and_is_never_right() -> None:
    password_hash = hash_password(RIGHT, name="Ada")
    is_password("warm up", None)

    def fastest_s(stored: str | None) -> float:
        spans = []
        for _ in range(5):
            started = time.perf_counter()
            assert not is_password("wrong password", stored)
            spans.append(time.perf_counter() - started)
        return min(spans)

    known, unknown = fastest_s(password_hash), fastest_s(None)
    assert 0.5 < unknown / known < 2
    assert not is_password("nobody has this password", None)


def test_a_very_long_password_is_cut_before_it_is_checked() -> None:
    started = time.perf_counter()
    assert not is_password("x" * 10_000_000, None)
    assert time.perf_counter() - started < 5
