"""From when on sessions and events changed, by transaction, so that who keeps earlier ones need not read them again."""

from __future__ import annotations

import sqlite3

from tracker.store.database import Transaction

EVER, NEVER = "", "~"
"""Earlier and later than the text of any time."""
_KEPT = 10_000
"""It is known of so many transactions, the latest ones."""


def changed_after(connection: sqlite3.Connection, version: int) -> str:
    """The earliest time (text) of the events, and start of the sessions, of any site that changed after that version.

    NEVER if none did, EVER if that was too long ago to be known.
    """
    query = "SELECT version, (SELECT min(since) FROM session_changes WHERE changed > ?) FROM state"
    current, since = connection.execute(query, (version,)).fetchone()
    if current - version > _KEPT:
        return EVER
    return NEVER if since is None else str(since)


def mark(writing: Transaction, since: str) -> None:
    """Record from which time (text) on the transaction changes events or sessions, or deletes them."""
    writing.connection.execute(
        "INSERT INTO session_changes VALUES (?, ?)"
        " ON CONFLICT (changed) DO UPDATE SET since = min(since, excluded.since)",
        (writing.changed, since),
    )
    writing.connection.execute("DELETE FROM session_changes WHERE changed < ?", (writing.changed - _KEPT,))
