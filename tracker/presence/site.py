"""A site: the place whose visits are counted."""

from __future__ import annotations

from dataclasses import dataclass, field

from tracker.presence.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One site. name: shown to people, "" where nobody gave one. capacity: people that it holds, None if not known.

    rules: of its sessions; its time zone is theirs.
    """

    site_id: str
    name: str = ""
    capacity: int | None = None
    rules: Rules = field(default_factory=Rules)
