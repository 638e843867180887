"""The migration that makes people of ids of which only events are known; imports do so since then."""

from __future__ import annotations

KNOWN_BY_EVENTS: tuple[str, ...] = (
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
"""The statements of the migration. A released migration never changes."""
