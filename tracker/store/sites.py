"""The sites of a store: their names, capacities and rules."""

from __future__ import annotations

from tracker.presence.rules import Rules, Site
from tracker.store import session_rows, site_rows
from tracker.store.store_file import StoreFile


class Sites:
    """Sites. Every method raises StoreError when the file or the disk fails."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def all(self) -> list[Site]:
        """The sites that are described, or of which there are records, by id."""
        with self._file.reading() as connection:
            return site_rows.select(connection)

    def get(self, site_id: str) -> Site | None:
        """The site of this id; None if nothing is known of it."""
        return next((site for site in self.all() if site.site_id == site_id), None)

    def save(self, site: Site) -> bool:
        """Describe a site. Returns whether its rules changed: then all its sessions were derived again."""
        with self._file.reading() as connection:
            if site in site_rows.select(connection) and site_rows.rules(connection, site.site_id) == site.rules:
                return False
        with self._file.writing() as writing:
            changed = site_rows.save(writing, site)
            if changed:
                session_rows.rebuild(writing, site.site_id)
        return changed

    def rules(self, site_id: str) -> Rules:
        """The rules by which the sessions of a site are derived."""
        with self._file.reading() as connection:
            return site_rows.rules(connection, site_id)

    def use_default_rules(self, rules: Rules) -> None:
        """Derive the sessions of all sites by these rules, but of those that have rules of their own."""
        with self._file.writing() as writing:
            if site_rows.save(writing, Site(site_id=site_rows.DEFAULT, rules=rules)):
                session_rows.rebuild(writing)
