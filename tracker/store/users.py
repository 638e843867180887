"""Users of the dashboard and their sign-ins. They stay in the file: nothing uploads or exports them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from config.errors import UserError
from tracker.presence.events import time_text
from tracker.presence.people import name_key
from tracker.store.database import Transaction
from tracker.store.store_file import StoreFile
from tracker.store.tables import read_time


class UserRole(StrEnum):
    """What a user may do. viewer: figures without names; desk: the daily work with names; admin: everything."""

    VIEWER = "viewer"
    DESK = "desk"
    ADMIN = "admin"

    def includes(self, other: UserRole) -> bool:
        """Whether this role may do all that the other may."""
        return _RANKS[self] >= _RANKS[other]

    @property
    def sees_names(self) -> bool:
        """Whether pages show this user the names of people."""
        return self is not UserRole.VIEWER


_RANKS = {UserRole.VIEWER: 0, UserRole.DESK: 1, UserRole.ADMIN: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who may sign in to the dashboard. name: unique in any case and Unicode form."""

    name: str
    role: UserRole
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user with the hash of the password."""

    user: User
    password_hash: str


class Users:
    """Users and sign-ins. Every method raises StoreError when the file or the disk fails.

    A sign-in is known by the hash of its token only, so that nobody who reads the file can use it.
    """

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def all(self) -> list[User]:
        """Every user, by name."""
        return [_user(row) for row in self._file.rows("SELECT name, role, created_at FROM users ORDER BY name_key")]

    def exist(self) -> bool:
        """Whether there is any user."""
        return bool(self._file.rows("SELECT EXISTS (SELECT 1 FROM users)")[0][0])

    def credentials(self, name: str) -> Credentials | None:
        """The user of this name, None if there is none."""
        rows = self._file.rows(
            "SELECT name, role, created_at, password_hash FROM users WHERE name_key = ?", (name_key(name),)
        )
        return Credentials(user=_user(rows[0][:3]), password_hash=rows[0][3]) if rows else None

    def add(self, user: User, password_hash: str) -> None:
        """Add a user. Raises UserError when the name is taken."""
        with self._file.writing() as writing:
            added = writing.connection.execute(
                "INSERT INTO users (name_key, name, role, password_hash, created_at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (name_key(user.name), user.name, user.role, password_hash, time_text(user.created_at)),
            )
            if not added.rowcount:
                raise UserError(
                    f"there is a user {user.name!r} already",
                    fix="give another name; 'footfall users password' changes a password",
                )

    def remove(self, name: str) -> None:
        """Remove a user, who is signed out everywhere. Raises UserError when there is none of this name."""
        self._change(name, "DELETE FROM users WHERE name_key = ?")

    def set_password(self, name: str, password_hash: str) -> None:
        """Replace the password and sign the user out everywhere. Raises UserError when there is none of this name."""
        with self._file.writing() as writing:
            _require(writing, name)
            writing.connection.execute(
                "UPDATE users SET password_hash = ? WHERE name_key = ?", (password_hash, name_key(name))
            )
            writing.connection.execute("DELETE FROM sign_ins WHERE name_key = ?", (name_key(name),))

    def sign_in(self, name: str, token: str, *, expires_at: datetime) -> None:
        """Store a sign-in, and drop those that have expired. Raises UserError when there is no user of this name."""
        with self._file.writing() as writing:
            _require(writing, name)
            now = time_text(writing.now)
            writing.connection.execute("DELETE FROM sign_ins WHERE expires_at <= ?", (now,))
            writing.connection.execute(
                "INSERT INTO sign_ins (token_hash, name_key, created_at, expires_at) VALUES (?, ?, ?, ?)",
                (digest_of_token(token), name_key(name), now, time_text(expires_at)),
            )

    def signed_in(self, token: str, now: datetime) -> User | None:
        """The user who holds this token; None if it is unknown or has expired."""
        rows = self._file.rows(
            "SELECT u.name, u.role, u.created_at FROM sign_ins s JOIN users u USING (name_key)"
            " WHERE s.token_hash = ? AND s.expires_at > ?",
            (digest_of_token(token), time_text(now)),
        )
        return _user(rows[0]) if rows else None

    def sign_out(self, token: str) -> None:
        """End a sign-in; one that is unknown stays unknown."""
        with self._file.writing() as writing:
            writing.connection.execute("DELETE FROM sign_ins WHERE token_hash = ?", (digest_of_token(token),))

    def sign_out_everywhere(self, name: str) -> None:
        """End every sign-in of a user. Raises UserError when there is none of this name."""
        self._change(name, "DELETE FROM sign_ins WHERE name_key = ?")

    def sign_out_everybody(self) -> None:
        """End every sign-in of every user."""
        with self._file.writing() as writing:
            writing.connection.execute("DELETE FROM sign_ins")

    def _change(self, name: str, statement: str) -> None:
        with self._file.writing() as writing:
            _require(writing, name)
            writing.connection.execute(statement, (name_key(name),))


def _require(writing: Transaction, name: str) -> None:
    if writing.connection.execute("SELECT 1 FROM users WHERE name_key = ?", (name_key(name),)).fetchone() is None:
        raise UserError(f"no user named {name!r}", fix="'footfall users list' shows them")


def digest_of_token(token: str) -> str:
    """What the store keeps of a token that opens something."""
    return hashlib.sha256(token.encode()).hexdigest()


def _user(row: tuple[str, ...]) -> User:
    name, role, created_at = row
    return User(name=name, role=UserRole(role), created_at=read_time(created_at))
