"""The migration that added what applies to single people: limits, negatives, and the vectors behind matches."""

from __future__ import annotations

EXCEPTIONS: tuple[str, ...] = (
    """
    CREATE TABLE limits (                -- people whose faces are accepted up to a distance of their own
        person_id TEXT PRIMARY KEY NOT NULL REFERENCES people (person_id) ON DELETE CASCADE ON UPDATE CASCADE,
        max_distance REAL NOT NULL CHECK (max_distance > 0 AND max_distance < 2),
        changed INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE negatives (             -- faces that are not the person's
        negative_id INTEGER PRIMARY KEY,
        person_id TEXT NOT NULL REFERENCES people (person_id) ON DELETE CASCADE ON UPDATE CASCADE,
        model TEXT NOT NULL,
        dimension INTEGER NOT NULL CHECK (dimension > 0),
        vector BLOB NOT NULL CHECK (length(vector) = 4 * dimension),  -- little-endian float32
        source TEXT NOT NULL DEFAULT '', -- the picture or track it was made from
        changed INTEGER NOT NULL
    )
    """,
    "CREATE INDEX negatives_person ON negatives (person_id)",
    """
    CREATE TABLE evidence (              -- vectors behind a match, kept for days so that it can be taken back
        evidence_id INTEGER PRIMARY KEY,
        match_id TEXT NOT NULL REFERENCES matches (match_id) ON DELETE CASCADE,
        model TEXT NOT NULL,
        dimension INTEGER NOT NULL CHECK (dimension > 0),
        vector BLOB NOT NULL CHECK (length(vector) = 4 * dimension)  -- little-endian float32
    )
    """,
    "CREATE INDEX evidence_match ON evidence (match_id)",
    "CREATE INDEX matches_track ON matches (track_id)",
)
"""The statements of the migration. A released migration never changes."""
