"""Links to the display at the door, which open it without a sign-in. They stay in the file: nothing uploads them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from config.errors import UserError
from tracker.presence.events import time_text
from tracker.presence.people import name_key
from tracker.store.store_file import StoreFile
from tracker.store.tables import read_time
from tracker.store.users import digest_of_token

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayLink:
    """A link that was made. name: of the screen; unique in any case and Unicode form."""

    name: str
    created_at: datetime


class DisplayLinks:
    """Links by their names. Every method raises StoreError when the file or the disk fails.

    A link is known by the hash of its key only, so that nobody who reads the file can use it.
    """

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def all(self) -> list[DisplayLink]:
        """Every link that was made and not revoked, by name."""
        rows = self._file.rows("SELECT name, created_at FROM display_links ORDER BY name_key")
        return [DisplayLink(name=name, created_at=read_time(created_at)) for name, created_at in rows]

    def add(self, name: str) -> str:
        """Make a link. Returns its key, which is not kept. Raises UserError when the name is taken."""
        key = secrets.token_urlsafe(_KEY_BYTES)
        with self._file.writing() as writing:
            added = writing.connection.execute(
                "INSERT INTO display_links (name_key, name, key_hash, created_at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (name_key) DO NOTHING",
                (name_key(name), name, digest_of_token(key), time_text(writing.now)),
            )
            if not added.rowcount:
                raise UserError(
                    f"there is a link {name!r} already",
                    fix="give another name, or revoke that one: 'footfall display revoke'",
                )
        return key

    def revoke(self, name: str) -> DisplayLink:
        """Make a link invalid. Returns it. Raises UserError when there is none of this name."""
        with self._file.writing() as writing:
            rows = writing.connection.execute(
                "DELETE FROM display_links WHERE name_key = ? RETURNING name, created_at", (name_key(name),)
            ).fetchall()
            if not rows:
                raise UserError(f"no link named {name!r}", fix="'footfall display list' shows them")
        return DisplayLink(name=rows[0][0], created_at=read_time(rows[0][1]))

    def revoke_all(self) -> None:
        """Make every link invalid."""
        with self._file.writing() as writing:
            writing.connection.execute("DELETE FROM display_links")

    def opens(self, key: str) -> bool:
        """Whether this is the key of a link."""
        query = "SELECT EXISTS (SELECT 1 FROM display_links WHERE key_hash = ?)"
        return bool(key) and bool(self._file.rows(query, (digest_of_token(key),))[0][0])
