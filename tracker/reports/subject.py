"""What a report is about: one site's history, the range and who counts. Needs only the standard library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from tracker.presence.coverage import Coverage
from tracker.presence.events import Event
from tracker.presence.people import Person
from tracker.presence.sessions import Session
from tracker.reports.sheets import Figure, Report, Sheet
from tracker.reports.texts import outage_notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A site's visits, people, events and coverage up to `now`, and the range [since, until) to report on, UTC.

    sessions: all visits, those before the range too: they tell who returns. staff: they count too. filters: what was
    left out of the history, in words.
    """

    site_id: str
    site_name: str
    zone: ZoneInfo
    capacity: int | None
    sessions: Sequence[Session]
    people: Sequence[Person]
    events: Sequence[Event]
    coverage: Coverage
    since: datetime
    until: datetime
    now: datetime
    staff: bool = False
    filters: str = ""

    def report(
        self,
        name: str,
        title: str,
        sheets: Sequence[Sheet],
        figures: Sequence[Figure] = (),
        *,
        notes: Sequence[str] = (),
    ) -> Report:
        """A report about this, with what must be known about outages."""
        outages = self.coverage.outages(self.since, self.until)
        told = outage_notes(outages, self.coverage, self.since, self.zone)
        return Report(
            name=name,
            title=title,
            site_id=self.site_id,
            site_name=self.site_name,
            zone=self.zone,
            since=self.since,
            until=self.until,
            now=self.now,
            sheets=tuple(sheets),
            figures=tuple(figures),
            filters=", ".join(filter(None, (self.filters, "with staff" if self.staff else ""))),
            outages=tuple(outages),
            notes=(*told, *notes),
            capacity=self.capacity,
        )

    @property
    def recorded(self) -> bool:
        """Whether anything was recorded before the range ends."""
        return self.coverage.recorded_since is not None and self.coverage.recorded_since < self.until

    @property
    def no_visits(self) -> str:
        """What to say, and to do, where the range has no visits."""
        if not self.sessions:
            where = f" ({self.filters})" if self.filters else ""
            if self.events:
                count, first_id = len(self.events), min(self.events, key=lambda each: (each.at, each.event_id)).event_id
                told = "1 enter or exit, which counts" if count == 1 else f"{count} enters and exits, which count"
                why = f"'footfall report explain {first_id[:8]}' says why"
                return f"No visits yet{where}: cameras told of {told} in none, because it takes more proof. {why}."
            return f"No visits yet{where}. 'footfall track --camera 0' watches a camera; 'footfall demo' shows it all."
        first = min(session.started_at for session in self.sessions)
        last = max(session.started_at for session in self.sessions)
        begin = self._day(first)
        return f"No visits in this range. The first was on {begin}, the last on {self._day(last)}: try --from {begin}"

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()
