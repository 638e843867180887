"""The migrations of release 0.1.0. A released migration never changes: stores in the field were made by it."""

from __future__ import annotations

from typing import TypeAlias

Migration: TypeAlias = tuple[str, ...]
"""Statements that bring a store from one version to the next."""
_CHANGEABLE = ("events", "matches", "people", "aliases", "corrections", "zone_stays", "watches", "cameras")


def _flag(table: str) -> str:
    return f"ALTER TABLE {table} ADD COLUMN came_down INTEGER NOT NULL DEFAULT 0"


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

_EXCEPTIONS: Migration = (
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

_SYNC: Migration = (
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

_HOLDS: Migration = (  # what keeps an open visit open: sight, evidence or enter; NULL for one that is over
    "ALTER TABLE visits ADD COLUMN hold TEXT",
)

_ARRIVALS: Migration = (
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

MIGRATIONS_0_1: tuple[Migration, ...] = (_FIRST, _EXCEPTIONS, _WATCHES, _VISITS, _SYNC, _HOLDS, _ARRIVALS)
