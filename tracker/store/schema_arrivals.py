"""The tables for what comes down from Firestore and cannot simply be written: refused, waiting, or by another name."""

from __future__ import annotations

ARRIVALS: tuple[str, ...] = (
    """
    CREATE TABLE refused_arrivals (      -- documents that another program spoilt; gone when they come down whole
        collection TEXT NOT NULL,
        record_id TEXT NOT NULL,
        reason TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (collection, record_id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE waiting_corrections (   -- of events that did not come down yet
        correction_id TEXT PRIMARY KEY NOT NULL,
        event_id TEXT NOT NULL,
        person_id TEXT NOT NULL,
        correction TEXT NOT NULL         -- JSON
    ) WITHOUT ROWID
    """,
    "CREATE INDEX waiting_corrections_event ON waiting_corrections (event_id)",
    """
    CREATE TABLE wished_names (          -- people who are called otherwise elsewhere, where the name is taken here
        person_id TEXT PRIMARY KEY NOT NULL REFERENCES people (person_id) ON DELETE CASCADE ON UPDATE CASCADE,
        name TEXT NOT NULL,              -- as it came down
        label TEXT NOT NULL              -- what it was made into here
    ) WITHOUT ROWID
    """,
)
"""The statements of the migration. A released migration never changes."""
