"""The tables of the embedded store.

Two columns carry order. Every row that can change holds in `changed` the store version of the transaction that wrote
it last; versions only grow and writers take turns, so "what is new since version n" never skips a row. `downloaded`
holds the store version at which a row was downloaded from Firestore, 0 for rows made here. A row whose `changed` still
equals it is as it was downloaded and is not uploaded; a change here moves `changed` past it.

Ids that the audit trail keeps, or people see, are AUTOINCREMENT: the id of a row that was deleted is never used again.
"""

from __future__ import annotations

_STATEMENTS = """
CREATE TABLE state (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    version INTEGER NOT NULL,         -- grows with every transaction that changed something
    people_version INTEGER NOT NULL,  -- the version at which people, vectors or aliases changed last
    events_version INTEGER NOT NULL,  -- the version at which events changed last
    scrub_due INTEGER NOT NULL,       -- 1: somebody was forgotten and the file not overwritten yet
    ticked_at TEXT                    -- the instant as of which sessions hold, NULL: not derived yet
);
INSERT INTO state VALUES (1, 0, 0, 0, 0, NULL);

CREATE TABLE people (
    person_id TEXT PRIMARY KEY NOT NULL CHECK (person_id <> ''), name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,  -- NFC and casefolded: two people never differ in case or accents' form only
    kind TEXT NOT NULL CHECK (kind IN ('enrolled', 'visitor')), role TEXT NOT NULL CHECK (role IN ('member', 'staff')),
    access INTEGER NOT NULL CHECK (access IN (0, 1)), created_at TEXT NOT NULL, consented_at TEXT,
    consent_version TEXT NOT NULL DEFAULT '', consent_by TEXT NOT NULL DEFAULT '',
    groups TEXT NOT NULL DEFAULT '[]',   -- JSON, a list of texts
    valid_from TEXT, valid_until TEXT,   -- local days, both included
    search_key TEXT NOT NULL DEFAULT '', -- name and groups without accents and case
    changed INTEGER NOT NULL, downloaded INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE vectors (
    vector_id INTEGER PRIMARY KEY AUTOINCREMENT,
    person_id TEXT NOT NULL REFERENCES people (person_id) ON DELETE CASCADE ON UPDATE CASCADE,
    model TEXT NOT NULL,             -- vectors of different networks are never compared
    dimension INTEGER NOT NULL CHECK (dimension > 0),
    vector BLOB NOT NULL CHECK (length(vector) = 4 * dimension),  -- little-endian float32
    source TEXT NOT NULL DEFAULT ''  -- the picture it was made from, if any
);
CREATE INDEX vectors_person ON vectors (person_id);
CREATE INDEX vectors_model ON vectors (model, person_id);
CREATE TABLE aliases (  -- merged people: what is stored under person_id is read as into_id
    person_id TEXT PRIMARY KEY NOT NULL,
    into_id TEXT NOT NULL REFERENCES people (person_id) ON DELETE CASCADE CHECK (into_id <> person_id),
    changed INTEGER NOT NULL, downloaded INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX aliases_into ON aliases (into_id);
CREATE TABLE forgotten (  -- digests of erased ids: a running agent must not bring them back
    digest TEXT PRIMARY KEY NOT NULL, at TEXT NOT NULL DEFAULT '',
    erase_history INTEGER NOT NULL DEFAULT 0 CHECK (erase_history IN (0, 1))
) WITHOUT ROWID;
CREATE TABLE limits (  -- people whose faces are accepted up to a distance of their own
    person_id TEXT PRIMARY KEY NOT NULL REFERENCES people (person_id) ON DELETE CASCADE ON UPDATE CASCADE,
    max_distance REAL NOT NULL CHECK (max_distance > 0 AND max_distance < 2), changed INTEGER NOT NULL,
    model TEXT NOT NULL DEFAULT 'dlib_resnet'  -- the network whose distances it limits
) WITHOUT ROWID;
CREATE TABLE negatives (  -- faces that are not the person's
    negative_id INTEGER PRIMARY KEY AUTOINCREMENT,
    person_id TEXT NOT NULL REFERENCES people (person_id) ON DELETE CASCADE ON UPDATE CASCADE,
    model TEXT NOT NULL, dimension INTEGER NOT NULL CHECK (dimension > 0),
    vector BLOB NOT NULL CHECK (length(vector) = 4 * dimension),
    source TEXT NOT NULL DEFAULT '',  -- the picture or track it was made from
    changed INTEGER NOT NULL
);
CREATE INDEX negatives_person ON negatives (person_id);
CREATE TABLE shadow_vectors (  -- of the network that the site changes to; never uploaded
    person_id TEXT NOT NULL REFERENCES people (person_id) ON DELETE CASCADE ON UPDATE CASCADE,
    model TEXT NOT NULL, dimension INTEGER NOT NULL CHECK (dimension > 0),
    vector BLOB NOT NULL CHECK (length(vector) = 4 * dimension),
    track_id TEXT NOT NULL            -- of the recognised track that it was made from
);
CREATE INDEX shadow_vectors_person ON shadow_vectors (person_id);
CREATE TABLE fitted_rule (  -- the rule fitted last to the vectors of enrolled people; never uploaded
    only INTEGER PRIMARY KEY CHECK (only = 1),
    fingerprint TEXT NOT NULL,                        -- of the rule and the vectors
    people TEXT NOT NULL CHECK (json_valid(people)),  -- a list of person ids
    weights BLOB NOT NULL                             -- little-endian float32, as many numbers for each person
);
CREATE TABLE wanted_names (  -- people who have another name in Firestore, which is taken here
    person_id TEXT PRIMARY KEY NOT NULL REFERENCES people (person_id) ON DELETE CASCADE ON UPDATE CASCADE,
    name TEXT NOT NULL,  -- as downloaded
    label TEXT NOT NULL  -- as made from it here
) WITHOUT ROWID;

CREATE TABLE events (
    event_row INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE CHECK (event_id <> ''),
    kind TEXT NOT NULL CHECK (kind IN ('enter', 'exit')), site_id TEXT NOT NULL, camera_id TEXT NOT NULL,
    person_id TEXT NOT NULL,  -- no foreign key: history may outlive or precede the person's row
    at TEXT NOT NULL,         -- ISO 8601, UTC, microseconds: text order is time order
    track_id TEXT NOT NULL,
    x_frac REAL CHECK (x_frac BETWEEN 0 AND 1), y_frac REAL CHECK (y_frac BETWEEN 0 AND 1),
    inferred INTEGER NOT NULL CHECK (inferred IN (0, 1)), schema INTEGER NOT NULL,
    voided INTEGER NOT NULL DEFAULT 0 CHECK (voided IN (0, 1)),
    changed INTEGER NOT NULL, downloaded INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX events_at ON events (at, event_id);
CREATE INDEX events_person ON events (person_id, at);
CREATE TABLE corrections (  -- of events, by operators and agents; of several of one event the latest is in force
    correction_id TEXT PRIMARY KEY NOT NULL CHECK (correction_id <> ''),
    action TEXT NOT NULL CHECK (action IN ('add', 'void')),
    event_id TEXT NOT NULL REFERENCES events (event_id) ON DELETE CASCADE ON UPDATE CASCADE,
    author TEXT NOT NULL, at TEXT NOT NULL, reason TEXT NOT NULL, schema INTEGER NOT NULL,
    changed INTEGER NOT NULL, downloaded INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX corrections_event ON corrections (event_id, at);
CREATE TABLE waiting_corrections (  -- of events that are not downloaded yet; correction: JSON
    correction_id TEXT PRIMARY KEY NOT NULL, event_id TEXT NOT NULL, person_id TEXT NOT NULL, correction TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX waiting_corrections_event ON waiting_corrections (event_id);
CREATE TABLE matches (
    match_row INTEGER PRIMARY KEY, match_id TEXT NOT NULL UNIQUE CHECK (match_id <> ''),
    site_id TEXT NOT NULL, camera_id TEXT NOT NULL, track_id TEXT NOT NULL, at TEXT NOT NULL, person_id TEXT,
    distance REAL, margin REAL, quality REAL NOT NULL, authorised INTEGER NOT NULL CHECK (authorised IN (0, 1)),
    reason TEXT NOT NULL, schema INTEGER NOT NULL, changed INTEGER NOT NULL, downloaded INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX matches_at ON matches (at, match_id);
CREATE INDEX matches_person ON matches (person_id, at);
CREATE INDEX matches_track ON matches (track_id);
CREATE TABLE evidence (  -- vectors behind a match, kept for days so that it can be corrected
    evidence_id INTEGER PRIMARY KEY, match_id TEXT NOT NULL REFERENCES matches (match_id) ON DELETE CASCADE,
    model TEXT NOT NULL, dimension INTEGER NOT NULL CHECK (dimension > 0),
    vector BLOB NOT NULL CHECK (length(vector) = 4 * dimension)
);
CREATE INDEX evidence_match ON evidence (match_id);
CREATE TABLE reviewed (  -- visitors and matches that need no more review; never uploaded
    reviewed_id INTEGER PRIMARY KEY,
    person_id TEXT UNIQUE REFERENCES people (person_id) ON DELETE CASCADE ON UPDATE CASCADE,
    match_id TEXT UNIQUE REFERENCES matches (match_id) ON DELETE CASCADE,
    at TEXT NOT NULL, changed INTEGER NOT NULL, CHECK ((person_id IS NULL) <> (match_id IS NULL))
);

CREATE TABLE sites (  -- site_id '': the rules of sites that have none of their own; rules: JSON, empty: the defaults
    site_id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, capacity INTEGER CHECK (capacity > 0), rules TEXT NOT NULL,
    changed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE sessions (  -- derived from events, in the transaction that changed those
    site_id TEXT NOT NULL, started_at TEXT NOT NULL, session_id TEXT NOT NULL,
    person_id TEXT NOT NULL,  -- with aliases resolved
    ended_at TEXT,            -- NULL: open
    segments TEXT,            -- JSON, a list of [start, end]; NULL for a single one
    dwell_s REAL,             -- net; NULL while open
    gross_s REAL, enter_inferred INTEGER NOT NULL, exit_inferred INTEGER NOT NULL, bounce INTEGER NOT NULL,
    clean INTEGER NOT NULL,   -- 1: derivation may restart at its first event
    enter_camera_id TEXT, exit_camera_id TEXT,
    due_at TEXT,              -- open up to then and closed after it, unless there is more evidence
    changed INTEGER NOT NULL,
    PRIMARY KEY (site_id, started_at, session_id)
) WITHOUT ROWID;
CREATE INDEX sessions_person ON sessions (person_id, site_id, started_at);
CREATE INDEX sessions_long ON sessions (site_id, ended_at) WHERE (ended_at IS NULL OR gross_s >= 86400);
CREATE INDEX sessions_due ON sessions (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE session_changes (  -- by transaction, from when on it changed events or sessions; the latest ones
    changed INTEGER PRIMARY KEY, since TEXT NOT NULL
);
CREATE TABLE deleted_sessions (  -- when deleted sessions were, so that the figures of their days follow
    site_id TEXT NOT NULL, started_at TEXT NOT NULL, ended_at TEXT NOT NULL, changed INTEGER NOT NULL,
    PRIMARY KEY (changed, site_id, started_at, ended_at)
) WITHOUT ROWID;

CREATE TABLE cameras (
    site_id TEXT NOT NULL, camera_id TEXT NOT NULL, source TEXT NOT NULL, state TEXT NOT NULL, last_frame_at TEXT,
    fps REAL NOT NULL, frames INTEGER NOT NULL, dropped INTEGER NOT NULL, started_at TEXT NOT NULL,
    updated_at TEXT NOT NULL, problem TEXT, schema INTEGER NOT NULL,
    changed INTEGER NOT NULL, downloaded INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (site_id, camera_id)
) WITHOUT ROWID;
CREATE TABLE camera_machines (  -- by heartbeats that were downloaded
    site_id TEXT NOT NULL, camera_id TEXT NOT NULL, machine_id TEXT NOT NULL,
    first_at TEXT NOT NULL, last_at TEXT NOT NULL, PRIMARY KEY (site_id, camera_id, machine_id)
) WITHOUT ROWID;
CREATE TABLE coverage_spans (  -- when frames of a camera were looked at; ended_at grows while the camera watches
    site_id TEXT NOT NULL, camera_id TEXT NOT NULL, started_at TEXT NOT NULL,
    ended_at TEXT NOT NULL CHECK (ended_at >= started_at),
    changed INTEGER NOT NULL, downloaded INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (site_id, camera_id, started_at)
) WITHOUT ROWID;
CREATE TABLE presences (  -- who is in sight now, as each camera's agent last wrote it
    site_id TEXT NOT NULL, camera_id TEXT NOT NULL, person_id TEXT NOT NULL, track_id TEXT NOT NULL,
    entered_at TEXT NOT NULL, seen_at TEXT NOT NULL,
    x_frac REAL CHECK (x_frac BETWEEN 0 AND 1), y_frac REAL CHECK (y_frac BETWEEN 0 AND 1),
    changed INTEGER NOT NULL, PRIMARY KEY (site_id, camera_id, person_id)
) WITHOUT ROWID;
CREATE TABLE line_states (  -- on which side of a door's line each track is; state: JSON
    site_id TEXT NOT NULL, camera_id TEXT NOT NULL, track_id TEXT NOT NULL, person_id TEXT, state TEXT NOT NULL,
    changed INTEGER NOT NULL, PRIMARY KEY (site_id, camera_id, track_id)
) WITHOUT ROWID;
CREATE TABLE zone_stays (
    stay_id TEXT PRIMARY KEY NOT NULL CHECK (stay_id <> ''), site_id TEXT NOT NULL, camera_id TEXT NOT NULL,
    zone TEXT NOT NULL, person_id TEXT NOT NULL, started_at TEXT NOT NULL,
    seen_at TEXT NOT NULL CHECK (seen_at >= started_at),
    over INTEGER NOT NULL CHECK (over IN (0, 1)),  -- 0: may still be there
    schema INTEGER NOT NULL, changed INTEGER NOT NULL, downloaded INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX zone_stays_seen ON zone_stays (site_id, seen_at);
CREATE INDEX zone_stays_person ON zone_stays (person_id);

CREATE TABLE audience (  -- people counted by what they look like; never uploaded
    site_id TEXT NOT NULL, hour TEXT NOT NULL,  -- its start
    camera_id TEXT NOT NULL,
    since TEXT NOT NULL,  -- first frame of the run that counted: within an hour and a run a person counts once
    attribute TEXT NOT NULL CHECK (attribute IN ('expression', 'age')), label TEXT NOT NULL,
    people INTEGER NOT NULL CHECK (people > 0),
    sealed INTEGER NOT NULL CHECK (sealed IN (0, 1)),  -- 1: the hour is over, small groups are deleted
    changed INTEGER NOT NULL, PRIMARY KEY (site_id, hour, camera_id, since, attribute, label)
) WITHOUT ROWID;
CREATE INDEX audience_open ON audience (hour) WHERE sealed = 0;

CREATE TABLE sync_cursors (  -- how far each direction of each kind of record is, and more state of replication
    name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE rejected (  -- dead letters; record_id: by which the row here is found again
    collection TEXT NOT NULL, record_id TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL,
    attempts INTEGER NOT NULL, PRIMARY KEY (collection, record_id)
) WITHOUT ROWID;
CREATE TABLE deletions (  -- what was uploaded, or may have been, and is deleted here; site_id: empty for a person
    kind TEXT NOT NULL CHECK (kind IN ('session', 'person', 'zone_stay')), site_id TEXT NOT NULL,
    record_id TEXT NOT NULL, changed INTEGER NOT NULL, PRIMARY KEY (kind, site_id, record_id)
) WITHOUT ROWID;
CREATE TABLE site_documents (  -- as downloaded
    site_id TEXT PRIMARY KEY NOT NULL, json TEXT NOT NULL, changed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE unreadable_documents (  -- that another program damaged; deleted when they are downloaded whole
    collection TEXT NOT NULL, record_id TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (collection, record_id)
) WITHOUT ROWID;

CREATE TABLE users (  -- of the dashboard; never uploaded
    name_key TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'desk', 'admin')),
    password_hash TEXT NOT NULL,  -- Argon2id
    created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE sign_ins (
    token_hash TEXT PRIMARY KEY NOT NULL,
    name_key TEXT NOT NULL REFERENCES users (name_key) ON DELETE CASCADE,
    created_at TEXT NOT NULL, expires_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sign_ins_user ON sign_ins (name_key);
CREATE TABLE audit (  -- who changed what on this machine; never uploaded
    audit_id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, actor TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'desk', 'admin')), action TEXT NOT NULL,
    subject_kind TEXT NOT NULL, subject_id TEXT NOT NULL,
    site_id TEXT NOT NULL,  -- empty for what belongs to no site
    reason TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,  -- JSON objects
    undoes INTEGER UNIQUE REFERENCES audit (audit_id) ON DELETE SET NULL
);
CREATE INDEX audit_at ON audit (at);
CREATE TABLE audit_subjects (  -- everything that a change concerns: its subject, and other people and visits
    kind TEXT NOT NULL, subject_id TEXT NOT NULL,
    audit_id INTEGER NOT NULL REFERENCES audit (audit_id) ON DELETE CASCADE, PRIMARY KEY (kind, subject_id, audit_id)
) WITHOUT ROWID;
CREATE INDEX audit_subjects_row ON audit_subjects (audit_id);
CREATE TABLE display_links (  -- that open the display at the door without a sign-in; never uploaded
    name_key TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, key_hash TEXT NOT NULL UNIQUE, created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE devices (  -- browsers that are cameras; never uploaded
    device_id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, name_key TEXT NOT NULL,
    site_id TEXT NOT NULL, camera_id TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('room', 'entrance', 'exit', 'door')),
    secret_hash TEXT NOT NULL, created_at TEXT NOT NULL, created_by TEXT NOT NULL,
    revoked_at TEXT,          -- NULL: in use
    seen_at TEXT, instance TEXT  -- when and by which page it was used last
) WITHOUT ROWID;
CREATE UNIQUE INDEX devices_name ON devices (name_key) WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX devices_camera ON devices (site_id, camera_id) WHERE revoked_at IS NULL
"""

SCHEMA = tuple(_STATEMENTS.split(";\n"))
"""The statements that make an empty store."""
