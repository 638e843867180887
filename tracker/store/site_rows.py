"""Rows of sites: what each is called, how many people it holds, and the rules by which its sessions are derived."""

from __future__ import annotations

import sqlite3

from tracker.presence.rules import Rules, Site, decode_rules, encode_rules
from tracker.store.database import Transaction

DEFAULT = ""
"""The site_id of the row whose rules apply to sites without rules of their own."""


def rules(connection: sqlite3.Connection, site_id: str) -> Rules:
    """The rules by which the sessions of a site are derived; the defaults where nobody set any."""
    row = connection.execute(
        "SELECT rules FROM sites WHERE site_id IN (?, '') AND rules <> '' ORDER BY site_id DESC LIMIT 1", (site_id,)
    ).fetchone()
    return _read(row[0]) if row is not None else Rules()


def select(connection: sqlite3.Connection) -> list[Site]:
    """Sites that are described or have facts, by id."""
    found = {site_id: Site(site_id=site_id, rules=rules(connection, site_id)) for site_id in with_facts(connection)}
    for site_id, name, capacity in connection.execute("SELECT site_id, name, capacity FROM sites WHERE site_id <> ''"):
        found[site_id] = Site(site_id=site_id, name=name, capacity=capacity, rules=rules(connection, site_id))
    return [found[site_id] for site_id in sorted(found)]


def save(writing: Transaction, site: Site) -> bool:
    """Describe a site. Returns whether its rules changed, so that its sessions must be derived again."""
    before = rules(writing.connection, site.site_id)
    text = encode_rules(site.rules)
    writing.connection.execute(
        "INSERT INTO sites (site_id, name, capacity, rules, changed) VALUES (?, ?, ?, ?, ?) ON CONFLICT (site_id)"
        " DO UPDATE SET name = excluded.name, capacity = excluded.capacity, rules = excluded.rules,"
        " changed = excluded.changed WHERE (name, capacity, rules) IS NOT (excluded.name, excluded.capacity,"
        " excluded.rules)",
        (site.site_id, site.name, site.capacity, text, writing.changed),
    )
    return before != site.rules


def _read(text: str) -> Rules:
    try:
        return decode_rules(text)
    except ValueError:  # of another version; the next start with settings writes them again
        return Rules()


def with_facts(connection: sqlite3.Connection) -> set[str]:
    """The sites of which there are sessions, cameras, coverage or stays; each is found by a jump in an index."""
    found: set[str] = set()
    for table in ("sessions", "cameras", "coverage_spans", "zone_stays"):
        site_id = connection.execute(f"SELECT min(site_id) FROM {table}").fetchone()[0]
        while site_id is not None:
            found.add(site_id)
            query = f"SELECT min(site_id) FROM {table} WHERE site_id > ?"
            site_id = connection.execute(query, (site_id,)).fetchone()[0]
    return found
