"""The tables of the embedded store, and how a file of an older version becomes one of this version.

A migration is a tuple of statements. Released migrations never change; a new version appends one. The position in
the list is the version, kept in SQLite's `user_version`, so that a file knows what it is without a table.

Two columns carry order: every row that can change holds in `changed` the store version of the transaction that wrote
it last. Versions only grow and writers take turns, so "what is new since version n" never skips a row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from config.errors import StoreError
from tracker.presence.people import name_key
from tracker.store.schema_arrivals import ARRIVALS
from tracker.store.schema_cloud import CAMERA_MACHINES
from tracker.store.schema_exceptions import EXCEPTIONS
from tracker.store.schema_people import KNOWN_BY_EVENTS
from tracker.store.schema_sync import SYNC

APPLICATION_ID = 0x46544C31
"""Marks the file as ours in SQLite's header ("FTL1"), so that another program's database is never touched."""

Migration: TypeAlias = tuple[str, ...]

_FIRST: Migration = (
    """
    CREATE TABLE state (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        version INTEGER NOT NULL,        -- grows with every transaction that changed something
        people_version INTEGER NOT NULL, -- the version at which people, vectors or aliases changed last
        events_version INTEGER NOT NULL, -- the version at which events changed last
        scrub_due INTEGER NOT NULL       -- 1: somebody was forgotten and the file not yet written anew
    )
    """,
    "INSERT INTO state VALUES (1, 0, 0, 0, 0)",
    """
    CREATE TABLE people (
        person_id TEXT PRIMARY KEY NOT NULL CHECK (person_id <> ''),
        name TEXT NOT NULL,
        name_key TEXT NOT NULL UNIQUE,   -- NFC and casefolded: two people never differ in case or accents' form only
        kind TEXT NOT NULL CHECK (kind IN ('enrolled', 'visitor')),
        role TEXT NOT NULL CHECK (role IN ('member', 'staff')),
        access INTEGER NOT NULL CHECK (access IN (0, 1)),
        created_at TEXT NOT NULL,
        consented_at TEXT,
        changed INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE vectors (
        vector_id INTEGER PRIMARY KEY,
        person_id TEXT NOT NULL REFERENCES people (person_id) ON DELETE CASCADE ON UPDATE CASCADE,
        model TEXT NOT NULL,             -- vectors of different networks are never compared
        dimension INTEGER NOT NULL CHECK (dimension > 0),
        vector BLOB NOT NULL CHECK (length(vector) = 4 * dimension),  -- little-endian float32
        source TEXT NOT NULL DEFAULT ''  -- the picture it was made from, if any
    )
    """,
    "CREATE INDEX vectors_person ON vectors (person_id)",
    """
    CREATE TABLE aliases (               -- merged people: what is stored under person_id is read as into_id
        person_id TEXT PRIMARY KEY NOT NULL,
        into_id TEXT NOT NULL REFERENCES people (person_id) ON DELETE CASCADE CHECK (into_id <> person_id),
        changed INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX aliases_into ON aliases (into_id)",
    """
    CREATE TABLE forgotten (             -- digests of erased ids: a running agent must not bring them back
        digest TEXT PRIMARY KEY NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE events (
        event_row INTEGER PRIMARY KEY,
        event_id TEXT NOT NULL UNIQUE CHECK (event_id <> ''),
        kind TEXT NOT NULL CHECK (kind IN ('enter', 'exit')),
        site_id TEXT NOT NULL,
        camera_id TEXT NOT NULL,
        person_id TEXT NOT NULL,         -- no foreign key: history may outlive or precede the person's row
        at TEXT NOT NULL,                -- ISO 8601, UTC, microseconds: text order is time order
        track_id TEXT NOT NULL,
        x_frac REAL CHECK (x_frac BETWEEN 0 AND 1),
        y_frac REAL CHECK (y_frac BETWEEN 0 AND 1),
        inferred INTEGER NOT NULL CHECK (inferred IN (0, 1)),
        schema INTEGER NOT NULL,
        changed INTEGER NOT NULL
    )
    """,
    "CREATE INDEX events_at ON events (at, event_id)",
    "CREATE INDEX events_person ON events (person_id, at)",
    """
    CREATE TABLE matches (
        match_row INTEGER PRIMARY KEY,
        match_id TEXT NOT NULL UNIQUE CHECK (match_id <> ''),
        site_id TEXT NOT NULL,
        camera_id TEXT NOT NULL,
        track_id TEXT NOT NULL,
        at TEXT NOT NULL,
        person_id TEXT,
        distance REAL,
        margin REAL,
        quality REAL NOT NULL,
        authorised INTEGER NOT NULL CHECK (authorised IN (0, 1)),
        reason TEXT NOT NULL,
        schema INTEGER NOT NULL,
        changed INTEGER NOT NULL
    )
    """,
    "CREATE INDEX matches_at ON matches (at, match_id)",
    "CREATE INDEX matches_person ON matches (person_id, at)",
    """
    CREATE TABLE presences (             -- who is in sight now, as each camera's agent last wrote it
        site_id TEXT NOT NULL,
        camera_id TEXT NOT NULL,
        person_id TEXT NOT NULL,
        track_id TEXT NOT NULL,
        entered_at TEXT NOT NULL,
        seen_at TEXT NOT NULL,
        x_frac REAL CHECK (x_frac BETWEEN 0 AND 1),
        y_frac REAL CHECK (y_frac BETWEEN 0 AND 1),
        changed INTEGER NOT NULL,
        PRIMARY KEY (site_id, camera_id, person_id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE cameras (
        site_id TEXT NOT NULL,
        camera_id TEXT NOT NULL,
        source TEXT NOT NULL,
        state TEXT NOT NULL,
        last_frame_at TEXT,
        fps REAL NOT NULL,
        frames INTEGER NOT NULL,
        dropped INTEGER NOT NULL,
        started_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        problem TEXT,
        schema INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        PRIMARY KEY (site_id, camera_id)
    ) WITHOUT ROWID
    """,
)

_WATCHES: Migration = (
    """
    CREATE TABLE watches (               -- when frames of a camera were looked at; between its rows lies an outage
        site_id TEXT NOT NULL,
        camera_id TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT NOT NULL CHECK (ended_at >= started_at),  -- grows while the camera watches on
        changed INTEGER NOT NULL,
        PRIMARY KEY (site_id, camera_id, started_at)
    ) WITHOUT ROWID
    """,
)

_VISITS: Migration = (
    "ALTER TABLE events ADD COLUMN voided INTEGER NOT NULL DEFAULT 0 CHECK (voided IN (0, 1))",
    """
    CREATE TABLE corrections (           -- what operators said about events; of several about one the latest holds
        correction_id TEXT PRIMARY KEY NOT NULL CHECK (correction_id <> ''),
        action TEXT NOT NULL CHECK (action IN ('add', 'void')),
        event_id TEXT NOT NULL REFERENCES events (event_id) ON DELETE CASCADE ON UPDATE CASCADE,
        said_by TEXT NOT NULL,
        at TEXT NOT NULL,
        reason TEXT NOT NULL,
        schema INTEGER NOT NULL,
        changed INTEGER NOT NULL
    )
    """,
    "CREATE INDEX corrections_event ON corrections (event_id, at)",
    """
    CREATE TABLE visits (                -- worked out from events, in the transaction that changed those
        site_id TEXT NOT NULL,
        person_id TEXT NOT NULL,         -- with aliases resolved
        started_at TEXT NOT NULL,
        ended_at TEXT,                   -- NULL: open
        heard_at TEXT,                   -- the last evidence of an open visit
        stays TEXT,                      -- JSON, a list of [start, end]; NULL for a single one
        dwell_s REAL,                    -- net; NULL while open
        gross_s REAL,
        enter_inferred INTEGER NOT NULL,
        exit_inferred INTEGER NOT NULL,
        clean INTEGER NOT NULL,          -- 1: nothing before its first event has a say in it
        visit_id TEXT NOT NULL,
        changed INTEGER NOT NULL,
        PRIMARY KEY (site_id, person_id, started_at)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX visits_end ON visits (site_id, ended_at)",
    """
    CREATE TABLE usage_hours (           -- what visits add to each local hour; the running stays of open ones do not
        site_id TEXT NOT NULL,
        hour_at TEXT NOT NULL,           -- the instant at which the hour began
        person_id TEXT NOT NULL,
        entries INTEGER NOT NULL,
        exits INTEGER NOT NULL,
        inside_us INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        PRIMARY KEY (site_id, hour_at, person_id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE visit_rules (           -- the rules by which visits and usage_hours are made
        only INTEGER PRIMARY KEY CHECK (only = 1),
        rules TEXT NOT NULL,             -- JSON; empty: to be made anew
        changed INTEGER NOT NULL
    )
    """,
    """
    INSERT INTO visit_rules SELECT 1, CASE WHEN EXISTS (SELECT 1 FROM events) THEN '' ELSE
        '{"closes_at": null, "entrances": [], "exit_after": 30.0, "exits": [], "max_visit": 57600.0,'
        || ' "merge_gap": 300.0, "min_visit": 0.0, "skew": 2.0, "zone": "UTC"}' END, 0
    """,
    """
    CREATE TABLE standings (             -- on which side of a door's line each track is
        site_id TEXT NOT NULL,
        camera_id TEXT NOT NULL,
        track_id TEXT NOT NULL,
        person_id TEXT,
        standing TEXT NOT NULL,          -- JSON
        changed INTEGER NOT NULL,
        PRIMARY KEY (site_id, camera_id, track_id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE zone_stays (
        stay_id TEXT PRIMARY KEY NOT NULL CHECK (stay_id <> ''),
        site_id TEXT NOT NULL,
        camera_id TEXT NOT NULL,
        zone TEXT NOT NULL,
        person_id TEXT NOT NULL,
        started_at TEXT NOT NULL,
        seen_at TEXT NOT NULL CHECK (seen_at >= started_at),
        over INTEGER NOT NULL CHECK (over IN (0, 1)),  -- 0: may still be there
        schema INTEGER NOT NULL,
        changed INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX zone_stays_seen ON zone_stays (site_id, seen_at)",
    "CREATE INDEX zone_stays_person ON zone_stays (person_id)",
)

_HOLDS: Migration = (  # what keeps an open visit open: sight, evidence or enter; NULL for one that is over
    "ALTER TABLE visits ADD COLUMN hold TEXT",
)

_SESSIONS: Migration = (
    *(f"DROP TRIGGER IF EXISTS {name}_gone" for name in ("people", "aliases", "zone_stays")),
    "DROP TABLE visits",  # with the triggers on it
    "DROP TABLE usage_hours",
    """
    CREATE TABLE deletions (             -- what was uploaded, or may have been, and is no more
        kind TEXT NOT NULL CHECK (kind IN ('session', 'person', 'zone_stay')),
        site_id TEXT NOT NULL,           -- empty for a person
        record_id TEXT NOT NULL,
        changed INTEGER NOT NULL,
        PRIMARY KEY (kind, site_id, record_id)
    ) WITHOUT ROWID
    """,
    "INSERT INTO deletions SELECT kind, site_id, record_id, changed FROM gone WHERE kind IN ('person', 'zone_stay')",
    "DROP TABLE gone",
    "DROP INDEX IF EXISTS watches_changed",
    "ALTER TABLE standings RENAME TO line_states",
    "ALTER TABLE line_states RENAME COLUMN standing TO state",
    "ALTER TABLE watches RENAME TO coverage_spans",
    "ALTER TABLE parked RENAME TO rejected",
    """
    CREATE TABLE sites (
        site_id TEXT PRIMARY KEY NOT NULL,  -- '': the rules of sites that have none of their own
        name TEXT NOT NULL,
        capacity INTEGER CHECK (capacity > 0),
        rules TEXT NOT NULL,             -- JSON; empty: the defaults
        changed INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    "INSERT INTO sites SELECT '', '', NULL, rules, 0 FROM visit_rules",
    "DROP TABLE visit_rules",
    "ALTER TABLE state ADD COLUMN ticked_at TEXT",  # the instant as of which sessions hold; NULL: not derived yet
    """
    CREATE TABLE sessions (              -- derived from events, in the transaction that changed those
        site_id TEXT NOT NULL,
        started_at TEXT NOT NULL,
        session_id TEXT NOT NULL,
        person_id TEXT NOT NULL,         -- with aliases resolved
        ended_at TEXT,                   -- NULL: open
        segments TEXT,                   -- JSON, a list of [start, end]; NULL for a single one
        dwell_s REAL,                    -- net; NULL while open
        gross_s REAL,
        enter_inferred INTEGER NOT NULL,
        exit_inferred INTEGER NOT NULL,
        bounce INTEGER NOT NULL,
        clean INTEGER NOT NULL,          -- 1: derivation may restart at its first event
        enter_camera_id TEXT,
        exit_camera_id TEXT,
        due_at TEXT,                     -- open up to then and closed after it, unless there is more evidence
        changed INTEGER NOT NULL,
        PRIMARY KEY (site_id, started_at, session_id)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX sessions_person ON sessions (person_id, site_id, started_at)",
    "CREATE INDEX sessions_long ON sessions (site_id, ended_at) WHERE (ended_at IS NULL OR gross_s >= 86400)",
    "CREATE INDEX sessions_due ON sessions (due_at) WHERE due_at IS NOT NULL",
)

MIGRATIONS: tuple[Migration, ...] = (
    _FIRST,
    EXCEPTIONS,
    _WATCHES,
    _VISITS,
    SYNC,
    _HOLDS,
    ARRIVALS,
    _SESSIONS,
    KNOWN_BY_EVENTS,
    CAMERA_MACHINES,
)


def is_current(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> bool:
    """Whether the file needs no migration; reads only.

    Raises StoreError when the file is another program's database or of a newer version of Footfall.
    """
    version, application, empty = _identity(connection)
    if application == 0 and version == 0 and empty:
        return False
    if application != APPLICATION_ID:
        raise StoreError(
            f"{path}: it is the database of another program",
            fix="give the path of another file with --store sqlite:///PATH",
        )
    if version > len(migrations):
        raise StoreError(
            f"{path}: the store has version {version}, this Footfall reads up to {len(migrations)}",
            fix="update Footfall on this machine, or use another store",
        )
    return version == len(migrations)


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring an empty or older file to this version in one transaction: all of it or nothing.

    The connection must be in autocommit mode. Raises what `is_current` raises.
    """
    connection.create_function("name_key", 1, name_key, deterministic=True)
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not is_current(connection, path, migrations):  # another process may have been quicker
            for migration in migrations[_pragma(connection, "user_version") :]:
                for statement in migration:
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _identity(connection: sqlite3.Connection) -> tuple[int, int, bool]:
    """Schema version, application id and whether there is no table, all of one moment."""
    begun_here = not connection.in_transaction
    if begun_here:
        connection.execute("BEGIN")  # another process may be making the tables right now
    try:
        empty = connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None
        return _pragma(connection, "user_version"), _pragma(connection, "application_id"), empty
    finally:
        if begun_here and connection.in_transaction:
            connection.execute("ROLLBACK")
