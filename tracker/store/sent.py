"""How far what was made here has been sent to Firestore."""

from __future__ import annotations

import sqlite3


def sent_through(connection: sqlite3.Connection, kind: str) -> int:
    """The store version up to which records of a kind have been sent, 0 where none ever was."""
    row = connection.execute("SELECT value FROM sync_cursors WHERE name = ?", (f"up {kind}",)).fetchone()
    return 0 if row is None else int(row[0])
