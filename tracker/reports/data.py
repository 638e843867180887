"""What a report is computed from: the visits of one site that touch a range, and what is known around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from tracker.presence.coverage import Coverage
from tracker.presence.events import ANONYMOUS_PREFIX, FIRST_INSTANT, Event
from tracker.presence.people import Person, PersonKind, Role
from tracker.reports.frames import Frames
from tracker.reports.sheets import Figure, Report, Sheet
from tracker.reports.text import coverage_notes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReportData:
    """The visits of a site up to `now`, and the range [since, until) to report on, UTC.

    frames: visits that touch the range, of everybody. people: by id. events: the time stamps of the range, for
    attendance. first_last: starts of the first and the last visit of all, None without any. uncounted: number and first
    id of the events of a site without visits. staff: they count too. group: only people who are in it count. filters:
    what was left out, in words.
    """

    site_id: str
    site_name: str
    zone: ZoneInfo
    capacity: int | None
    frames: Frames
    people: Mapping[str, Person]
    coverage: Coverage
    since: datetime
    until: datetime
    now: datetime
    events: Sequence[Event] = ()
    first_last: tuple[datetime, datetime] | None = None
    uncounted: tuple[int, str] | None = None
    staff: bool = False
    group: str | None = None
    filters: str = ""
    notes: tuple[str, ...] = ()

    def counted(self, *, staff: bool | None = None) -> Frames:
        """The visits of those who count. staff: whether staff do; as the report says, unless given."""
        frames = self.frames
        if self.group is not None:
            frames = frames.of_people(one.person_id for one in self.people.values() if self.counts(one))
        if self.staff if staff is None else staff:
            return frames
        return frames.without_people(one.person_id for one in self.people.values() if one.role is Role.STAFF)

    def counts(self, person: Person) -> bool:
        """Whether a person is in the group of the report, if it is of one."""
        return self.group is None or person.is_in(self.group)

    def person(self, person_id: str) -> Person:
        """The person of an id; one whom nobody knows any more is a member of that name."""
        known = self.people.get(person_id)
        if known is not None:
            return known
        if person_id.startswith(ANONYMOUS_PREFIX):
            kind, name = PersonKind.VISITOR, "Forgotten person"
            return Person(person_id=person_id, name=name, kind=kind, created_at=FIRST_INSTANT)
        return Person(person_id=person_id, name=person_id, created_at=FIRST_INSTANT)

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
            filters=", ".join(filter(None, self._filters())),
            outages=tuple(outages),
            notes=(*coverage_notes(outages, self.coverage, self.since, self.zone), *self.notes, *notes),
            capacity=self.capacity,
        )

    def _filters(self) -> tuple[str, ...]:
        group = f"only the group {self.group}" if self.group is not None else ""
        return self.filters, group, "with staff" if self.staff else ""

    @property
    def recorded(self) -> bool:
        """Whether anything was recorded before the range ends."""
        return self.coverage.recorded_since is not None and self.coverage.recorded_since < self.until

    @property
    def no_visits(self) -> str:
        """What to say, and to do, where the range has no visits."""
        if self.first_last is None:
            where = f" ({self.filters})" if self.filters else ""
            if self.frames.count is not None and self.uncounted is None:
                return f"No visits yet{where}: nobody was recognised among those who were counted."
            if self.uncounted is not None:
                count, first_id = self.uncounted
                what = "1 enter or exit, which counts" if count == 1 else f"{count} enters and exits, which count"
                why = f"'footfall report explain {first_id[:8]}' says why"
                return f"No visits yet{where}: cameras reported {what} in none, because it takes more proof. {why}."
            return f"No visits yet{where}. 'footfall track --camera 0' watches a camera; 'footfall demo' shows it all."
        begin, last = (at.astimezone(self.zone).date() for at in self.first_last)
        return f"No visits in this range. The first was on {begin}, the last on {last}: try --from {begin}"

    def day(self, at: datetime) -> date:
        """The day of an instant on the site's clock."""
        return at.astimezone(self.zone).date()


def by_id(people: Iterable[Person]) -> dict[str, Person]:
    """The people by their ids."""
    return {person.person_id: person for person in people}
