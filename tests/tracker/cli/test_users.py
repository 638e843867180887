"""`footfall users …`."""

from __future__ import annotations

import getpass
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tracker.cli.conftest import Run
from tracker.store.passwords import is_password
from tracker.store.store import Store

PASSWORD = "correct horse staple"
Typed = Callable[..., None]


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Typed:
    def give(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return give


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Somebody at a terminal who types these passwords, one after the other."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def give(*passwords: str) -> None:
        answers = iter(passwords)
        monkeypatch.setattr(sys, "stdin", Terminal())
        monkeypatch.setattr(getpass, "getpass", lambda _prompt: next(answers))

    return give


def password_fits(path: Path, name: str, password: str) -> bool:
    with Store(path).open(create=False) as store:
        found = store.users.credentials(name)
    assert found is not None
    return is_password(password, found.password_hash)


def test_users_are_added_and_listed(run: Run, typed: Typed, piped: Typed, tmp_path: Path) -> None:
    typed(PASSWORD, PASSWORD)
    done = run("users", "add", "Ada", "--role", "admin")
    assert (done.code, done.out, done.err) == (0, "Ada may sign in to the dashboard as admin\n", "")
    piped(f"{PASSWORD} 2\n")
    assert run("users", "add", "Front Desk", "--role", "desk", "--password-stdin").code == 0
    listed = run("users", "list", "--json")
    assert [(each["name"], each["role"]) for each in listed.data] == [("Ada", "admin"), ("Front Desk", "desk")]  # type: ignore[attr-defined]
    assert "argon2" not in run("users", "list").out + listed.out
    assert password_fits(tmp_path / "store.sqlite3", "ada", PASSWORD)
    assert password_fits(tmp_path / "store.sqlite3", "Front Desk", f"{PASSWORD} 2")


def test_a_password_is_changed(run: Run, piped: Typed, tmp_path: Path) -> None:
    piped(PASSWORD)
    run("users", "add", "Ada", "--role", "viewer", "--password-stdin")
    piped("another horse staple")
    assert "signed out everywhere" in run("users", "password", "ADA", "--password-stdin").out
    assert password_fits(tmp_path / "store.sqlite3", "Ada", "another horse staple")


def test_a_removed_user_is_not_listed(run: Run, piped: Typed) -> None:
    piped(PASSWORD)
    run("users", "add", "Ada", "--role", "viewer", "--password-stdin")
    assert run("users", "sign-out", "ada").code == 0
    assert run("users", "remove", "ada").out == "Ada was removed and is signed out\n"
    assert run("users", "list", "--json").data == []
    run("users", "remove", "ada").refused("no user named 'ada'", "users list")


def test_what_was_typed_twice_must_be_equal(run: Run, typed: Typed) -> None:
    typed(PASSWORD, f"{PASSWORD}!")
    refusal = run("users", "add", "Ada", "--role", "desk").refused("two passwords differ")
    assert PASSWORD not in refusal


def test_a_short_password_is_refused_before_it_is_asked_for_again(run: Run, typed: Typed) -> None:
    typed("short")
    run("users", "add", "Ada", "--role", "desk").refused("5 characters", "at least 10")


def test_without_a_terminal_the_password_has_to_be_piped(run: Run, piped: Typed) -> None:
    piped("")
    run("users", "add", "Ada", "--role", "desk").refused("no terminal", "--password-stdin", code=2)


@pytest.mark.parametrize("name", ["", "a/b", "x" * 201])
def test_a_name_that_cannot_be_is_refused(run: Run, piped: Typed, name: str) -> None:
    piped(PASSWORD)
    run("users", "add", name, "--role", "desk", "--password-stdin").refused()


def test_a_taken_name_is_refused(run: Run, piped: Typed) -> None:
    for name in ("Ada", "ADA"):
        piped(PASSWORD)
        done = run("users", "add", name, "--role", "desk", "--password-stdin")
    done.refused("already", "users password")
