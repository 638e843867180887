"""The tables of the embedded store, and the migration of older files.

A migration is a tuple of statements. Released migrations never change; a new version appends one. The position in
the list is the version, kept in SQLite's `user_version`, so that a file knows what it is without a table.

Two columns carry order. Every row that can change holds in `changed` the store version of the transaction that wrote
it last; versions only grow and writers take turns, so "what is new since version n" never skips a row. `downloaded`
holds the store version at which a row was downloaded from Firestore, 0 for rows made here. A row whose `changed` still
equals it is as it was downloaded and is not uploaded; a change here moves `changed` past it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from config.errors import StoreError
from tracker.presence.people import name_key
from tracker.store.migrations_0_1 import MIGRATIONS_0_1, Migration

APPLICATION_ID = 0x46544C31
"""Marks the file as ours in SQLite's header ("FTL1"), so that another program's database is never touched."""

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

_KNOWN_BY_EVENTS: Migration = (
    # Events that came from the cloud are left out: their people come from there too.
    """
    INSERT INTO people (person_id, name, name_key, kind, role, access, created_at, consented_at, changed)
    WITH unknown AS (
        SELECT person_id, min(at) AS since, name_key(substr(person_id, 1, 190)) AS key FROM events
        WHERE came_down = 0 AND person_id NOT GLOB 'x-*'
        AND person_id NOT IN (SELECT person_id FROM people UNION SELECT person_id FROM aliases)
        GROUP BY person_id
    ), numbered AS (
        SELECT person_id, since, key, row_number() OVER (PARTITION BY key ORDER BY person_id)
        + (SELECT count(*) FROM people p WHERE p.name_key = key OR substr(p.name_key, 1, length(key) + 2) = key || ' (')
        AS number FROM unknown
    ), named AS (
        SELECT person_id, since, substr(person_id, 1, 190)
        || CASE number WHEN 1 THEN '' ELSE ' (' || number || ')' END AS name FROM numbered
    )
    SELECT person_id, name, name_key(name),
        CASE WHEN person_id GLOB 'v-[0-9a-f]*' AND length(person_id) = 12 THEN 'visitor' ELSE 'enrolled' END,
        'member', 1, since, NULL, (SELECT version + 1 FROM state)
    FROM named WHERE true ON CONFLICT DO NOTHING
    """,
    """
    UPDATE state SET version = version + 1, people_version = version + 1
    WHERE EXISTS (SELECT 1 FROM people WHERE changed > version)
    """,
)

_CAMERA_MACHINES: Migration = (
    """
    CREATE TABLE camera_machines (       -- by heartbeats that were downloaded
        site_id TEXT NOT NULL,
        camera_id TEXT NOT NULL,
        machine_id TEXT NOT NULL,
        first_at TEXT NOT NULL,
        last_at TEXT NOT NULL,
        PRIMARY KEY (site_id, camera_id, machine_id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE deleted_sessions (      -- when deleted sessions were, so that the figures of their days follow
        site_id TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT NOT NULL,
        changed INTEGER NOT NULL,
        PRIMARY KEY (changed, site_id, started_at, ended_at)
    ) WITHOUT ROWID
    """,
)

_STANDARD_TERMS: Migration = (
    *(
        f"ALTER TABLE {table} RENAME COLUMN came_down TO downloaded"
        for table in (
            "people",
            "aliases",
            "events",
            "matches",
            "corrections",
            "zone_stays",
            "coverage_spans",
            "cameras",
        )
    ),
    "ALTER TABLE corrections RENAME COLUMN said_by TO author",
    "ALTER TABLE refused_arrivals RENAME TO unreadable_documents",
    "ALTER TABLE wished_names RENAME TO wanted_names",
    "ALTER TABLE cloud_settings RENAME TO site_documents",
    "UPDATE sync_cursors SET name = 'upload ' || substr(name, 4) WHERE name GLOB 'up *'",
    "UPDATE sync_cursors SET name = 'download ' || substr(name, 6) WHERE name GLOB 'down *'",
    "UPDATE sync_cursors SET name = 'synced at ' || substr(name, 12) WHERE name GLOB 'down.heard *'",
)

MIGRATIONS: tuple[Migration, ...] = (
    *MIGRATIONS_0_1,
    _SESSIONS,
    _KNOWN_BY_EVENTS,
    _CAMERA_MACHINES,
    _STANDARD_TERMS,
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
