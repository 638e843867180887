"""The tables that keep a store in step with Firestore: what came from there, what is still to be sent, what is gone.

`came_down` holds the store version at which a row came from the cloud, 0 for what was made here. A row whose `changed`
still equals it is as it came and is never sent; once it is changed here, `changed` grows past it.

What vanished is remembered in `deletions` by triggers. These, and the indexes by which what is unsent is found, are
made when a store is first replicated: any other store keeps no trace of what was erased, and does not pay for them
with every write. Vectors have no `changed`: those of somebody enrolled move that of the person.
"""

from __future__ import annotations

_NOW = "(SELECT version + 1 FROM state)"
"""The store version of the transaction that writes."""
_CHANGEABLE = ("events", "matches", "people", "aliases", "corrections", "zone_stays", "watches", "cameras")
_SENT_BY_CHANGE = (
    "events", "sessions", "people", "aliases", "corrections", "zone_stays", "coverage_spans",
)  # fmt: skip


def _flag(table: str) -> str:
    return f"ALTER TABLE {table} ADD COLUMN came_down INTEGER NOT NULL DEFAULT 0"


def _index(table: str) -> str:
    return f"CREATE INDEX IF NOT EXISTS {table}_changed ON {table} (changed)"


def _moves_the_person(name: str, occasion: str, row: str) -> str:
    return f"""
    CREATE TRIGGER IF NOT EXISTS {name} AFTER {occasion} ON vectors
    BEGIN
        UPDATE people SET changed = {_NOW} WHERE person_id = {row}.person_id AND kind = 'enrolled';
    END
    """  # noqa: S608 - fixed names


SYNC: tuple[str, ...] = (
    """
    CREATE TABLE sync_cursors (          -- how far each direction of each kind of record has got
        name TEXT PRIMARY KEY NOT NULL,
        value TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE parked (                -- what the cloud refuses for good, until somebody has it tried again
        collection TEXT NOT NULL,
        record_id TEXT NOT NULL,         -- as its row here is found again
        reason TEXT NOT NULL,
        at TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        PRIMARY KEY (collection, record_id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE gone (                  -- what was sent, or may have been, and is no more
        kind TEXT NOT NULL CHECK (kind IN ('visit', 'usage', 'person', 'zone_stay')),
        site_id TEXT NOT NULL,           -- empty for a person
        record_id TEXT NOT NULL,         -- visit_id, person_id or stay_id
        at TEXT NOT NULL,                -- of usage: the start of the hour; else empty
        changed INTEGER NOT NULL,
        PRIMARY KEY (kind, site_id, record_id, at)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE cloud_settings (        -- the site's document as it came down
        site_id TEXT PRIMARY KEY NOT NULL,
        json TEXT NOT NULL,
        changed INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    *(_flag(table) for table in _CHANGEABLE),
    "ALTER TABLE forgotten ADD COLUMN at TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE forgotten ADD COLUMN erase_history INTEGER NOT NULL DEFAULT 0 CHECK (erase_history IN (0, 1))",
)
"""The statements of the migration. A released migration never changes."""

IN_STEP: tuple[str, ...] = (
    *(_index(table) for table in _SENT_BY_CHANGE),
    "CREATE INDEX IF NOT EXISTS events_track ON events (track_id)",
    f"""
    CREATE TRIGGER IF NOT EXISTS sessions_deleted AFTER DELETE ON sessions
    BEGIN
        INSERT OR REPLACE INTO deletions VALUES ('session', OLD.site_id, OLD.session_id, {_NOW});
    END
    """,  # noqa: S608 - fixed names
    f"""
    CREATE TRIGGER IF NOT EXISTS session_days_deleted AFTER DELETE ON sessions
    BEGIN
        INSERT OR IGNORE INTO deleted_sessions
        VALUES (OLD.site_id, OLD.started_at, coalesce(OLD.ended_at, OLD.started_at), {_NOW});
    END
    """,  # noqa: S608 - fixed names
    f"""
    CREATE TRIGGER IF NOT EXISTS people_deleted AFTER DELETE ON people
    BEGIN
        INSERT OR REPLACE INTO deletions VALUES ('person', '', OLD.person_id, {_NOW});
    END
    """,  # noqa: S608 - fixed names
    f"""
    CREATE TRIGGER IF NOT EXISTS aliases_deleted AFTER DELETE ON aliases
    BEGIN
        INSERT OR REPLACE INTO deletions VALUES ('person', '', OLD.person_id, {_NOW});
    END
    """,  # noqa: S608 - fixed names
    f"""
    CREATE TRIGGER IF NOT EXISTS zone_stays_deleted AFTER DELETE ON zone_stays WHEN OLD.over = 1
    BEGIN
        INSERT OR REPLACE INTO deletions VALUES ('zone_stay', OLD.site_id, OLD.stay_id, {_NOW});
    END
    """,  # noqa: S608 - fixed names
    _moves_the_person("vectors_added", "INSERT", "NEW"),
    _moves_the_person("vectors_removed", "DELETE", "OLD"),
    _moves_the_person("vectors_moved", "UPDATE OF person_id", "NEW"),
)
"""What a store has beside that once it is kept in step. Where some of it is there, it stays as it is."""
