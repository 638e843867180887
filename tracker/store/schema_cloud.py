"""Tables for what is uploaded of cameras and days."""

from __future__ import annotations

CAMERA_MACHINES: tuple[str, ...] = (
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
"""The statements of the migration. A released migration never changes."""
