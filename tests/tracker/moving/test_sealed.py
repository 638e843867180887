"""Sealed files: opened by their passphrase alone, and never when anything in them was changed."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from config.errors import PeopleError
from tracker.moving.sealed import LEAST_COST, MAGIC, seal, unseal

PASSPHRASE = "correct horse battery staple"
CONTENT = b'{"people": []}' * 20
SEALED = seal(CONTENT, PASSPHRASE, cost=LEAST_COST)
COST_AT = len(MAGIC) + 1


def opened(sealed: bytes, passphrase: str = PASSPHRASE) -> bytes:
    return unseal(sealed, lambda: passphrase, name="gym.footfall")


def never_asked() -> str:
    raise AssertionError("the passphrase was asked for")


def with_digest(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()


def test_the_passphrase_opens_it_in_any_unicode_form() -> None:
    assert opened(SEALED) == CONTENT
    sealed = seal(CONTENT, "Zo\u00eb's five random words", cost=LEAST_COST)
    assert opened(sealed, "Zoe\u0308's five random words") == CONTENT


def test_two_files_of_one_gallery_have_nothing_in_common() -> None:
    other = seal(CONTENT, PASSPHRASE, cost=LEAST_COST)
    head = COST_AT + 1
    assert other[:head] == SEALED[:head]
    assert not any(other[start : start + 8] in SEALED for start in range(head, len(other) - 8))
    assert CONTENT[:14] not in SEALED


@pytest.mark.parametrize("wrong", ["", "Correct horse battery staple", PASSPHRASE + " ", "x" * 100_000])
def test_a_wrong_passphrase_is_told_from_damage(wrong: str) -> None:
    with pytest.raises(PeopleError, match="the passphrase is wrong"):
        opened(SEALED, wrong)


@given(bit=st.integers(0, 8 * len(SEALED) - 1))
def test_a_flipped_bit_never_loads(bit: int) -> None:
    changed = bytearray(SEALED)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(PeopleError, match=r"damaged or incomplete|not a file of|newer Footfall"):
        unseal(bytes(changed), never_asked, name="gym.footfall")


@given(bit=st.integers(0, 8 * (len(SEALED) - 32) - 1))
@runs(max_examples=40)
def test_a_flipped_bit_never_loads_where_the_hash_was_made_to_fit(bit: int) -> None:
    changed = bytearray(SEALED[:-32])
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(PeopleError):
        opened(with_digest(bytes(changed)))


@given(length=st.integers(0, len(SEALED) - 1))
def test_a_truncated_file_never_loads(length: int) -> None:
    with pytest.raises(PeopleError, match=r"damaged or incomplete|not a file of"):
        unseal(SEALED[:length], never_asked, name="gym.footfall")


@pytest.mark.parametrize(
    "length", [0, COST_AT, COST_AT + 1, COST_AT + 29, COST_AT + 30, COST_AT + 46, len(SEALED) - 33]
)
def test_a_truncated_file_never_loads_where_the_hash_was_made_to_fit(length: int) -> None:
    with pytest.raises(PeopleError):
        opened(with_digest(SEALED[:length]))


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        pytest.param(COST_AT, 40, "its header is not one that Footfall writes", id="terabytes-of-memory"),
        pytest.param(COST_AT, 0, "its header is not one that Footfall writes", id="no-cost"),
        pytest.param(COST_AT - 1, 2, "written by a newer Footfall", id="future-version"),
        pytest.param(COST_AT - 1, 0, "its header is not one that Footfall writes", id="no-version"),
    ],
)
def test_headers_that_are_not_ours_are_refused_before_the_key_is_made(place: int, value: int, words: str) -> None:
    changed = bytearray(SEALED[:-32])
    changed[place] = value
    with pytest.raises(PeopleError, match=words):
        unseal(with_digest(bytes(changed)), never_asked, name="gym.footfall")


@pytest.mark.parametrize("weak", ["", "short", "aaaaaaaaaaaaaaaaaaaa", "x" * 2000])
def test_weak_passphrases_are_refused(weak: str) -> None:
    with pytest.raises(PeopleError, match="the passphrase"):
        seal(CONTENT, weak, cost=LEAST_COST)
