"""Opening a store's file: whether it is ours, and the migration of older ones to the tables of `schema`."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from config.errors import StoreError
from config.text import fold
from tracker.presence.people import name_key
from tracker.store.schema import SCHEMA

Migration: TypeAlias = tuple[str, ...]
"""Statements."""
APPLICATION_ID = 0x46544C31
"""Marks the file as ours in SQLite's header ("FTL1"), so that another program's database is never touched."""
VERSION = 22
"""Of the tables, in SQLite's `user_version`. A change of `SCHEMA` adds 1, and what leads from the released versions."""
_DOWNLOADED = ("people", "aliases", "events", "matches", "corrections", "zone_stays", "coverage_spans", "cameras")

_TEXTS_OF_PEOPLE = ("consent_version", "consent_by", "search_key")


def _made(*tables: str) -> Migration:
    """The statements that make these tables and their indexes."""
    names = "|".join(tables)
    return tuple(each for each in SCHEMA if re.match(rf"\s*CREATE (TABLE|(?:UNIQUE )?INDEX \w+ ON) ({names}) ", each))


def _remade(table: str, columns: str) -> Migration:
    """The statements that make a table and its indexes again, as in `SCHEMA`, and keep the rows."""
    return (
        f"ALTER TABLE {table} RENAME TO old_{table}",
        f"DROP INDEX {table}_person",
        *_made(table),
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM old_{table}",
        f"DROP TABLE old_{table}",  # with the triggers on it
    )


_FROM_0_1: Migration = (
    *_made("deletions", "sites", "sessions", "session_changes", "deleted_sessions", "camera_machines"),
    *_made("users", "sign_ins", "audit", "audit_subjects", "display_links", "devices", "reviewed", "shadow_vectors"),
    *_made("fitted_rule", "audience"),
    *(f"DROP TRIGGER IF EXISTS {name}_gone" for name in ("people", "aliases", "zone_stays")),
    "DROP TABLE visits",  # with the triggers on it
    "DROP TABLE usage_hours",
    "INSERT INTO deletions SELECT kind, site_id, record_id, changed FROM gone WHERE kind IN ('person', 'zone_stay')",
    "DROP TABLE gone",
    "DROP INDEX IF EXISTS watches_changed",
    "ALTER TABLE standings RENAME TO line_states",
    "ALTER TABLE line_states RENAME COLUMN standing TO state",
    "ALTER TABLE watches RENAME TO coverage_spans",
    "ALTER TABLE parked RENAME TO rejected",
    "INSERT INTO sites SELECT '', '', NULL, rules, 0 FROM visit_rules",
    "DROP TABLE visit_rules",
    "ALTER TABLE state ADD COLUMN ticked_at TEXT",  # the instant as of which sessions hold; NULL: not derived yet
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
    *_remade("vectors", "vector_id, person_id, model, dimension, vector, source"),
    *_remade("negatives", "negative_id, person_id, model, dimension, vector, source, changed"),
    "ALTER TABLE limits ADD COLUMN model TEXT NOT NULL DEFAULT 'dlib_resnet'",
    *(f"ALTER TABLE people ADD COLUMN {name} TEXT NOT NULL DEFAULT ''" for name in _TEXTS_OF_PEOPLE),
    "ALTER TABLE people ADD COLUMN groups TEXT NOT NULL DEFAULT '[]'",
    *(f"ALTER TABLE people ADD COLUMN {name} TEXT" for name in ("valid_from", "valid_until")),
    "UPDATE people SET search_key = fold(name)",
    *(f"ALTER TABLE {table} RENAME COLUMN came_down TO downloaded" for table in _DOWNLOADED),
    "ALTER TABLE corrections RENAME COLUMN said_by TO author",
    "ALTER TABLE refused_arrivals RENAME TO unreadable_documents",
    "ALTER TABLE wished_names RENAME TO wanted_names",
    "ALTER TABLE cloud_settings RENAME TO site_documents",
    "UPDATE sync_cursors SET name = 'upload ' || substr(name, 4) WHERE name GLOB 'up *'",
    "UPDATE sync_cursors SET name = 'download ' || substr(name, 6) WHERE name GLOB 'down *'",
    "UPDATE sync_cursors SET name = 'synced at ' || substr(name, 12) WHERE name GLOB 'down.heard *'",
)

MIGRATIONS: Mapping[int, Migration] = {0: SCHEMA, 7: _FROM_0_1, VERSION: ()}
"""By version the statements that lead from it to the last one. 0: an empty file, 7: release 0.1.0."""


def is_current(connection: sqlite3.Connection, path: Path, migrations: Mapping[int, Migration] = MIGRATIONS) -> bool:
    """Whether the file needs no migration; reads only.

    Raises StoreError when the file is another program's database, of a newer version of Footfall, or of one that was
    never released.
    """
    version = max(migrations)
    found, application, empty = _identity(connection)
    if application == 0 and found == 0 and empty:
        return False
    if application != APPLICATION_ID:
        raise StoreError(
            f"{path}: it is the database of another program",
            fix="give the path of another file with --store sqlite:///PATH",
        )
    if found > version:
        raise StoreError(
            f"{path}: the store has version {found}, this Footfall reads up to {version}",
            fix="update Footfall on this machine, or use another store",
        )
    if found not in migrations:
        raise StoreError(
            f"{path}: the store has version {found}, which was never released", fix="use another store with --store"
        )
    return found == version


def migrate(connection: sqlite3.Connection, path: Path, migrations: Mapping[int, Migration] = MIGRATIONS) -> None:
    """Bring an empty or older file to this version in one transaction: all of it or nothing.

    The connection must be in autocommit mode. Raises what `is_current` raises.
    """
    connection.create_function("name_key", 1, name_key, deterministic=True)
    connection.create_function("fold", 1, fold, deterministic=True)
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not is_current(connection, path, migrations):  # another process may have been quicker
            for statement in migrations[_pragma(connection, "user_version")]:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {max(migrations)}")
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
